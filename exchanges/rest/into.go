package rest

import "encoding/json"

// Out is where the payload of an answer is decoded to, see [Into]; nil if nobody
// reads it.
type Out func(payload []byte) error

// Into decodes a JSON payload into the value, and forgets what an earlier try
// may have left there.
func Into[T any](value *T) Out {
	return func(payload []byte) error {
		var zero T
		*value = zero
		return json.Unmarshal(payload, value)
	}
}
