package backend

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func TestLabels(t *testing.T) {
	tag := ownershipTag("mount")
	require.Len(t, tag, tagLength)
	require.NotEqual(t, tag, ownershipTag("other mount"))
	require.Equal(t, keyStem("m", "request", 0), keyStem("m", "request", 0))
	require.NotEqual(t, keyStem("m", "request", 0), keyStem("m", "request", 1))

	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			if variant.Label.MaxLength > 0 {
				require.GreaterOrEqual(t, variant.Label.MaxLength, shortestLabel, exchange.Describe().Name)
			}
		}
	}

	rule := exchanges.LabelRule{MaxLength: 30, Hyphens: true}
	label, err := makeLabel(tag, "abcdefghijkl", "{{ .RoleName }} / ü-{{ .Reason }}", labelData{RoleName: "spot", Reason: "x"}, rule)
	require.NoError(t, err)
	require.Equal(t, tag+"abcdefghijklspot-x", label)
	label, err = makeLabel(tag, "abcdefghijkl", "", labelData{}, exchanges.LabelRule{})
	require.NoError(t, err)
	require.Empty(t, label, "an exchange without labels")
}

// shortestLabel is the shortest that an exchange takes.
const shortestLabel = 16

// FuzzLabel: the tag is always whole, the id as good as, and the exchange's rule
// is kept.
func FuzzLabel(f *testing.F) {
	f.Add("{{ .RoleName }}", "role", 20, true)
	f.Add("{{ random 20 }}", "röle\x00", 50, false)
	f.Fuzz(func(t *testing.T, text, name string, length int, hyphens bool) {
		if length < shortestLabel || length > 200 || len(text) > 200 {
			return
		}
		rule := exchanges.LabelRule{MaxLength: length, Hyphens: hyphens}
		label, err := makeLabel("vxabcd", "abcdefghijkl", text, labelData{RoleName: name}, rule)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(label), length)
		require.Regexp(t, `^vxabcdabcdefghij(k|kl[A-Za-z0-9-]*)?$`, label)
		if !hyphens {
			require.NotContains(t, label, "-")
		}
	})
}
