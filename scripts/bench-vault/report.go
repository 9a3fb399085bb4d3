package main

import (
	"fmt"
	"strings"
	"time"
)

// report is the outcome of a run.
type report struct {
	CPUs    int      `json:"cpus"`
	Go      string   `json:"go"`
	Rounds  int      `json:"rounds"`
	Seconds float64  `json:"seconds_a_round"`
	Cases   []result `json:"cases"`
}

// result is what was measured of one engine with so many clients.
type result struct {
	Engine  string `json:"engine"`
	Clients int    `json:"clients"`
	// Rate is the median of the rounds' rates, in credentials read and revoked in a
	// second, and Ratio that of their ratios to the peer's in the same round.
	Rate       float64 `json:"rate"`
	Ratio      float64 `json:"rate_to_peer"`
	LeastRatio float64 `json:"least_rate_to_peer"`
	MostRatio  float64 `json:"most_rate_to_peer"`
	// The medians of how long a client waits, in milliseconds, and the same beside the peer.
	Mint        float64 `json:"mint_p50_ms"`
	MintRatio   float64 `json:"mint_p50_to_peer"`
	Revoke      float64 `json:"revoke_p50_ms"`
	RevokeRatio float64 `json:"revoke_p50_to_peer"`
	// CPU is what Vault and its plugins used of the processor for each credential, in
	// milliseconds; 0 where the system does not tell.
	CPU      float64 `json:"cpu_ms"`
	CPURatio float64 `json:"cpu_to_peer"`
}

// resultOf sums up the rounds of an engine beside those of the peer.
func resultOf(name string, clients int, rounds, peer []round) result {
	r := result{Engine: name, Clients: clients}
	of := func(what func(round) float64, rounds []round) []float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, what(r))
		}
		return values
	}
	beside := func(what func(round) float64) []float64 {
		ours, theirs := of(what, rounds), of(what, peer)
		for i := range ours {
			ours[i] /= theirs[i]
		}
		return ours
	}
	rate := func(r round) float64 { return r.rate }
	mint := func(r round) float64 { return milliseconds(r.mint) }
	revoke := func(r round) float64 { return milliseconds(r.revoke) }
	cpu := func(r round) float64 { return milliseconds(r.cpu) }
	ratios := beside(rate)
	r.Rate, r.Ratio = median(of(rate, rounds)), median(ratios)
	r.LeastRatio, r.MostRatio = ratios[0], ratios[0]
	for _, ratio := range ratios {
		r.LeastRatio, r.MostRatio = min(r.LeastRatio, ratio), max(r.MostRatio, ratio)
	}
	r.Mint, r.MintRatio = median(of(mint, rounds)), median(beside(mint))
	r.Revoke, r.RevokeRatio = median(of(revoke, rounds)), median(beside(revoke))
	if r.CPU = median(of(cpu, rounds)); r.CPU > 0 {
		r.CPURatio = median(beside(cpu))
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// table shows the report in Markdown.
func (r report) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMedians of %d rounds of %.0f s on %d cores, with the least and the most of the ratio to the peer in the same round.\n\n", r.Rounds, r.Seconds, r.CPUs)
	text.WriteString("| engine | clients | keys/s | to the peer | p50 of a mint | to the peer | p50 of a revocation | to the peer | CPU a key | to the peer |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.Cases {
		fmt.Fprintf(&text, "| %s | %d | %.0f | %.2f (%.2f-%.2f) | %.2f ms | %.2f | %.2f ms | %.2f | %.2f ms | %.2f |\n",
			c.Engine, c.Clients, c.Rate, c.Ratio, c.LeastRatio, c.MostRatio, c.Mint, c.MintRatio, c.Revoke, c.RevokeRatio, c.CPU, c.CPURatio)
	}
	return text.String()
}
