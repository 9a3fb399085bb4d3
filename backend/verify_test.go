package backend

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// script changes what an exchange shows of new keys, until it is asked to delete one.
type script struct {
	// answer changes what the create answer shows.
	answer func(*exchanges.Key)
	// list changes what the list shows, so long after the key was made.
	list func(after time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error)
	// hangs says that the list does not come.
	hangs bool

	made  time.Time
	ended bool
	// looks has how long after a key was made the list was asked for, and calls all
	// the calls so far.
	looks []time.Duration
	calls []exchanges.Operation
}

// scriptedExchange is an exchange whose accounts follow a script.
type scriptedExchange struct {
	exchanges.Exchange
	script *script
}

func (x scriptedExchange) Open(credential exchanges.Credential, options exchanges.Options) (exchanges.Account, error) {
	account, err := x.Exchange.Open(credential, options)
	return scriptedAccount{account, x.script}, err
}

type scriptedAccount struct {
	exchanges.Account
	script *script
}

func (a scriptedAccount) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	a.script.calls = append(a.script.calls, exchanges.OpCreateKey)
	key, err := a.Account.CreateKey(ctx, request)
	if err == nil && a.script.answer != nil {
		a.script.answer(&key)
	}
	a.script.made = time.Now()
	return key, err
}

func (a scriptedAccount) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	a.script.calls = append(a.script.calls, exchanges.OpListKeys)
	listed, err := a.Account.ListKeys(ctx, subAccount)
	if a.script.ended {
		return listed, err
	}
	after := time.Since(a.script.made).Round(time.Second)
	a.script.looks = append(a.script.looks, after)
	if a.script.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err == nil && a.script.list != nil {
		return a.script.list(after, listed)
	}
	return listed, err
}

func (a scriptedAccount) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	a.script.calls = append(a.script.calls, exchanges.OpDeleteKey)
	a.script.ended = true
	return a.Account.DeleteKey(ctx, ref)
}

// newScriptedDesk returns a desk, for a test in a bubble, at an exchange that follows
// the script, with a role that trades from one address and waits as long as given.
func newScriptedDesk(t *testing.T, s *script, maxWait string) *desk {
	d := newScriptedDeskAt(t, "bybit", s)
	d.connect("bybit", nil)
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts,
		"scopes": "trade:spot,trade:futures", "ip_allowlist": "127.0.0.1", "ttl": "10m", "max_wait": maxWait,
	})
	s.calls = nil
	return d
}

func newScriptedDeskAt(t *testing.T, exchange string, s *script) *desk {
	d := newBubbleDesk(t, exchange)
	for i, exchange := range d.catalog {
		d.catalog[i] = scriptedExchange{exchange, s}
	}
	d.start()
	return d
}

// What an exchange shows of a key, changed.
type (
	answering func(*exchanges.Key)
	listing   func(time.Duration, []exchanges.KeyInfo) ([]exchanges.KeyInfo, error)
)

func answeredPermissions(names ...string) answering {
	return func(key *exchanges.Key) { key.Permissions = names }
}

func answeredAddresses(addresses ...string) answering {
	return func(key *exchanges.Key) { key.Addresses = addresses }
}

// listedAs changes every listed key.
func listedAs(change func(*exchanges.KeyInfo)) listing {
	return func(_ time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
		for i := range listed {
			change(&listed[i])
		}
		return listed, nil
	}
}

// listedFrom lists keys only after the delay.
func listedFrom(delay time.Duration) listing {
	return func(after time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
		if after < delay {
			return nil, nil
		}
		return listed, nil
	}
}

// listedAfter fails with the error, so many times.
func listedAfter(failures int, err error) listing {
	return func(_ time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
		if failures--; failures >= 0 {
			return nil, err
		}
		return listed, nil
	}
}

