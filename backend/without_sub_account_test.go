package backend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// TestLostKeyInASubAccountThatIsNotThere at every exchange: a mistyped name and a lost
// answer leave nothing behind.
func TestLostKeyInASubAccountThatIsNotThere(t *testing.T) {
	for _, s := range matrixSubjects(t) {
		for _, fault := range []simulator.FaultKind{simulator.DropAfterCommit, simulator.DropBeforeCommit} {
			t.Run(s.name()+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, s)
					wrong := mistyped(b.access.SubAccounts[0])
					b.must(logical.PatchOperation, "roles/r", map[string]any{"sub_accounts": wrong, "verify": false})
					b.inject(s.exchange.Name, exchanges.OpCreateKey, fault, 1)
					resp, err := b.do(logical.ReadOperation, "creds/r", nil)
					require.True(t, err != nil || resp.IsError())
					b.sim.ClearFaults()
					if s.refusesUnknownNames() {
						require.Empty(t, b.ledgerIDs(), "nothing was asked of the exchange")
						return
					}
					ids := b.ledgerIDs()
					require.Len(t, ids, 1)
					require.Equal(t, ledger.Pending, b.entry(ids[0]).State)

					b.write("roles/r/revoke-all", nil)
					_, err = b.do(logical.DeleteOperation, "keys/"+ids[0], nil)
					if len(b.ledgerIDs()) > 0 {
						require.ErrorContains(t, err, "may still be on its way", "it is too early to tell")
					}
					b.pass(ledger.PendingGrace)
					require.Empty(t, b.ledgerIDs())
					require.Empty(t, b.sim.Keys())
					require.EqualValues(t, 0, b.read("roles/r/revoke-all")["keys_left"])
					require.NotContains(t, b.metrics(), "exchange_overdue_keys", "nothing is left to be overdue")
					b.must(logical.DeleteOperation, "config/c", nil)
				})
			})
		}
	}
}

// refusesUnknownNames says that a create call for an unknown sub-account is not even
// made: either there is one account, or its list was asked before.
func (s matrixSubject) refusesUnknownNames() bool {
	switch s.exchange.Name {
	case "bitfinex", "deribit", "hyperliquid":
		return true
	}
	return false
}

// TestAnotherAccountSettlesNothing: to a root key of another account every sub-account
// is unknown, and the key is where it was.
func TestAnotherAccountSettlesNothing(t *testing.T) {
	for _, s := range matrixSubjects(t) {
		if nameless[s.exchange.Name] == "" && s.exchange.Name != "whitebit" || s.root != "main" {
			continue
		}
		t.Run(s.name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, s)
				other, known := b.sim.Root(s.exchange.Name, "other")
				require.True(t, known)
				b.inject(s.exchange.Name, exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
				_, err := b.do(logical.ReadOperation, "creds/r", nil)
				require.Error(t, err)
				require.Len(t, b.sim.Keys(), 1)
				id := b.ledgerIDs()[0]

				b.write("config/c", merge(replacement(other), map[string]any{"force": true}))
				for range 3 {
					b.pass(ledger.LastRetry)
				}
				require.Equal(t, []string{id}, b.ledgerIDs())
				require.Contains(t, b.read("keys/" + id)["last_error"], "not proved that the current root credential belongs to the account")

				b.write("config/c", merge(replacement(b.access), map[string]any{"force": true}))
				b.pass(ledger.LastRetry)
				require.Empty(t, b.ledgerIDs())
				require.Empty(t, b.sim.Keys())
			})
		})
	}
}

// refusing is an exchange that refuses to list the keys of any sub-account.
type refusing struct {
	census
	refusal error
}

func (r refusing) ListKeys(context.Context, string) ([]exchanges.KeyInfo, error) {
	return nil, r.refusal
}

