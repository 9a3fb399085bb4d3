package exchanges_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestWitness(t *testing.T) {
	require.Nil(t, exchanges.WitnessOf(t.Context()))
	told := ""
	ctx := exchanges.WithWitness(t.Context(), func(operation exchanges.Operation, form string) { told = string(operation) + " " + form })
	exchanges.WitnessOf(exchanges.WithRevoking(ctx))(exchanges.OpListKeys, "200 []")
	require.Nil(t, exchanges.WitnessOf(exchanges.WithoutWitness(ctx)))
	require.Equal(t, "list_keys 200 []", told)
}
