// Command client checks docs/openapi.json, and uses a client that is generated from it:
// it mints a key on the Vault server that VAULT_ADDR and VAULT_TOKEN name, and deletes it.
// It is a module of its own, so that the generator's dependencies stay out of the
// plugin's. The package exchange is generated into it by the test that runs it,
// TestOpenAPI in backend/acceptance.
//
// Usage: client OPENAPI.JSON MOUNT ROLE
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"vault-plugin-secrets-exchange/scripts/openapi/client/exchange"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, document, mount, role string) error {
	d, err := openapi3.NewLoader().LoadFromFile(document)
	if err != nil {
		return err
	}
	if err := d.Validate(ctx); err != nil {
		return fmt.Errorf("the document is not valid: %w", err)
	}
	client, err := exchange.NewClientWithResponses(os.Getenv("VAULT_ADDR")+"/v1/"+mount,
		exchange.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
			request.Header.Set("X-Vault-Token", os.Getenv("VAULT_TOKEN"))
			return nil
		}))
	if err != nil {
		return err
	}
	scopes := []exchange.ExchangeGenerateCredentialsWithParametersRequestScopes{exchange.ExchangeGenerateCredentialsWithParametersRequestScopesRead}
	ttl := 300
	minted, err := client.ExchangeGenerateCredentialsWithParametersWithResponse(ctx, role,
		exchange.ExchangeGenerateCredentialsWithParametersJSONRequestBody{Scopes: &scopes, Ttl: &ttl})
	if err != nil {
		return err
	}
	if minted.JSON200 == nil {
		return fmt.Errorf("mint: %s", minted.Body)
	}
	key := minted.JSON200.Data
	if key.ApiKey == "" || key.ApiSecret == "" || !key.Risk.Valid() || *minted.JSON200.LeaseDuration != ttl {
		return errors.New("the answer is not of the document's form")
	}
	read, err := client.ExchangeReadKeyWithResponse(ctx, key.KeyId)
	if err != nil {
		return err
	}
	if read.JSON200 == nil || *read.JSON200.Data.State != exchange.ExchangeReadKeyDataStateLive || *read.JSON200.Data.ApiKey != key.ApiKey {
		return fmt.Errorf("read: %s", read.Body)
	}
	deleted, err := client.ExchangeDeleteKeyWithResponse(ctx, key.KeyId)
	if err != nil {
		return err
	}
	if deleted.StatusCode() != http.StatusNoContent {
		return fmt.Errorf("delete: %s %s", deleted.Status(), deleted.Body)
	}
	gone, err := client.ExchangeReadKeyWithResponse(ctx, key.KeyId)
	if err != nil {
		return err
	}
	if gone.JSON404 == nil {
		return fmt.Errorf("a key that is gone is answered with %s", gone.Status())
	}
	fmt.Printf("minted, read and deleted key %s\n", key.KeyId)
	return nil
}
