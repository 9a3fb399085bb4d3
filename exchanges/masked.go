package exchanges

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// hidden is what exchanges put in place of the parts of a key, or of its addresses,
// that they hide.
const hidden = "*"

// IsMasked reports whether part of a key's id, or of an address, is hidden behind
// asterisks.
func IsMasked(id string) bool { return strings.Contains(id, hidden) }

// MayBe reports whether the listed key may be the one with that id: what the
// exchange shows of it does not say otherwise.
func (k KeyInfo) MayBe(id string) bool {
	if !IsMasked(k.ID) {
		return k.ID == id
	}
	start, end := k.ID[:strings.Index(k.ID, hidden)], k.ID[strings.LastIndex(k.ID, hidden)+len(hidden):]
	return len(start)+len(end) <= len(id) && strings.HasPrefix(id, start) && strings.HasSuffix(id, end)
}

// SameAddresses reports whether the addresses and blocks that an exchange shows of a
// key are those asked for, in whatever order and spelling. One that is shown in part
// ("10.**.1") counts as any address that it may be, but each stands for one address
// only.
func SameAddresses(shown, asked []string) bool {
	if len(shown) != len(asked) {
		return false
	}
	// shownAs has the index of what stands for each address asked for.
	shownAs := map[int]int{}
	// place finds an address for what is shown, and moves others to make room.
	var place func(shownIndex int, tried map[int]bool) bool
	place = func(shownIndex int, tried map[int]bool) bool {
		for i, address := range asked {
			if tried[i] || !mayBeAddress(shown[shownIndex], address) {
				continue
			}
			tried[i] = true
			if other, taken := shownAs[i]; !taken || place(other, tried) {
				shownAs[i] = shownIndex
				return true
			}
		}
		return false
	}
	for i := range shown {
		if !place(i, map[int]bool{}) {
			return false
		}
	}
	return true
}

// mayBeAddress reports whether what is shown is the address or block, as far as can
// be seen. How wide a block is must be in plain view, and so must some digit of the
// address: a bare asterisk may just as well mean every address there is.
func mayBeAddress(shown, address string) bool {
	asked, err := parseBlock(address)
	if err != nil {
		return false
	}
	if block, err := parseBlock(shown); err == nil {
		return block.Masked() == asked.Masked()
	}
	visible, bits, isBlock := strings.Cut(strings.ToLower(shown), "/")
	if !isBlock {
		bits = strconv.Itoa(asked.Addr().BitLen())
	}
	if bits != strconv.Itoa(asked.Bits()) || !IsMasked(visible) || !strings.ContainsAny(visible, "0123456789abcdef") {
		return false
	}
	for _, spelling := range spellings(asked.Addr()) {
		if fitsMask(visible, spelling) {
			return true
		}
	}
	return false
}

// parseBlock reads an address, as the block of that one address, or a block.
func parseBlock(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	address, err := netip.ParseAddr(text)
	return netip.PrefixFrom(address, address.BitLen()), err
}

// spellings are the ways to write an address: one for IPv4, and for IPv6 with its
// zeros left out, with all of them, and with those only that a digit needs.
func spellings(address netip.Addr) []string {
	if address.Is4() {
		return []string{address.String()}
	}
	groups := make([]string, 8)
	for i, bytes := 0, address.As16(); i < len(groups); i++ {
		groups[i] = fmt.Sprintf("%x", int(bytes[2*i])<<8|int(bytes[2*i+1]))
	}
	return []string{address.String(), address.StringExpanded(), strings.Join(groups, ":")}
}

// fitsMask reports whether the text may be the masked one, in which each run of
// asterisks stands for one character or more.
func fitsMask(mask, text string) bool {
	for strings.Contains(mask, hidden+hidden) {
		mask = strings.ReplaceAll(mask, hidden+hidden, hidden)
	}
	start, visible, _ := strings.Cut(mask, hidden)
	rest, fits := strings.CutPrefix(text, start)
	pieces := strings.Split(visible, hidden)
	for i, piece := range pieces {
		if !fits || rest == "" {
			return false
		}
		rest = rest[1:]
		if i == len(pieces)-1 {
			return strings.HasSuffix(rest, piece)
		}
		_, rest, fits = strings.Cut(rest, piece)
	}
	return false
}