func TestKeyOfWhichNoIDIsKnownIsSettledByItsSubAccount(t *testing.T) {
	d := newDesk(t)
	here := []exchanges.SubAccount{{Name: "100"}, {Name: "200"}}
	gone := here[1:]
	broken := errors.New("the answer makes no sense")
	for name, test := range map[string]struct {
		refusal  error
		accounts []exchanges.SubAccount
		failure  error
		early    bool
		lineage  string // "" for that of the connection
		settled  bool
		says     string
	}{
		"refused, and gone":                   {refusal: exchanges.ErrInvalid, accounts: gone, settled: true},
		"refused, and it was the last":        {refusal: exchanges.ErrInvalid, settled: true},
		"refused, and there":                  {refusal: exchanges.ErrInvalid, accounts: here, says: "invalid request"},
		"refused, and there, in other words":  {refusal: exchanges.ErrInvalid, accounts: []exchanges.SubAccount{{Name: "ABC"}, {Name: "100"}}, says: "invalid request"},
		"refused, frozen":                     {refusal: exchanges.ErrPermission, accounts: []exchanges.SubAccount{{Name: "100", Frozen: true}}, says: "permission denied"},
		"refused, out of reach":               {refusal: exchanges.ErrPermission, accounts: []exchanges.SubAccount{{Name: "100", NoKeys: "classic"}}, says: "permission denied"},
		"not permitted, and gone":             {refusal: exchanges.ErrPermission, accounts: gone, settled: true},
		"not accepted there, and gone":        {refusal: exchanges.ErrAuth, accounts: gone, settled: true},
		"unsupported, and gone":               {refusal: exchanges.ErrUnsupported, accounts: gone, settled: true},
		"not accepted at all":                 {refusal: exchanges.ErrAuth, failure: exchanges.ErrAuth, says: "could not ask whether"},
		"not found":                           {refusal: exchanges.ErrNotFound, failure: broken, settled: true},
		"not found, of another account":       {refusal: exchanges.ErrNotFound, lineage: "other", accounts: gone, says: "not proved"},
		"not found, asked for before":         {refusal: exchanges.ErrNotFound, lineage: "none", failure: broken, settled: true},
		"refused, of another account":         {refusal: exchanges.ErrInvalid, lineage: "other", accounts: gone, says: "not proved"},
		"refused, asked for before":           {refusal: exchanges.ErrInvalid, lineage: "none", accounts: gone, says: "not proved"},
		"refused, too early":                  {refusal: exchanges.ErrInvalid, accounts: gone, early: true, says: "may still be on its way"},
		"down":                                {refusal: exchanges.ErrUnavailable, accounts: gone, says: "exchange unavailable"},
		"no answer":                           {refusal: exchanges.ErrOutcomeUnknown, accounts: gone, says: "outcome unknown"},
		"rate limited":                        {refusal: exchanges.ErrRateLimited, accounts: gone, says: "rate limited"},
		"not understood":                      {refusal: broken, accounts: gone, says: "makes no sense"},
		"out of time":                         {refusal: context.DeadlineExceeded, accounts: gone, says: "deadline"},
		"refused, the list fails":             {refusal: exchanges.ErrInvalid, failure: exchanges.ErrUnavailable, says: "could not ask whether"},
		"refused, the list is not understood": {refusal: exchanges.ErrInvalid, accounts: []exchanges.SubAccount{{Name: "200"}, {Alias: "100"}}, says: "without its name"},
	} {
		t.Run(name, func(t *testing.T) {
			account := refusing{census{accounts: test.accounts, failure: test.failure}, test.refusal}
			l := linkTo(d, account, exchanges.Variant{Label: exchanges.LabelRule{MaxLength: 30}})
			l.variant.FoldNames = true
			entry := ledger.Entry{
				Connection: "c", Role: "r", SubAccount: "100", Label: "vx-1", Lineage: l.lineage(), Created: d.clock.Now().Add(-ledger.PendingGrace),
			}
			require.NotEmpty(t, entry.Lineage)
			if test.lineage != "" {
				entry.Lineage = map[string]string{"other": "someoneelses", "none": ""}[test.lineage]
			}
			if test.early {
				entry.Created = entry.Created.Add(time.Second)
			}
			err := d.engine.deleteAtExchange(t.Context(), l, entry)
			if test.settled {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
			require.NotErrorIs(t, err, errCircuitOpen)
		})
	}
}

// TestKeyThatWasHandedOutIsNotSettledByItsSubAccount: its sub-account may have been
// renamed, and somebody holds its secret.
func TestKeyThatWasHandedOutIsNotSettledByItsSubAccount(t *testing.T) {
	d := newDesk(t)
	d.trader()
	claim, err := d.engine.ledger.Claim(t.Context(), d.storage, "handedout")
	require.NoError(t, err)
	l, err := d.engine.connections.existing(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.NoError(t, claim.Import(t.Context(), ledger.Entry{
		Connection: "bybit", Exchange: "bybit", SubAccount: "11111111", ExchangeKeyID: "abc", Label: "vx-1", Lineage: l.lineage(),
		Created: d.clock.Now(), Expires: d.clock.Now(),
	}))
	claim.Release()
	d.clock.advance(time.Hour)
	d.sweep()
	require.Equal(t, ledger.Revoking, d.entry("handedout").State)
	require.Contains(t, d.entry("handedout").LastError, "apikey does not exist")
}

// A sub-account of which it turned out that it is not there is left out of the pool.
func TestSubAccountThatIsNotThereIsSetAside(t *testing.T) {
	d := newDesk(t)
	d.connect("coinex", nil)
	sub := d.sim.Exchange("coinex").SubAccounts[0]
	wrong := mistyped(sub)
	d.write("roles/pool", map[string]any{
		"connection": "coinex", "sub_accounts": []string{wrong, sub}, "scopes": "read", "ip_allowlist": "127.0.0.1", "verify": false,
	})
	_, err := d.do(logical.ReadOperation, "creds/pool", nil)
	require.ErrorContains(t, err, "outcome unknown", "CoinEx does not document how it refuses an unknown sub-account")
	d.clock.advance(ledger.PendingGrace)
	d.sweep()
	require.Empty(t, d.ledgerIDs())
	require.Equal(t, map[string]string{wrong: noSubAccount}, d.read("roles/pool/check")["set_aside"])
	for range 3 {
		require.Equal(t, sub, d.mint("pool").Data["sub_account"])
	}
	require.Contains(t, d.log.String(), "the exchange has no such sub-account")
}
