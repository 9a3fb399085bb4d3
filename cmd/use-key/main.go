// Command use-key uses a minted key at its exchange. It reads the answer of
//
//	vault read -format=json exchange/creds/NAME
//
// from standard input, asks the exchange what the key may do, and prints the
// exchange's answer without secrets. Its exit code is 0 if the exchange accepts
// the key, 3 if the exchange refuses it, and 1 if the command could not find
// out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// The exit codes.
const (
	exitWorks   = 0
	exitFailed  = 1
	exitRefused = 3
)

// timeout limits the whole run.
const timeout = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, catalog.All(), os.Stdin, os.Stdout, os.Stderr))
}

// run uses the key that it reads from in, and returns the exit code.
func run(ctx context.Context, known []exchanges.Exchange, in io.Reader, out, failures io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	key, err := readKey(in)
	if err != nil {
		fmt.Fprintln(failures, "use-key:", err)
		return exitFailed
	}
	identity, err := key.inspect(ctx, known)
	switch {
	case errors.Is(err, exchanges.ErrAuth), errors.Is(err, exchanges.ErrPermission):
		fmt.Fprintf(out, "%s refuses key %s: %s.\n", key.place(), key.KeyID, reason(err))
		return exitRefused
	case err != nil:
		fmt.Fprintln(failures, "use-key:", err)
		return exitFailed
	}
	permissions := "its permissions are not reported"
	if len(identity.Permissions) > 0 {
		permissions = "permissions " + strings.Join(identity.Permissions, ", ")
	}
	fmt.Fprintf(out, "%s accepts key %s: %s; %s.\n", key.place(), key.KeyID, permissions, addresses(identity))
	return exitWorks
}

// mintedKey is the data of an answer from creds/.
type mintedKey struct {
	KeyID       string           `json:"key_id"`
	Exchange    string           `json:"exchange"`
	Environment string           `json:"environment"`
	Variant     string           `json:"variant"`
	BaseURL     string           `json:"base_url"`
	APIKey      string           `json:"api_key"`
	APISecret   exchanges.Secret `json:"api_secret"`
	Passphrase  exchanges.Secret `json:"passphrase"`
	PrivateKey  exchanges.Secret `json:"private_key"`
	Token       exchanges.Secret `json:"token"`
	SubAccount  string           `json:"sub_account"`
}

// readKey reads a complete answer from Vault. Its errors never quote the
// answer.
func readKey(in io.Reader) (mintedKey, error) {
	var answer struct {
		Data mintedKey `json:"data"`
	}
	if err := json.NewDecoder(in).Decode(&answer); err != nil {
		return mintedKey{}, errors.New("standard input is not a JSON answer from Vault; pipe in: vault read -format=json exchange/creds/NAME")
	}
	if answer.Data.Exchange == "" || answer.Data.APIKey == "" {
		return mintedKey{}, errors.New("the answer contains no API key; pipe in: vault read -format=json exchange/creds/NAME")
	}
	return answer.Data, nil
}

// inspect asks the exchange about the key.
func (k mintedKey) inspect(ctx context.Context, known []exchanges.Exchange) (exchanges.Identity, error) {
	i := slices.IndexFunc(known, func(e exchanges.Exchange) bool { return e.Describe().Name == k.Exchange })
	if i < 0 {
		return exchanges.Identity{}, fmt.Errorf("this build does not know the exchange %q", k.Exchange)
	}
	account, err := known[i].Open(exchanges.Credential{
		APIKey: k.APIKey, APISecret: k.APISecret, Passphrase: k.Passphrase, PrivateKey: k.PrivateKey,
		Token: k.Token, SubAccount: k.SubAccount,
	}, exchanges.Options{Environment: k.Environment, Variant: k.Variant, BaseURL: k.BaseURL, UserAgent: "use-key"})
	if err != nil {
		return exchanges.Identity{}, err
	}
	defer account.Close()
	return account.Inspect(ctx)
}

// place names the exchange and the URL that was asked.
func (k mintedKey) place() string { return k.Exchange + " at " + k.BaseURL }

// reason is a refusal without the parts that concern only root credentials.
func reason(err error) string {
	var failure *exchanges.Error
	if !errors.As(err, &failure) {
		return err.Error()
	}
	plain := exchanges.Error{Kind: failure.Kind, Code: failure.Code, Message: strings.TrimRight(failure.Message, ".")}
	return plain.Error()
}

// addresses says where the key works from.
func addresses(identity exchanges.Identity) string {
	switch {
	case identity.Addresses == nil:
		return "the addresses that it works from are not reported"
	case len(identity.Addresses) == 0:
		return "it works from anywhere"
	}
	return "it works from " + strings.Join(identity.Addresses, ", ")
}
