package acceptance_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// inventory is what there is of a mount's keys, as three parties have it.
type inventory struct {
	// leased are the keys that Vault's leases name: api keys by ledger id.
	leased map[string]string
	// ledger has the state of each key in the ledger by its id.
	ledger map[string]string
	// exchanges has the api keys of the keys that the exchanges have.
	exchanges []string
}

// inventory asks all three.
func (e *engine) inventory(t *testing.T) inventory {
	i := inventory{leased: e.leases(t), ledger: map[string]string{}}
	listing, err := e.client.Logical().ListWithContext(t.Context(), e.path+"/keys")
	require.NoError(t, err)
	if listing != nil {
		for id, info := range listing.Data["key_info"].(map[string]any) {
			i.ledger[id] = info.(map[string]any)["state"].(string)
		}
	}
	for _, k := range e.simulator.Keys() {
		i.exchanges = append(i.exchanges, k.APIKey)
	}
	return i
}

// leases reads the mount's leases from Vault's own storage: sys/leases/lookup
// does not tell which key a lease is for, and a caller who got no answer knows of
// no lease.
func (e *engine) leases(t *testing.T) map[string]string {
	leased := map[string]string{}
	folder := "sys/raw/sys/expire/id/" + e.path + "/creds/"
	for _, role := range e.listRaw(t, folder) {
		for _, id := range e.listRaw(t, folder+role) {
			stored, err := e.client.Logical().ReadWithContext(t.Context(), folder+role+id)
			require.NoError(t, err)
			if stored == nil {
				continue // ended meanwhile
			}
			var lease struct {
				Secret struct {
					InternalData struct {
						KeyID  string `json:"key_id"`
						APIKey string `json:"exchange_key_id"`
					} `json:"internal_data"`
				} `json:"secret"`
			}
			require.NoError(t, json.Unmarshal([]byte(stored.Data["value"].(string)), &lease))
			leased[lease.Secret.InternalData.KeyID] = lease.Secret.InternalData.APIKey
		}
	}
	return leased
}

func (e *engine) listRaw(t *testing.T, folder string) []string {
	listing, err := e.client.Logical().ListWithContext(t.Context(), folder)
	require.NoError(t, err)
	if listing == nil {
		return nil
	}
	return words(listing.Data["keys"])
}

// orphans are keys at an exchange that no lease names.
func (i inventory) orphans() []string {
	return without(i.exchanges, slices.Collect(maps.Values(i.leased)))
}

// missing are keys that a lease names, and that their exchange does not have or
// the ledger does not hold for live.
func (i inventory) missing() []string {
	var missing []string
	for id, apiKey := range i.leased {
		if i.ledger[id] != "live" || !slices.Contains(i.exchanges, apiKey) {
			missing = append(missing, id)
		}
	}
	return missing
}

// unleased are the ids in the ledger that no lease names.
func (i inventory) unleased() []string {
	return without(slices.Collect(maps.Keys(i.ledger)), slices.Collect(maps.Keys(i.leased)))
}

// without returns the items that are not among the others.
func without(items, others []string) []string {
	return slices.DeleteFunc(slices.Clone(items), func(item string) bool { return slices.Contains(others, item) })
}
