package acceptance_test

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

const (
	// soon is how long to wait for what Vault does of its own accord, such as
	// the revocation of a lease that has expired.
	soon = time.Minute
	// often is how often to look meanwhile.
	often = 100 * time.Millisecond
	// unseen is how long after its creation a key that the exchange does not show, and
	// whose deletion it has not confirmed, is not known to be gone:
	// exchanges.Variant.Staleness.
	unseen = 30 * time.Second
	// hurried multiplies rate limits on both sides, where pace is not the
	// subject.
	hurried = 1000
)

// fields are the fields of a request.
type fields map[string]any

// with returns the fields with some of them changed.
func (f fields) with(changes fields) fields {
	changed := maps.Clone(f)
	maps.Copy(changed, changes)
	return changed
}

// engine is one mount of the secrets engine, beside simulated exchanges that no
// other mount uses.
type engine struct {
	vault     *vaulttest.Cluster
	client    *api.Client
	path      string
	simulator *simulator.Simulator
}

// enable mounts the engine beside simulated exchanges of its own.
func enable(t *testing.T, vault *vaulttest.Cluster) *engine {
	venues := simulator.New(simulator.Options{RateMultiplier: hurried}, all.Venues()...)
	require.NoError(t, venues.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, venues.Close()) })
	return enableBeside(t, vault, venues)
}

// enableBeside mounts the engine at a path of its own.
func enableBeside(t *testing.T, vault *vaulttest.Cluster, venues *simulator.Simulator) *engine {
	e := &engine{
		vault: vault, client: vault.Client(t), path: "exchange-" + strings.ToLower(rand.Text()), simulator: venues,
	}
	vault.Enable(t, e.path)
	return e
}

// as returns the same mount, seen by the owner of another token.
func (e *engine) as(t *testing.T, token string) *engine {
	client, err := e.client.Clone()
	require.NoError(t, err)
	client.SetToken(token)
	other := *e
	other.client = client
	return &other
}

// root is how a connection to the exchange with that root is written.
func root(access simulator.Access, exchange string) fields {
	connection := fields{"exchange": exchange, "base_url": access.BaseURL, "rate_multiplier": hurried}
	for field, value := range map[string]string{
		"variant": access.Variant, "api_key": access.APIKey, "api_secret": access.APISecret,
		"passphrase": access.Passphrase, "private_key": access.PrivateKey, "totp_secret": access.TOTPSecret,
		"broker": access.Broker,
	} {
		if value != "" {
			connection[field] = value
		}
	}
	return connection
}

// The desk that most tests use: a connection to Bybit and two roles on it.
const (
	desk   = "desk"
	reader = "reader"
	trader = "trader"
)

// bybit is the exchange that tests use which are not about exchanges.
const bybit = "bybit"

// enableDesk mounts the engine and writes the desk's connection and roles.
func enableDesk(t *testing.T, vault *vaulttest.Cluster) *engine {
	e := enable(t, vault)
	e.setUp(t)
	return e
}

// setUp writes the desk's connection and roles.
func (e *engine) setUp(t *testing.T) {
	e.write(t, "config/"+desk, e.connection())
	e.write(t, "roles/"+reader, e.role("read"))
	e.write(t, "roles/"+trader, e.role("read,trade:spot"))
}

// connection is the desk's connection.
func (e *engine) connection() fields { return root(e.simulator.Exchange(bybit), bybit) }

// role is a role on the desk's connection, whose keys work from here.
func (e *engine) role(scopes string) fields {
	return fields{
		"connection": desk, "sub_accounts": e.simulator.Exchange(bybit).SubAccounts[0], "scopes": scopes,
		"ip_allowlist": "127.0.0.1", "ttl": "10m", "max_ttl": "2h",
	}
}

// misbehave makes the desk's exchange misbehave until that is cleared.
func (e *engine) misbehave(t *testing.T, operation exchanges.Operation, kind simulator.FaultKind) {
	require.NoError(t, e.simulator.Inject(simulator.Fault{Exchange: bybit, Operation: operation, Kind: kind}))
}

// write writes a path of the mount.
func (e *engine) write(t *testing.T, path string, data fields) *api.Secret {
	secret, err := e.client.Logical().WriteWithContext(t.Context(), e.path+"/"+path, data)
	require.NoError(t, err, path)
	return secret
}

// read reads a path of the mount, which must have something to say.
func (e *engine) read(t *testing.T, path string) map[string]any {
	secret, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/"+path)
	require.NoError(t, err, path)
	require.NotNil(t, secret, path)
	return secret.Data
}

// list lists a path of the mount.
func (e *engine) list(t *testing.T, path string) []string {
	secret, err := e.client.Logical().ListWithContext(t.Context(), e.path+"/"+path)
	require.NoError(t, err, path)
	if secret == nil {
		return nil
	}
	return words(secret.Data["keys"])
}

// details lists a path of the mount: what is known of each entry by its name.
func (e *engine) details(t *testing.T, path string) map[string]any {
	secret, err := e.client.Logical().ListWithContext(t.Context(), e.path+"/"+path)
	require.NoError(t, err, path)
	require.NotNil(t, secret, path)
	return secret.Data["key_info"].(map[string]any)
}

// words turns a list in an answer into strings.
func words(list any) []string {
	var texts []string
	items, _ := list.([]any)
	for _, item := range items {
		texts = append(texts, item.(string))
	}
	return texts
}

