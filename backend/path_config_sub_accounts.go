package backend

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// pathConfigSubAccounts is config/:name/sub-accounts.
func (e *engine) pathConfigSubAccounts() *framework.Path {
	return &framework.Path{
		Pattern:      "config/(?P<name>[^/]+)/sub-accounts/?$",
		DisplayAttrs: &framework.DisplayAttributes{OperationPrefix: operationPrefix, OperationSuffix: "sub-accounts"},
		Fields:       withName("connection", listFields()),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback: e.listSubAccounts,
				Summary:  "List the sub-accounts at the exchange.",
				Responses: responses("Names of the sub-accounts.", detailedAnswerFields(
					"alias, frozen, allowed (by the connection), live_keys (of this engine); max_keys and free_slots, unless there is no cap; and problem, if the connection cannot manage keys there")),
			},
		},
		HelpSynopsis: "List the sub-accounts of a connection's parent account.",
		HelpDescription: "Asks the exchange for its sub-accounts, and shows for each how many keys of this engine it holds and how many " +
			"more it may hold. On the command line use: vault list -detailed <mount>/config/<name>/sub-accounts",
	}
}

func (e *engine) listSubAccounts(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	l, err := e.connections.existing(ctx, req.Storage, d.Get("name").(string))
	if err != nil {
		return nil, err
	}
	accounts, err := l.account.SubAccounts(ctx)
	if err != nil {
		return nil, l.failed(err)
	}
	counts, err := e.subAccountsOf(ctx, req.Storage, l.name)
	if err != nil {
		return nil, err
	}
	held := map[string]int{}
	for name, keys := range counts {
		held[l.variant.SubAccountName(name)] += keys
	}
	byName := make(map[string]exchanges.SubAccount, len(accounts))
	for _, account := range accounts {
		byName[account.Name] = account
	}
	return detailedAnswer(slices.Collect(maps.Keys(byName)), func(name string) map[string]any {
		keys := held[l.variant.SubAccountName(name)]
		about := map[string]any{
			"alias": byName[name].Alias, "frozen": byName[name].Frozen, "allowed": l.allowsSubAccount(name), "live_keys": keys,
		}
		if problem := byName[name].NoKeys; problem != "" {
			about["problem"] = problem
		}
		if free, capped := l.freeSlots(keys); capped {
			about["max_keys"], about["free_slots"] = l.keyCap(l.variant), free
		}
		return about
	}, d)
}
