package bingx

import (
	"encoding/json"
	"maps"
	"slices"

	"vault-plugin-secrets-exchange/exchanges/rest"
)

// rights is what BingX says about the calling key. It documents two forms: the
// numbers of permissions and the addresses, or a flag for each right and one for
// whether there are addresses.
type rights struct {
	Permissions []rest.Text `json:"permissions"`
	IPAddresses []string    `json:"ipAddresses"`
	IPRestrict  *bool       `json:"ipRestrict"`
	// flags are those of the second form that are set.
	flags []string
	// flagged means that the answer has the second form.
	flagged bool
}

// enableWithdrawals is the second form's word for permission 5.
const enableWithdrawals = "enableWithdrawals"

// UnmarshalJSON reads the named fields and, besides them, the flags.
func (r *rights) UnmarshalJSON(data []byte) error {
	type fields rights
	if err := json.Unmarshal(data, (*fields)(r)); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	delete(all, "ipRestrict")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if set, isFlag := all[name].(bool); isFlag {
			r.flagged = true
			if set {
				r.flags = append(r.flags, name)
			}
		}
	}
	return nil
}

// told reports whether the answer says what the key may do.
func (r rights) told() bool { return r.Permissions != nil || r.flagged }

// names lists the rights in BingX's words.
func (r rights) names() []string { return append(decode(r.Permissions), r.flags...) }

// addresses are what the key is bound to: nil if BingX does not show them, empty if
// there are none.
func (r rights) addresses() []string {
	if r.IPRestrict != nil && !*r.IPRestrict {
		return []string{}
	}
	return addresses(r.IPAddresses)
}

// warnings are about rights that a root key should not have, and about a lack of
// addresses.
func (r rights) warnings() []string {
	var all []string
	if names := r.names(); slices.Contains(names, permWithdraw) || slices.Contains(names, enableWithdrawals) {
		all = append(all, "the root key may withdraw, which minting never needs; switch it off")
	}
	if bound := r.addresses(); bound != nil && len(bound) == 0 {
		all = append(all, "the root key is bound to no address: it works from anywhere, and BingX removes it after 14 days without use")
	}
	return all
}
