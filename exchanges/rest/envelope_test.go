package rest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnknownCode(t *testing.T) {
	for status, want := range map[int]exchanges.Kind{
		http.StatusOK: exchanges.ErrInvalid, http.StatusBadRequest: exchanges.ErrInvalid,
		http.StatusInternalServerError: exchanges.ErrOutcomeUnknown, http.StatusBadGateway: exchanges.ErrOutcomeUnknown,
	} {
		require.ErrorIs(t, rest.UnknownCode(rest.Answer{Status: status}), want, status)
	}
}
