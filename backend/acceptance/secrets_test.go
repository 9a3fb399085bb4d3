package acceptance_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend"
	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// canaries are secrets, each with what it is. None may show where others than
// their owners look.
type canaries map[string]string

// plant notes the secret parts of a connection or of an answer of creds/.
func (c canaries) plant(whose string, data map[string]any) {
	for _, field := range []string{"api_secret", "passphrase", "private_key", "totp_secret", "token", "client_config"} {
		if secret, _ := data[field].(string); secret != "" {
			c[whose+"'s "+field] = secret
		}
	}
}

// in lists the canaries that a text holds, in whatever form.
func (c canaries) in(text string) []string {
	var found []string
	for what, secret := range c {
		if slices.ContainsFunc(forms(secret), func(form string) bool { return strings.Contains(text, form) }) {
			found = append(found, what)
		}
	}
	return found
}

// forms are the ways in which a secret can show: as it is, inside of JSON, in
// base64, and of PEM any one line of the key itself.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	shown := []string{secret, strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(secret))}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); strings.Contains(secret, "-----BEGIN") && !strings.Contains(line, "-----") {
			shown = append(shown, line)
		}
	}
	return slices.DeleteFunc(shown, func(form string) bool { return form == "" })
}

// secrecy watches what a mount shows of secrets.
type secrecy struct {
	*engine
	// secrets that were given to the mount or minted by it.
	secrets canaries
	// needed are those of them without which an exchange deletes no key.
	needed canaries
	// shown is what the mount answered to others than the secrets' owners.
	shown strings.Builder
}

// Secrets reach their owner and nobody else: no log, no audit log, no error, no
// other path, and of the storage only the connection's own entry, and in custody that
// of a static role's present key, which are seal-wrapped.
func TestSecrets(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	s := &secrecy{engine: enable(t, vault), secrets: canaries{}, needed: canaries{}}
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		if !slices.Contains(s.simulator.Exchanges(), about.Name) {
			continue
		}
		kinds := []string{"main", "rsa", "ed25519"}
		for _, variant := range about.Variants {
			kinds = append(kinds, variant.Name)
		}
		for i, kind := range kinds {
			if access, ok := s.simulator.Root(about.Name, kind); ok {
				s.exercise(t, about, kind, access, access.SubAccounts[i%len(access.SubAccounts)])
			}
		}
	}
	s.mistake(t)

	log, audit := vault.Servers[0].Log(t), vault.Servers[0].AuditLog(t)
	assert.Empty(t, s.secrets.in(s.shown.String()), "an answer shows secrets")
	assert.Empty(t, s.secrets.in(log), "the log shows secrets")
	assert.Empty(t, s.secrets.in(audit), "the audit log shows secrets")
	assert.Contains(t, audit, s.path+"/creds/", "the audit log does not show what was done")
	s.checkStorage(t)
}

func (s *secrecy) show(answer any) { fmt.Fprintf(&s.shown, "%+v\n", answer) }

// exercise connects with a root, mints keys of each type in a sub-account, and
// then lets things go wrong.
func (s *secrecy) exercise(t *testing.T, about exchanges.Description, kind string, access simulator.Access, subAccount string) {
	variant, err := about.Variant(access.Variant)
	require.NoError(t, err)
	connection := kind + "-" + about.Name
	s.secrets.plant(connection+" root", root(access, about.Name))
	s.connect(t, connection, about.Name, variant, access)
	for _, keyType := range variant.KeyTypes {
		role := connection + "-" + string(keyType)
		s.write(t, "roles/"+role, fields{
			"connection": connection, "sub_accounts": subAccount, "scopes": variant.Offered().Strings(),
			"key_type": keyType, "ip_allowlist": addresses(variant),
			// Another root of the same account may have met the rate limit before.
			"max_wait": "30s",
		})
		revoked, kept := s.mint(t, role), s.mint(t, role)
		s.watch(t, variant, role+" revoked", revoked)
		s.watch(t, variant, role+" kept", kept)
		if kept.Renewable {
			kept.renew(t, 0)
		}
		revoked.revoke(t)
		s.show(s.read(t, "roles/"+role))
		s.show(s.read(t, "roles/"+role+"/check"))
	}
	if variant.NoDeletion == "" && variant.Unlisted == "" && access.TOTPSecret == "" { // One-time codes take half a minute each.
		s.lasting(t, connection, variant, subAccount)
	}
	s.show(s.read(t, "config/"+connection))
	s.show(s.read(t, "config/"+connection+"/check"))
	s.show(s.details(t, "config/"+connection+"/sub-accounts"))
	s.show(s.details(t, "keys"))

	// The rate limit comes last, since the engine keeps to it.
	first := variant.KeyTypes[0]
	s.write(t, "roles/"+connection+"-"+string(first), fields{
		"connection": connection, "sub_accounts": subAccount, "scopes": variant.Offered().Strings(),
		"key_type": first, "ip_allowlist": addresses(variant),
		// What is said of a rate limit is the same after a short wait.
		"max_wait": "1s",
	})
	for _, fault := range []simulator.FaultKind{simulator.HTMLError, simulator.DropAfterCommit, simulator.RateLimit} {
		require.NoError(t, s.simulator.Inject(simulator.Fault{Exchange: about.Name, Operation: exchanges.OpCreateKey, Kind: fault}))
		err := s.tryRead(t, "creds/"+connection+"-"+string(first))
		require.Error(t, err)
		s.show(err)
		s.simulator.ClearFaults()
	}
}

