package backend

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// leaseHandle writes a role with custody=vault at a simulated exchange and returns the
// answer to a read of its credentials.
func (d *desk) leaseHandle(exchange string, more map[string]any) map[string]any {
	d.Helper()
	d.connect(exchange, map[string]any{"require_ip_allowlist": false, "allowed_scopes": "read,trade,transfer,withdraw", "allow_undeletable_keys": true})
	fields := map[string]any{
		"connection": exchange, "sub_accounts": d.sim.Exchange(exchange).SubAccounts[0], "scopes": "read", "custody": "vault",
	}
	about, err := d.engine.connections.exchange(exchange)
	require.NoError(d, err)
	if !about.Describe().Variants[0].Addresses.None {
		fields["ip_allowlist"] = "127.0.0.1"
	}
	d.write("roles/signer", merge(fields, more))
	return d.must(logical.ReadOperation, "creds/signer", nil).Data
}

// custodians are the exchanges whose keys can stay in Vault, with a role's scopes.
func custodians() map[string]string {
	scopes := map[string]string{}
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if about.Variants[0].Signing.NoCustody == "" {
			scopes[about.Name] = strings.Join(about.Variants[0].Offered().Strings(), ",")
		}
	}
	return scopes
}

// sent is what was signed, as an exchange receives it.
func sent(t testing.TB, signed map[string]any) *http.Request {
	body, _ := signed["body"].(string)
	made, err := http.NewRequest(signed["method"].(string), signed["url"].(string), strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range signed["headers"].(map[string]string) {
		made.Header.Set(name, value)
	}
	var wire bytes.Buffer
	require.NoError(t, made.Write(&wire))
	read, err := http.ReadRequest(bufio.NewReader(&wire))
	require.NoError(t, err)
	read.RemoteAddr = "127.0.0.1:1"
	return read
}

// anyRequest is a request in the form that an exchange signs.
func anyRequest(exchange string) map[string]any {
	switch exchange {
	case "whitebit":
		return map[string]any{"method": "POST", "path": "/api/v4/trade-account/balance", "body": `{"ticker":"BTC"}`}
	case "hyperliquid":
		return map[string]any{"method": "POST", "path": "/exchange", "body": `{"action":{"type":"scheduleCancel"}}`}
	}
	return map[string]any{"method": "GET", "path": "/any/path", "query": "symbol=BTCUSDT&limit=5"}
}

// TestLeasedHandles reads a key whose secret stays in Vault at every exchange, and has
// the exchange verify what is signed with it. The secret is nowhere but in custody.
func TestLeasedHandles(t *testing.T) {
	for exchange, scopes := range custodians() {
		t.Run(exchange, func(t *testing.T) {
			d := newDesk(t)
			key := d.leaseHandle(exchange, map[string]any{"scopes": scopes})
			for _, secret := range []string{"api_secret", "passphrase", "private_key", "token"} {
				require.Empty(t, key[secret], secret)
			}
			require.Equal(t, "sign/key/"+key["key_id"].(string), key["sign_path"])
			path := key["sign_path"].(string)
			kept, err := d.engine.custody.Get(t.Context(), d.storage.Storage, key["key_id"].(string))
			require.NoError(t, err)
			require.NotNil(t, kept)
			d.secrets = append(d.secrets, kept.APISecret, kept.PrivateKey)

			signed := d.write(path, anyRequest(exchange)).Data
			require.True(t, d.sim.Verifies(exchange, sent(t, signed)), "%v", signed["url"])
			for _, secret := range []string{kept.APISecret, kept.PrivateKey} {
				if secret != "" {
					require.NotContains(t, fmt.Sprint(signed), secret)
				}
			}

			batch := d.write(path, map[string]any{"batch_input": []any{anyRequest(exchange), map[string]any{"method": "get"}, anyRequest(exchange)}}).Data["batch_results"].([]any)
			require.Len(t, batch, 3)
			require.True(t, d.sim.Verifies(exchange, sent(t, batch[0].(map[string]any))))
			require.Contains(t, batch[1].(map[string]any)["error"], "method")
			require.True(t, d.sim.Verifies(exchange, sent(t, batch[2].(map[string]any))))

			d.end(key["key_id"].(string))
			d.refused(logical.UpdateOperation, path, anyRequest(exchange), "creds/")
			left, err := d.storage.Storage.List(t.Context(), "custody/")
			require.NoError(t, err)
			require.Empty(t, left, "the secret goes with its key")
			if kept.Passphrase == "" {
				// A passphrase is in what was signed, at some exchanges as it is.
				d.keptSecrets()
			}
		})
	}
}

// end deletes a key, as its exchange allows.
func (d *desk) end(id string) {
	d.Helper()
	resp, err := d.do(logical.DeleteOperation, "keys/"+id, nil)
	require.NoError(d, err)
	require.False(d, resp.IsError(), "%v", resp)
}

// TestSignWithoutStorage counts: once a key has signed, no signature asks storage.
func TestSignWithoutStorage(t *testing.T) {
	d := newDesk(t)
	path := d.leaseHandle("bybit", map[string]any{"allow": "request,login,raw"})["sign_path"].(string)
	d.write(path, anyRequest("bybit"))
	reads, writes := d.storage.counted(func() {
		for range 20 {
			d.write(path, anyRequest("bybit"))
			d.write(path+"/login", nil)
			d.write(path+"/raw", map[string]any{"input": "text"})
		}
	})
	require.Zero(t, reads+writes)
}

// TestSignIsTheRequesters refuses everybody but whoever leased the key, and never takes
// an empty name for the same as another empty name.
func TestSignIsTheRequesters(t *testing.T) {
	d := newDesk(t)
	id := d.leaseHandle("bybit", nil)["key_id"].(string)
	as := func(operation logical.Operation, path, entity, accessor string) error {
		req := d.request(operation, path, anyRequest("bybit"))
		if operation == logical.ReadOperation {
			req.Data = nil
		}
		req.EntityID, req.ClientTokenAccessor = entity, accessor
		resp, err := d.send(req)
		if err == nil && resp.IsError() {
			return resp.Error()
		}
		return err
	}
	require.NoError(t, as(logical.UpdateOperation, "sign/key/"+id, "entity-1", ""))
	for _, other := range [][2]string{{"entity-2", ""}, {"", ""}, {"", "accessor"}} {
		require.ErrorContains(t, as(logical.UpdateOperation, "sign/key/"+id, other[0], other[1]), "somebody else")
	}
	require.ErrorContains(t, as(logical.ReadOperation, "creds/signer", "", ""), "accessor")

	req := d.request(logical.ReadOperation, "creds/signer", nil)
	req.EntityID, req.ClientTokenAccessor = "", "accessor-1"
	resp, err := d.send(req)
	require.NoError(t, err)
	id = resp.Data["key_id"].(string)
	require.NoError(t, as(logical.UpdateOperation, "sign/key/"+id, "", "accessor-1"))
	for _, other := range [][2]string{{"", "accessor-2"}, {"", ""}, {"entity-1", ""}} {
		require.ErrorContains(t, as(logical.UpdateOperation, "sign/key/"+id, other[0], other[1]), "somebody else")
	}
	raw, err := d.storage.Storage.Get(t.Context(), "key/"+id)
	require.NoError(t, err)
	require.NotContains(t, string(raw.Value), "accessor-1", "the ledger keeps a hash")
}

// TestSignStops refuses to sign as soon as the role or the connection is stopped, or the
// lease has ended.
func TestSignStops(t *testing.T) {
	d := newDesk(t)
	key := d.leaseHandle("okx", map[string]any{"ttl": "10m"})
	path := key["sign_path"].(string)
	d.write(path, anyRequest("okx"))
	patch := func(path string, data map[string]any) { d.must(logical.PatchOperation, path, data) }

	patch("roles/signer", map[string]any{"disabled": true})
	d.refused(logical.UpdateOperation, path, anyRequest("okx"), "disabled")
	patch("roles/signer", map[string]any{"disabled": false})
	d.write(path, anyRequest("okx"))

	patch("config/okx", map[string]any{"frozen": "minting"})
	d.refused(logical.UpdateOperation, path, anyRequest("okx"), "frozen")
	patch("config/okx", map[string]any{"frozen": "no"})

	patch("roles/signer", map[string]any{"allow": "login"})
	d.refused(logical.UpdateOperation, path, anyRequest("okx"), "does not allow requests")
	d.write(path+"/login", nil)
	patch("roles/signer", map[string]any{"allow": "request", "allowed_requests": []string{"GET /any/*"}})
	d.write(path, anyRequest("okx"))
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "DELETE", "path": "/any/path"}, "allowed_requests")
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "GET", "path": "/other"}, "allowed_requests")
	d.refused(logical.UpdateOperation, path+"/login", nil, "does not allow logins")
	patch("roles/signer", map[string]any{"allowed_requests": []string{"GET /*"}})
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "GET", "path": "/users/self/verify"}, "as good as a login")

	d.clock.(*fakeClock).advance(11 * time.Minute)
	d.refused(logical.UpdateOperation, path, anyRequest("okx"), "lease has ended")
}

