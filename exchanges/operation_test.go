package exchanges_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestOperationWords(t *testing.T) {
	for operation, words := range map[exchanges.Operation]string{
		exchanges.OpCreateKey:   "create key",
		exchanges.OpSubAccounts: "list sub-accounts",
		exchanges.OpOneTimeCode: "one time code",
		exchanges.OpAny:         "any request",
		"log_in":                "log in",
	} {
		assert.Equal(t, words, operation.Words())
	}
}
