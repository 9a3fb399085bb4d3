package backend

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// A label lets a key be found again after its create answer was lost, and sets our
// keys apart from everybody else's. It begins with the mount's ownership tag
// and the stem of the key's id; what the role's label_template adds comes after, as far as
// the exchange's length allows. The shortest labels (16 characters) hold all of
// the stem but its last two characters.
const (
	tagPrefix = "vx"
	tagLength = 6
	idLength  = 12
)

// encoding has only lower-case letters and digits, which every exchange takes
// in a label and none changes.
var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func shortHash(length int, parts ...string) string {
	digest := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(encoding.EncodeToString(digest[:]))[:length]
}

// ownershipTag marks every key of a mount. It derives from the mount's UUID, so
// that it survives restarts, upgrades and a restored snapshot.
func ownershipTag(mountUUID string) string {
	return tagPrefix + shortHash(tagLength-len(tagPrefix), "mount", mountUUID)
}

// keyStem derives the stem of a ledger id from a request's own id, so that a request which
// Vault sends a second time after a plugin crash finds the first one's entry.
func keyStem(mountUUID, requestID string, attempt int) string {
	return shortHash(idLength, "key", mountUUID, requestID, fmt.Sprint(attempt))
}

// labelData is what a label_template can use.
type labelData struct {
	RoleName    string
	Connection  string
	SubAccount  string
	DisplayName string
	EntityID    string
	Reason      string
}

// value returns what a placeholder stands for.
func (d labelData) value(placeholder string) (string, bool) {
	value, known := map[string]string{
		"RoleName": d.RoleName, "Connection": d.Connection, "SubAccount": d.SubAccount,
		"DisplayName": d.DisplayName, "EntityID": d.EntityID, "Reason": d.Reason,
	}[placeholder]
	return value, known
}

// makeLabel composes a key's label for an exchange; empty if it has none.
func makeLabel(tag, stem, text string, data labelData, rule exchanges.LabelRule) (string, error) {
	if rule.MaxLength == 0 {
		return "", nil
	}
	addition, err := renderLabel(text, data)
	if err != nil {
		return "", err
	}
	label := tag + stem + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-' && rule.Hyphens:
			return r
		}
		return -1
	}, addition)
	return label[:min(len(label), rule.MaxLength)], nil
}

// maxTemplate is how long a label_template may be, in bytes.
const maxTemplate = 256

// placeholder is what stands for a value in a label_template. There is nothing else
// that a template can do, so that it can neither loop nor fail when a key is minted.
var placeholder = regexp.MustCompile(`\{\{ *\.([A-Za-z]+) *\}\}`)

// renderLabel puts the data in the place of a template's placeholders.
func renderLabel(text string, data labelData) (string, error) {
	if len(text) > maxTemplate {
		return "", invalid("label_template", "%d bytes long; give at most %d", len(text), maxTemplate)
	}
	unknown := ""
	label := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		value, known := data.value(placeholder.FindStringSubmatch(found)[1])
		if !known {
			unknown = found
		}
		return value
	})
	if rest := placeholder.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		unknown = text
	}
	if unknown != "" {
		return "", invalid("label_template", "%q is not understood; besides plain text it may hold {{ .RoleName }}, {{ .Connection }}, {{ .SubAccount }}, {{ .DisplayName }}, {{ .EntityID }} and {{ .Reason }}", unknown)
	}
	return label, nil
}

// checkLabelTemplate refuses a template that cannot be rendered.
func checkLabelTemplate(text string) error {
	_, err := renderLabel(text, labelData{})
	return err
}
