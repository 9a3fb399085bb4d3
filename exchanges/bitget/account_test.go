package bitget

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitget"
)

// credential has the three parts that Bitget asks for.
func credential() exchanges.Credential {
	return exchanges.Credential{APIKey: "bg_key", APISecret: "secret", Passphrase: "RootPass0001"}
}

// stub answers in place of Bitget, for answers that the simulator never gives.
type stub struct {
	*testing.T
	url string
	// data holds the successful answers, by path; a string is a complete answer.
	data map[string]any

	mu   sync.Mutex
	sent map[string]map[string]any // bodies by path, the last of each
}

func newStub(t *testing.T, data map[string]any) *stub {
	s := &stub{T: t, data: data, sent: map[string]map[string]any{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v2/public/time" {
		fmt.Fprintf(w, `{"code":"00000","data":{"serverTime":"%d"}}`, time.Now().UnixMilli())
		return
	}
	if raw, err := io.ReadAll(r.Body); err == nil && len(raw) > 0 {
		var body map[string]any
		assert.NoError(s, json.Unmarshal(raw, &body))
		s.mu.Lock()
		s.sent[r.URL.Path] = body
		s.mu.Unlock()
	}
	data := s.data[r.URL.Path+"?"+r.URL.RawQuery]
	if data == nil {
		data = s.data[r.URL.Path]
	}
	if answer, whole := data.(string); whole {
		_, _ = io.WriteString(w, answer)
		return
	}
	answer, err := json.Marshal(map[string]any{"code": "00000", "msg": "success", "data": data})
	assert.NoError(s, err)
	_, _ = w.Write(answer)
}

// body returns the body of the last request to a path, nil if there was none.
func (s *stub) body(path string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[path]
}

func (s *stub) open(name string) exchanges.Account {
	account, err := New().Open(credential(), exchanges.Options{BaseURL: s.url, Variant: name, RateMultiplier: 1000})
	require.NoError(s, err)
	s.Cleanup(account.Close)
	return account
}

// simulated opens a root of the simulated exchange, in a variant that need not
// be its own.
func simulated(t *testing.T, root, name string) (exchanges.Account, simulator.Access, *simulator.Simulator) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	return s.OpenRoot(root, exchanges.Options{Variant: name}), s.Access(root), s.Simulator
}

func request(access simulator.Access, permissions ...string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: access.SubAccounts[0], Label: "vx1234abcdef", Permissions: permissions,
		Addresses: []string{"127.0.0.1"}, KeyType: exchanges.KeyHMAC, Passphrase: "Minted0001",
	}
}

// Where the account is of another kind than the connection says, the error names
// the right variant.
func TestWrongVariant(t *testing.T) {
	for _, test := range []struct{ root, variant, advice string }{
		{"main", variantClassic, "variant to unified"},
		{"classic", variantUnified, "variant to classic"},
		{"broker", variantUnified, "variant to classic"},
	} {
		account, access, _ := simulated(t, test.root, test.variant)
		_, err := account.Inspect(t.Context())
		require.ErrorIs(t, err, exchanges.ErrPermission)
		require.ErrorContains(t, err, test.advice)
		_, err = account.CreateKey(t.Context(), request(access, "read"))
		require.ErrorIs(t, err, exchanges.ErrPermission)
		require.ErrorContains(t, err, test.advice)
	}
	account, _, _ := simulated(t, "classic", variantBroker)
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.False(t, identity.CanMint)
	require.Contains(t, identity.Problem, "40029")
	require.Contains(t, identity.Problem, "variant to unified or classic")
}

