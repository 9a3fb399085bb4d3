package ledger

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// arrow is a move in the diagram of a key's life, labelled with its transition.
var arrow = regexp.MustCompile(`(?m)^ +(\[\*\]|\w+) --> (\[\*\]|\w+) : (\w+), `)

// TestDiagramIsTheMachine proves that the diagram in docs/concepts.md shows every
// transition that takes a key from one state to another, and none that there is not.
func TestDiagramIsTheMachine(t *testing.T) {
	page, err := os.ReadFile("../../docs/concepts.md")
	require.NoError(t, err)
	_, diagram, found := strings.Cut(string(page), "```mermaid\nstateDiagram-v2\n")
	require.True(t, found)
	diagram, _, _ = strings.Cut(diagram, "```")

	type move struct {
		from, to   State
		transition string
	}
	drawn := map[move]bool{}
	for _, found := range arrow.FindAllStringSubmatch(diagram, -1) {
		from, to := State(found[1]), State(found[2])
		if from == "[*]" {
			from = none
		}
		if to == "[*]" {
			to = gone
		}
		drawn[move{from, to, found[3]}] = true
	}
	require.Len(t, drawn, strings.Count(diagram, "-->"), "each arrow is labelled with its transition")

	moves := map[move]bool{}
	for name, leads := range machine {
		transition, _, _ := strings.Cut(name, " ")
		for from, to := range leads {
			moves[move{from, to, transition}] = true
			if from != to {
				assert.True(t, drawn[move{from, to, transition}], "%s from %q to %q is not drawn", transition, from, to)
			}
		}
	}
	for move := range drawn {
		assert.True(t, moves[move], "%s does not lead from %q to %q", move.transition, move.from, move.to)
	}
}
