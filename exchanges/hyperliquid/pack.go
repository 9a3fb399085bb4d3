package hyperliquid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// maxDepth is how deep an action may nest, far beyond what Hyperliquid has.
const maxDepth = 32

// pack writes a JSON value as MessagePack, keeping the members of objects in order:
// this is what Hyperliquid hashes of an action.
func pack(action []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(action))
	decoder.UseNumber()
	var packed bytes.Buffer
	if err := packValue(decoder, &packed, maxDepth); err != nil {
		return nil, fmt.Errorf("action: %w", err)
	}
	return packed.Bytes(), nil
}

func packValue(decoder *json.Decoder, out *bytes.Buffer, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	encoder := msgpack.NewEncoder(out)
	switch token := token.(type) {
	case json.Delim:
		return packItems(decoder, out, token, depth)
	case string:
		return encoder.EncodeString(token)
	case json.Number:
		number, err := token.Int64()
		if err != nil {
			return errors.New("a number that is not whole; Hyperliquid takes decimals as text")
		}
		return encoder.EncodeInt(number)
	case bool:
		return encoder.EncodeBool(token)
	}
	return encoder.EncodeNil()
}

// packItems packs the contents of an object or array, and only then knows their
// number, which comes first.
func packItems(decoder *json.Decoder, out *bytes.Buffer, opening json.Delim, depth int) error {
	if depth == 0 {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	var items bytes.Buffer
	count := 0
	for ; decoder.More(); count++ {
		if opening == '{' {
			// This is the name of the member.
			if err := packValue(decoder, &items, depth); err != nil {
				return err
			}
		}
		if err := packValue(decoder, &items, depth-1); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return errors.New("not JSON")
	}
	encodeLength := msgpack.NewEncoder(out).EncodeArrayLen
	if opening == '{' {
		encodeLength = msgpack.NewEncoder(out).EncodeMapLen
	}
	if err := encodeLength(count); err != nil {
		return err
	}
	_, err := items.WriteTo(out)
	return err
}
