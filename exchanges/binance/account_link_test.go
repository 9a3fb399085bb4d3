package binance

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// linkRequest asks for a key with everything that takes a call of its own.
func linkRequest(t *testing.T) exchanges.KeyRequest {
	public, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	return exchanges.KeyRequest{
		SubAccount: "1000123", KeyType: exchanges.KeyEd25519, PublicKey: public, Addresses: []string{"203.0.113.7"},
		Permissions: []string{canTrade, canUniversalTransfer, canVanillaOptions, reading},
	}
}

const (
	routeTransferLink = "POST " + linkKeys + "/permission/universalTransfer"
	routeOptionsLink  = "POST " + linkKeys + "/permission/vanillaOptions"
)

// linkAnswers are the answers that make a complete key.
func linkAnswers() map[string]reply {
	return map[string]reply{
		routeCreateLink:   {200, `{"subaccountId":"1000123","apiKey":"AbCdEf","secretKey":"","canTrade":true,"marginTrade":false,"futuresTrade":false}`},
		routeRestrictLink: {200, `{"status":"2","ipList":["203.0.113.7"],"updateTime":1760000000000,"apiKey":"AbCdEf"}`},
		routeTransferLink: {200, `{"subaccountId":"1000123","apikey":"AbCdEf","canUniversalTransfer":true}`},
		routeOptionsLink:  {200, `{"subaccountId":"1000123","apikey":"AbCdEf","canVanillaOptions":true}`},
		routeDeleteLink:   {200, `{}`},
		routeListLink:     {200, `[]`},
	}
}

func TestCreateLinkKey(t *testing.T) {
	request := linkRequest(t)
	s := newStub(t, linkAnswers())
	key, err := s.open(t, variantLink).CreateKey(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, "AbCdEf", key.ID)
	assert.Equal(t, request.Addresses, key.Addresses)
	assert.ElementsMatch(t, request.Permissions, key.Permissions)
	assert.Equal(t, []string{routeCreateLink, routeRestrictLink, routeTransferLink, routeOptionsLink}, s.routes(),
		"the key is bound to its addresses before it is given anything else")
	assert.Equal(t, map[string]string{
		"subAccountId": "1000123", "canTrade": "true", "marginTrade": "false", "futuresTrade": "false", "publicKey": request.PublicKey,
	}, sent(s.last(t, routeCreateLink).form))
	assert.Equal(t, map[string]string{
		"subAccountId": "1000123", "subAccountApiKey": "AbCdEf", "status": "2", "ipAddress": "203.0.113.7",
	}, sent(s.last(t, routeRestrictLink).form))
}

// The answer of the options call is not documented. If it does not confirm the
// permission, the key counts as lacking it.
func TestLinkOptionsNotConfirmed(t *testing.T) {
	answers := linkAnswers()
	answers[routeOptionsLink] = reply{200, `{}`}
	key, err := newStub(t, answers).open(t, variantLink).CreateKey(t.Context(), linkRequest(t))
	require.NoError(t, err)
	assert.NotContains(t, key.Permissions, canVanillaOptions)
}

func TestLinkMintsNoHMACKeys(t *testing.T) {
	s := newStub(t, nil)
	_, err := s.open(t, variantLink).CreateKey(t.Context(), exchanges.KeyRequest{SubAccount: "1", KeyType: exchanges.KeyHMAC})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	assert.ErrorContains(t, err, "ed25519")
	assert.Empty(t, s.routes())
}

func TestLinkRollBack(t *testing.T) {
	refusal := reply{400, `{"code":-1130,"msg":"Data sent for parameter 'ipAddress' is not valid."}`}
	for _, test := range []struct {
		name    string
		answers map[string]reply
		kind    exchanges.Kind
		says    string
	}{
		{"refused", map[string]reply{routeRestrictLink: refusal}, exchanges.ErrInvalid, "restrict key to addresses"},
		{"a later call refused", map[string]reply{routeOptionsLink: refusal}, exchanges.ErrInvalid, "add permission to key"},
		{"lost", map[string]reply{routeRestrictLink: {502, ""}}, exchanges.ErrUnavailable, "restrict key to addresses"},
		{
			"not deleted either",
			map[string]reply{routeRestrictLink: refusal, routeListLink: {200, `[{"apikey":"AbC****"}]`}},
			exchanges.ErrOutcomeUnknown, "delete key AbCdEf of sub-account 1000123",
		},
		{"no key in the answer", map[string]reply{routeCreateLink: {200, `{}`}}, exchanges.ErrOutcomeUnknown, "not the documented form"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := linkAnswers()
			for route, answer := range test.answers {
				answers[route] = answer
			}
			s := newStub(t, answers)
			_, err := s.open(t, variantLink).CreateKey(t.Context(), linkRequest(t))
			require.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, test.says)
			if test.name != "no key in the answer" {
				assert.Equal(t, "AbCdEf", s.last(t, routeDeleteLink).query.Get("subAccountApiKey"))
			}
		})
	}
}

