package venue

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRandomTextDrawsEachCharacterAlike(t *testing.T) {
	const draws = 20_000
	for _, alphabet := range []string{Digits[1:], LowerHex, Alphanumeric, "x"} {
		text := RandomText(draws, alphabet)
		require.Len(t, text, draws)
		even := float64(draws) / float64(len(alphabet))
		for _, character := range alphabet {
			// About 320 of each of 62: half as many or more than twice as many never come
			// by chance.
			drawn := float64(strings.Count(text, string(character)))
			require.InDelta(t, even, drawn, even/2, "%c of %s", character, alphabet)
		}
	}
	require.Empty(t, RandomText(0, Digits))
	require.NotEqual(t, RandomText(36, Alphanumeric), RandomText(36, Alphanumeric))
}

func BenchmarkRandomText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		RandomText(36, Alphanumeric)
	}
}