// TestNothingIsSignedWithADoomedKey: to lift a kill switch saves no key, be it that nobody
// has come to delete it yet.
func TestNothingIsSignedWithADoomedKey(t *testing.T) {
	d := newDesk(t)
	path := d.leaseHandle("okx", nil)["sign_path"].(string)
	d.write(path, anyRequest("okx"))
	d.engine.drainer.stop()
	d.write("roles/signer/revoke-all", nil)
	d.must(logical.DeleteOperation, "roles/signer/revoke-all", nil)
	d.refused(logical.UpdateOperation, path, anyRequest("okx"), "revoked")
}

// TestSigningRules refuses rules that could not be kept.
func TestSigningRules(t *testing.T) {
	d := newDesk(t)
	for _, exchange := range []string{"binance", "bybit", "okx", "deribit", "hyperliquid", "bitfinex", "whitebit", "htx"} {
		d.connect(exchange, map[string]any{"require_ip_allowlist": false, "allowed_scopes": "read,trade,transfer,withdraw"})
	}
	rule := map[string]any{"allowed_requests": []string{"POST /api/v5/trade/order"}}
	for _, c := range []struct {
		exchange string
		fields   map[string]any
		words    []string // nil if it is accepted
	}{
		{"bybit", map[string]any{"custody": "nowhere"}, []string{"custody", "vault"}},
		{"bybit", map[string]any{"allow": "login"}, []string{"allow", "custody=vault"}},
		{"bitfinex", map[string]any{"custody": "vault"}, []string{"custody", "token"}},
		{"bybit", map[string]any{"custody": "vault", "allow": "everything"}, []string{"allow", "request"}},
		{"bybit", map[string]any{"custody": "vault", "allow": "fix"}, []string{"allow", "FIX"}},
		{"hyperliquid", map[string]any{"custody": "vault", "allow": "login"}, []string{"allow", "WebSocket"}},
		{"bybit", merge(map[string]any{"custody": "vault"}, rule), []string{"allowed_requests", "method and the path", "cancel"}},
		{"binance", merge(map[string]any{"custody": "vault"}, rule), []string{"allowed_requests", "method and the path"}},
		{"deribit", merge(map[string]any{"custody": "vault"}, rule), []string{"allowed_requests", "login"}},
		{"deribit", map[string]any{"custody": "vault", "allow": "request"}, []string{"allow", "login"}},
		{"deribit", map[string]any{"custody": "vault", "key_type": "ed25519", "allow": "request"}, []string{"allow", "requests"}},
		{"hyperliquid", merge(map[string]any{"custody": "vault"}, rule), []string{"allowed_requests", "allowed_actions"}},
		{"okx", map[string]any{"custody": "vault", "allowed_actions": "order"}, []string{"allowed_actions"}},
		{"okx", merge(map[string]any{"custody": "vault", "allow": "request,login"}, rule), []string{"allow", "session"}},
		{"okx", merge(map[string]any{"custody": "vault", "allow": "request,raw"}, rule), []string{"allow", "raw signs any request"}},
		{"hyperliquid", map[string]any{"custody": "vault", "allow": "request,raw"}, []string{"allow", "leave raw out"}},
		{"hyperliquid", map[string]any{"custody": "vault", "allow": "raw", "allowed_actions": "order"}, []string{"allow"}},
		{"okx", map[string]any{"allow": "raw"}, []string{"allow", "custody=vault"}},
		{"okx", map[string]any{"custody": "vault", "allowed_requests": []string{"/api/v5/trade/order"}}, []string{"allowed_requests", "POST"}},
		{"whitebit", map[string]any{"custody": "vault", "allowed_requests": []string{"GET /api/v4/order/new"}}, []string{"allowed_requests", "POST only"}},
		{"okx", merge(map[string]any{"custody": "vault"}, rule), nil},
		{"htx", merge(map[string]any{"custody": "vault"}, rule), nil},
		{"whitebit", merge(map[string]any{"custody": "vault"}, rule), nil},
		{"hyperliquid", map[string]any{"custody": "vault", "allowed_actions": "order,cancel"}, nil},
		{"deribit", map[string]any{"custody": "vault", "key_type": "ed25519"}, nil},
		{"binance", map[string]any{"custody": "vault", "key_type": "ed25519", "allow": "login,fix"}, nil},
	} {
		about, err := d.engine.connections.exchange(c.exchange)
		require.NoError(t, err)
		fields := merge(map[string]any{
			"connection": c.exchange, "sub_accounts": d.sim.Exchange(c.exchange).SubAccounts[0],
			"scopes": strings.Join(about.Describe().Variants[0].Offered().Strings(), ","), "verify": false,
		}, c.fields)
		if c.words == nil {
			d.write("roles/of-"+c.exchange, fields)
			continue
		}
		d.refused(logical.UpdateOperation, "roles/of-"+c.exchange, fields, c.words...)
	}
}

