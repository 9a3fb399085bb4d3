package coinex

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

const (
	noRows = `{"code":0,"data":[],"pagination":{"total":0,"has_next":false},"message":"OK"}`
	done   = `{"code":0,"data":{},"message":"OK"}`
)

// refusal is an answer with a code.
func refusal(code int) string {
	return fmt.Sprintf(`{"code":%d,"data":{},"message":"x"}`, code)
}

// stub opens an account at a server that gives prepared answers; the server's time
// is ours. It records the requests, each as method, target and body.
func stub(t *testing.T, answer func(request string) string) (exchanges.Account, *[]string) {
	var sent []string
	account := exchangetest.OpenStub(t, New(), exchanges.Credential{APIKey: "key", APISecret: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/time" {
			fmt.Fprintf(w, `{"code":0,"data":{"timestamp":%d},"message":"OK"}`, time.Now().UnixMilli())
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		request := strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
		sent = append(sent, request)
		fmt.Fprint(w, answer(request))
	})
	return account, &sent
}

// always answers every call with the same body.
func always(body string) func(string) string { return func(string) string { return body } }

func TestInspect(t *testing.T) {
	account, sent := stub(t, always(`{"code":0,"data":[{"sub_user_name":"vault-desk1","is_frozen":false,"permissions":["API"]}],"pagination":{"total":2,"has_next":true},"message":"OK"}`))
	identity, err := account.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, identity.CanMint)
	require.Nil(t, identity.Addresses, "CoinEx does not show them")
	require.Len(t, identity.Warnings, 1)
	require.Contains(t, identity.Warnings[0], "three months")
	require.Equal(t, []string{"GET /v2/account/subs?page=1&limit=1"}, *sent)

	account, _ = stub(t, always(noRows))
	identity, err = account.Inspect(t.Context())
	require.NoError(t, err)
	require.Len(t, identity.Warnings, 2)
	require.Contains(t, identity.Warnings[1], "no sub-account")

	account, _ = stub(t, always(refusal(4512)))
	identity, err = account.Inspect(t.Context())
	require.NoError(t, err)
	require.False(t, identity.CanMint)
	require.Contains(t, identity.Problem, "main account")

	account, _ = stub(t, always(refusal(4007)))
	_, err = account.Inspect(t.Context())
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "public address")
}

// Frozen sub-accounts are listed separately, and none appears twice.
func TestSubAccounts(t *testing.T) {
	account, sent := stub(t, func(request string) string {
		rows := `{"sub_user_name":"vault-desk1","is_frozen":false}`
		if strings.Contains(request, "is_frozen=true") {
			rows += `,{"sub_user_name":"vault-desk2","is_frozen":true}`
		}
		return `{"code":0,"data":[` + rows + `],"pagination":{"has_next":false},"message":"OK"}`
	})
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{{Name: "vault-desk1"}, {Name: "vault-desk2", Frozen: true}}, found)
	require.Equal(t, []string{
		"GET /v2/account/subs?is_frozen=false&page=1&limit=100", "GET /v2/account/subs?is_frozen=true&page=1&limit=100",
	}, *sent)

	account, _ = stub(t, always(refusal(4006)))
	_, err = account.SubAccounts(t.Context())
	require.ErrorIs(t, err, exchanges.ErrAuth)
}

// What is sent, to the letter.
func TestCreateKeyAsSent(t *testing.T) {
	account, sent := stub(t, always(`{"code":0,"data":{"api_id":90123,"created_at":1790000000000,"access_id":"A","secret_key":"S",
		"ip_whitelist":["203.0.113.7"],"trade_enabled":true,"withdraw_enabled":false,"is_expired":false,"expires_at":0,"remark":"vlt-4f3a"},"message":"OK"}`))
	key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{
		SubAccount: "vault-desk1", Label: "vlt-4f3a", Permissions: []string{"read", "trade"}, Addresses: []string{"203.0.113.7"},
	})
	require.NoError(t, err)
	require.Equal(t, exchanges.Key{
		ID: "90123", APIKey: "A", APISecret: "S", Permissions: []string{"read", "trade"}, Addresses: []string{"203.0.113.7"},
	}, key)
	_, err = account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vault-desk1", Permissions: []string{"read"}})
	require.NoError(t, err)
	require.Equal(t, []string{
		`POST /v2/account/subs/api {"ip_whitelist":["203.0.113.7"],"remark":"vlt-4f3a","sub_user_name":"vault-desk1","trade_enabled":true}`,
		`POST /v2/account/subs/api {"ip_whitelist":[],"remark":"","sub_user_name":"vault-desk1","trade_enabled":false}`,
	}, *sent)
}

