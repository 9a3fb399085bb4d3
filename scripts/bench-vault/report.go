package main

import (
	"fmt"
	"slices"
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
	// Signatures are those of this engine beside each of their peers.
	Signatures []signatures `json:"signatures"`
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
	rates := ratios(rateOf, rounds, peer)
	return result{
		Engine: name, Clients: clients,
		Rate: medianOf(rateOf, rounds), Ratio: median(rates), LeastRatio: slices.Min(rates), MostRatio: slices.Max(rates),
		Mint: medianOf(answerOf, rounds), MintRatio: median(ratios(answerOf, rounds, peer)),
		Revoke: medianOf(revocationOf, rounds), RevokeRatio: median(ratios(revocationOf, rounds, peer)),
		CPU: medianOf(timeOf, rounds), CPURatio: median(ratios(timeOf, rounds, peer)),
	}
}

// signatures is what was measured of this engine's signatures beside a peer's answers,
// with so many clients.
type signatures struct {
	Peer    string `json:"peer"`
	Clients int    `json:"clients"`
	// P50 is the median of how long a client waits for a signature, in milliseconds,
	// PeerP50 the same of the peer, and Ratio the median of the ratios of the two in the
	// same round.
	P50        float64 `json:"p50_ms"`
	PeerP50    float64 `json:"peer_p50_ms"`
	Ratio      float64 `json:"p50_to_peer"`
	LeastRatio float64 `json:"least_p50_to_peer"`
	MostRatio  float64 `json:"most_p50_to_peer"`
	// Rate is how many there are in a second.
	Rate      float64 `json:"rate"`
	PeerRate  float64 `json:"peer_rate"`
	RateRatio float64 `json:"rate_to_peer"`
	// CPU is what Vault and its plugins used of the processor for each, in milliseconds;
	// 0 where the system does not tell.
	CPU      float64 `json:"cpu_ms"`
	PeerCPU  float64 `json:"peer_cpu_ms"`
	CPURatio float64 `json:"cpu_to_peer"`
}

// signaturesOf sums up the rounds of this engine's signatures beside those of a peer.
func signaturesOf(name string, clients int, rounds, peer []round) signatures {
	waits := ratios(answerOf, rounds, peer)
	return signatures{
		Peer: name, Clients: clients,
		P50: medianOf(answerOf, rounds), PeerP50: medianOf(answerOf, peer), Ratio: median(waits), LeastRatio: slices.Min(waits), MostRatio: slices.Max(waits),
		Rate: medianOf(rateOf, rounds), PeerRate: medianOf(rateOf, peer), RateRatio: median(ratios(rateOf, rounds, peer)),
		CPU: medianOf(timeOf, rounds), PeerCPU: medianOf(timeOf, peer), CPURatio: median(ratios(timeOf, rounds, peer)),
	}
}

// The figures of a round: a rate, and times in milliseconds.
func rateOf(r round) float64       { return r.rate }
func answerOf(r round) float64     { return milliseconds(r.answer) }
func revocationOf(r round) float64 { return milliseconds(r.revoke) }
func timeOf(r round) float64       { return milliseconds(r.cpu) }

func medianOf(figure func(round) float64, rounds []round) float64 {
	var values []float64
	for _, r := range rounds {
		values = append(values, figure(r))
	}
	return median(values)
}

// ratios are those of a figure to the peer's in the same round; 0 where the peer's is.
func ratios(figure func(round) float64, rounds, peer []round) []float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		if beside := figure(peer[i]); beside > 0 {
			values[i] = figure(r) / beside
		}
	}
	return values
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
	text.WriteString("\nSignatures, one a request, with the least and the most of the ratio of the p50:\n\n" +
		"| beside | clients | p50 | its p50 | ratio | signatures/s | its answers/s | ratio | CPU | its CPU | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range r.Signatures {
		fmt.Fprintf(&text, "| %s | %d | %.2f ms | %.2f ms | %.2f (%.2f-%.2f) | %.0f | %.0f | %.2f | %.2f ms | %.2f ms | %.2f |\n",
			s.Peer, s.Clients, s.P50, s.PeerP50, s.Ratio, s.LeastRatio, s.MostRatio, s.Rate, s.PeerRate, s.RateRatio, s.CPU, s.PeerCPU, s.CPURatio)
	}
	return text.String()
}