// A key is refused only once the exchange's list does not show it as it was asked for
// either, however long the role waits.
func TestWhatTheAnswerDoesNotShowIsLookedUp(t *testing.T) {
	const all = "ContractTrade.Order, ContractTrade.Position, Spot.SpotTrade"
	for name, test := range map[string]struct {
		maxWait string
		answer  answering
		list    listing
		looks   []time.Duration
		refused []string // what the refusal says; nil for none
	}{
		"permissions left out":   {"10s", answeredPermissions(), nil, inSeconds(0), nil},
		"permissions in part":    {"10s", answeredPermissions("Spot.SpotTrade"), nil, inSeconds(0), nil},
		"addresses left out":     {"10s", answeredAddresses(), nil, inSeconds(0), nil},
		"other addresses":        {"10s", answeredAddresses("198.51.100.1"), nil, inSeconds(0), nil},
		"bound to nothing":       {"10s", func(key *exchanges.Key) { key.Addresses = []string{} }, nil, inSeconds(0), nil},
		"masked in the answer":   {"10s", answeredAddresses("127.**.1"), nil, nil, nil},
		"another in the answer":  {"10s", answeredAddresses("128.**.1"), nil, inSeconds(0), nil},
		"listed after 3 seconds": {"10s", answeredAddresses(), listedFrom(3 * time.Second), inSeconds(0, 1, 3), nil},
		"listed after 20":        {"30s", answeredAddresses(), listedFrom(20 * time.Second), inSeconds(0, 1, 3, 7, 15, 23), nil},
		"listed in the last moment": {
			"20s", answeredPermissions(), listedFrom(20 * time.Second), inSeconds(0, 1, 3, 7, 15, 20), nil,
		},
		"listed too late": {
			"10s", answeredPermissions(), listedFrom(20 * time.Second), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange does not show that the key has the permissions [" + all + "]: its answer leaves them out, and its list does not have the key; the key was deleted"},
		},
		"addresses never listed": {
			"10s", answeredAddresses("198.51.100.1"), listedFrom(time.Hour), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange does not show that the key has the addresses [127.0.0.1]: its answer shows [198.51.100.1], and its list does not have the key; the key was deleted"},
		},
		"the list leaves permissions out": {
			"10s", answeredPermissions("Spot.SpotTrade"), listedAs(func(key *exchanges.KeyInfo) { key.Permissions = nil }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange does not show that the key has the permissions [" + all + "]: its answer shows [Spot.SpotTrade], and its list leaves them out"},
		},
		"the list leaves addresses out": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Addresses = nil }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange does not show that the key has the addresses [127.0.0.1]: its answer leaves them out, and its list leaves them out"},
		},
		"fewer permissions": {
			"10s", answeredPermissions(), listedAs(func(key *exchanges.KeyInfo) { key.Permissions = []string{"Spot.SpotTrade"} }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange gave the key the permissions [Spot.SpotTrade] instead of [" + all + "]; the key was deleted"},
		},
		"listed with other addresses": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Addresses = []string{"198.51.100.1"} }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange gave the key the addresses [198.51.100.1] instead of [127.0.0.1]; the key was deleted"},
		},
		"listed without addresses": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Addresses = []string{} }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange gave the key the addresses [] instead of [127.0.0.1]"},
		},
		"listed with a mask that fits": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Addresses = []string{"127.**.1"} }), inSeconds(0), nil,
		},
		"listed with a mask that does not fit": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Addresses = []string{"127.**.2"} }), inSeconds(0, 1, 3, 7, 10),
			[]string{"the exchange gave the key the addresses [127.**.2] instead of [127.0.0.1]"},
		},
		"listed under a mask": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.ID, key.Masked = key.ID[:3]+"***", true }), inSeconds(0), nil,
		},
		"a surplus in the answer": {
			"10s", func(key *exchanges.Key) { key.Permissions = append(key.Permissions, "Wallet.AccountTransfer") }, nil, nil,
			[]string{"the exchange granted more than was asked for: Wallet.AccountTransfer; ", "; the key was deleted"},
		},
		"a surplus in the list": {
			"10s", answeredAddresses(), listedAs(func(key *exchanges.KeyInfo) { key.Permissions = append(key.Permissions, "Wallet.AccountTransfer") }), inSeconds(0),
			[]string{"the exchange granted more than was asked for: Wallet.AccountTransfer; ", "; the key was deleted"},
		},
		"a list that lags behind the answer": {
			"10s", nil, listedAs(func(key *exchanges.KeyInfo) { key.Permissions = key.Permissions[:1] }), inSeconds(0), nil,
		},
		"a list that fails at first": {
			"10s", answeredAddresses(), listedAfter(2, &exchanges.Error{Kind: exchanges.ErrUnavailable}), inSeconds(0, 1, 3), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: test.answer, list: test.list}
				d := newScriptedDesk(t, s, test.maxWait)
				if test.refused == nil {
					lease := d.mint("trader")
					require.Equal(t, ledger.Live, d.entry(lease.Data["key_id"].(string)).State)
				} else {
					d.refused(logical.ReadOperation, "creds/trader", nil, test.refused...)
					require.Empty(t, d.sim.Keys())
					require.Empty(t, d.ledgerIDs())
				}
				require.Equal(t, test.looks, s.looks)
				require.Equal(t, 1, d.sim.Calls("bybit", exchanges.OpCreateKey))
			})
		})
	}
}

