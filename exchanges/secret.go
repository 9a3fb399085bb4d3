package exchanges

import "fmt"

// Secret is a string that prints as a fixed mask, so that it cannot reach a log
// line or an error by accident: in JSON and under every fmt verb but %p, which fmt
// handles itself and go vet refuses for a string. fmt prints an unexported field
// without asking its type, so keep a secret in an exported field or behind a
// function. Reveal takes the value out, at the one place that needs it.
type Secret string

const mask = "[secret]"

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String returns a mask.
func (s Secret) String() string { return mask }

// Format writes a mask, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// MarshalText returns a mask, so that JSON and other encoders show nothing.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
