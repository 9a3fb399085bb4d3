package main

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestAnswersASignatureWithoutWarnings(t *testing.T) {
	b, err := factory(t.Context(), logical.TestBackendConfig())
	require.NoError(t, err)
	resp, err := b.HandleRequest(t.Context(), &logical.Request{
		Operation: logical.UpdateOperation, Path: "sign/bench", Storage: &logical.InmemStorage{},
		Data: map[string]any{"method": "POST", "path": "/v5/order/create", "body": "{}"},
	})
	require.NoError(t, err)
	require.Contains(t, resp.Data, "headers")
	require.Empty(t, resp.Warnings)
}
