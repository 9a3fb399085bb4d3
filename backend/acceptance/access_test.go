package acceptance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Who may have which key, in which form, and what is kept of that.
func TestAccess(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	for name, test := range map[string]func(*testing.T, *engine){
		"policy":           testPolicy,
		"wrapping":         testWrapping,
		"require wrapping": testRequireWrapping,
		"require reason":   testRequireReason,
		"requester":        testRequester,
		"client address":   testClientAddress,
		"narrowing":        testNarrowing,
		"forgetting":       testForgetting,
		"signing":          testSigning,
		"ci":               testCI,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, enableDesk(t, vault))
		})
	}
}

// policy writes a policy of the mount's own and returns its name.
func (e *engine) policy(t *testing.T, rules string) string {
	require.NoError(t, e.client.Sys().PutPolicyWithContext(t.Context(), e.path, rules))
	return e.path
}

// limited returns the mount as seen by a token that may only do what the rules
// say.
func (e *engine) limited(t *testing.T, rules string) *engine {
	token, err := e.client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{
		Policies: []string{e.policy(t, rules)}, NoDefaultPolicy: true,
	})
	require.NoError(t, err)
	return e.as(t, token.Auth.ClientToken)
}

// One role's policy opens nothing else: no other role, no connection, no ledger.
func testPolicy(t *testing.T, e *engine) {
	team := e.limited(t, fmt.Sprintf(`path "%s/creds/%s" { capabilities = ["read"] }`, e.path, reader))
	k := team.mint(t, reader)
	require.NoError(t, k.use(t))

	for _, path := range []string{
		"creds/" + trader, "config/" + desk, "config/" + desk + "/check",
		"roles/" + reader, "keys/" + k.text("key_id"), "exchanges/" + bybit, "info",
	} {
		refused(t, team.tryRead(t, path), http.StatusForbidden, "permission denied")
	}
	for _, path := range []string{"config", "roles", "keys", "config/" + desk + "/sub-accounts"} {
		_, err := team.client.Logical().ListWithContext(t.Context(), e.path+"/"+path)
		refused(t, err, http.StatusForbidden, "permission denied")
	}
	for path, data := range map[string]fields{
		"config/" + desk: e.connection(), "roles/" + reader: e.role("read"), "creds/" + reader: {"reason": "T-1"},
	} {
		refused(t, team.tryWrite(t, path, data), http.StatusForbidden, "permission denied")
	}
	for _, path := range []string{"config/" + desk, "roles/" + reader, "keys/" + k.text("key_id")} {
		refused(t, team.tryDelete(t, path), http.StatusForbidden, "permission denied")
	}
	require.Len(t, e.simulator.Keys(), 1)
}

// wrapped reads creds/ of a role and returns the token that wraps the answer.
func (e *engine) wrapped(t *testing.T, role string) *api.SecretWrapInfo {
	client, err := e.client.CloneWithHeaders()
	require.NoError(t, err)
	client.SetToken(e.client.Token())
	client.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	secret, err := client.Logical().ReadWithContext(t.Context(), e.path+"/creds/"+role)
	require.NoError(t, err)
	require.NotNil(t, secret.WrapInfo)
	require.Empty(t, secret.Data)
	return secret.WrapInfo
}

// unwrap opens a wrapped answer.
func (e *engine) unwrap(t *testing.T, wrapped *api.SecretWrapInfo) *key {
	secret, err := e.client.Logical().UnwrapWithContext(t.Context(), wrapped.Token)
	require.NoError(t, err)
	return e.key(t, secret)
}

// A wrapped key is opened once, by whoever holds the wrapping token.
func testWrapping(t *testing.T, e *engine) {
	wrapped := e.wrapped(t, trader)
	require.Equal(t, e.path+"/creds/"+trader, wrapped.CreationPath)
	k := e.unwrap(t, wrapped)
	k.works(t)
	_, err := e.client.Logical().UnwrapWithContext(t.Context(), wrapped.Token)
	refused(t, err, http.StatusBadRequest, "wrapping token is not valid")
	k.revoke(t)
	k.gone(t)
}

func testRequireWrapping(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"require_wrapping": true}))
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "wrapped response", "-wrap-ttl")
	require.Empty(t, e.simulator.Keys())
	e.unwrap(t, e.wrapped(t, trader)).works(t)
}

func testRequireReason(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"require_reason": true}))
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "reason", "ticket")
	require.Empty(t, e.simulator.Keys())
	k := e.key(t, e.write(t, "creds/"+trader, fields{"reason": "DESK-1234"}))
	require.Equal(t, "DESK-1234", e.read(t, "keys/"+k.text("key_id"))["reason"])
}

