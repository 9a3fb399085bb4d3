package venue

import "time"

// Options shape a simulator. The zero value is ready to use.
type Options struct {
	// Now returns the time; time.Now if nil.
	Now func() time.Time
	// RateMultiplier scales every documented rate limit and the quotas that
	// answers report; 1 if zero.
	RateMultiplier float64
	// SubAccounts is how many sub-accounts each master account starts with;
	// 3 if zero.
	SubAccounts int
}
