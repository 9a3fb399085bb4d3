package hyperliquid

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of Hyperliquid's own.
const (
	// zeroAddress: an approval of the address zero is refused.
	zeroAddress = "zero_address"
	// removalPause: after a removal, approvals are refused for longer.
	removalPause = "removal_pause"
	// standardAgent: an account needs no unnamed agent to have named ones.
	standardAgent = "standard_agent"
	// removedAgent: what is said of an agent that was removed.
	removedAgent = "removed_agent"
)

// The values of these conditions.
const (
	refused   = "refused"
	notNeeded = "not_needed"
	confirmed = "confirmed"
	unknown   = "unknown_sentence"
)

// Forecast is what Hyperliquid's documentation leaves open; it has few sentences
// about agents.
func (e *exchange) Forecast() venue.Forecast {
	create, remove := []exchanges.Operation{exchanges.OpCreateKey}, []exchanges.Operation{exchanges.OpDeleteKey}
	return venue.Forecast{
		Shape: venue.Shape{KeyList: "."},
		Sources: map[string]string{
			venue.NullList: `The page "Info endpoint" shows lists that are null where there is nothing, such as that of sub-accounts, but no such list of agents.`,
		},
		Own: []venue.Condition{
			{
				Name: zeroAddress, Values: []string{refused}, Operations: remove, Elsewhere: true,
				Source: `The page "Nonces and API wallets" has no removal of agents. Wallets approve the address zero under the agent's name.`,
			},
			{
				Name: removalPause, Values: []string{"20s"}, Operations: []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "The documentation does not speak of the pause after a removal; 4 to 5 seconds were observed.",
			},
			{
				Name: standardAgent, Values: []string{notNeeded}, Operations: create, Elsewhere: true,
				Source: `The documentation does not say so; a wallet's developers met "Extra agent does not exist" without an unnamed agent.`,
			},
			{
				Name: removedAgent, Values: []string{confirmed, unknown}, Operations: remove, Elsewhere: true,
				Source: "The documentation has no answer to the removal of an agent that does not exist.",
			},
		},
	}
}

// RefuseParameter answers as Hyperliquid does to what it does not understand. No
// member that clients need is in doubt.
func (e *exchange) RefuseParameter(c *venue.Call, _ string) *venue.Answer { return e.notUnderstood(c) }

// pause is how long approvals are refused after a removal.
func (e *exchange) pause(c *venue.Call) time.Duration {
	if long, err := time.ParseDuration(c.Weather(removalPause)); err == nil {
		return long
	}
	return coolDown
}

// noAgent answers to the removal of an agent that does not exist.
func (e *exchange) noAgent(c *venue.Call) *venue.Answer {
	switch c.Weather(removedAgent) {
	case confirmed:
		return e.ok(c)
	case unknown:
		return e.refuse("Nothing to remove.")
	}
	return e.refuse("Extra agent does not exist.")
}