// A right that no sub-account's key may have shows up as one.
func TestSurplusShows(t *testing.T) {
	account, _ := stub(t, always(`{"code":0,"data":{"api_id":1,"access_id":"A","secret_key":"S","ip_whitelist":[],"trade_enabled":false,"withdraw_enabled":true},"message":"OK"}`))
	key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vault-desk1", Permissions: []string{"read"}})
	require.NoError(t, err)
	require.Equal(t, []string{"read", "withdraw"}, key.Permissions)
	grant, err := New().Describe().Variants[0].Grant(exchanges.NewScopes(exchanges.ScopeRead), nil)
	require.NoError(t, err)
	require.ErrorContains(t, New().Describe().Variants[0].CheckGrant(grant, key.Permissions), "withdraw")
}

// CoinEx documents no code for a sub-account that is full, nor what any other
// refusal has left behind: the list of keys decides.
func TestUndocumentedRefusalOfAKey(t *testing.T) {
	rows := func(n int, label string) string {
		listed := make([]string, n)
		for i := range listed {
			listed[i] = fmt.Sprintf(`{"api_id":%d,"remark":%q}`, i+1, label)
		}
		return `{"code":0,"data":[` + strings.Join(listed, ",") + `],"pagination":{"has_next":false},"message":"OK"}`
	}
	for _, test := range []struct {
		name, create, list string
		want               exchanges.Kind
	}{
		{"full", refusal(12345), rows(50, "other"), exchanges.ErrKeyCap},
		{"not full", refusal(12345), rows(49, "other"), exchanges.ErrInvalid},
		{"made all the same", refusal(12345), rows(50, "vlt-4f3a"), exchanges.ErrOutcomeUnknown},
		{"no list", refusal(12345), refusal(4006), exchanges.ErrOutcomeUnknown},
		{"a documented code", refusal(4004), rows(49, "vlt-4f3a"), exchanges.ErrInvalid},
		{"a documented code and no list", refusal(4004), refusal(4006), exchanges.ErrInvalid},
		{"the code of a bad parameter", refusal(3639), rows(49, "vlt-4f3a"), exchanges.ErrInvalid},
		{"full, with the code of a bad parameter", refusal(3639), rows(50, "other"), exchanges.ErrKeyCap},
		{"full, with another documented code", refusal(4512), rows(50, "other"), exchanges.ErrPermission},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, _ := stub(t, func(request string) string {
				if strings.HasPrefix(request, "POST") {
					return test.create
				}
				return test.list
			})
			_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vault-desk1", Label: "vlt-4f3a", Permissions: []string{"read"}})
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, ": x", "the exchange's own words are kept")
		})
	}
}

// Pages are read until CoinEx says that there are no more, with its own page size
// where it refuses ours, whatever code it has for that.
func TestListKeys(t *testing.T) {
	for _, code := range []int{4004, 3639, 12345} {
		account, sent := stub(t, func(request string) string {
			switch {
			case strings.Contains(request, "limit="):
				return refusal(code)
			case strings.HasSuffix(request, "page=1"):
				return `{"code":0,"data":[{"api_id":1,"remark":"a","trade_enabled":true,"ip_whitelist":["203.0.113.7"],"created_at":1790000000000,"expires_at":0}],"pagination":{"has_next":true},"message":"OK"}`
			}
			return `{"code":0,"data":[{"api_id":2,"remark":"b","trade_enabled":false,"ip_whitelist":[],"expires_at":1797776000000},{"api_id":3,"remark":"c"}],"pagination":{"has_next":false},"message":"OK"}`
		})
		keys, err := account.ListKeys(t.Context(), "vault-desk1")
		require.NoError(t, err, code)
		require.Equal(t, []exchanges.KeyInfo{
			{ID: "1", Label: "a", Permissions: []string{"read", "trade"}, Addresses: []string{"203.0.113.7"}, CreatedAt: time.UnixMilli(1790000000000).UTC()},
			{ID: "2", Label: "b", Permissions: []string{"read"}, Addresses: []string{}, ExpiresAt: time.UnixMilli(1797776000000).UTC()},
			{ID: "3", Label: "c"},
		}, keys)
		require.Equal(t, []string{
			"GET /v2/account/subs/api?sub_user_name=vault-desk1&page=1&limit=100",
			"GET /v2/account/subs/api?sub_user_name=vault-desk1&page=1",
			"GET /v2/account/subs/api?sub_user_name=vault-desk1&page=2",
		}, *sent)
	}
}

// A list is asked for once more where its parameters are refused, and only there.
func TestRefusedList(t *testing.T) {
	for code, calls := range map[int]int{3639: 2, 12345: 2, 4006: 1, 11005: 1, 4007: 1, 4018: 1, 4512: 1} {
		account, sent := stub(t, always(refusal(code)))
		_, err := account.ListKeys(t.Context(), "vault-desk1")
		require.Error(t, err, code)
		require.Len(t, *sent, calls, code)
	}
}