// A caller without patience must not prevent a half-made key from being deleted.
func TestLinkRollBackNeedsNoPatience(t *testing.T) {
	answers := linkAnswers()
	answers[routeRestrictLink] = reply{400, `{"code":-1130,"msg":"no"}`}
	s := newStub(t, answers)
	account, err := New().Open(exchanges.Credential{APIKey: "root", APISecret: "secret"}, exchanges.Options{BaseURL: s.url, Variant: variantLink})
	require.NoError(t, err)
	defer account.Close()
	require.NoError(t, exchangetest.Settle(t.Context(), account, exchanges.KeyRef{SubAccount: "1000123", ID: "other"}), "uses up the rate of deletions")

	_, err = account.CreateKey(exchanges.WithPatience(t.Context(), 1), linkRequest(t))
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	assert.Equal(t, "AbCdEf", s.last(t, routeDeleteLink).query.Get("subAccountApiKey"))
}

func TestListLinkKeys(t *testing.T) {
	for name, body := range map[string]string{
		"array":  `[{"subaccountId":"1","apikey":"AbC*************","canTrade":true,"marginTrade":false,"futuresTrade":true}]`,
		"object": `{"subaccountId":"1","apikey":"AbC*************","canTrade":true,"marginTrade":false,"futuresTrade":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeListLink: {200, body}})
			keys, err := s.open(t, variantLink).ListKeys(t.Context(), "1")
			require.NoError(t, err)
			require.Len(t, keys, 1)
			assert.True(t, keys[0].Masked)
			assert.Nil(t, keys[0].Permissions, "the list does not show all of them")
		})
	}
}

// The list shows at most the beginning of each key, so only a query for the single
// key proves a deletion.
func TestLinkDeletionIsProved(t *testing.T) {
	refusal := reply{400, `{"code":-1130,"msg":"Data sent for parameter 'subAccountApiKey' is not valid."}`}
	for _, test := range []struct {
		name    string
		deleted reply
		listed  string
		gone    bool
	}{
		{"not listed", reply{200, `{}`}, `[]`, true},
		{"unknown and not listed", refusal, `[]`, true},
		{"listed whole", reply{200, `{}`}, `[{"apikey":"AbCdEf"}]`, false},
		{"listed masked", reply{200, `{}`}, `[{"apikey":"AbC***"}]`, false},
		{"refused and listed masked", refusal, `[{"apikey":"AbC***"}]`, false},
		{"all masked", reply{200, `{}`}, `[{"apikey":"******"}]`, false},
		{"another listed", reply{200, `{}`}, `[{"apikey":"XyZ***"},{"apikey":"XyZabc"}]`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStub(t, map[string]reply{routeDeleteLink: test.deleted, routeListLink: {200, test.listed}})
			err := exchangetest.Settle(t.Context(), s.open(t, variantLink), exchanges.KeyRef{SubAccount: "1", ID: "AbCdEf"})
			assert.Equal(t, test.gone, err == nil, "%v", err)
			assert.Equal(t, "AbCdEf", s.last(t, routeListLink).query.Get("subAccountApiKey"))
		})
	}
}

// Keys do not outlive the sub-account; Binance does not remove one that has keys.
func TestLinkDeletionInARemovedSubAccount(t *testing.T) {
	account, access, _ := simulated(t, "link", variantLink)
	request := linkRequest(t)
	request.SubAccount = access.SubAccounts[0]
	key, err := account.CreateKey(t.Context(), request)
	require.NoError(t, err)
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}

	assert.Equal(t, http.StatusBadRequest, removeSubAccount(t.Context(), t, account, request.SubAccount))
	require.NoError(t, exchangetest.Settle(t.Context(), account, ref))
	assert.Equal(t, http.StatusOK, removeSubAccount(t.Context(), t, account, request.SubAccount))
	_, err = account.ListKeys(t.Context(), request.SubAccount)
	assert.ErrorIs(t, err, exchanges.ErrNotFound)
	assert.NoError(t, exchangetest.Settle(t.Context(), account, ref))

	// A parameter that is refused for another reason proves nothing.
	s := newStub(t, map[string]reply{"GET " + linkSubAccounts: {200, `[{"subaccountId":1000123}]`}})
	err = exchangetest.Settle(t.Context(), s.open(t, variantLink), exchanges.KeyRef{SubAccount: "1000123", ID: "AbCdEf"})
	assert.ErrorIs(t, err, exchanges.ErrInvalid)
}

// removeSubAccount asks Binance to remove a sub-account and returns the status.
func removeSubAccount(ctx context.Context, t *testing.T, account exchanges.Account, id string) int {
	request, err := account.(exchanges.RequestSigner).SignRequest(ctx, exchanges.UserRequest{
		Method: http.MethodDelete, Path: linkSubAccounts, Query: "subAccountId=" + id,
	})
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// A null or empty list has no rows; anything else but a list or a single key says
// nothing.
func TestFormsOfLinkLists(t *testing.T) {
	for body, listed := range map[string]bool{`null`: true, `[]`: true, `{}`: false, `"text"`: false, ``: false} {
		bubble(t, body, func(t *testing.T) {
			s := &stub{answers: map[string]reply{"GET " + linkSubAccounts: {200, body}, routeListLink: {200, body}}}
			account := s.openInside(t, variantLink)
			subAccounts, subErr := account.SubAccounts(t.Context())
			keys, keyErr := account.ListKeys(t.Context(), "1")
			if !listed {
				require.ErrorIs(t, subErr, exchanges.ErrUnavailable)
				require.ErrorIs(t, keyErr, exchanges.ErrUnavailable)
				return
			}
			require.NoError(t, subErr)
			require.NoError(t, keyErr)
			require.Empty(t, subAccounts)
			require.Empty(t, keys)
		})
	}
}
