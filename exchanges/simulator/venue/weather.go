package venue

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Condition is one thing that an exchange's documentation leaves open, says in two
// ways, or that was seen to be otherwise in the field. The venue can play it: that
// is its weather. In calm weather it does as the documentation says or, where that
// is silent, as seems most likely.
type Condition struct {
	Name string `json:"condition"`
	// Values are what the condition can be set to, besides calm.
	Values []string `json:"values"`
	// Operations are those whose answers it changes.
	Operations []exchanges.Operation `json:"operations"`
	// Source says where the doubt comes from.
	Source string `json:"source"`
	// Hostile means that no key must be handed out in this weather, because it is
	// not what was asked for.
	Hostile bool `json:"hostile"`
	// Blind means that nobody can tell in this weather whether a key is gone, so
	// that none must be taken for gone.
	Blind bool `json:"blind"`
	// Elsewhere means that a key's day does not meet the condition, such as a full
	// sub-account: a test of the exchange's own package plays it.
	Elsewhere bool `json:"elsewhere"`
	// Variants are those whose answers it changes; empty for all.
	Variants []string `json:"variants,omitempty"`
}

// In reports whether the condition changes answers of a variant.
func (c Condition) In(variant string) bool {
	return len(c.Variants) == 0 || slices.Contains(c.Variants, variant)
}

// ConditionView is a condition and what it is set to; empty for calm.
type ConditionView struct {
	Condition
	Value string `json:"value"`
}

// On is the value of conditions that are either there or not.
const On = "on"

// The conditions that the kit itself plays, at every exchange where they can be.
const (
	// AppearsLate: a new key appears in the list only after a while.
	AppearsLate = "appears_late"
	// VanishesLate: a deleted key stays in the list for a while.
	VanishesLate = "vanishes_late"
	// WorksLate: a new key works only after a while.
	WorksLate = "works_late"
	// NullList: a list without items is null.
	NullList = "null_list"
	// MissingList: a list without items is left out, as if the answer were broken.
	MissingList = "missing_list"
	// BareList: a list is not wrapped in an object with page numbers.
	BareList = "bare_list"
	// MaskedKeys: the list of keys shows only part of each key.
	MaskedKeys = "masked_keys"
	// MaskedAddresses: the list of keys shows only part of each address.
	MaskedAddresses = "masked_addresses"
	// CreateAnswer: the answer to a creation leaves out what the documentation does
	// not promise, or tells fewer permissions than the key has.
	CreateAnswer = "create_answer"
	// AddsPermission: a new key gets a permission that nobody asked for.
	AddsPermission = "adds_permission"
	// Refuses: a parameter is refused.
	Refuses = "refuses"
	// SessionsEnd: a session of a WebSocket ends when its key is deleted, which the
	// documentation does not say.
	SessionsEnd = "sessions_end"
)

// The values of SessionsEnd.
const (
	sessionsEndAtOnce = "at_once"
	sessionsEndNext   = "next_message"
)

// ByLetter is a condition of exchanges that keep to the letter of their documentation,
// though clients in daily use send what it forbids: see [Letter].
const ByLetter = "by_letter"

// Letter is the condition [ByLetter]; the source says what the documentation forbids.
// The driver keeps to the letter, so that no answer to it differs.
func Letter(source string) Condition {
	return Condition{Name: ByLetter, Values: []string{On}, Operations: []exchanges.Operation{exchanges.OpUseKey}, Source: source, Elsewhere: true}
}

// Forecaster is implemented by rules of an exchange that has weather.
type Forecaster interface {
	// Forecast says what the weather can be.
	Forecast() Forecast
	// RefuseParameter is the answer to a parameter that the exchange does not take.
	RefuseParameter(c *Call, name string) *Answer
}

// Forecast is what the weather of an exchange can be.
type Forecast struct {
	Shape
	// Unlisted means that no list shows keys, so that none can be out of date.
	Unlisted bool
	// Grants means that [Call.Grant] decides what a key gets.
	Grants bool
	// Refusable are the parameters that the documentation does not surely have, by
	// operation.
	Refusable map[string]exchanges.Operation
	// Sources says where doubts about the kit's conditions come from, if the
	// exchange's documentation says something; by the name of the condition.
	Sources map[string]string
	// Variants are those whose answers one of the kit's conditions changes, by its
	// name; all, if it is not there.
	Variants map[string][]string
	// sessions means that nobody knows when the sessions of a deleted key end.
	sessions bool
	// Own are the conditions that the rules themselves play; see [Call.Weather].
	Own []Condition
}

// conditions lists the venue's; none, if its rules make no forecast.
func (v *Venue) conditions() []Condition {
	if _, has := v.rules.(Forecaster); !has {
		return nil
	}
	return v.forecast.conditions()
}

