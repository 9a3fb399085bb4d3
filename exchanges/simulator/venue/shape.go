package venue

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// Shape says where an exchange's answers hold what the weather can change. A path
// leads through JSON objects by names joined with dots, and through a list of a single
// object as if it were that object; "." is the whole answer.
// Several paths with "|" between them are those of several forms of the answer: the
// first that is there counts. What is empty does not exist.
type Shape struct {
	// KeyList is the path of the list in the answer to a list of keys, and Page that
	// of the object around it that holds page numbers and the like.
	KeyList string
	Page    string
	// KeyName and KeyAddresses lead from a listed key to the API key and to its
	// addresses: a list, or text with commas.
	KeyName      string
	KeyAddresses string
	// Optional are paths in the answer to a creation that the documentation does not
	// promise, and Permissions the one of the permissions: a list, text with commas,
	// or an object of lists.
	Optional    []string
	Permissions string
}

// reshape changes an answer as the weather wants it.
func (s Shape) reshape(w weather, operation exchanges.Operation, a *Answer) {
	if len(w) == 0 {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(a.Body))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return
	}
	switch operation {
	case exchanges.OpListKeys:
		s.reshapeList(w, &tree)
	case exchanges.OpCreateKey, exchanges.OpEditKey:
		s.reshapeCreation(w, &tree)
	default:
		return
	}
	body, err := json.Marshal(tree)
	if err != nil {
		panic(err) // What was decoded can be encoded.
	}
	a.Body = body
}

func (s Shape) reshapeList(w weather, tree *any) {
	keys := at(tree, s.KeyList)
	list, ok := keys.get().([]any)
	if !ok {
		return
	}
	for _, item := range list {
		name, addresses := at(&item, s.KeyName), at(&item, s.KeyAddresses)
		if text, ok := name.get().(string); ok && w[MaskedKeys] != "" {
			name.set(maskText(text))
		}
		if w[MaskedAddresses] != "" {
			addresses.set(each(addresses.get(), maskAddress))
		}
	}
	switch {
	case w[BareList] != "":
		at(tree, s.Page).set(list)
	case len(list) == 0 && w[NullList] != "":
		keys.set(nil)
	case len(list) == 0 && w[MissingList] != "":
		keys.remove()
	}
}

func (s Shape) reshapeCreation(w weather, tree *any) {
	switch w[CreateAnswer] {
	case "bare":
		for _, path := range s.Optional {
			at(tree, path).remove()
		}
	case "fewer_permissions":
		permissions := at(tree, s.Permissions)
		if had := permissions.get(); had != nil {
			permissions.set(fewer(had))
		}
	}
}

// place is where a path leads in a decoded JSON value: a member of an object, or
// the whole value.
type place struct {
	tree   *any
	object map[string]any // nil if it is the whole value, or nowhere
	name   string
}

// at follows the first path that leads somewhere.
func at(tree *any, paths string) place {
	for path := range strings.SplitSeq(paths, "|") {
		if p := follow(tree, path); p.object != nil || p.tree != nil {
			return p
		}
	}
	return place{}
}

// follow follows a single path.
func follow(tree *any, path string) place {
	if path == "." {
		return place{tree: tree}
	}
	current := *tree
	for {
		name, rest, more := strings.Cut(path, ".")
		if list, ok := current.([]any); ok && len(list) == 1 {
			current = list[0]
		}
		object, ok := current.(map[string]any)
		if _, has := object[name]; !ok || !has {
			return place{}
		}
		if !more {
			return place{object: object, name: name}
		}
		current, path = object[name], rest
	}
}

func (p place) get() any {
	switch {
	case p.object != nil:
		return p.object[p.name]
	case p.tree != nil:
		return *p.tree
	}
	return nil
}

func (p place) set(value any) {
	switch {
	case p.object != nil:
		p.object[p.name] = value
	case p.tree != nil:
		*p.tree = value
	}
}

// remove leaves a member out. The whole value becomes null.
func (p place) remove() {
	if p.object != nil {
		delete(p.object, p.name)
		return
	}
	p.set(nil)
}

// each applies change to each text of a list, or of a text with commas.
func each(value any, change func(string) string) any {
	switch value := value.(type) {
	case string:
		parts := strings.Split(value, ",")
		for i := range parts {
			parts[i] = change(parts[i])
		}
		return strings.Join(parts, ",")
	case []any:
		for i := range value {
			value[i] = each(value[i], change)
		}
	}
	return value
}

// fewer drops the last permission.
func fewer(value any) any {
	switch value := value.(type) {
	case string:
		return value[:max(strings.LastIndex(value, ","), 0)]
	case []any:
		return value[:max(len(value)-1, 0)]
	case map[string]any:
		for group, permissions := range value {
			value[group] = fewer(permissions)
		}
	}
	return value
}

// maskText shows the ends of a key, as exchanges do.
func maskText(text string) string {
	if len(text) < 8 {
		return strings.Repeat("*", len(text))
	}
	return text[:3] + strings.Repeat("*", 7) + text[len(text)-3:]
}

// maskAddress hides the middle of an address, as in 10.**.1.
func maskAddress(text string) string {
	address, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		return text
	}
	between := "."
	if address.Is6() {
		between = ":"
	}
	return text[:strings.Index(text, between)] + between + "**" + text[strings.LastIndex(text, between):]
}
