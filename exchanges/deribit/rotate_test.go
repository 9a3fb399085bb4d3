package deribit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

var _ exchanges.RootRotator = (*account)(nil)

func TestRotateRoot(t *testing.T) {
	for _, kind := range []string{"main", "ed25519", "unbound", "totp", "direct", "direct_ed25519"} {
		t.Run(kind, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				old, subAccount := v.root(kind)
				before, err := old.Inspect(v.Context())
				require.NoError(t, err)
				credential, err := old.RotateRoot(v.Context(), "vlt_root2")
				require.NoError(t, err)
				assert.NotEqual(t, old.signer.apiKey, credential.APIKey)
				assert.Equal(t, old.root().TOTPSecret.Reveal(), credential.TOTPSecret.Reveal())
				assert.NotEqual(t, credential.APISecret == "", credential.PrivateKey == "")
				_, err = old.ListKeys(v.Context(), subAccount)
				require.NoError(t, err, "the old one still works")

				access, _ := v.Root(name, kind)
				successor := v.open(credential, access.Variant)
				after, err := successor.Inspect(v.Context())
				require.NoError(t, err)
				assert.Equal(t, before.Account, after.Account)
				assert.Equal(t, before.Permissions, after.Permissions)
				assert.Equal(t, before.Addresses, after.Addresses)

				require.Error(t, successor.DeleteRoot(v.Context(), credential.APIKey), "not itself")
				require.NoError(t, successor.DeleteRoot(v.Context(), access.APIKey))
				_, err = old.Inspect(v.Context())
				require.ErrorIs(t, err, exchanges.ErrAuth)
				require.NoError(t, successor.DeleteRoot(v.Context(), access.APIKey), "gone already")
				_, err = successor.CreateKey(v.Context(), v.request(subAccount, "vlt1"))
				require.NoError(t, err)
			})
		})
	}
}

func TestRotateRootNeedsASlot(t *testing.T) {
	atVenue(t, func(v *venue) {
		direct, own := v.root("direct")
		for i := range maxKeys - 1 {
			_, err := direct.CreateKey(v.Context(), v.request(own, fmt.Sprintf("vlt%d", i)))
			require.NoError(t, err)
		}
		_, err := direct.RotateRoot(v.Context(), "vlt_root2")
		require.ErrorIs(t, err, exchanges.ErrKeyCap)
	})
}

// A successor whose rights differ from its predecessor's is deleted.
func TestRotateRootChecksTheScope(t *testing.T) {
	for _, fault := range []simulator.FaultKind{simulator.GrantMore, simulator.GrantLess} {
		atVenue(t, func(v *venue) {
			direct, _ := v.root("direct")
			v.inject(exchanges.OpAny, fault, 0)
			_, err := direct.RotateRoot(v.Context(), "vlt_root2")
			require.ErrorIs(t, err, exchanges.ErrPermission)
			assert.ErrorContains(t, err, "different scope or different addresses")
			assert.Empty(t, v.Keys())
		})
	}
}

// The label leads to a root key in the account that it lives in, with a one-time code
// where that takes one.
func TestFindRoots(t *testing.T) {
	for _, kind := range []string{"main", "totp", "direct"} {
		t.Run(kind, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				old, _ := v.root(kind)
				fresh, err := old.RotateRoot(v.Context(), "vlt_root2")
				require.NoError(t, err)
				found, err := old.FindRoots(v.Context(), "vlt_root2")
				require.NoError(t, err)
				require.Equal(t, []string{fresh.APIKey}, found)
				none, err := old.FindRoots(v.Context(), "vlt_root")
				require.NoError(t, err)
				require.Empty(t, none)
			})
		})
	}
}

func TestRootWhoseAnswerWasLostIsFound(t *testing.T) {
	atVenue(t, func(v *venue) {
		old, _ := v.root("main")
		v.inject(exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
		_, err := old.RotateRoot(v.Context(), "vlt_root2")
		require.ErrorIs(t, err, exchanges.ErrOutcomeUnknown)
		found, err := old.FindRoots(v.Context(), "vlt_root2")
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NoError(t, old.DeleteRoot(v.Context(), found[0]))
		require.Empty(t, v.Keys())

		v.inject(exchanges.OpListKeys, simulator.Error5xx, 0)
		_, err = old.FindRoots(v.Context(), "vlt_root2")
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
	})
}