// tryWrite writes a path of the mount, which may fail.
func (e *engine) tryWrite(t *testing.T, path string, data fields) error {
	_, err := e.client.Logical().WriteWithContext(t.Context(), e.path+"/"+path, data)
	return err
}

// tryRead reads a path of the mount, which may fail.
func (e *engine) tryRead(t *testing.T, path string) error {
	_, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/"+path)
	return err
}

// tryDelete deletes a path of the mount, which may fail.
func (e *engine) tryDelete(t *testing.T, path string) error {
	_, err := e.client.Logical().DeleteWithContext(t.Context(), e.path+"/"+path)
	return err
}

// refused checks that a request failed with a status and a text that contains
// each of the words.
func refused(t *testing.T, err error, status int, says ...string) {
	var refusal *api.ResponseError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, status, refusal.StatusCode, "%s", refusal)
	text := strings.Join(refusal.Errors, "\n")
	for _, word := range says {
		require.Contains(t, text, word)
	}
}

// key is a key that was minted, as its owner has it.
type key struct {
	*api.Secret
	engine *engine
}

// mint reads creds/ of a role.
func (e *engine) mint(t *testing.T, role string) *key {
	secret, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/creds/"+role)
	require.NoError(t, err)
	return e.key(t, secret)
}

// key checks that an answer of creds/ is a lease.
func (e *engine) key(t *testing.T, secret *api.Secret) *key {
	require.NotNil(t, secret)
	require.NotEmpty(t, secret.LeaseID)
	require.Equal(t, secret.Data["key_type"] != string(exchanges.KeyBearer), secret.Renewable)
	return &key{secret, e}
}

func (k *key) text(field string) string {
	text, _ := k.Data[field].(string)
	return text
}

// use asks the exchange, signed with the key, whose it is.
func (k *key) use(t *testing.T) error { return k.useAs(t, "") }

// useAs is use for keys of an exchange's variant other than its first.
func (k *key) useAs(t *testing.T, variant string) error {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	known := catalog.All()
	i := slices.IndexFunc(known, func(x exchanges.Exchange) bool { return x.Describe().Name == k.text("exchange") })
	require.GreaterOrEqual(t, i, 0)
	account, err := known[i].Open(exchanges.Credential{
		APIKey:     k.text("api_key"),
		APISecret:  exchanges.Secret(k.text("api_secret")),
		Passphrase: exchanges.Secret(k.text("passphrase")),
		PrivateKey: exchanges.Secret(k.text("private_key")),
		Token:      exchanges.Secret(k.text("token")),
		SubAccount: k.text("sub_account"),
	}, exchanges.Options{Variant: variant, BaseURL: k.text("base_url"), RateMultiplier: hurried})
	require.NoError(t, err)
	defer account.Close()
	_, err = account.Inspect(ctx)
	return err
}

// works checks that the exchange accepts the key.
func (k *key) works(t *testing.T) {
	require.NoError(t, k.use(t))
	require.True(t, k.exists())
}

// gone checks that the exchange knows the key no longer, nor the ledger.
func (k *key) gone(t *testing.T) {
	require.ErrorIs(t, k.use(t), exchanges.ErrAuth)
	require.False(t, k.exists())
	require.NotContains(t, k.engine.list(t, "keys"), k.text("key_id"))
}

// ends waits until Vault has revoked the key.
func (k *key) ends(t *testing.T) {
	require.Eventually(t, func() bool { return !k.exists() }, soon, often, "the key is not deleted")
	require.Eventually(t, func() bool { return !slices.Contains(k.engine.list(t, "keys"), k.text("key_id")) }, soon, often)
	k.gone(t)
}

// exists reports whether the exchange has the key, without asking with it.
func (k *key) exists() bool {
	return slices.ContainsFunc(k.engine.simulator.Keys(), func(v simulator.KeyView) bool { return v.APIKey == k.text("api_key") })
}

// expires returns when the ledger says that the key ends.
func (k *key) expires(t *testing.T) time.Time {
	return timestamp(t, k.engine.read(t, "keys/"+k.text("key_id"))["expires_at"])
}

func timestamp(t *testing.T, value any) time.Time {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// renew renews the key's lease by so many seconds and returns how many it was
// given.
func (k *key) renew(t *testing.T, seconds int) int {
	renewed, err := k.engine.client.Sys().RenewWithContext(t.Context(), k.LeaseID, seconds)
	require.NoError(t, err)
	return renewed.LeaseDuration
}

// tryRenew renews the key's lease, which may fail.
func (k *key) tryRenew(t *testing.T) error {
	_, err := k.engine.client.Sys().RenewWithContext(t.Context(), k.LeaseID, 0)
	return err
}

// revoke revokes the key's lease and waits for the end of that.
func (k *key) revoke(t *testing.T) { require.NoError(t, k.tryRevoke(t)) }

// tryRevoke is revoke, which may fail.
func (k *key) tryRevoke(t *testing.T) error { return k.engine.tryRevoke(t, k.LeaseID) }

// tryRevoke revokes a lease, which may have ended already, and waits for the end of
// that.
func (e *engine) tryRevoke(t *testing.T, lease string) error {
	_, err := e.client.Logical().WriteWithContext(t.Context(), "sys/leases/revoke", fields{"lease_id": lease, "sync": true})
	return err
}
