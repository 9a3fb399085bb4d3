package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestWrongGrantIsDeletedAtOnce(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.GrantMore, simulator.GrantLess} {
		t.Run(string(kind), func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			d.inject("bybit", exchanges.OpCreateKey, kind, 1)
			d.refused(logical.ReadOperation, "creds/trader", nil, "the key was deleted")
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}