// The sub-account is left out where CoinEx does not accept it. Only a certain
// answer that there are no more keys proves a deletion.
func TestDeleteKey(t *testing.T) {
	const both, alone = `{"sub_user_name":"vault-desk1","api_id":90123}`, `{"api_id":90123}`
	for _, test := range []struct {
		name    string
		takes   string
		refuses int // with that code, what it does not take
		listed  string
		sent    []string
		want    error
	}{
		{"gone", both, 3639, noRows, []string{both}, nil},
		{"gone, by its number alone", alone, 3639, noRows, []string{both, alone}, nil},
		{"gone, by its number alone, with the documented code", alone, 4004, noRows, []string{both, alone}, nil},
		{"gone, by its number alone, with a code that is not documented", alone, 12345, noRows, []string{both, alone}, nil},
		{"it was gone before", "", 12345, noRows, []string{both, alone}, nil},
		{"still there", both, 3639, `{"code":0,"data":[{"api_id":90123}],"pagination":{"has_next":false}}`, []string{both}, exchanges.ErrUnavailable},
		{"refused and still there", "", 3639, `{"code":0,"data":[{"api_id":90123}],"pagination":{"has_next":false}}`, []string{both, alone}, exchanges.ErrInvalid},
		{"null for a list, which is empty", both, 3639, `{"code":0,"data":null,"pagination":{"has_next":false}}`, []string{both}, nil},
		{"no word of further pages", both, 3639, `{"code":0,"data":[]}`, []string{both}, exchanges.ErrUnavailable},
		{"null, and no word of further pages", both, 3639, `{"code":0,"data":null}`, []string{both}, exchanges.ErrUnavailable},
		{"an object for a list", both, 3639, `{"code":0,"data":{},"pagination":{"has_next":false}}`, []string{both}, exchanges.ErrUnavailable},
		{"no list", both, 3639, `{"code":0,"pagination":{"has_next":false}}`, []string{both}, exchanges.ErrUnavailable},
		{"a bare array", both, 3639, `[]`, []string{both}, exchanges.ErrUnavailable},
		{"a key without number", both, 3639, `{"code":0,"data":[{"remark":"x"}],"pagination":{"has_next":false}}`, []string{both}, exchanges.ErrUnavailable},
		{"no such sub-account", both, 3639, refusal(12345), []string{both}, exchanges.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var deletions []string
			account, _ := stub(t, func(request string) string {
				body, found := strings.CutPrefix(request, "POST /v2/account/subs/delete-api ")
				if !found {
					return test.listed
				}
				deletions = append(deletions, body)
				if body == test.takes {
					return done
				}
				return refusal(test.refuses)
			})
			err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vault-desk1", ID: "90123"})
			require.ErrorIs(t, err, test.want)
			require.Equal(t, test.sent, deletions)
		})
	}
}

// A refusal that is not about the parameters is not answered by another try.
func TestRefusedDeletion(t *testing.T) {
	for _, code := range []int{4006, 11005, 4007, 4018, 4512, 4010} {
		var deletions int
		account, _ := stub(t, func(request string) string {
			if strings.HasPrefix(request, "POST") {
				deletions++
			}
			return refusal(code)
		})
		require.Error(t, account.DeleteKey(t.Context(), exchanges.KeyRef{SubAccount: "vault-desk1", ID: "90123"}))
		if code == 4010 {
			deletions-- // The clock was measured again in between.
		}
		require.Equal(t, 1, deletions, code)
	}
}

// What is not a number is not sent, and counts as missing only while it is listed.
func TestDeleteKeyWithoutNumber(t *testing.T) {
	account, sent := stub(t, always(noRows))
	require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vault-desk1", ID: "ABC"}))
	require.Len(t, *sent, 1)
}

// The new key is tried with its own signature.
func TestKeyWorks(t *testing.T) {
	minted := exchanges.Key{ID: "90123", APIKey: "A", APISecret: "minted-secret"}
	for _, test := range []struct {
		name, answer string
		works        bool
		err          error
	}{
		{"accepted", done, true, nil},
		{"not known yet", refusal(4005), false, nil},
		{"address refused", refusal(4007), true, nil},
		{"not known yet, in words of the earlier API", refusal(24), false, nil},
		{"signature refused", refusal(4006), false, nil},
		{"not for keys of sub-accounts", refusal(4512), true, nil},
		{"signature refused, as CoinEx answers it", refusal(11005), false, nil},
		{"address refused, in words of the earlier API", refusal(23), true, nil},
		{"user barred", refusal(4011), true, nil},
		{"trading not allowed", refusal(4018), true, nil},
		{"parameters refused", refusal(3639), false, exchanges.ErrInvalid},
		{"a code that is not documented", refusal(12345), false, exchanges.ErrInvalid},
		{"a method refused", refusal(4009), false, exchanges.ErrInvalid},
		{"time refused", refusal(4010), false, exchanges.ErrInvalid},
		{"internal error", refusal(4003), false, exchanges.ErrUnavailable},
		{"a gateway's page", "<html>", false, exchanges.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, sent := stub(t, always(test.answer))
			works, err := account.(exchanges.Prober).KeyWorks(t.Context(), minted)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.works, works)
			require.Equal(t, "GET /v2/account/subs/info", (*sent)[0])
		})
	}
	account, sent := stub(t, always(done))
	_, err := account.(exchanges.Prober).KeyWorks(t.Context(), exchanges.Key{APIKey: "A"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.Empty(t, *sent)
}
