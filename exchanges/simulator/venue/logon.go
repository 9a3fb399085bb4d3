package venue

// LogonChecker is implemented by rules of an exchange with FIX sessions.
type LogonChecker interface {
	// LogsOn checks the fields of a Logon message, by their tags, and returns the key that
	// logs on; nil if the logon is refused.
	LogsOn(c *Call, fields map[int]string) *Key
}

// LogsOn reports whether the exchange takes a Logon message with these fields.
func (v *Venue) LogsOn(fields map[int]string) bool {
	checker, has := v.rules.(LogonChecker)
	if !has {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k := checker.LogsOn(&Call{Now: v.clock(), Books: v.books, multiplier: v.multiplier, weather: v.weather}, fields)
	return k != nil && !k.Expired(v.clock())
}