// TestAllowedActions keeps a rule on actions.
func TestAllowedActions(t *testing.T) {
	d := newDesk(t)
	path := d.leaseHandle("hyperliquid", map[string]any{"scopes": custodians()["hyperliquid"], "allowed_actions": "scheduleCancel"})["sign_path"].(string)
	d.write(path, anyRequest("hyperliquid"))
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "POST", "path": "/exchange", "body": `{"action":{"type":"usdClassTransfer"}}`}, "allowed_actions")
	d.refused(logical.UpdateOperation, path, map[string]any{"method": "POST", "path": "/exchange", "body": `{"action":{"type":"scheduleCancel"},"ACTION":{"type":"usdClassTransfer"}}`}, "twice")
}

// TestSignLogins has logins and logons signed at every exchange that has them.
func TestSignLogins(t *testing.T) {
	for exchange, scopes := range custodians() {
		about, err := newConnections(catalog.All(), time.Now, nil).exchange(exchange)
		require.NoError(t, err)
		signing := about.Describe().Variants[0].Signing
		for _, keyType := range about.Describe().Variants[0].KeyTypes {
			t.Run(exchange+"/"+string(keyType), func(t *testing.T) {
				d := newDesk(t)
				allow := []string{}
				for kind, can := range map[string]bool{signRequest: signing.SignsRequests(keyType), signLogin: signing.LogsIn(keyType), signFIX: signing.LogsOn(keyType)} {
					if can {
						allow = append(allow, kind)
					}
				}
				path := d.leaseHandle(exchange, map[string]any{"scopes": scopes, "key_type": string(keyType), "allow": allow})["sign_path"].(string)
				for _, channel := range signing.Channels(keyType) {
					login := d.write(path+"/login", map[string]any{"channel": channel.Name}).Data
					if channel.Request == "" {
						assert.True(t, strings.HasPrefix(login["url"].(string), "ws://127.0.0.1:"), login["url"])
						assert.NotEmpty(t, login["message"])
						continue
					}
					assert.True(t, d.sim.Verifies(exchange, sent(t, login)), channel.Name)
				}
				if signing.LogsOn(keyType) {
					fields := d.write(path+"/fix", map[string]any{"sender_comp_id": "DESK", "target_comp_id": "SPOT"}).Data["fields"].(map[string]string)
					assert.NotEmpty(t, fields["96"])
					assert.NotEmpty(t, fields["553"])
					d.refused(logical.UpdateOperation, path+"/fix", map[string]any{"sender_comp_id": "DESK\x0196=x", "target_comp_id": "SPOT"}, "sender_comp_id")
				}
				if !signing.SignsRequests(keyType) {
					d.refused(logical.UpdateOperation, path, anyRequest(exchange), "does not allow requests")
				}
			})
		}
	}
}

