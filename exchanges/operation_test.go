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
		exchanges.OpInspect:     "inspect root key",
		exchanges.OpRotateRoot:  "rotate root key",
		exchanges.OpFindRoots:   "find root keys",
		exchanges.OpDeleteRoot:  "delete root key",
		exchanges.OpTryKey:      "try new key",
		exchanges.OpOneTimeCode: "one-time code",
		exchanges.OpServerTime:  "server time",
		exchanges.OpAny:         "any request",
		"log_in":                "log in",
	} {
		assert.Equal(t, words, operation.Words())
	}
}