// The same at an exchange that really grants something else.
func TestWrongGrantIsDeleted(t *testing.T) {
	for kind, test := range map[simulator.FaultKind]struct {
		after time.Duration
		says  string
	}{
		simulator.GrantMore: {0, "granted more than was asked for"},
		simulator.GrantLess: {5 * time.Second, "gave the key the permissions ["},
	} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newScriptedDesk(t, &script{}, "5s")
				d.inject("bybit", exchanges.OpCreateKey, kind, 1)
				began := time.Now()
				d.refused(logical.ReadOperation, "creds/trader", nil, test.says, "; the key was deleted")
				require.Equal(t, test.after, time.Since(began).Round(time.Second))
				require.Empty(t, d.sim.Keys())
				require.Empty(t, d.ledgerIDs())
			})
		})
	}
}

// A mint whose create answer tells all asks for nothing more, and writes what it
// always writes.
func TestAnswerThatTellsAllNeedsNoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answeredAddresses("127.0.0.1")}
		d := newScriptedDesk(t, s, "10s")
		began := time.Now()
		_, writes := d.storage.counted(func() { d.mint("trader") })
		require.Equal(t, []exchanges.Operation{exchanges.OpCreateKey}, s.calls)
		require.Equal(t, 2, writes, "pending, and live")
		require.Less(t, time.Since(began), time.Second)
	})
}

func TestListThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		kind  exchanges.Kind
		looks []time.Duration
	}{
		"for now":  {exchanges.ErrUnavailable, inSeconds(0, 1, 3, 5)},
		"too busy": {exchanges.ErrRateLimited, inSeconds(0, 1, 3, 5)},
		"not yet":  {exchanges.ErrNotFound, inSeconds(0, 1, 3, 5)},
		"ever":     {exchanges.ErrPermission, inSeconds(0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: answeredAddresses(), list: listedAfter(1000, &exchanges.Error{Kind: test.kind, Message: "no list"})}
				d := newScriptedDesk(t, s, "5s")
				resp, err := d.do(logical.ReadOperation, "creds/trader", nil)
				said := err
				if err == nil {
					said = resp.Error()
				}
				require.ErrorContains(t, said, "could not be compared with what was asked for: "+string(test.kind)+": no list; the key was deleted")
				require.Equal(t, test.looks, s.looks)
				require.Empty(t, d.sim.Keys())
				require.Empty(t, d.ledgerIDs())
				require.Equal(t, 1, d.sim.Calls("bybit", exchanges.OpCreateKey), "the sub-account took the key, so that no other is tried")
				require.Empty(t, d.read("roles/trader/check")["set_aside"])
			})
		})
	}
}

// What the list once showed counts, though it cannot be read in the end.
func TestListThatContradictsAndThenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := listedAs(func(key *exchanges.KeyInfo) { key.Addresses = []string{"198.51.100.1"} })
		s := &script{answer: answeredAddresses(), list: func(after time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
			if after > 0 {
				return nil, &exchanges.Error{Kind: exchanges.ErrUnavailable}
			}
			return other(after, listed)
		}}
		d := newScriptedDesk(t, s, "5s")
		d.refused(logical.ReadOperation, "creds/trader", nil, "gave the key the addresses [198.51.100.1] instead of [127.0.0.1]")
		require.Equal(t, inSeconds(0, 1, 3, 5), s.looks)
	})
}

// A crash during the wait leaves the key's id, by which it is deleted.
func TestKeyIsKnownBeforeItIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answeredAddresses()}
		d := newScriptedDesk(t, s, "5s")
		s.list = func(after time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
			if after == 0 {
				return nil, nil
			}
			known := d.entry(d.ledgerIDs()[0])
			require.Equal(t, ledger.Pending, known.State)
			require.Equal(t, d.sim.Keys()[0].APIKey, known.ExchangeKeyID)
			return listed, nil
		}
		_, writes := d.storage.counted(func() { d.mint("trader") })
		require.Equal(t, inSeconds(0, 1), s.looks)
		require.Equal(t, 3, writes, "pending, made, and live")
	})
}

