package ledger

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestTryClaimDoesNotWait(t *testing.T) {
	l, storage := New(time.Now, noTime), &logical.InmemStorage{}
	claim, err := l.Claim(t.Context(), storage, "key")
	require.NoError(t, err)
	_, err = l.TryClaim(t.Context(), storage, "key")
	require.ErrorIs(t, err, ErrBusy)
	claim.Release()
	claim.Release()
	again, err := l.TryClaim(t.Context(), storage, "key")
	require.NoError(t, err)
	require.False(t, again.Exists())
	again.Release()
	require.Zero(t, l.Held())
}

func TestAClaimThatCannotBeReadIsNotHeld(t *testing.T) {
	l, storage := New(time.Now, noTime), &failingStorage{}
	storage.fail = func() bool { return true }
	_, err := l.Claim(t.Context(), storage, "key")
	require.Error(t, err)
	_, err = l.TryClaim(t.Context(), storage, "key")
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrBusy)
	require.Zero(t, l.Held())
}

// TestTheIndexLearnsFromAClaim: what another node wrote, and what was written by a
// call that reported a failure, is found in storage.
func TestTheIndexLearnsFromAClaim(t *testing.T) {
	l, storage := New(func() time.Time { return start }, noTime), &logical.InmemStorage{}
	claim, err := l.Claim(t.Context(), storage, "key")
	require.NoError(t, err)
	require.NoError(t, claim.Import(t.Context(), Entry{Connection: "c", Expires: start}))
	claim.Release()
	require.NoError(t, l.Load(t.Context(), storage))
	require.NoError(t, l.table.Put(t.Context(), storage, "key", Entry{ID: "key", State: Revoking, NextTry: start}))
	due, err := l.Due(t.Context(), storage, 1)
	require.NoError(t, err)
	require.Empty(t, due)

	claim, err = l.Claim(t.Context(), storage, "key")
	require.NoError(t, err)
	require.True(t, claim.Due())
	claim.Release()
	due, err = l.Due(t.Context(), storage, 1)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"": {"key"}}, due)

	require.NoError(t, l.table.Delete(t.Context(), storage, "key"))
	claim, err = l.Claim(t.Context(), storage, "key")
	require.NoError(t, err)
	require.False(t, claim.Exists())
	claim.Release()
	keys, err := l.Keys(t.Context(), storage, func(Key) bool { return true })
	require.NoError(t, err)
	require.Empty(t, keys)
}

// TestThePackageStaysSmall: the ledger guards its rules only as long as there are
// few ways in.
func TestThePackageStaysSmall(t *testing.T) {
	const most = 20
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var exported []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		for name := range file.Scope.Objects {
			if ast.IsExported(name) {
				exported = append(exported, name)
			}
		}
		for _, imported := range file.Imports {
			path := strings.Trim(imported.Path.Value, `"`)
			if strings.Contains(path, "hashicorp/vault") {
				require.Equal(t, "github.com/hashicorp/vault/sdk/logical", path)
			}
		}
	}
	require.NotEmpty(t, exported)
	require.LessOrEqual(t, len(exported), most, "%v", exported)
}