// TestSignRaw signs any text where the role says so, and nowhere else.
func TestSignRaw(t *testing.T) {
	for exchange, scopes := range custodians() {
		about, err := newConnections(catalog.All(), time.Now, nil).exchange(exchange)
		require.NoError(t, err)
		variant := about.Describe().Variants[0]
		for _, keyType := range variant.KeyTypes {
			t.Run(exchange+"/"+string(keyType), func(t *testing.T) {
				d := newDesk(t)
				key := d.leaseHandle(exchange, map[string]any{"scopes": scopes, "key_type": string(keyType)})
				path := key["sign_path"].(string) + "/raw"
				d.refused(logical.UpdateOperation, path, map[string]any{"input": "text"}, "does not allow raw")
				if !variant.Signing.SignsRaw(keyType) {
					d.refused(logical.PatchOperation, "roles/signer", map[string]any{"allow": "raw"}, "leave raw out")
					return
				}
				d.must(logical.PatchOperation, "roles/signer", map[string]any{"allow": "raw"})
				kept, err := d.engine.custody.Get(t.Context(), d.storage.Storage, key["key_id"].(string))
				require.NoError(t, err)
				signed := d.write(path, map[string]any{"input": "text"}).Data
				require.NotEmpty(t, signed["signature"])
				require.Equal(t, key["api_key"], signed["api_key"])
				require.Equal(t, kept.Passphrase, signed["passphrase"])
				for _, secret := range []string{kept.APISecret, kept.PrivateKey} {
					require.True(t, secret == "" || !strings.Contains(fmt.Sprint(signed), secret))
				}
				d.refused(logical.UpdateOperation, path, nil, "input: missing")
				d.write(path, map[string]any{"input": "GET\n/path\n"}) // as Gate signs
				d.refused(logical.UpdateOperation, path, map[string]any{"input": "A\x0149\x0156"}, "input: holds the control character U+0001")
				d.refused(logical.UpdateOperation, key["sign_path"].(string), anyRequest(exchange), "does not allow requests")

				d.must(logical.PatchOperation, "roles/signer", map[string]any{"allow": "request,login"})
				d.refused(logical.UpdateOperation, path, map[string]any{"input": "text"}, "does not allow raw")
			})
		}
	}
}

