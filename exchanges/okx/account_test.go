package okx

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// credential has the three parts that OKX asks for.
func credential() exchanges.Credential {
	return exchanges.Credential{APIKey: "key", APISecret: "secret", Passphrase: "Root#Pass0001"}
}

// stub opens an account at a server that gives prepared answers; the server's time
// is ours.
func stub(t *testing.T, answer http.HandlerFunc) exchanges.Account {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v5/public/time", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"code":"0","msg":"","data":[{"ts":"%d"}]}`, time.Now().UnixMilli())
	})
	mux.HandleFunc("/", answer)
	return exchangetest.OpenStub(t, New(), credential(), mux.ServeHTTP)
}

// Sub-accounts of one millisecond may fall on both sides of a page's end.
func TestSubAccountsOfOneMillisecond(t *testing.T) {
	type row struct {
		SubAcct string `json:"subAcct"`
		Enable  bool   `json:"enable"`
		TS      string `json:"ts"`
	}
	const count = 3*pageSize + 7
	var rows []row // the newest first, 30 of each millisecond
	for i := range count {
		rows = append(rows, row{SubAcct: fmt.Sprintf("sub%03d", i), Enable: i != 5, TS: strconv.Itoa(1_753_364_096_123 - i/30)})
	}
	account := stub(t, func(w http.ResponseWriter, r *http.Request) {
		left := rows
		if after := r.URL.Query().Get("after"); after != "" {
			left = slices.DeleteFunc(slices.Clone(rows), func(row row) bool { return row.TS >= after })
		}
		page, err := json.Marshal(left[:min(len(left), pageSize)])
		if err == nil {
			fmt.Fprintf(w, `{"code":"0","msg":"","data":%s}`, page)
		}
	})
	found, err := account.SubAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, found, count)
	for i, sub := range found {
		require.Equal(t, exchanges.SubAccount{Name: rows[i].SubAcct, Frozen: i == 5}, sub)
	}
}

// A list that never gets shorter is an error, not an endless loop.
func TestSubAccountsWithoutEnd(t *testing.T) {
	row := `{"subAcct":"sub001","enable":true,"ts":"1753364096123"},`
	page := strings.TrimSuffix(strings.Repeat(row, pageSize), ",")
	account := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"code":"0","msg":"","data":[%s]}`, page)
	})
	_, err := account.SubAccounts(t.Context())
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
}

// Only a clear answer from OKX proves that a key is gone or made.
func TestUnclearAnswers(t *testing.T) {
	for _, body := range []string{
		`{"code":"0","msg":""}`, `{"code":"0","msg":"","data":{}}`, `{"code":"0","msg":"","data":"null"}`,
		`{"code":"0","msg":"","data":[{"label":"vlt7f3a9c"}]}`, `{"code":"0","data":["vlt7f3a9c"]}`,
	} {
		account := stub(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "delete-apikey") {
				fmt.Fprint(w, `{"code":"0","msg":"","data":[{"subAcct":"vaultsub01"}]}`)
				return
			}
			fmt.Fprint(w, body)
		})
		_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01"})
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, body)
		_, err = account.ListKeys(t.Context(), "vaultsub01")
		require.ErrorIs(t, err, exchanges.ErrUnavailable, body)
		require.Error(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "key2"}), body)
	}

	account := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"code":"0","msg":"","data":[{"apiKey":"key2"}]}`)
	})
	_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01"})
	require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, "a key without its secret")
}

// A null or empty list has no rows, but is no key that was made.
func TestListsWithoutRows(t *testing.T) {
	for _, data := range []string{`null`, `[]`} {
		account := stub(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"code":"0","msg":"","data":%s}`, data)
		})
		subAccounts, err := account.SubAccounts(t.Context())
		require.NoError(t, err, data)
		require.Empty(t, subAccounts)
		keys, err := account.ListKeys(t.Context(), "vaultsub01")
		require.NoError(t, err, data)
		require.Empty(t, keys)
		require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "key2"}), data)
		_, err = account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01"})
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown, data)
	}
}

// OKX has one text for a calling key and a key to be deleted that do not exist. Only
// the list decides.
func TestDeletionOfAKeyThatDoesNotExist(t *testing.T) {
	for _, code := range []string{"50119", "59506"} {
		for listed, gone := range map[string]bool{`[]`: true, `[{"apiKey":"key2"}]`: false} {
			account := stub(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "delete-apikey") {
					fmt.Fprintf(w, `{"code":"%s","msg":"API key doesn't exist"}`, code)
					return
				}
				fmt.Fprintf(w, `{"code":"0","msg":"","data":%s}`, listed)
			})
			err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "key2"})
			if gone {
				require.NoError(t, err, code)
			} else {
				require.ErrorIs(t, err, exchanges.ErrNotFound, code)
			}
		}
	}
	account := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"code":"50119","msg":"API key doesn't exist"}`)
	})
	err := exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "vaultsub01", ID: "key2"})
	require.ErrorIs(t, err, exchanges.ErrAuth, "the root key does not exist")
}

// The passphrase belongs to the call alone, and is not shown even if the exchange
// repeats it.
func TestPassphraseIsScrubbed(t *testing.T) {
	account := stub(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			panic(err)
		}
		answer, err := json.Marshal(map[string]string{"code": "59505", "msg": "wrong: " + body["passphrase"]})
		if err == nil {
			_, _ = w.Write(answer)
		}
	})
	_, err := account.CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "vaultsub01", Passphrase: "Minted#Pass01"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "wrong: [redacted]")
}

func TestDecode(t *testing.T) {
	require.Equal(t, []string{"read_only", "trade"}, decode([]string{"trade", "read"}))
	require.Equal(t, []string{"something new"}, decode([]string{"something new"}), "an unknown word is kept, to be refused as a surplus")
	require.Empty(t, decode(nil))
}