func TestInspect(t *testing.T) {
	const (
		v3 = "/api/v3/account/info"
		v2 = "/api/v2/spot/account/info"
	)
	for _, test := range []struct {
		name, variant, path, data string
		want                      exchanges.Identity
	}{
		{
			"unified", variantUnified, v3,
			`{"userId":"11","parentId":"","ips":"203.0.113.1, 203.0.113.2","permType":"read-and-write","permissions":["uta_trade","uta_mgt"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"read-and-write", "uta_mgt", "uta_trade"},
				Addresses: []string{"203.0.113.1", "203.0.113.2"}, CanMint: true,
			},
		},
		{
			"unified, by the documentation's names, with its own number as parent", variantUnified, v3,
			`{"uid":11,"parentId":11,"ips":"","permType":"read-and-write","permissions":["uta_mgt","withdraw"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"read-and-write", "uta_mgt", "withdraw"}, Addresses: []string{}, CanMint: true,
				Warnings: []string{"the root key can withdraw, which minting never needs; use one that cannot", unboundWarning},
			},
		},
		{
			"unified, of a sub-account", variantUnified, v3,
			`{"userId":"11","parentId":"10","ips":"203.0.113.1","permType":"read-and-write","permissions":["uta_mgt"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"read-and-write", "uta_mgt"}, Addresses: []string{"203.0.113.1"},
				Problem: "the key belongs to a sub-account; use a key of the main account",
			},
		},
		{
			"unified, read-only", variantUnified, v3,
			`{"userId":"11","parentId":"0","ips":"203.0.113.1","permType":"read-only","permissions":["uta_mgt"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"read-only", "uta_mgt"}, Addresses: []string{"203.0.113.1"},
				Problem: "the key is read-only; use a read-and-write key",
			},
		},
		{
			"classic", variantClassic, v2, `{"userId":"11","parentId":1,"ips":"203.0.113.1","authorities":["stow","chow","wwow"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"chow", "stow", "wwow"}, Addresses: []string{"203.0.113.1"}, CanMint: true,
				Warnings: []string{"the root key can withdraw, which minting never needs; use one that cannot"},
			},
		},
		{
			"classic, without the right", variantClassic, v2, `{"userId":"11","ips":"203.0.113.1","authorities":["trade","readonly"]}`,
			exchanges.Identity{
				Account: "11", Permissions: []string{"readonly", "trade"}, Addresses: []string{"203.0.113.1"},
				Problem: "the key lacks the right to manage sub-accounts (chow); switch it on",
			},
		},
		{
			"broker, unbound", variantBroker, v2, `{"userId":"11","ips":"","authorities":["chow"]}`,
			exchanges.Identity{Account: "11", Permissions: []string{"chow"}, Addresses: []string{}, CanMint: true, Warnings: []string{unboundWarning}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStub(t, map[string]any{test.path: json.RawMessage(test.data)})
			identity, err := s.open(test.variant).Inspect(t.Context())
			require.NoError(t, err)
			identity.ClockOffset = 0
			require.Equal(t, test.want, identity)
		})
	}
}

// Anything but an outright refusal says nothing about whether the account is a
// broker's.
func TestInspectBrokerUnanswered(t *testing.T) {
	s := newStub(t, map[string]any{
		"/api/v2/spot/account/info":   json.RawMessage(`{"userId":"11","ips":"","authorities":[]}`),
		"/api/v2/broker/account/info": `{"code":"40725","msg":"service return an error"}`,
	})
	_, err := s.open(variantBroker).Inspect(t.Context())
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
}

func TestSubAccounts(t *testing.T) {
	for _, test := range []struct {
		name, variant string
		data          map[string]any
		want          []exchanges.SubAccount
	}{
		{"unified does not reach into classic ones", variantUnified, map[string]any{
			"/api/v3/user/sub-list?limit=100": json.RawMessage(`{"hasNext":"true","cursor":"7","list":[
				{"subUid":"1","username":"a@b.c","status":"normal","accountMode":"UNIFIED"},
				{"subUid":"2","username":"d@b.c","status":"normal","accountMode":"CLASSIC"}]}`),
			"/api/v3/user/sub-list?cursor=7&limit=100": json.RawMessage(`{"hasNext":false,"cursor":"9","list":[
				{"subUid":3,"username":"e@b.c","status":"frozen","accountMode":"unified"}]}`),
		}, []exchanges.SubAccount{
			{Name: "1", Alias: "a@b.c"},
			{Name: "2", Alias: "d@b.c", NoKeys: "it is in classic mode, so that only a connection of variant classic reaches its keys"},
			{Name: "3", Alias: "e@b.c", Frozen: true},
		}},
		{"classic leaves out deleted ones", variantClassic, map[string]any{
			"/api/v2/user/virtual-subaccount-list": json.RawMessage(`{"endId":51,"subAccountList":[
				{"subAccountUid":"1","subAccountName":"a","status":"normal"},
				{"subAccountUid":"2","subAccountName":"b","status":"del"},
				{"subAccountUid":"3","subAccountName":"c","status":"freeze"}]}`),
		}, []exchanges.SubAccount{{Name: "1", Alias: "a"}, {Name: "3", Alias: "c", Frozen: true}}},
		{"broker leaves out deleted ones", variantBroker, map[string]any{
			"/api/v2/broker/account/subaccount-list?limit=100": json.RawMessage(`{"hasNextPage":true,"idLessThan":404,"subList":[
				{"subUid":"1","subaccountName":"a","status":"freeze"}]}`),
			"/api/v2/broker/account/subaccount-list?idLessThan=404&limit=100": json.RawMessage(`{"hasNextPage":false,"subList":[
				{"subUid":"2","subaccountName":"b","status":"del"}]}`),
		}, []exchanges.SubAccount{{Name: "1", Alias: "a", Frozen: true}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := newStub(t, test.data).open(test.variant).SubAccounts(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, found)
		})
	}
}

// A page that announces another one without saying where it begins must not pass
// for the last.
func TestListCutShort(t *testing.T) {
	s := newStub(t, map[string]any{
		"/api/v3/user/sub-list":                  json.RawMessage(`{"hasNext":true,"list":[]}`),
		"/api/v3/user/sub-api-list":              json.RawMessage(`{"hasNext":true,"items":[]}`),
		"/api/v2/broker/account/subaccount-list": json.RawMessage(`{"hasNextPage":true,"subList":[]}`),
	})
	_, err := s.open(variantUnified).SubAccounts(t.Context())
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	_, err = s.open(variantUnified).ListKeys(t.Context(), "1")
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	_, err = s.open(variantBroker).SubAccounts(t.Context())
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
}

func TestListUnifiedKeys(t *testing.T) {
	const row = `[{"apikey":"bg_1","note":"vx1","type":"read_write","permissions":["uta_trade"],"ips":["203.0.113.1"],"ts":"1740129303268"}]`
	for _, name := range []string{"items", "list"} {
		s := newStub(t, map[string]any{"/api/v3/user/sub-api-list": json.RawMessage(`{"` + name + `":` + row + `,"hasNext":"false","cursor":"18484"}`)})
		keys, err := s.open(variantUnified).ListKeys(t.Context(), "1")
		require.NoError(t, err)
		require.Equal(t, []exchanges.KeyInfo{{
			ID: "bg_1", Label: "vx1", Permissions: []string{"uta_trade"}, Addresses: []string{"203.0.113.1"},
			CreatedAt: time.UnixMilli(1740129303268).UTC(),
		}}, keys)
	}
}

// Without addresses the list is sent empty, since Bitget requires it.
func TestCreateUnifiedKeyWithoutAddresses(t *testing.T) {
	const path = "/api/v3/user/create-sub-api"
	s := newStub(t, map[string]any{path: json.RawMessage(`{"apiKey":"bg_1","secret":"s","type":"read_only","permissions":["uta_trade","uta_mgt"],"ips":[]}`)})
	key, err := s.open(variantUnified).CreateKey(t.Context(), exchanges.KeyRequest{
		SubAccount: "1", Label: "vx1", Permissions: []string{readOnly}, Passphrase: "Minted0001",
	})
	require.NoError(t, err)
	require.Equal(t, []string{readOnly}, key.Permissions)
	require.Equal(t, map[string]any{
		"subUid": "1", "note": "vx1", "type": "read_only", "passphrase": "Minted0001",
		"permissions": []any{"uta_mgt", "uta_trade"}, "ips": []any{},
	}, s.body(path))
}

// Bitget may say of a key to be deleted what it says of a calling key that does not
// exist. Only the list decides.
func TestDeletionOfAnUnknownKey(t *testing.T) {
	for _, code := range []string{codeNoKey, codeNoUserKey, "40065"} {
		for listed, gone := range map[string]bool{`[]`: true, `[{"apiKey":"bg_1"}]`: false} {
			s := newStub(t, map[string]any{
				"/api/v3/user/delete-sub-api": `{"code":"` + code + `","msg":"does not exist"}`,
				"/api/v3/user/sub-api-list":   json.RawMessage(`{"items":` + listed + `}`),
			})
			err := exchangetest.Settle(t.Context(), s.open(variantUnified), exchanges.KeyRef{SubAccount: "1", ID: "bg_1"})
			if gone {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, exchanges.ErrNotFound)
			}
		}
	}
}

const (
	classicList = "/api/v2/user/virtual-subaccount-apikey-list"
	classicKeys = `[
		{"subAccountUid":"1","label":"vx1","subAccountApiKey":"bg_1","permList":["read"],"ipList":["203.0.113.1"]},
		{"subAccountUid":"1","label":"vx2","subAccountApiKey":"bg_2","permList":[],"ipList":[]},
		{"subAccountUid":"1","label":"vx3","subAccountApiKey":"bg_3"},
		{"subAccountUid":"1","label":"vx4","subAccountApiKey":"bg_4","permList":null}]`
	classicModify = "/api/v2/user/modify-virtual-subaccount-apikey"
)

// Only a key that certainly has no permission counts as gone.
func TestClassicListsKeysWithPermissions(t *testing.T) {
	s := newStub(t, map[string]any{classicList: json.RawMessage(classicKeys)})
	keys, err := s.open(variantClassic).ListKeys(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, []exchanges.KeyInfo{
		{ID: "bg_1", Label: "vx1", Permissions: []string{"read"}, Addresses: []string{"203.0.113.1"}},
		{ID: "bg_3", Label: "vx3"},
		{ID: "bg_4", Label: "vx4"},
	}, keys)
}

func TestClassicRevocation(t *testing.T) {
	s := newStub(t, map[string]any{classicList: json.RawMessage(classicKeys)})
	account := s.open(variantClassic)
	ref := exchanges.KeyRef{SubAccount: "1", Label: "an old one", Passphrase: "Minted0001"}

	for _, gone := range []string{"bg_2", "bg_9"} {
		ref.ID = gone
		require.NoError(t, exchangetest.Settle(t.Context(), account, ref))
		require.Nil(t, s.body(classicModify), "there is nothing to do")
	}

	ref.ID = "bg_1"
	require.ErrorIs(t, exchangetest.Settle(t.Context(), account, ref), exchanges.ErrUnavailable, "the list still shows a permission")
	require.Equal(t, map[string]any{
		"subAccountUid": "1", "subAccountApiKey": "bg_1", "passphrase": "Minted0001", "label": "vx1",
		"ipList": []any{"203.0.113.1"}, "permList": []any{},
	}, s.body(classicModify), "label and addresses stay as they are")

	ref.Passphrase = ""
	err := exchangetest.Settle(t.Context(), account, ref)
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.ErrorContains(t, err, "delete key bg_1 of sub-account 1 on Bitget's website")
}

// An older page says that an edit without permissions restores the default ones. A key
// that thereby gets more than it had is cut back, and is not gone.
func TestClassicRevocationThatRestoresDefaults(t *testing.T) {
	const defaults = `["spot_trade","contract_trade"]`
	rows := `[{"subAccountUid":"1","label":"vx1","subAccountApiKey":"bg_1","permList":["read"],"ipList":["203.0.113.1"]}]`
	ref := exchanges.KeyRef{SubAccount: "1", ID: "bg_1", Passphrase: "Minted0001"}
	s := newStub(t, map[string]any{
		classicList: json.RawMessage(rows), classicModify: json.RawMessage(`{"subAccountApiKey":"bg_1","permList":` + defaults + `}`),
	})
	err := exchangetest.Settle(t.Context(), s.open(variantClassic), ref)
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.ErrorContains(t, err, "gave it spot_trade, contract_trade; it is left with read")
	require.ErrorContains(t, err, "delete key bg_1 of sub-account 1 on Bitget's website")
	require.Equal(t, []any{"read"}, s.body(classicModify)["permList"])
	require.Equal(t, []any{"203.0.113.1"}, s.body(classicModify)["ipList"])

	// What is read back decides, whatever the answer to the edit shows.
	for list, gone := range map[string]bool{
		`[]`: true, `[{"subAccountApiKey":"bg_1","permList":[]}]`: true, `[{"subAccountApiKey":"bg_1","permList":` + defaults + `}]`: false,
	} {
		for _, answer := range []string{`{"permList":` + defaults + `}`, `{"permList":[]}`, `{}`, `"success"`, `null`} {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				account := openInside(t, variantClassic, func(path string) string {
					if path != classicList {
						return answer
					}
					if asked++; asked > 1 {
						return list
					}
					return rows
				})
				err := exchangetest.Settle(t.Context(), account, ref)
				require.Equal(t, gone, err == nil, "%s after %s: %v", list, answer, err)
			})
		}
	}
}

// openInside opens an account in a bubble, where each path is answered with data.
func openInside(t *testing.T, kind string, data func(path string) string) exchanges.Account {
	return exchangetest.OpenInside(t, New(), credential(), exchanges.Options{Variant: kind}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"code":"00000","data":%s}`, data(r.URL.Path))
	})
}