// lasting has the key of a static role replaced, and looks at what is shown of it.
func (s *secrecy) lasting(t *testing.T, connection string, variant exchanges.Variant, subAccount string) {
	role := connection + "-" + lastingRole
	s.write(t, "static-roles/"+role, fields{
		"connection": connection, "sub_account": subAccount, "scopes": variant.Offered().Strings(), "ip_allowlist": addresses(variant),
		"rotation_period": "24h",
	})
	s.secrets.plant(role+" superseded", s.read(t, "static-creds/"+role))
	s.show(s.write(t, "rotate-role/"+role, fields{"overlap": 0}).Data)
	kept := &key{&api.Secret{Data: s.read(t, "static-creds/"+role)}, s.engine}
	s.watch(t, variant, role+" kept", kept)
	s.show(s.read(t, "static-roles/"+role))
	s.show(s.read(t, "static-roles/"+role+"/check"))
}

// lastingRole ends the names of static roles.
const lastingRole = "lasting"

// watch plants a key's secrets and looks at what the ledger shows of it.
func (s *secrecy) watch(t *testing.T, variant exchanges.Variant, name string, k *key) {
	s.secrets.plant(name, k.Data)
	if variant.Passphrase != nil && variant.Passphrase.NeededToDelete {
		s.needed.plant(name, fields{"passphrase": k.text("passphrase")})
	}
	s.needed.plant(name, fields{"token": k.text("token")})
	s.show(s.read(t, "keys/"+k.text("key_id")))
}

// mistake lets an operator put secrets where they do not belong.
func (s *secrecy) mistake(t *testing.T) {
	const canary = "CANARYcanaryCANARYcanary"
	s.secrets["mistaken secret"] = canary
	for _, wrong := range []fields{
		{"api_secret": canary},
		{"api_secrt": canary},
		{"api_secret": "", "private_key": canary},
		{"api_secret": "", "private_key": "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----"},
		{"passphrase": canary, "exchange": "okx"},
		{"api_secret": []string{canary}},
		{"api_secret": fields{"value": canary}},
		{"base_url": "https://key:" + canary + "@api.bybit.com"},
		{"base_url": "http://127.0.0.1:1/?api_secret=" + canary},
	} {
		err := s.tryWrite(t, "config/mistaken", s.connection().with(wrong))
		require.Error(t, err)
		s.show(err)
	}
}

// checkStorage looks for secrets in all that the mount has stored. A connection
// holds its root's secrets, the ledger what is needed to delete a key, and custody
// those of the keys that static roles have now.
func (s *secrecy) checkStorage(t *testing.T) {
	mounts, err := s.client.Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	sealed := sealWrapped(t)
	require.Subset(t, sealed, []string{"config/", "key/", "custody/"})

	require.NotEmpty(t, s.list(t, "keys"))
	roots, kept := 0, 0
	for name, value := range s.stored(t, "sys/raw/logical/"+mounts[s.path+"/"].UUID+"/") {
		folder := name[:strings.Index(name, "/")+1]
		for _, what := range s.secrets.in(value) {
			assert.Contains(t, sealed, folder, "%s holds %s and is not seal-wrapped", name, what)
			switch folder {
			case "config/":
				assert.Contains(t, what, "root", name)
				roots++
			case "custody/":
				assert.Contains(t, what, lastingRole+" kept", name)
				kept++
			case "key/":
				assert.Contains(t, s.needed, what, name)
			default:
				assert.Fail(t, name+" holds "+what)
			}
		}
	}
	assert.Positive(t, kept, "the secrets of static roles were not found, so the search finds nothing")
	assert.Positive(t, roots, "the root credentials were not found, so the search finds nothing")
}

// stored reads every entry below a path of the raw storage, as Vault hands it to
// the plugin.
func (e *engine) stored(t *testing.T, path string) map[string]string {
	entries := map[string]string{}
	listing, err := e.client.Logical().ListWithContext(t.Context(), path)
	require.NoError(t, err)
	require.NotNil(t, listing, path)
	for _, name := range words(listing.Data["keys"]) {
		if strings.HasSuffix(name, "/") {
			for below, value := range e.stored(t, path+name) {
				entries[name+below] = value
			}
			continue
		}
		entry, err := e.client.Logical().ReadWithContext(t.Context(), path+name)
		require.NoError(t, err)
		require.NotNil(t, entry, path+name)
		entries[name] = entry.Data["value"].(string)
	}
	return entries
}

// sealWrapped lists the storage paths that the engine asks Vault to seal-wrap.
func sealWrapped(t *testing.T) []string {
	built, err := backend.Factory(catalog.All(), backend.Build{})(t.Context(), &logical.BackendConfig{
		StorageView: &logical.InmemStorage{}, System: logical.TestSystemView(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { built.Cleanup(context.Background()) })
	return built.SpecialPaths().SealWrapStorage
}
