package binance

import (
	"encoding/json"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
)

// reading is our word for the right that every key at Binance has. No request can
// name it; it is what a key without any flag still holds.
const reading = "enableReading"

// These are flags of either surface. canUniversalTransfer and canVanillaOptions are
// the same word on both, although Exchange Link sets each in a call of its own.
const (
	canTrade             = "canTrade"
	canUniversalTransfer = "canUniversalTransfer"
	canVanillaOptions    = "canVanillaOptions"
)

// masterPermissions is the vocabulary of the sub-account API. There is no flag
// for withdrawals.
func masterPermissions() []exchanges.Permission {
	const fixNote = "FIX sessions; only for key_type ed25519; Binance's answers do not show it"
	return append(commonPermissions(),
		exchanges.Permission{Name: "canMarginLoanRepay", Scopes: exchanges.NewScopes(exchanges.ScopeMargin), Needs: []string{canTrade}, Note: "borrow and repay"},
		exchanges.Permission{Name: "canFuturesTrade", Scopes: exchanges.NewScopes(exchanges.ScopeFutures)},
		exchanges.Permission{Name: "canFixApiTrading", Scopes: exchanges.NewScopes(exchanges.ScopeSpot), ByName: true, Note: fixNote},
		// It has no scope: it is just another way to read, and every key can read.
		exchanges.Permission{Name: "canFixApiReading", ByName: true, Note: fixNote},
	)
}

// linkPermissions is the vocabulary of the Exchange Link API.
func linkPermissions() []exchanges.Permission {
	return append(commonPermissions(),
		exchanges.Permission{Name: "marginTrade", Scopes: exchanges.NewScopes(exchanges.ScopeMargin), Needs: []string{canTrade}, Note: "margin must be enabled on the sub-account"},
		exchanges.Permission{Name: "futuresTrade", Scopes: exchanges.NewScopes(exchanges.ScopeFutures), Note: "futures must be enabled on the sub-account"},
	)
}

func commonPermissions() []exchanges.Permission {
	return []exchanges.Permission{
		{Name: reading, Scopes: exchanges.NewScopes(exchanges.ScopeRead), Note: "every key has it"},
		{
			Name: canTrade, Scopes: exchanges.NewScopes(exchanges.ScopeSpot, exchanges.ScopeMargin),
			Note: "spot orders and orders on margin: Binance does not separate them",
		},
		{Name: canVanillaOptions, Scopes: exchanges.NewScopes(exchanges.ScopeOptions), Note: "European options"},
		{Name: canUniversalTransfer, Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Note: "between wallets of the sub-account"},
	}
}

// masterFlags are the flags that each create call states.
func masterFlags() []string {
	return []string{canTrade, "canMarginLoanRepay", "canFuturesTrade", canUniversalTransfer, canVanillaOptions}
}

// fixFlags exist only in version 2 of the create call.
func fixFlags() []string { return []string{"canFixApiTrading", "canFixApiReading"} }

// linkFlags are the flags of Exchange Link's create call.
func linkFlags() []string { return []string{canTrade, "marginTrade", "futuresTrade"} }

// encode writes each of the flags as a name and "true" or "false".
func encode(permissions []string, flags []string) []string {
	var pairs []string
	for _, flag := range flags {
		pairs = append(pairs, flag, strconv.FormatBool(slices.Contains(permissions, flag)))
	}
	return pairs
}

// flags are the booleans of an answer, by name. Binance writes each permission as a
// field of its own, so an unknown permission appears here as well, and counts as
// surplus.
type flags map[string]bool

// UnmarshalJSON reads the booleans of an object and skips its other fields.
func (f *flags) UnmarshalJSON(data []byte) error {
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	*f = flags{}
	for name, value := range fields {
		if value, ok := value.(bool); ok {
			(*f)[name] = value
		}
	}
	return nil
}

// set lists the flags that are true, sorted.
func (f flags) set() []string {
	var names []string
	for name, value := range f {
		if value {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