// A null or empty list has no rows, and a bare list is the only page. An answer
// without its list says nothing.
func TestFormsOfLists(t *testing.T) {
	bare := func(row string, rows int) string { return "[" + strings.Repeat(row+",", rows-1) + row + "]" }
	forms := func(list, row string, page int) map[string]int {
		return map[string]int{
			`{"` + list + `":null}`: 0, `{"` + list + `":[]}`: 0, `[]`: 0, bare(row, 2): 2,
			bare(row, page): -1, `{}`: -1, `null`: -1, `"text"`: -1,
		}
	}
	bareForms := func(row string) map[string]int {
		return map[string]int{`null`: 0, `[]`: 0, bare(row, 2): 2, `{}`: -1, `"text"`: -1}
	}
	for _, test := range []struct {
		variant    string
		subs, keys map[string]int
	}{
		{
			variant: variantUnified,
			subs:    forms("list", `{"subUid":"1","status":"normal"}`, unifiedPage), keys: forms("items", `{"apiKey":"bg_1"}`, unifiedPage),
		},
		{
			variant: variantClassic,
			subs:    forms("subAccountList", `{"subAccountUid":"1","status":"normal"}`, classicPage), keys: bareForms(`{"subAccountApiKey":"bg_1","permList":["read"]}`),
		},
		{
			variant: variantBroker,
			subs:    forms("subList", `{"subUid":"1","status":"normal"}`, brokerPage), keys: bareForms(`{"apiKey":"bg_1"}`),
		},
	} {
		check := func(name string, forms map[string]int, list func(context.Context, exchanges.Account) (int, error)) {
			for data, want := range forms {
				t.Run(test.variant+" "+name+" "+data[:min(len(data), 40)], func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						rows, err := list(t.Context(), openInside(t, test.variant, func(string) string { return data }))
						if want < 0 {
							require.ErrorIs(t, err, exchanges.ErrUnavailable)
							return
						}
						require.NoError(t, err)
						require.Equal(t, want, rows)
					})
				})
			}
		}
		check("sub-accounts", test.subs, func(ctx context.Context, account exchanges.Account) (int, error) {
			rows, err := account.SubAccounts(ctx)
			return len(rows), err
		})
		check("keys", test.keys, func(ctx context.Context, account exchanges.Account) (int, error) {
			rows, err := account.ListKeys(ctx, "1")
			return len(rows), err
		})
	}
}

// An emptied key is useless, but it is there.
func TestClassicRevocationKeepsThePlace(t *testing.T) {
	account, access, sim := simulated(t, "classic", variantClassic)
	order := request(access, "read", "spot_trade")
	key, err := account.CreateKey(t.Context(), order)
	require.NoError(t, err)
	require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{
		SubAccount: order.SubAccount, ID: key.ID, Label: order.Label, Passphrase: order.Passphrase,
	}))
	live := sim.Keys()
	require.Len(t, live, 1)
	require.Empty(t, live[0].Permissions)
	require.Equal(t, order.Addresses, live[0].IPs)

	for range 9 {
		_, err = account.CreateKey(t.Context(), order)
		require.NoError(t, err)
	}
	_, err = account.CreateKey(t.Context(), order)
	require.ErrorIs(t, err, exchanges.ErrKeyCap)
	require.ErrorContains(t, err, "keys without permissions count too")
}