// login makes a user of the mount's own with a policy, and returns the mount as
// that user sees it, and the user's entity.
func (e *engine) login(t *testing.T, user, rules string) (as *engine, entityID string) {
	users := e.path + "-users"
	require.NoError(t, e.client.Sys().EnableAuthWithOptionsWithContext(t.Context(), users, &api.EnableAuthOptions{Type: "userpass"}))
	account := "auth/" + users + "/users/" + user
	_, err := e.client.Logical().WriteWithContext(t.Context(), account, fields{"password": "pw", "token_policies": e.policy(t, rules)})
	require.NoError(t, err)
	secret, err := e.client.Logical().WriteWithContext(t.Context(), "auth/"+users+"/login/"+user, fields{"password": "pw"})
	require.NoError(t, err)
	return e.as(t, secret.Auth.ClientToken), secret.Auth.EntityID
}

// The ledger tells who asked for a key, from where and why, and never how to use
// it.
func testRequester(t *testing.T, e *engine) {
	alice, entityID := e.login(t, "alice", fmt.Sprintf(`path "%s/creds/*" { capabilities = ["read", "update"] }`, e.path))
	k := alice.key(t, alice.write(t, "creds/"+trader, fields{"reason": "rebalance, DESK-7"}))

	entry := e.read(t, "keys/"+k.text("key_id"))
	require.NotEmpty(t, entityID)
	for field, want := range map[string]any{
		"state": "live", "entity_id": entityID, "display_name": e.path + "-users-alice", "client_address": "127.0.0.1",
		"reason": "rebalance, DESK-7", "connection": desk, "exchange": bybit, "role": trader, "risk": "moderate",
		"sub_account": k.Data["sub_account"], "api_key": k.Data["api_key"], "scopes": []any{"read", "trade:spot"},
		"ip_allowlist": []any{"127.0.0.1"}, "key_type": "hmac", "expires_at": k.Data["expires_at"],
		"revoke_attempts": json.Number("0"), "last_error": "",
	} {
		require.Equal(t, want, entry[field], field)
	}
	require.NotContains(t, fmt.Sprint(entry), k.text("api_secret"))
	require.Equal(t, k.text("key_id"), e.write(t, "keys/lookup", fields{"api_key": k.text("api_key")}).Data["key_id"])
	refused(t, e.tryWrite(t, "keys/lookup", fields{"api_key": "nobody's"}), http.StatusNotFound, "no key")

	other := e.mint(t, reader)
	require.Equal(t, "root", e.read(t, "keys/"+other.text("key_id"))["display_name"])
	require.ElementsMatch(t, []string{k.text("key_id"), other.text("key_id")}, e.list(t, "keys"))
}

// A role can bind each key to the address that its caller has at Vault.
func testClientAddress(t *testing.T, e *engine) {
	bound := e.role("read,trade:spot").with(fields{"bind_client_ip": true, "allowed_ip_ranges": "127.0.0.0/8"})
	delete(bound, "ip_allowlist")
	e.write(t, "roles/"+trader, bound)
	k := e.mint(t, trader)
	require.Equal(t, []string{"127.0.0.1"}, words(k.Data["ip_allowlist"]))
	k.works(t)

	e.write(t, "roles/"+trader, bound.with(fields{"allowed_ip_ranges": "203.0.113.0/24"}))
	refused(t, e.tryRead(t, "creds/"+trader), http.StatusBadRequest, "127.0.0.1", "allowed_ip_ranges")
}

// A caller may ask for less than the role gives.
func testNarrowing(t *testing.T, e *engine) {
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ip_allowlist": "127.0.0.1,203.0.113.7"}))
	k := e.key(t, e.write(t, "creds/"+trader, fields{"ttl": "1m", "scopes": "read", "ip_allowlist": "127.0.0.1"}))
	require.Equal(t, 60, k.LeaseDuration)
	require.Equal(t, []string{"read"}, words(k.Data["scopes"]))
	require.Equal(t, []string{"127.0.0.1"}, words(k.Data["ip_allowlist"]))
	require.Equal(t, "minimal", k.Data["risk"])
	k.works(t)
}

// published returns one of the policies in the documentation, for this mount.
func (e *engine) published(t *testing.T, name string) string {
	rules, err := os.ReadFile(filepath.Join("..", "..", "docs", "policies", name+".hcl"))
	require.NoError(t, err)
	require.Contains(t, string(rules), `"exchange/`)
	return strings.NewReplacer(`"exchange/`, `"`+e.path+`/`, `/exchange/`, `/`+e.path+`/`).Replace(string(rules))
}

