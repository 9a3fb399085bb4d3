package acceptance_test

import (
	"os"
	"testing"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m)) }
