package bitget

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// broker is the main account of a non-disclosed broker.
type broker struct{ account }

// Inspect asks whose the root key is, and for the broker's data, which only brokers
// are given.
func (b *broker) Inspect(ctx context.Context) (exchanges.Identity, error) {
	identity, err := b.inspectV2(ctx)
	if err != nil {
		return exchanges.Identity{}, err
	}
	if len(identity.Addresses) == 0 {
		identity.Warnings = append(identity.Warnings, unboundWarning)
	}
	err = b.Do(ctx, rest.Call{
		Operation: opBrokerInfo, Method: http.MethodGet, Path: "/api/v2/broker/account/info", Effect: rest.ReadOnly,
	}, nil)
	var refusal *exchanges.Error
	switch {
	case err == nil:
		identity.CanMint = true
	case errors.As(err, &refusal) && refusal.Kind == exchanges.ErrPermission:
		identity.Problem = "Bitget does not accept the key as a broker's (" + refusal.Code + "); " + refusal.Remedy
	default:
		return exchanges.Identity{}, err
	}
	return identity, nil
}

// brokerPage is the most sub-accounts that one answer lists.
const brokerPage = 100

func (b *broker) SubAccounts(ctx context.Context) ([]exchanges.SubAccount, error) {
	var all []exchanges.SubAccount
	err := rest.Pages(func(cursor string) (string, error) {
		var answer struct {
			List rest.List[struct {
				UID    rest.Text `json:"subUid"`
				Name   string    `json:"subaccountName"`
				Status string    `json:"status"`
			}] `json:"subList"`
			HasNextPage rest.Flag `json:"hasNextPage"`
			IDLessThan  rest.Text `json:"idLessThan"`
		}
		err := b.Do(ctx, rest.Call{
			Operation: exchanges.OpSubAccounts, Method: http.MethodGet, Path: "/api/v2/broker/account/subaccount-list",
			Query: rest.Query("idLessThan", cursor, "limit", strconv.Itoa(brokerPage)), Effect: rest.ReadOnly,
			Complete: func() bool { return answer.List.Present && (!bool(answer.HasNextPage) || answer.IDLessThan != "") },
		}, rest.IntoPage(&answer, &answer.List, brokerPage))
		for _, sub := range answer.List.Items {
			if sub.Status != statusDeleted {
				all = append(all, exchanges.SubAccount{Name: string(sub.UID), Alias: sub.Name, Frozen: sub.Status != statusNormal})
			}
		}
		if answer.HasNextPage {
			return string(answer.IDLessThan), err
		}
		return "", err
	})
	return all, err
}

// brokerKey is a key as brokers are shown it.
type brokerKey struct {
	APIKey   string           `json:"apiKey"`
	Secret   exchanges.Secret `json:"secretKey"`
	Label    string           `json:"label"`
	PermType string           `json:"permType"`
	PermList []string         `json:"permList"`
	IPList   []string         `json:"ipList"`
}

func (b *broker) CreateKey(ctx context.Context, request exchanges.KeyRequest) (exchanges.Key, error) {
	onlyReads, list := encode(request.Permissions, brokerReading())
	body := struct {
		SubUID     string   `json:"subUid"`
		Passphrase string   `json:"passphrase"`
		Label      string   `json:"label"`
		IPList     []string `json:"ipList"`
		PermType   string   `json:"permType"`
		PermList   []string `json:"permList"`
	}{
		SubUID: request.SubAccount, Passphrase: request.Passphrase.Reveal(), Label: request.Label,
		IPList: append([]string{}, request.Addresses...), PermType: "read_and_write", PermList: list,
	}
	if onlyReads {
		body.PermType = "readonly"
	}
	var created brokerKey
	err := b.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/api/v2/broker/manage/create-subaccount-apikey", Effect: rest.Once,
		Secrets:  []exchanges.Secret{request.Passphrase},
		Complete: func() bool { return created.APIKey != "" && created.Secret != "" },
	}, body, rest.Into(&created))
	if err != nil {
		return exchanges.Key{}, err
	}
	return exchanges.Key{
		ID:          created.APIKey,
		APIKey:      created.APIKey,
		APISecret:   created.Secret,
		Passphrase:  request.Passphrase,
		Permissions: decode(created.PermType, created.PermList, brokerReading()),
		Addresses:   created.IPList,
	}, nil
}

func (b *broker) ListKeys(ctx context.Context, subAccount string) ([]exchanges.KeyInfo, error) {
	var keys rest.List[brokerKey]
	err := b.Do(ctx, rest.Call{
		Operation: exchanges.OpListKeys, Method: http.MethodGet, Path: "/api/v2/broker/manage/subaccount-apikey-list",
		Query: rest.Query("subUid", subAccount), Effect: rest.ReadOnly,
		Complete: func() bool { return keys.Whole(func(k brokerKey) string { return k.APIKey }) },
	}, rest.Into(&keys))
	if err != nil {
		return nil, err
	}
	var all []exchanges.KeyInfo
	for _, k := range keys.Items {
		all = append(all, exchanges.KeyInfo{
			ID: k.APIKey, Label: k.Label, Permissions: decode(k.PermType, k.PermList, brokerReading()), Addresses: k.IPList,
		})
	}
	return all, nil
}

func (b *broker) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	return exchanges.AsGone(b.DoJSON(ctx, rest.Call{
		Operation: exchanges.OpDeleteKey, Method: http.MethodPost, Path: "/api/v2/broker/manage/delete-subaccount-apikey", Effect: rest.Idempotent,
	}, struct {
		SubUID string `json:"subUid"`
		APIKey string `json:"apiKey"`
	}{ref.SubAccount, ref.ID}, nil), codeNoKey, codeNoUserKey)
}
