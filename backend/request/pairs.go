package request

import (
	"net/url"
	"slices"
	"strings"
)

// pair is one parameter of a query or form: its name as it is meant, and the pair as it
// is written.
type pair struct{ name, written string }

// pairs are the parameters of a query or form, in order.
type pairs []pair

// parsePairs reads a query or form. It must be written in the one way in which nobody
// reads it differently: percent-encoded where that is needed and nowhere else.
func parsePairs(field, text string) (pairs, error) {
	if text == "" {
		return nil, nil
	}
	var found pairs
	for written := range strings.SplitSeq(text, "&") {
		name, value, whole := strings.Cut(written, "=")
		if !whole || name == "" {
			return nil, refuse(field, "%.64q is not name=value; separate such pairs with a single &", written)
		}
		plain, err := decode(field, name)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(plain, func(r rune) bool { return r > 0x7f || !isUnreserved(byte(r)) && r != '[' && r != ']' }) {
			return nil, refuse(field, "%.64q is no name of a parameter; give letters, digits and . _ - [ ]", plain)
		}
		if _, err := decode(field, value); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(p pair) bool { return strings.EqualFold(p.name, plain) }) {
			return nil, refuse(field, "%.64q is given twice; exchanges differ in which of them counts", plain)
		}
		found = append(found, pair{plain, written})
	}
	return found, nil
}

// bare are the characters, besides those that never need encoding, that clients in daily
// use leave as they are. Slashes and question marks are not among them: many exchanges
// sign path, query and body in one text without a mark between them, so that a body
// /cancel-all?x=1 would pass for more of the path.
const bare = `,:@!*'()$[]"{}`

// decode reads one name or value.
func decode(field, text string) (string, error) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case isUnreserved(c), strings.IndexByte(bare, c) >= 0:
		case c == '=':
			// Within a value it is meant as it is.
		case c == '+':
			return "", refuse(field, "%.64q holds a plus sign, which some read as a blank; write %%20 or %%2B", text)
		case c != '%':
			return "", refuse(field, "%.64q is not percent-encoded: it holds %q", text, c)
		case i+2 >= len(text) || !isUpperHex(text[i+1]) || !isUpperHex(text[i+2]):
			return "", refuse(field, "%.64q is not percent-encoded as it should be: a percent sign takes two digits, the letters among them in capitals", text)
		default:
			i += 2
		}
	}
	plain, err := url.PathUnescape(text)
	if err != nil || !plainText(plain) {
		return "", refuse(field, "%.64q does not stand for a text in UTF-8 without control characters", text)
	}
	if strings.ContainsAny(plain, "&#") {
		return "", refuse(field, "%.64q stands for a text with & or #, which some exchanges take for another parameter", text)
	}
	for i := 0; i+2 < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if meant, _ := url.PathUnescape(text[i : i+3]); len(meant) == 1 && isUnreserved(meant[0]) {
			return "", refuse(field, "%.64q encodes %q, which needs no encoding", text, meant)
		}
	}
	return plain, nil
}

func isUpperHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }

// without leaves out the parameters of those names.
func (p pairs) without(names []string) pairs {
	return slices.DeleteFunc(slices.Clone(p), func(one pair) bool { return containsFold(names, one.name) })
}

func (p pairs) names() []string {
	var names []string
	for _, one := range p {
		names = append(names, one.name)
	}
	return names
}

// text writes the parameters as they were written.
func (p pairs) text() string {
	var written []string
	for _, one := range p {
		written = append(written, one.written)
	}
	return strings.Join(written, "&")
}
