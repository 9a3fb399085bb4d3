package deribit

import (
	"context"
	"fmt"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// RotateRoot implements [exchanges.RootRotator]. It needs a free slot in the
// root key's account and, with two-factor authentication, up to three one-time
// codes, 30 seconds apart.
func (a *account) RotateRoot(ctx context.Context, label string) (exchanges.Credential, error) {
	// No mint may come between its codes.
	ctx = exchanges.WithRevoking(ctx)
	keys, err := a.list(ctx, here, withCode)
	if err != nil {
		return exchanges.Credential{}, err
	}
	i, err := pick(keys, a.signer.apiKey)
	if err != nil {
		return exchanges.Credential{}, err
	}
	if i < 0 {
		return exchanges.Credential{}, &exchanges.Error{
			Kind: exchanges.ErrNotFound, Exchange: name, Operation: exchanges.OpRotateRoot, Message: "the root key is not in its account's list of keys",
		}
	}
	root := keys[i]
	o := order{
		operation: exchanges.OpRotateRoot, place: here, name: label, maxScope: root.MaxScope, addresses: root.Whitelist, features: root.Features,
	}
	successor := exchanges.Credential{TOTPSecret: a.root().TOTPSecret}
	if !a.signer.signsRequests {
		if o.publicKey, successor.PrivateKey, err = exchanges.NewKeyPair(exchanges.KeyEd25519); err != nil {
			return exchanges.Credential{}, fmt.Errorf("%s: %w", exchanges.OpRotateRoot.Words(), err)
		}
	}
	made, err := a.mint(ctx, o)
	if err != nil {
		return exchanges.Credential{}, err
	}
	if !slices.Equal(decode(made.MaxScope), decode(root.MaxScope)) || !slices.Equal(sorted(made.Whitelist), sorted(root.Whitelist)) {
		return exchanges.Credential{}, a.rollBack(ctx, o, made, &exchanges.Error{
			Kind: exchanges.ErrPermission, Exchange: name, Operation: exchanges.OpRotateRoot,
			Message: "Deribit gave the new root key a different scope or different addresses from the old one's",
		})
	}
	successor.APIKey = made.ClientID
	if o.publicKey == "" {
		successor.APISecret = made.Secret
	}
	return successor, nil
}

func sorted(items []string) []string { return slices.Sorted(slices.Values(items)) }

// FindRoots implements [exchanges.RootRotator].
func (a *account) FindRoots(ctx context.Context, label string) ([]string, error) {
	keys, err := a.list(ctx, here, withCode)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, k := range keys {
		if k.Name == label {
			found = append(found, k.ClientID)
		}
	}
	return found, nil
}

// DeleteRoot implements [exchanges.RootRotator].
func (a *account) DeleteRoot(ctx context.Context, apiKey string) error {
	if apiKey == a.signer.apiKey {
		return invalid(exchanges.OpDeleteKey, "a root key is deleted using its successor, not using itself")
	}
	keys, err := a.list(ctx, here, withCode)
	if err != nil {
		return err
	}
	i, err := pick(keys, apiKey)
	if err != nil || i < 0 {
		return err
	}
	// The list has just shown the key, so that it is no news to it.
	ref := exchanges.KeyRef{ID: keys[i].id(), Label: keys[i].Name, Age: a.Variant().Staleness()}
	return exchanges.SettleOne(ctx, at{a, here}, a.Variant(), ref)
}
