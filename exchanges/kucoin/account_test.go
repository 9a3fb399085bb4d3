package kucoin

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// credential has the three parts that KuCoin asks for.
func credential() exchanges.Credential {
	return exchanges.Credential{APIKey: "key", APISecret: "secret", Passphrase: "RootPass01"}
}

// stub opens an account at a server that gives prepared answers; the server's time
// is ours.
func stub(t *testing.T, answer http.HandlerFunc) exchanges.Account {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/timestamp", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"code":"200000","data":%d}`, time.Now().UnixMilli())
	})
	mux.HandleFunc("/", answer)
	return exchangetest.OpenStub(t, New(), credential(), mux.ServeHTTP)
}

// always answers every call with the same body.
func always(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestSubAccounts(t *testing.T) {
	account := stub(t, always(`{"code":"200000","data":{"items":[
		{"subName":"vaultsub01","uid":9969082973,"status":2,"remarks":"made by vault"},
		{"subName":"vaultsub02","uid":9969082974,"status":3,"remarks":null}]}}`))
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []exchanges.SubAccount{
		{Name: "vaultsub01", Alias: "made by vault"}, {Name: "vaultsub02", Frozen: true},
	}, found)
}

// The older and the newer form of who-am-I: fields that either lacks are not
// needed.
func TestInspectForms(t *testing.T) {
	identity, err := stub(t, always(`{"code":"200000","data":{"apiKey":"k","permission":"General, Spot","isMaster":true}}`)).Inspect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"General", "Spot"}, identity.Permissions)
	require.True(t, identity.CanMint)

	identity, err = stub(t, always(`{"code":"200000","data":{"apiKey":"k","permission":"General","uid":9969082973,"isMaster":true,
		"ipWhitelist":"192.0.2.10","expiredAt":4102444800000,"siteType":"global","thirdPartyApp":null}}`)).Inspect(t.Context())
	require.NoError(t, err)
	require.Equal(t, "9969082973", identity.Account)
	require.Equal(t, []string{"192.0.2.10"}, identity.Addresses)
	require.Equal(t, 2100, identity.ExpiresAt.Year())
}

// A list shows partly hidden addresses as they are. The answer to a creation that
// hides parts of them does not say what the key is bound to.
func TestAddresses(t *testing.T) {
	for list, want := range map[string]struct{ listed, created string }{
		`"10.**.1"`:               {`[]string{"10.**.1"}`, "[]string(nil)"},
		`"192.0.2.10,10.**.1"`:    {`[]string{"192.0.2.10", "10.**.1"}`, "[]string(nil)"},
		`null`:                    {"[]string(nil)", "[]string(nil)"},
		`""`:                      {"[]string{}", "[]string{}"},
		`"192.0.2.10,192.0.2.11"`: {`[]string{"192.0.2.10", "192.0.2.11"}`, `[]string{"192.0.2.10", "192.0.2.11"}`},
	} {
		key := `{"apiKey":"k","apiSecret":"s","permission":"General","ipWhitelist":` + list + `}`
		keys, err := stub(t, always(`{"code":"200000","data":[`+key+`]}`)).ListKeys(t.Context(), "vaultsub01")
		require.NoError(t, err)
		require.Equal(t, want.listed, fmt.Sprintf("%#v", keys[0].Addresses), list)
		created, err := stub(t, always(`{"code":"200000","data":`+key+`}`)).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01"})
		require.NoError(t, err)
		require.Equal(t, want.created, fmt.Sprintf("%#v", created.Addresses), list)
	}
}

// KuCoin's own sample of the call asks for Spot too and does not show it in the
// answer. What the answer tells is passed on, and what it omits is not made up.
func TestPermissionsOfTheCreateAnswer(t *testing.T) {
	for permission, want := range map[string][]string{
		`,"permission":"General,Futures"`: {"Futures", "General"}, `,"permission":null`: nil, ``: nil,
	} {
		account := stub(t, always(`{"code":"200000","data":{"apiKey":"k","apiSecret":"s"`+permission+`}}`))
		key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01", Permissions: []string{"Futures", "General", "Spot"}})
		require.NoError(t, err)
		require.Equal(t, want, key.Permissions, permission)
	}
}

// An answer to a deletion without data confirms it; the list decides.
func TestDeletionConfirmedWithoutData(t *testing.T) {
	for list, gone := range map[string]bool{`null`: true, `[]`: true, `[{"apiKey":"k"}]`: false} {
		account := stub(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				fmt.Fprint(w, `{"code":"200000","data":null}`)
				return
			}
			fmt.Fprintf(w, `{"code":"200000","data":%s}`, list)
		})
		ref := exchanges.KeyRef{SubAccount: "vaultsub01", ID: "k", Passphrase: "MintedPass01"}
		require.NoError(t, account.DeleteKey(t.Context(), ref))
		err := exchangetest.Settle(t.Context(), account, ref)
		require.Equal(t, gone, err == nil, "%s: %v", list, err)
	}
}

