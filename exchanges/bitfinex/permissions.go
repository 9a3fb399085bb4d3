package bitfinex

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The modes of a token: everything it may do is either reading only, or writing
// too.
const (
	modeRead  = "read"
	modeWrite = "write"
)

// capability is one word in a token's caps.
type capability struct {
	word string
	// name is its name here, as in the rows with which Bitfinex shows what a key
	// may do.
	name string
	// rows are further rows that it may bring.
	rows []string
}

// capabilities are those that the documentation lists, except bp (Bitfinex Pay).
func capabilities() []capability {
	return []capability{
		{word: "a", name: "account"},
		{word: "o", name: "orders", rows: []string{"positions"}},
		{word: "f", name: "funding"},
		{word: "s", name: "settings"},
		{word: "w", name: "wallets"},
		{word: "wd", name: "withdraw", rows: []string{"ui_withdraw"}},
	}
}

// permissions is the vocabulary of tokens: a capability and its mode. No role needs
// what is left out, such as writing settings.
func permissions() []exchanges.Permission {
	read := exchanges.NewScopes(exchanges.ScopeRead)
	return []exchanges.Permission{
		{Name: "orders:read", Scopes: read, Mode: modeRead, Note: "cap o"},
		{Name: "wallets:read", Scopes: read, Mode: modeRead, Note: "cap w"},
		{
			Name: "account:read", Scopes: read, ByName: true, Mode: modeRead,
			Note: "cap a: profile, ledgers, logins; may let a leaked token make a successor that outlives its lease",
		},
		{Name: "funding:read", Scopes: read, ByName: true, Mode: modeRead, Note: "cap f"},
		{Name: "settings:read", Scopes: read, ByName: true, Mode: modeRead, Note: "cap s"},
		{
			Name: "orders:write", Mode: modeWrite,
			Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures),
			Note:   "cap o; reads orders too, but not wallets",
		},
		{
			Name: "wallets:write", Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeTransfer), Mode: modeWrite,
			Note: "cap w: balances, transfers between wallets, deposit addresses",
		},
		{Name: "funding:write", Scopes: read, Beyond: true, Mode: modeWrite, Note: "cap f: funding offers and loans"},
		{Name: "withdraw:write", Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeWithdraw), Mode: modeWrite, Note: "cap wd"},
	}
}

// encode converts permissions, which all have the same mode, into the words of a
// request.
func encode(names []string) (caps []string, write bool) {
	for _, c := range capabilities() {
		for _, name := range names {
			if what, mode, _ := strings.Cut(name, ":"); what == c.name {
				caps, write = append(caps, c.word), write || mode == modeWrite
			}
		}
	}
	return caps, write
}

// right is one row of what a key or token may do: ["orders", 1, 0] for one that may
// read orders.
type right struct {
	name        string
	read, write bool
}

// UnmarshalJSON accepts an array of a name and two flags; more may follow.
func (r *right) UnmarshalJSON(data []byte) error {
	var read, write rest.Flag
	row := []any{&r.name, &read, &write}
	if err := json.Unmarshal(data, &row); err != nil {
		return err
	}
	if len(row) < 3 || r.name == "" {
		return errors.New("not a row of permissions")
	}
	r.read, r.write = bool(read), bool(write)
	return nil
}

// mode is the most that the row allows; empty if nothing.
func (r right) mode() string {
	switch {
	case r.write:
		return modeWrite
	case r.read:
		return modeRead
	}
	return ""
}

// held returns the permissions of a token: those in its text, as far as the rows
// confirm them, and what the rows allow beyond that.
func held(says grant, rows []right) []string {
	mode := says.mode()
	// The right to read history comes along with anything that has a history.
	explained := []string{"history"}
	var names []string
	for _, word := range says.caps {
		c := capabilityOf(word)
		explained = append(append(explained, c.name), c.rows...)
		i := slices.IndexFunc(rows, func(r right) bool { return r.name == c.name })
		if i < 0 || rows[i].mode() == mode {
			names = append(names, c.name+":"+mode)
		}
	}
	for _, row := range rows {
		within := slices.Contains(explained, row.name) && (!row.write || mode == modeWrite)
		if row.mode() != "" && isKnown(row.name) && !within {
			names = append(names, row.name+":"+row.mode())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// capabilityOf returns the capability for a word; an unknown word stands for
// itself.
func capabilityOf(word string) capability {
	for _, c := range capabilities() {
		if c.word == word {
			return c
		}
	}
	return capability{word: word, name: word}
}

// isKnown reports whether the documentation lists a row. Any other row is for a
// product that has nothing to do with tokens.
func isKnown(row string) bool {
	return row == "history" || row == "bfxpay" || slices.ContainsFunc(capabilities(), func(c capability) bool {
		return row == c.name || slices.Contains(c.rows, row)
	})
}
