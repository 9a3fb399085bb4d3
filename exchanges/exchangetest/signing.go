package exchangetest

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testSigning is the hostile caller: it has a signature for one request, and tries what
// else that is good for. The exchange must refuse all that the description says the
// signature covers; docs/signing.md has the same table.
func (s *suite) testSigning(t *testing.T) {
	signing := s.variant.Signing
	assert.Equal(t, signing.NoCustody != "", len(signing.Requests) == 0, "a key signs, or the description says why it cannot stay with the engine")
	assert.Equal(t, inOrder(signing.Binds), signing.Binds, "parts are listed in their order, each once")
	for _, types := range [][]exchanges.KeyType{signing.Requests, signing.Logons} {
		for _, keyType := range types {
			assert.Contains(t, s.variant.KeyTypes, keyType)
		}
	}
	for _, channel := range signing.Logins {
		assert.NotEmpty(t, channel.KeyTypes, channel.Name)
		for _, keyType := range channel.KeyTypes {
			assert.Contains(t, s.variant.KeyTypes, keyType)
		}
		if channel.Request != "" {
			assert.Contains(t, signing.LoginRequests, channel.Request, "a request that logs in is known as one")
			assert.True(t, signing.BindsPart(exchanges.PartPath) || signing.RequestsLogIn != "", "the signature of another request is good for this one")
		}
	}
	for _, keyType := range signing.Requests {
		t.Run(string(keyType), func(t *testing.T) { s.testBinds(t, keyType) })
	}
}

func inOrder(parts []exchanges.Part) []exchanges.Part {
	var ordered []exchanges.Part
	for _, part := range exchanges.Parts() {
		if slices.Contains(parts, part) {
			ordered = append(ordered, part)
		}
	}
	return ordered
}

func (s *suite) testBinds(t *testing.T, keyType exchanges.KeyType) {
	signing := s.variant.Signing
	venue := s.start(t)
	account := venue.account(t)
	grant, err := s.variant.Grant(s.variant.Offered(), nil)
	require.NoError(t, err)
	subAccount := venue.root(t).SubAccounts[0]
	o := s.orderOf(t, keyType, subAccount, grant)
	key := o.create(deadline(t), t, account)
	user := venue.open(t, o.minted(key), venue.options(t)).(exchanges.RequestSigner)

	sign := func(t *testing.T, request exchanges.UserRequest) *http.Request {
		signed, err := user.SignRequest(t.Context(), request)
		require.NoError(t, err)
		return signed
	}
	verifies := func(request *http.Request) bool { return venue.Verifies(s.description.Name, received(t, request)) }

	tried := map[exchanges.Part]bool{}
	for _, request := range s.signable() {
		require.True(t, verifies(sign(t, request)), "%s %s: the signature is good for what was signed", request.Method, request.Path)
		for _, part := range exchanges.Parts() {
			changed := sign(t, request)
			if !change(t, changed, part) {
				continue
			}
			if verifies(changed) {
				assert.NotContains(t, signing.Binds, part, "%s %s: the exchange takes the signature with another %s", request.Method, request.Path, part)
			}
			tried[part] = true
		}
	}
	for _, part := range signing.Binds {
		assert.True(t, tried[part], "no request tries another %s", part)
	}

	request := s.signable()[0]
	again := sign(t, request)
	require.True(t, verifies(copyOf(t, again)))
	assert.Equal(t, !signing.Once, verifies(again), "a signed request is accepted once, or again")

	if signing.Validity > 0 && !s.Clockless {
		early, late := sign(t, request), sign(t, request)
		venue.advance(signing.Validity - 2*time.Second)
		assert.True(t, verifies(early), "accepted until %s have passed", signing.Validity)
		venue.advance(4 * time.Second)
		assert.False(t, verifies(late), "refused once %s have passed", signing.Validity)
	}
}

// signable are the probes, one of them with a query, and what the subject adds.
func (s *suite) signable() []exchanges.UserRequest {
	var all []exchanges.UserRequest
	for _, probe := range s.Probes {
		all = append(all, probe.Request)
	}
	if i := slices.IndexFunc(all, func(r exchanges.UserRequest) bool { return r.Method == http.MethodGet }); i >= 0 {
		asked := all[i]
		asked.Query = strings.TrimPrefix(asked.Query+"&symbol=BTCUSDT", "&")
		all = append(all, asked)
	}
	return append(all, s.Signed...)
}

// received is a request as a server reads it.
func received(t *testing.T, request *http.Request) *http.Request {
	var sent bytes.Buffer
	require.NoError(t, request.Write(&sent))
	read, err := http.ReadRequest(bufio.NewReader(&sent))
	require.NoError(t, err)
	read.RemoteAddr = "127.0.0.1:1"
	return read
}

// copyOf is the same request, whose body can be read once more.
func copyOf(t *testing.T, request *http.Request) *http.Request {
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	request.Body = io.NopCloser(bytes.NewReader(body))
	twin := request.Clone(request.Context())
	twin.Body = io.NopCloser(bytes.NewReader(body))
	return twin
}

// change changes one part of a signed request, and nothing of what proves the signature.
// It reports whether the request has that part.
func change(t *testing.T, request *http.Request, part exchanges.Part) bool {
	switch part {
	case exchanges.PartMethod:
		other := map[string]string{http.MethodGet: http.MethodDelete, http.MethodPost: http.MethodPut}[request.Method]
		if other == "" {
			other = http.MethodPost
		}
		request.Method = other
	case exchanges.PartHost:
		request.Host = "elsewhere.example.com"
	case exchanges.PartPath:
		request.URL.Path += "/all"
	case exchanges.PartQuery:
		request.URL.RawQuery = strings.TrimSuffix("side=SELL&"+request.URL.RawQuery, "&")
	case exchanges.PartBody:
		body, err := io.ReadAll(request.Body)
		require.NoError(t, err)
		if len(body) == 0 {
			request.Body = http.NoBody
			return false
		}
		changed := string(body) + "&side=SELL"
		if strings.HasPrefix(string(body), "{") {
			changed = strings.Replace(string(body), "{", `{"forged":"yes",`, 1)
			// An action is signed alone, within the body.
			changed = strings.Replace(changed, `"action":{`, `"action":{"forged":"yes",`, 1)
		}
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	}
	return true
}