// conditions lists all that the forecast allows.
func (f Forecast) conditions() []Condition {
	delays, once := []string{"3s", "20s"}, []string{On}
	lists := []exchanges.Operation{exchanges.OpListKeys}
	creates := []exchanges.Operation{exchanges.OpCreateKey, exchanges.OpEditKey}
	var all []Condition
	add := func(possible bool, c Condition) {
		if possible {
			c.Source, c.Variants = f.source(c), f.Variants[c.Name]
			all = append(all, c)
		}
	}
	add(!f.Unlisted, Condition{Name: AppearsLate, Values: delays, Operations: lists})
	add(!f.Unlisted, Condition{Name: VanishesLate, Values: delays, Operations: lists})
	add(true, Condition{Name: WorksLate, Values: delays, Operations: []exchanges.Operation{exchanges.OpUseKey}})
	add(f.KeyList != "", Condition{Name: NullList, Values: once, Operations: lists})
	add(f.KeyList != "" && f.KeyList != ".", Condition{Name: MissingList, Values: once, Operations: lists, Blind: true})
	add(f.Page != "", Condition{Name: BareList, Values: once, Operations: lists})
	add(f.KeyName != "", Condition{Name: MaskedKeys, Values: once, Operations: lists})
	add(f.KeyAddresses != "", Condition{Name: MaskedAddresses, Values: once, Operations: lists})
	var answers []string
	if len(f.Optional) > 0 {
		answers = append(answers, "bare")
	}
	if f.Permissions != "" {
		answers = append(answers, "fewer_permissions")
	}
	add(len(answers) > 0, Condition{Name: CreateAnswer, Values: answers, Operations: creates})
	add(f.Grants, Condition{Name: AddsPermission, Values: once, Operations: creates, Hostile: true})
	if parameters := slices.Sorted(maps.Keys(f.Refusable)); len(parameters) > 0 {
		concerned := slices.Compact(slices.Sorted(maps.Values(f.Refusable)))
		add(true, Condition{Name: Refuses, Values: parameters, Operations: concerned})
	}
	add(f.sessions, Condition{
		Name: SessionsEnd, Values: []string{sessionsEndAtOnce, sessionsEndNext}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
	})
	return append(all, f.Own...)
}

// source is where the doubt about one of the kit's conditions comes from.
func (f Forecast) source(c Condition) string {
	if source := f.Sources[c.Name]; source != "" {
		return source
	}
	return "The documentation does not say."
}

// weather is what the conditions of a venue are set to; those that are not in it
// are calm.
type weather map[string]string

// set sets a condition; an empty value makes it calm.
func (w weather) set(conditions []Condition, name, value string) error {
	found := slices.IndexFunc(conditions, func(c Condition) bool { return c.Name == name })
	switch {
	case found < 0:
		return fmt.Errorf("condition %q is unknown, or not one of this exchange's; it must be one of %s", name, listed(conditionNames(conditions)))
	case value == "":
		delete(w, name)
	case !slices.Contains(conditions[found].Values, value):
		return fmt.Errorf("value %q is unknown; condition %q can be %s, or empty for calm", value, name, listed(conditions[found].Values))
	default:
		w[name] = value
	}
	return nil
}

// delay is the value of a condition that is a time; zero in calm weather.
func (w weather) delay(name string) time.Duration {
	delay, _ := time.ParseDuration(w[name]) // The values are the kit's own.
	return delay
}

func conditionNames(conditions []Condition) []string {
	all := make([]string, len(conditions))
	for i, c := range conditions {
		all[i] = c.Name
	}
	return all
}

// Weather is what one of the exchange's own conditions is set to; empty for calm.
func (c *Call) Weather(condition string) string { return c.weather[condition] }

// Listed are the keys that the exchange's list shows for an account, oldest first.
func (c *Call) Listed(a *Account) []*Key {
	late, lingering := c.weather.delay(AppearsLate), c.weather.delay(VanishesLate)
	keys := slices.DeleteFunc(c.Books.KeysOf(a), func(k *Key) bool { return k.Kind == "" && c.Within(late, k.Created) })
	if lingering > 0 { // There are ever more keys that are gone.
		for _, g := range c.Books.gone {
			if g.key.Account == a && c.Within(lingering, g.at) {
				keys = append(keys, g.key)
			}
		}
	}
	slices.SortStableFunc(keys, func(a, b *Key) int { return a.Created.Compare(b.Created) })
	return keys
}

// gives reports whether the request has a parameter of that name, in its query, its
// form or its JSON.
func (c *Call) gives(parameter string) bool {
	if c.URL.Query().Has(parameter) {
		return true
	}
	var tree any
	if json.Unmarshal(c.Body, &tree) == nil {
		return hasMember(tree, parameter)
	}
	form, err := url.ParseQuery(string(c.Body))
	return err == nil && form.Has(parameter)
}

func hasMember(tree any, name string) bool {
	switch tree := tree.(type) {
	case map[string]any:
		for member, value := range tree {
			if member == name || hasMember(value, name) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(tree, func(item any) bool { return hasMember(item, name) })
	}
	return false
}

// Within reports whether a delay that began at the time is not over. If the clock was
// set back, so that the time lies in the future, it counts as long past.
func (c *Call) Within(delay time.Duration, began time.Time) bool {
	age := c.Now.Sub(began)
	return age >= 0 && age < delay
}

// known are the books without the keys that do not work yet.
func (c *Call) known() *Books {
	late := c.weather.delay(WorksLate)
	if late == 0 {
		return c.Books
	}
	known := *c.Books
	known.Keys = slices.DeleteFunc(slices.Clone(known.Keys), func(k *Key) bool { return k.Kind == "" && c.Within(late, k.Created) })
	return &known
}
