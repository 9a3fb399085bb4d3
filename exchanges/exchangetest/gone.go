package exchangetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testGone refuses the deletion of a key that is gone in every way that the exchange
// has, and in one that nobody knows: few exchanges document which it is. The list
// must decide, which does not show the key.
func (s *suite) testGone(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				deletion := s.deletionOf(t, b, account)
				for _, refusal := range s.refusals(t) {
					refusal.status = status
					s.testGoneKey(t, b, account, deletion, refusal)
				}
			})
		})
	}
}

// deletionOf is the request that deletes a key. It is the last one, should it take
// several.
func (s *suite) deletionOf(t *testing.T, b *bubble, account exchanges.Account) message {
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	ref := o.ref(o.create(t.Context(), t, account))
	b.wire.instead(nil)
	require.NoError(t, account.DeleteKey(t.Context(), ref))
	b.assertGone(t, o.SubAccount)
	sent := b.wire.messages()
	return sent[len(sent)-1]
}

// refusals are the bodies of all failures and one that nobody knows.
func (s *suite) refusals(t *testing.T) []canned {
	var all []canned
	var unknown *canned
	for _, failure := range s.failures(t) {
		all = append(all, *failure.canned(t))
		if unknown == nil {
			unknown = failure.unknown(t)
		}
	}
	require.NotNil(t, unknown, "a failure whose code or text can be replaced")
	return append(all, *unknown)
}

// unknown is the failure with a code that does not exist or, where the exchange has
// no codes, with words that it does not use; nil if it has neither.
func (f Failure) unknown(t *testing.T) *canned {
	known, invented := f.Code, "9"+strings.Repeat("8", len(f.Code))
	if strings.Trim(f.Code, "-0123456789") != "" {
		invented = "NOBODY_KNOWS_THIS"
	}
	if f.Code == "" {
		known, invented = longestText(f.Body), "Nobody knows these words."
	}
	if known == "" || !strings.Contains(string(f.Body), known) {
		return nil
	}
	f.Body = json.RawMessage(strings.ReplaceAll(string(f.Body), known, invented))
	return f.canned(t)
}

// longestText is the longest value in a JSON object.
func longestText(body []byte) (longest string) {
	var tree map[string]any
	if json.Unmarshal(body, &tree) != nil {
		return ""
	}
	walk(tree, "", func(_ string, object map[string]any, name string) {
		if text, ok := object[name].(string); ok && len(text) > len(longest) {
			longest = text
		}
	})
	return longest
}

func (s *suite) testGoneKey(t *testing.T, b *bubble, account exchanges.Account, deletion message, refusal canned) {
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	b.wire.instead(nil)
	key := o.create(t.Context(), t, account)
	require.True(t, b.RemoveKey(s.description.Name, key.APIKey))
	b.wire.instead(func(m message) *canned {
		if m.method != deletion.method || m.path != deletion.path {
			return nil
		}
		return &refusal
	})
	ref := o.ref(key)
	err := exchanges.SettleOne(t.Context(), account, s.variant, ref)
	if errors.Is(err, exchanges.ErrUnseen) {
		// It looks as if the answer was lost.
		time.Sleep(s.variant.Staleness())
		ref.Unseen = true
		err = exchanges.SettleOne(t.Context(), account, s.variant, ref)
	}
	if errors.Is(err, exchanges.ErrRateLimited) {
		return // The call did not run. It is repeated until the exchange lets it.
	}
	assert.NoError(t, err, "refused with %s", refusal.body)
}
