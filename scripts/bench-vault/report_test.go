package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestResultIsBesideThePeerOfTheSameRound(t *testing.T) {
	at := func(rate float64, mint time.Duration) round { return round{rate, mint, 2 * mint, mint} }
	ours := []round{at(100, time.Millisecond), at(30, 4*time.Millisecond), at(90, 2*time.Millisecond)}
	theirs := []round{at(50, 2*time.Millisecond), at(20, 4*time.Millisecond), at(60, 2*time.Millisecond)}
	r := resultOf("ours", 8, ours, theirs)
	require.Equal(t, result{
		Engine: "ours", Clients: 8, Rate: 90, Ratio: 1.5, LeastRatio: 1.5, MostRatio: 2,
		Mint: 2, MintRatio: 1, Revoke: 4, RevokeRatio: 1, CPU: 2, CPURatio: 1,
	}, r)
	require.Contains(t, report{Cases: []result{r}}.table(), "| ours | 8 | 90 | 1.50 (1.50-2.00) | 2.00 ms | 1.00 |")
}

func TestSignaturesAreBesideAPeerOfTheSameRound(t *testing.T) {
	at := func(rate float64, answer, cpu time.Duration) round {
		return round{rate: rate, answer: answer, cpu: cpu}
	}
	ours := []round{at(100, 3*time.Millisecond, time.Millisecond), at(30, 8*time.Millisecond, time.Millisecond), at(90, 2*time.Millisecond, time.Millisecond)}
	theirs := []round{at(200, 2*time.Millisecond, 0), at(40, 4*time.Millisecond, 0), at(100, 2*time.Millisecond, 0)}
	s := signaturesOf("theirs", 8, ours, theirs)
	require.Equal(t, signatures{
		Peer: "theirs", Clients: 8, P50: 3, PeerP50: 2, Ratio: 1.5, LeastRatio: 1, MostRatio: 2,
		Rate: 90, PeerRate: 100, RateRatio: 0.75, CPU: 1, // No ratio to a peer whose time the system does not tell.
	}, s)
	require.Contains(t, report{Signatures: []signatures{s}}.table(), "| theirs | 8 | 3.00 ms | 2.00 ms | 1.50 (1.00-2.00) | 90 | 100 | 0.75 |")
}

func TestStatOfAProcess(t *testing.T) {
	id, parent, used, err := parseStat("42 (a) b) c) S 7 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0")
	require.NoError(t, err)
	require.Equal(t, []any{42, 7, 2 * time.Second}, []any{id, parent, used})
	_, _, _, err = parseStat("none")
	require.Error(t, err)
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2.0, median([]float64{9, 2, 1}))
	require.Equal(t, 1.5, median([]float64{2, 1}), "of an even number, the middle of the two")
	require.Zero(t, median([]float64{}))
}
