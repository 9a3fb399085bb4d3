package backend

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

func scheduled(t require.TestingT, schedule string, window time.Duration) staticRole {
	parsed, err := parseSchedule(schedule)
	require.NoError(t, err)
	parsed.RotationWindow = window
	return staticRole{Schedule: parsed, Overlap: time.Minute}
}

func TestIntervalsOfASchedule(t *testing.T) {
	for schedule, want := range map[string][2]time.Duration{
		"* * * * *":      {time.Minute, time.Minute},
		"0 2 * * 6":      {7 * 24 * time.Hour, 7 * 24 * time.Hour},
		"*/10 2 * * *":   {10 * time.Minute, 23*time.Hour + 10*time.Minute},
		"0 0 1 * *":      {28 * 24 * time.Hour, 31 * 24 * time.Hour},
		"0 0 29 2 *":     {4 * 366 * 24 * time.Hour, 4 * 366 * 24 * time.Hour},
		"0 0,12 * * 1-5": {12 * time.Hour, 60 * time.Hour},
	} {
		least, longest := scheduled(t, schedule, 0).intervals()
		if schedule == "0 0 29 2 *" {
			require.Greater(t, least, 4*365*24*time.Hour)
			require.LessOrEqual(t, longest, want[1])
			continue
		}
		require.Equal(t, want, [2]time.Duration{least, longest}, schedule)
	}
}

func TestWhenARotationIsDue(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2030, 1, day, hour, minute, 0, 0, time.UTC) }
	saturday, next := at(5, 2, 0), at(12, 2, 0)
	weekly := scheduled(t, "0 2 * * 6", time.Hour)
	weekly.Schedule.NextVaultRotation = saturday
	anytime := scheduled(t, "0 2 * * 6", 0)
	anytime.Schedule.NextVaultRotation = saturday
	failed := weekly
	failed.NextTry = at(5, 2, 20)
	for _, test := range []struct {
		name    string
		role    staticRole
		now     time.Time
		working bool
		want    time.Time
	}{
		{"before its time", weekly, at(4, 0, 0), true, saturday},
		{"at its time", weekly, saturday, true, saturday},
		{"within the window", weekly, at(5, 2, 59), true, saturday},
		{"after the window", weekly, at(5, 3, 0), true, next},
		{"at the time after the window", weekly, next, true, next},
		{"within the window after a missed one", weekly, at(12, 2, 30), true, next},
		{"without a window", anytime, at(8, 0, 0), true, saturday},
		{"after a failure", failed, at(5, 2, 10), true, at(5, 2, 20)},
		{"without a key that works", weekly, at(4, 0, 0), false, time.Time{}},
		{"without one, after a failure", failed, at(4, 0, 0), false, at(5, 2, 20)},
	} {
		require.Equal(t, test.want, test.role.due(test.now, test.working), test.name)
	}
}

// TestWhatAReaderIsTold: Vault Agent takes a time of its own for a ttl of 0, and comes
// a second after it.
func TestWhatAReaderIsTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		left := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "left"))
		var r staticRole
		r.Schedule.NextVaultRotation = now.Add(left)
		ttl := r.timeLeft(now)
		require.Zero(t, ttl%time.Second)
		require.GreaterOrEqual(t, ttl, time.Second)
		if left > 0 {
			require.GreaterOrEqual(t, ttl, left)
			require.Less(t, ttl, max(left, 0)+time.Second)
		}
	})
}

func TestKeysThatEndByThemselvesAreReplacedBefore(t *testing.T) {
	day := 24 * time.Hour
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r := staticRole{Overlap: time.Hour}
	r.Schedule.RotationPeriod = 400 * day
	require.Equal(t, now.Add(400*day), r.next(now, time.Time{}))
	require.Equal(t, now.Add(360*day-2*time.Hour), r.next(now, now.Add(360*day)))
	r.Schedule.RotationPeriod = day
	require.Equal(t, now.Add(day), r.next(now, now.Add(360*day)))

	most, ends := r.nativePeriod(exchanges.Variant{NativeExpiry: &exchanges.ExpiryRule{Max: 360 * day}})
	require.True(t, ends)
	require.Less(t, most, 360*day-2*time.Hour)
	_, ends = r.nativePeriod(exchanges.Variant{})
	require.False(t, ends)
}
