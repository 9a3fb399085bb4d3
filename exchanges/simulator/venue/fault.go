package venue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// OpOther marks routes that no fault can target by name, such as creating a
// sub-account. [exchanges.OpAny] matches them too.
const OpOther exchanges.Operation = "other"

// FaultKind names a way in which an exchange can misbehave.
type FaultKind string

// The faults that can be injected.
const (
	DropAfterCommit  FaultKind = "drop_after_commit"  // does the work, then cuts the connection without an answer
	DropBeforeCommit FaultKind = "drop_before_commit" // cuts the connection before doing anything
	Error5xx         FaultKind = "error_5xx"          // 502 without JSON, before doing anything
	RateLimit        FaultKind = "rate_limit"         // the exchange's own answer to too many requests
	Slow             FaultKind = "slow"               // waits Delay, then does the work
	HTMLError        FaultKind = "html_error"         // 200 with an HTML page, before doing anything
	ClockSkew        FaultKind = "clock_skew"         // the exchange's clock is off by Delay
	DeleteLies       FaultKind = "delete_lies"        // claims to have deleted the key, and keeps it
	GrantMore        FaultKind = "grant_more"         // the key gets a permission that was not asked for
	GrantLess        FaultKind = "grant_less"         // the key lacks a permission that was asked for
	Outage           FaultKind = "outage"             // resets the connection
	SlowStart        FaultKind = "slow_start"         // the exchange does not know the new key for Delay
)

// operations lists what a fault can target.
func operations() []exchanges.Operation {
	return []exchanges.Operation{
		exchanges.OpServerTime, exchanges.OpInspect, exchanges.OpSubAccounts, exchanges.OpCreateKey, exchanges.OpEditKey,
		exchanges.OpListKeys, exchanges.OpDeleteKey, exchanges.OpUseKey, exchanges.OpAny,
	}
}

// faultKinds lists the faults that every exchange can have.
func faultKinds() []FaultKind {
	return []FaultKind{
		DropAfterCommit, DropBeforeCommit, Error5xx, RateLimit, Slow, HTMLError, ClockSkew,
		DeleteLies, GrantMore, GrantLess, Outage,
	}
}

// Fault makes one exchange misbehave. If several match a request, only the one
// injected last acts.
//
// HTTP libraries, net/http among them, repeat a GET by themselves when a reused
// connection is cut. Each repetition counts as a request here.
type Fault struct {
	Exchange  string
	Operation exchanges.Operation
	Kind      FaultKind
	// Count is the number of matching requests that the fault acts on. Zero
	// means all of them until the faults are cleared.
	Count int
	// Delay is how long Slow waits and SlowStart lasts (positive), and how far
	// ClockSkew moves the clock (negative: it runs behind). The other faults
	// take no delay.
	Delay time.Duration
}

// UnmarshalJSON reads the form that the control API takes, with the delay as a
// Go duration such as "2s". Unknown fields are refused.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var wire struct {
		Exchange  string              `json:"exchange"`
		Operation exchanges.Operation `json:"operation"`
		Fault     FaultKind           `json:"fault"`
		Count     int                 `json:"count"`
		Delay     string              `json:"delay"`
	}
	if err := DecodeStrictly(data, &wire); err != nil {
		return fmt.Errorf("%w; a fault has the fields exchange, operation, fault, count and delay", err)
	}
	*f = Fault{Exchange: wire.Exchange, Operation: wire.Operation, Kind: wire.Fault, Count: wire.Count}
	if wire.Delay == "" {
		return nil
	}
	delay, err := time.ParseDuration(wire.Delay)
	if err != nil {
		return fmt.Errorf("delay %q is not a duration such as %q", wire.Delay, "2s")
	}
	f.Delay = delay
	return nil
}

// MarshalJSON writes the form that UnmarshalJSON reads.
func (f Fault) MarshalJSON() ([]byte, error) {
	wire := map[string]any{"exchange": f.Exchange, "operation": f.Operation, "fault": f.Kind, "count": f.Count}
	if f.Delay != 0 {
		wire["delay"] = f.Delay.String()
	}
	return json.Marshal(wire)
}

// validate checks everything except the exchange, which is one that can have
// these faults.
func (f Fault) validate(kinds []FaultKind) error {
	switch {
	case !slices.Contains(operations(), f.Operation):
		return fmt.Errorf("operation %q is unknown; it must be one of %s", f.Operation, listed(operations()))
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("fault %q is unknown, or not one of this exchange's; it must be one of %s", f.Kind, listed(kinds))
	case f.Operation != exchanges.OpAny && !f.Kind.concerns(f.Operation):
		return fmt.Errorf("fault %q cannot act on operation %q", f.Kind, f.Operation)
	case f.Count < 0:
		return fmt.Errorf("count must not be negative")
	case (f.Kind == Slow || f.Kind == SlowStart) && f.Delay <= 0:
		return fmt.Errorf("fault %q needs a positive delay", f.Kind)
	case f.Kind == ClockSkew && f.Delay == 0:
		return fmt.Errorf("fault %q needs a delay other than zero", ClockSkew)
	case !slices.Contains([]FaultKind{Slow, SlowStart, ClockSkew}, f.Kind) && f.Delay != 0:
		return fmt.Errorf("fault %q takes no delay", f.Kind)
	}
	return nil
}

// concerns reports whether the fault can act on an operation at all. So
// requests that the fault cannot act on do not use up its count.
func (k FaultKind) concerns(operation exchanges.Operation) bool {
	switch k {
	case DeleteLies:
		return operation == exchanges.OpDeleteKey
	case SlowStart:
		return operation == exchanges.OpCreateKey
	case GrantMore, GrantLess:
		return operation == exchanges.OpCreateKey || operation == exchanges.OpEditKey
	default:
		return true
	}
}

func (f Fault) matches(operation exchanges.Operation) bool {
	return (f.Operation == exchanges.OpAny || f.Operation == operation) && f.Kind.concerns(operation)
}

// faults are those injected at one venue, oldest first.
type faults []Fault

// take returns the fault that acts on a request of the operation, or the zero
// Fault if there is none, and uses up one of its counts.
func (fs *faults) take(operation exchanges.Operation) Fault {
	for i, fault := range slices.Backward(*fs) {
		if !fault.matches(operation) {
			continue
		}
		switch fault.Count {
		case 0:
		case 1:
			*fs = slices.Delete(*fs, i, i+1)
		default:
			(*fs)[i].Count--
		}
		return fault
	}
	return Fault{}
}

// listed joins the allowed values of a field for an error message.
func listed[T ~string](values []T) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = fmt.Sprintf("%q", string(value))
	}
	return strings.Join(quoted, ", ")
}