func TestLookIsStopped(t *testing.T) {
	t.Run("by a caller that hangs up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answer: answeredAddresses()}
			d := newScriptedDesk(t, s, "60s")
			ctx, hangUp := context.WithCancel(t.Context())
			s.list = func(after time.Duration, _ []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
				if after > 2*time.Second {
					hangUp()
				}
				return nil, nil
			}
			_, err := d.engine.HandleRequest(ctx, d.request(logical.ReadOperation, "creds/trader", nil))
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorContains(t, err, "the caller has gone: context canceled; the key was deleted")
			require.Equal(t, inSeconds(0, 1, 3), s.looks)
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	})
	t.Run("by a kill switch, in the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answer: answeredAddresses()}
			d := newScriptedDesk(t, s, "60s")
			s.list = func(after time.Duration, listed []exchanges.KeyInfo) ([]exchanges.KeyInfo, error) {
				if after == 0 {
					d.write("roles/trader/revoke-all", nil)
					return nil, nil
				}
				return listed, nil
			}
			d.refused(logical.ReadOperation, "creds/trader", nil, "while the key was made", "; the key was deleted")
			require.Empty(t, d.sim.Keys())
		})
	})
	t.Run("by time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answer: answeredAddresses(), hangs: true}
			d := newScriptedDesk(t, s, "10s")
			began := time.Now()
			_, err := d.do(logical.ReadOperation, "creds/trader", nil)
			require.ErrorContains(t, err, "could not be compared with what was asked for: context deadline exceeded; the key was deleted")
			require.Equal(t, lookTimeout, time.Since(began).Round(time.Second))
			require.Empty(t, d.sim.Keys())
		})
	})
}

// A bearer token is tried, not listed.
func TestUnlistedKeyIsNotLookedUp(t *testing.T) {
	for name, test := range map[string]struct {
		answer answering
		says   string
	}{
		"left out": {answeredPermissions(), "does not show that the key has the permissions ["},
		"none":     {func(key *exchanges.Key) { key.Permissions = []string{} }, "gave the key the permissions [] instead of ["},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: test.answer}
				d := newScriptedDeskAt(t, "bitfinex", s)
				d.connect("bitfinex", map[string]any{"require_ip_allowlist": false})
				d.write("roles/trader", map[string]any{"connection": "bitfinex", "sub_accounts": "self", "scopes": "trade", "ttl": "10m"})
				began := time.Now()
				d.refused(logical.ReadOperation, "creds/trader", nil, test.says)
				require.Less(t, time.Since(began), firstGap)
				require.Empty(t, s.looks)
			})
		})
	}
}

// Which of several listed keys is the new one, where ids may be masked.
func TestPick(t *testing.T) {
	entry := ledger.Entry{ExchangeKeyID: "abcdefgh", Label: "vlt-1"}
	masked := func(id, label string) exchanges.KeyInfo { return exchanges.KeyInfo{ID: id, Label: label, Masked: true} }
	for name, test := range map[string]struct {
		listed []exchanges.KeyInfo
		want   string
	}{
		"none":                {nil, ""},
		"by id":               {[]exchanges.KeyInfo{{ID: "other"}, {ID: "abcdefgh"}}, "abcdefgh"},
		"not by label":        {[]exchanges.KeyInfo{{ID: "other", Label: "vlt-1"}}, ""},
		"by mask and label":   {[]exchanges.KeyInfo{masked("abc***gh", "vlt-2"), masked("ab***h", "vlt-1")}, "ab***h"},
		"not by mask alone":   {[]exchanges.KeyInfo{masked("abc***gh", "")}, ""},
		"not by one of two":   {[]exchanges.KeyInfo{masked("abc***gh", "vlt-1"), masked("abc***gh", "vlt-1")}, ""},
		"another's mask":      {[]exchanges.KeyInfo{masked("abd***gh", "vlt-1")}, ""},
		"whole before masked": {[]exchanges.KeyInfo{masked("abc***gh", "vlt-1"), {ID: "abcdefgh"}}, "abcdefgh"},
	} {
		t.Run(name, func(t *testing.T) {
			found := pick(test.listed, entry)
			if test.want == "" {
				require.Nil(t, found)
				return
			}
			require.NotNil(t, found)
			require.Equal(t, test.want, found.ID)
		})
	}
}