// A job says why it wants a key, however it asks: in the query of a read too, to which
// Vault applies required_parameters as to what is written. An empty reason passes there,
// and is refused by the role.
func testCI(t *testing.T, e *engine) {
	e.write(t, "roles/bybit-reader", e.role("read").with(fields{"require_reason": true}))
	e.write(t, "roles/gitlab-reader", e.role("read"))
	job := e.limited(t, e.published(t, "ci"))
	refused(t, job.tryRead(t, "creds/bybit-reader"), http.StatusForbidden, "permission denied")
	refused(t, job.tryWrite(t, "creds/bybit-reader", fields{"ttl": "5m"}), http.StatusForbidden, "permission denied")
	reading := func(reason string) (*api.Secret, error) {
		return job.client.Logical().ReadWithDataWithContext(t.Context(), e.path+"/creds/bybit-reader", map[string][]string{"reason": {reason}, "ttl": {"5m"}})
	}
	_, err := reading(" ")
	refused(t, err, http.StatusBadRequest, "reason")
	require.Empty(t, e.simulator.Keys())

	secret, err := reading("example/bot run 42")
	require.NoError(t, err)
	for _, k := range []*key{e.key(t, secret), e.key(t, job.write(t, "creds/bybit-reader", fields{"reason": "example/bot run 42", "ttl": "5m"}))} {
		require.Equal(t, 300, k.LeaseDuration)
		require.Equal(t, "example/bot run 42", e.read(t, "keys/"+k.text("key_id"))["reason"])
		require.NoError(t, job.client.Sys().RevokeWithOptionsWithContext(t.Context(), &api.RevokeOptions{LeaseID: k.LeaseID, Sync: true}))
		k.gone(t)
	}
	job.mint(t, "gitlab-reader").works(t)
	refused(t, job.tryWrite(t, "creds/gitlab-reader", fields{"reason": "a"}), http.StatusForbidden, "permission denied")
	refused(t, job.tryRead(t, "creds/"+trader), http.StatusForbidden, "permission denied")
}

// A key whose secret stays in Vault signs for whoever leased it, and for nobody else with
// the same policy.
func testSigning(t *testing.T, e *engine) {
	e.write(t, "roles/signer-role", e.role("read,trade:spot").with(fields{"custody": "vault"}))
	rules := e.published(t, "signer")
	bot, other := e.limited(t, rules), e.limited(t, rules)
	k := bot.mint(t, "signer-role")
	require.Empty(t, k.Data["api_secret"])
	balance := fields{"method": "GET", "path": "/v5/account/wallet-balance", "query": "accountType=UNIFIED"}
	signed := bot.write(t, k.text("sign_path"), balance).Data
	require.NotEmpty(t, signed["headers"])
	require.NotEmpty(t, bot.write(t, k.text("sign_path")+"/login", nil).Data["message"])
	refused(t, other.tryWrite(t, k.text("sign_path"), balance), http.StatusForbidden, "somebody else")
	refused(t, e.tryWrite(t, k.text("sign_path"), balance), http.StatusForbidden, "somebody else")
	refused(t, bot.tryRead(t, "creds/"+trader), http.StatusForbidden, "permission denied")

	require.NoError(t, e.tryRevoke(t, k.LeaseID))
	refused(t, bot.tryWrite(t, k.text("sign_path"), balance), http.StatusBadRequest, "creds/")
}

// Who may delete a key may not give it up unproved: that is a policy of its own. As a
// parameter of the deletion it could not be one, since Vault does not look at those.
func testForgetting(t *testing.T, e *engine) {
	k := e.mint(t, trader)
	id := k.text("key_id")
	e.misbehave(t, exchanges.OpDeleteKey, simulator.Error5xx)
	security := e.limited(t, e.published(t, "security"))
	require.Error(t, security.tryDelete(t, "keys/"+id))
	refused(t, security.tryWrite(t, "keys/"+id+"/forget", nil), http.StatusForbidden, "permission denied")

	bare := e.limited(t, fmt.Sprintf(`path "%s/keys/*" { capabilities = ["delete"] denied_parameters = { "*" = [] } }`, e.path))
	_, err := bare.client.Logical().DeleteWithDataWithContext(t.Context(), e.path+"/keys/"+id, map[string][]string{"forget": {"true"}})
	refused(t, err, http.StatusBadRequest, "forget", "not a field")

	few := e.limited(t, e.published(t, "forget"))
	forgotten := few.write(t, "keys/"+id+"/forget", nil)
	require.Equal(t, k.Data["api_key"], forgotten.Data["api_key"])
	require.Contains(t, fmt.Sprint(forgotten.Warnings), "nobody has proved")
	require.Empty(t, few.list(t, "keys"))
	e.simulator.ClearFaults()
	require.Len(t, e.simulator.Keys(), 1)
}
