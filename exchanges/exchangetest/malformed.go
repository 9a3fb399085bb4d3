package exchangetest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testMalformedAnswers spoils each part of each good answer in turn. Whatever the
// exchange sends, a key that is handed out must be complete, an existing key must
// not be taken for gone, and no error may show a secret.
func (s *suite) testMalformedAnswers(t *testing.T) {
	t.Run("create_key", func(t *testing.T) { s.bubble(t, hurried, s.testMalformedCreation) })
	for _, operation := range s.reads() {
		if operation == exchanges.OpListKeys {
			t.Run(string(operation), func(t *testing.T) { s.bubble(t, hurried, s.testMalformedList) })
			continue
		}
		t.Run(string(operation), func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				b.spoil(t, func() { require.NoError(t, perform(t.Context(), account, operation, o)) }, func(string) {
					if err := perform(t.Context(), account, operation, o); err != nil {
						assertKind(t, err)
					}
				})
			})
		})
	}
}

func (s *suite) testMalformedCreation(t *testing.T, b *bubble) {
	account := b.account(t)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	var secret exchanges.Secret
	b.spoil(t, func() { secret = secretOf(o.create(t.Context(), t, account)) }, func(how string) {
		key, err := account.CreateKey(t.Context(), o.KeyRequest)
		if err == nil {
			assert.NoError(t, o.complete(key), how)
			return
		}
		assertKind(t, err)
		if secret != "" {
			assertSafe(t, err, secret)
		}
		assert.Len(t, s.triesOf(b.wire.messages()), 1, "%s: the key may exist, so the call must not be repeated", how)
	})
}

// secretOf is the secret of a key that the exchange has made; empty if the plugin
// made it.
func secretOf(key exchanges.Key) exchanges.Secret { return cmp.Or(key.APISecret, key.Token) }

func (s *suite) testMalformedList(t *testing.T, b *bubble) {
	account := b.account(t)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	o.create(t.Context(), t, account)
	b.spoil(t, func() { require.Len(t, o.find(t.Context(), t, b.venue, account, nil), 1) }, func(how string) {
		keys, err := account.ListKeys(t.Context(), o.SubAccount)
		if err != nil {
			assertKind(t, err)
			return
		}
		if !strings.HasSuffix(how, "= <nil>") { // Some encoders write null for an empty list.
			assert.Len(t, keys, 1, "%s: an existing key is taken for gone", how)
		}
		for _, key := range keys {
			assert.NotEmpty(t, key.ID, how)
		}
	})
}

// spoil records the answers to a good call, and then repeats the call, each time
// with one answer spoilt in one way.
func (b *bubble) spoil(t *testing.T, good func(), again func(how string)) {
	b.wire.instead(nil)
	good()
	answers := slices.Clone(b.wire.messages())
	require.NotEmpty(t, answers)
	for _, m := range answers {
		for _, bad := range spoilt(m.answer.body) {
			b.wire.instead(func(now message) *canned {
				if now.method != m.method || now.path != m.path {
					return nil
				}
				return &canned{status: m.answer.status, header: m.answer.header, body: bad.body}
			})
			again(m.path + " " + bad.how)
		}
	}
}

type spoiltBody struct {
	how  string
	body []byte
}

// spoilt returns the body cut short, replaced, and with each member of each
// object missing or of another type.
func spoilt(body []byte) []spoiltBody {
	all := []spoiltBody{{"cut short", body[:len(body)/2]}, {"empty", nil}}
	for _, other := range []string{`{}`, `"text"`, `1`, `<html></html>`} {
		all = append(all, spoiltBody{"replaced by " + other, []byte(other)})
	}
	if bytes.HasPrefix(body, []byte("[")) {
		all = append(all, spoiltBody{"the bare list = <nil>", []byte("null")})
	} else {
		all = append(all, spoiltBody{"replaced by null", []byte("null")})
	}
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return all
	}
	whole := func(how string) {
		encoded, err := json.Marshal(tree)
		if err != nil {
			panic(err) // a decoded tree can be encoded
		}
		all = append(all, spoiltBody{how, encoded})
	}
	walk(tree, "", func(path string, object map[string]any, name string) {
		old := object[name]
		delete(object, name)
		whole(path + " missing")
		for _, other := range []any{nil, map[string]any{"x": 1}, -1.5} {
			object[name] = other
			whole(fmt.Sprintf("%s = %v", path, other))
		}
		object[name] = old
	})
	return all
}

// walk visits every member of every object in a decoded JSON value.
func walk(tree any, path string, visit func(path string, object map[string]any, name string)) {
	switch tree := tree.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			visit(path+"."+name, tree, name)
			walk(tree[name], path+"."+name, visit)
		}
	case []any:
		for i, value := range tree {
			walk(value, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}