// TestNoSecretIsSigned proves the last line of defence: what holds a secret is not shown.
func TestNoSecretIsSigned(t *testing.T) {
	s := &signer{secrets: []string{"canary"}}
	require.ErrorContains(t, s.sealed("a canary sings"), "not shown")
	require.NotContains(t, s.sealed("a canary sings").Error(), "canary")
	require.NoError(t, s.sealed("a sparrow"))
	made, err := http.NewRequest(http.MethodPost, "https://api.example.com/", io.NopCloser(strings.NewReader("canary")))
	require.NoError(t, err)
	_, err = s.show(made, time.Time{})
	require.Error(t, err)
}

// TestSignersAreDropped proves that no account stays open that nobody uses.
func TestSignersAreDropped(t *testing.T) {
	d := newDesk(t)
	path := d.leaseHandle("bybit", nil)["sign_path"].(string)
	d.write(path, anyRequest("bybit"))
	require.Len(t, d.engine.signers.open, 1)
	asked := d.sim.Calls("bybit", exchanges.OpServerTime)
	d.clock.(*fakeClock).advance(9 * time.Minute)
	d.write(path, anyRequest("bybit"))
	d.clock.(*fakeClock).advance(2 * time.Minute)
	d.engine.signers.tend(t.Context(), d.storage)
	require.Len(t, d.engine.signers.open, 1, "it was used")
	require.Greater(t, d.sim.Calls("bybit", exchanges.OpServerTime), asked, "its clock is measured anew")
	d.clock.(*fakeClock).advance(11 * time.Minute)
	d.engine.signers.tend(t.Context(), d.storage)
	require.Empty(t, d.engine.signers.open)

	d.write(path, anyRequest("bybit"))
	d.engine.invalidate(t.Context(), "role/signer")
	require.Empty(t, d.engine.signers.open)
	d.write(path, anyRequest("bybit"))
	d.engine.invalidate(t.Context(), path[len(signKeyPrefix):])
	d.engine.invalidate(t.Context(), "custody/"+path[len(signKeyPrefix):])
	require.Empty(t, d.engine.signers.open)
}

func BenchmarkSign(b *testing.B) {
	d := newDesk(b)
	path := d.leaseHandle("bybit", nil)["sign_path"].(string)
	req := d.request(logical.UpdateOperation, path, map[string]any{"method": "POST", "path": "/v5/order/create", "body": `{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"10000"}`})
	b.ReportAllocs()
	for b.Loop() {
		resp, err := d.engine.HandleRequest(b.Context(), req)
		if err != nil || resp.IsError() {
			b.Fatal(err, resp)
		}
	}
}
