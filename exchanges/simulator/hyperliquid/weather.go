package hyperliquid

import (
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The conditions of Hyperliquid's own.
const (
	// zeroAddress: an approval of the address zero is refused, or removes no agent.
	zeroAddress = "zero_address"
	// removalPause: after a removal, approvals are refused for longer.
	removalPause = "removal_pause"
	// standardAgent: an account needs no unnamed agent to have named ones.
	standardAgent = "standard_agent"
	// removedAgent: what is said of an agent that was removed.
	removedAgent = "removed_agent"
	// listedName: the list shows a name together with the agent's end.
	listedName = "listed_name"
	// listedEnd: the list shows an agent's end in another form, or not at all.
	listedEnd = "listed_end"
	// listedAddress: the list shows addresses with capitals.
	listedAddress = "listed_address"
	// nameLetters: a name may have no hyphens.
	nameLetters = "name_letters"
)

// The values of these conditions.
const (
	refused     = "refused"
	doesNothing = "does_nothing"
	notNeeded   = "not_needed"
	confirmed   = "confirmed"
	unknown     = "unknown_sentence"
	withEnd     = "with_end"
	asNull      = "null"
	asText      = "text"
	leftOut     = "left_out"
	capitals    = "capitals"
	noHyphens   = "no_hyphens"
)

// Forecast is what Hyperliquid's documentation leaves open; it has few sentences
// about agents.
func (e *exchange) Forecast() venue.Forecast {
	create, remove := []exchanges.Operation{exchanges.OpCreateKey}, []exchanges.Operation{exchanges.OpDeleteKey}
	list := []exchanges.Operation{exchanges.OpListKeys}
	const ofList = `The page "Info endpoint" has no list of agents; its form is known from SDKs.`
	return venue.Forecast{
		Shape: venue.Shape{KeyList: "."},
		Sources: map[string]string{
			venue.NullList: `The page "Info endpoint" shows lists that are null where there is nothing, such as that of sub-accounts, but no such list of agents.`,
		},
		Own: []venue.Condition{
			{
				Name: zeroAddress, Values: []string{refused, doesNothing}, Operations: remove, Elsewhere: true,
				Source: `The page "Nonces and API wallets" has no removal of agents. Wallets approve the address zero under the agent's name; a library says that nothing removes an agent.`,
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
			// Days are compared without what is in long texts.
			{Name: listedName, Values: []string{withEnd}, Operations: list, Elsewhere: true, Source: ofList},
			{Name: listedEnd, Values: []string{asNull, asText, leftOut}, Operations: list, Source: ofList},
			{Name: listedAddress, Values: []string{capitals}, Operations: list, Elsewhere: true, Source: ofList},
			{
				Name: nameLetters, Values: []string{noHyphens}, Operations: create, Elsewhere: true,
				Source: "The documentation does not say which characters a name may have.",
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

// row is an agent as the list shows it.
func (e *exchange) row(c *venue.Call, k *venue.Key) map[string]any {
	end := k.Expires.Add(-late).UnixMilli()
	row := map[string]any{"name": k.Label, "address": k.APIKey, "validUntil": end}
	if c.Weather(listedName) != "" {
		row["name"] = k.Label + untilMark + strconv.FormatInt(end, 10)
	}
	if c.Weather(listedAddress) != "" {
		row["address"] = "0x" + strings.ToUpper(strings.TrimPrefix(k.APIKey, "0x"))
	}
	switch c.Weather(listedEnd) {
	case asNull:
		row["validUntil"] = nil
	case asText:
		row["validUntil"] = strconv.FormatInt(end, 10)
	case leftOut:
		delete(row, "validUntil")
	}
	return row
}