// A null or empty list has no rows, and a bare list is the only page. An answer
// without its list says nothing.
func TestFormsOfLists(t *testing.T) {
	row := `{"subName":"vaultsub01","apiKey":"k"}`
	full := "[" + strings.Repeat(row+",", pageSize-1) + row + "]"
	for _, test := range []struct {
		name, subAccounts, keys string
		rows                    int
		refused                 bool
	}{
		{"null", `,"data":{"items":null}`, `,"data":null`, 0, false},
		{"empty", `,"data":{"items":[]}`, `,"data":[]`, 0, false},
		{"a bare empty list", `,"data":[]`, `,"data":[]`, 0, false},
		{"a bare list", `,"data":[` + row + `]`, `,"data":[` + row + `]`, 1, false},
		{"a bare list that fills a page", `,"data":` + full, `,"data":{}`, 0, true},
		{"no list", `,"data":{}`, `,"data":{"items":[]}`, 0, true},
		{"null in place of the page", `,"data":null`, `,"data":"null"`, 0, true},
		{"no data", ``, ``, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := exchangetest.OpenInside(t, New(), credential(), exchanges.Options{}, func(w http.ResponseWriter, r *http.Request) {
					data := test.keys
					if r.URL.Path != keysPath {
						data = test.subAccounts
					}
					fmt.Fprintf(w, `{"code":"200000"%s}`, data)
				})
				subAccounts, subErr := account.SubAccounts(t.Context())
				keys, keyErr := account.ListKeys(t.Context(), "vaultsub01")
				if test.refused {
					require.ErrorIs(t, subErr, exchanges.ErrUnavailable)
					require.ErrorIs(t, keyErr, exchanges.ErrUnavailable)
					return
				}
				require.NoError(t, subErr)
				require.NoError(t, keyErr)
				require.Len(t, subAccounts, test.rows)
				require.Len(t, keys, test.rows)
			})
		})
	}
}

// What is sent, to the letter.
func TestRequestsAsSent(t *testing.T) {
	var sent []string
	account := stub(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		sent = append(sent, r.Method+" "+r.RequestURI+" "+string(body))
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"code":"200000","data":{"apiKey":"k","apiSecret":"s","permission":"General,Spot"}}`)
			return
		}
		fmt.Fprint(w, `{"code":"200000","data":[]}`)
	})
	key, err := account.CreateKey(t.Context(), exchanges.KeyRequest{
		SubAccount: "vaultsub01", Label: "vlt7f3a9c", Permissions: []string{"General", "Spot"}, Passphrase: "MintedPass01",
		Addresses: []string{"192.0.2.10", "192.0.2.11"},
	})
	require.NoError(t, err)
	require.Nil(t, key.Addresses, "the answer does not say")
	require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "k", Passphrase: "Minted Pass&1"}))
	require.Equal(t, []string{
		`POST /api/v1/sub/api-key {"subName":"vaultsub01","passphrase":"MintedPass01","remark":"vlt7f3a9c",` +
			`"permission":"General,Spot","ipWhitelist":"192.0.2.10,192.0.2.11","expire":"-1"}`,
		`DELETE /api/v1/sub/api-key?apiKey=k&subName=vaultsub01&passphrase=Minted+Pass%261 `,
		`GET /api/v1/sub/api-key?subName=vaultsub01 `,
	}, sent)
}

func TestExpire(t *testing.T) {
	now := time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{time.Hour, "30"}, {30*day - 1, "30"}, {30 * day, "90"}, {90 * day, "180"}, {179 * day, "180"},
		{359 * day, "360"}, {360 * day, "-1"}, {-time.Hour, "30"},
	} {
		require.Equal(t, test.want, expire(now.Add(test.after), now), test.after)
	}
	require.Equal(t, "-1", expire(time.Time{}, now), "no limit")
	require.Equal(t, 360*day, New().Describe().Variants[0].NativeExpiry.Max)
}

// A deletion carries the passphrase in its query, none of which may be shown.
func TestPassphraseIsScrubbed(t *testing.T) {
	account := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"code":"200000","data":[{"apiKey":"k","permission":"General"}]}`)
			return
		}
		fmt.Fprintf(w, `{"code":"400100","msg":"wrong: %s in %s"}`, r.URL.Query().Get("passphrase"), r.RequestURI)
	})
	err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "k", Passphrase: "MintedPass01"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "wrong: [redacted] in /api/v1/sub/api-key?[redacted]")
}
