package backend

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
)

// custodyTable is custody as it is stored, whatever the engine keeps of it in memory.
func custodyTable() *store.Table[custody.Secret] { return custody.New(nil) }

// custodyIDs lists what is in custody, as stored.
func (d *desk) custodyIDs() []string {
	d.Helper()
	ids, err := custodyTable().List(d.Context(), d.storage.Storage)
	require.NoError(d, err)
	return ids
}

// keepSecret puts something in custody for a key.
func (d *desk) keepSecret(id string) {
	d.Helper()
	require.NoError(d, custodyTable().Put(d.Context(), d.storage.Storage, id, custody.Secret{APISecret: "canary"}))
}

// markKept says in the ledger, as stored, that something of the key is in custody.
func (d *desk) markKept(id string) {
	d.Helper()
	entry := d.entry(id)
	entry.Kept = true
	require.NoError(d, ledgerTable().Put(d.Context(), d.storage.Storage, id, entry))
	d.keepSecret(id)
	d.start()
}

func TestCustodyIsSealWrapped(t *testing.T) {
	require.Contains(t, newDesk(t).engine.PathsSpecial.SealWrapStorage, custody.Prefix)
}

func TestSecretGoesWithItsKey(t *testing.T) {
	d := newDesk(t)
	d.trader()
	id := d.mint("trader").Data["key_id"].(string)
	d.markKept(id)
	d.sweep()
	require.Equal(t, []string{id}, d.custodyIDs(), "a key that is live lost its secret")

	d.storage.failing(func(call, key string) error {
		if call == "delete" && key == custody.Prefix+id {
			return errors.New("storage is out of order")
		}
		return nil
	})
	d.listed()
	_, err := d.do(logical.DeleteOperation, "keys/"+id, nil)
	require.ErrorContains(t, err, "out of order")
	require.Equal(t, ledger.Revoking, d.entry(id).State, "nobody would look after the secret")

	d.storage.failing(nil)
	d.sweep()
	require.Empty(t, d.custodyIDs())
	require.Empty(t, d.ledgerIDs())
}

func TestSecretOfNoKeyIsDeleted(t *testing.T) {
	d := newDesk(t)
	d.trader()
	live := d.mint("trader").Data["key_id"].(string)
	d.keepSecret(live)
	d.keepSecret("orphan")
	d.keepSecret("beingmade")
	d.keepSecret("unreadable")
	require.NoError(t, d.storage.Put(t.Context(), &logical.StorageEntry{Key: ledger.Prefix + "unreadable", Value: []byte("?")}))
	d.start()
	claim, err := d.engine.ledger.Claim(context.Background(), d.storage, "beingmade")
	require.NoError(t, err)

	d.tick()
	require.ElementsMatch(t, []string{live, "beingmade", "unreadable"}, d.custodyIDs())
	claim.Release()
	d.tick()
	require.ElementsMatch(t, []string{live, "unreadable"}, d.custodyIDs())
}
