package backend

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// The verdicts of a self-test.
const (
	// asExpected: as the documentation says or, where that is silent, as is most
	// likely.
	asExpected = "as expected"
	// different: otherwise.
	different = "different"
	// notTold: the exchange does not say, or it could not be found out.
	notTold = "not told"
)

// fact is one thing that a self-test finds out. What is seen is worded the same each
// time, and a time stands apart from it, so that two reports can be compared. Nothing in
// it is secret.
type fact struct {
	Name     string `json:"name"`
	Verdict  string `json:"verdict"`
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	// Seconds is how long it took, where that was measured.
	Seconds *int64 `json:"seconds,omitempty"`
	// Code is the exchange's own, of a refusal.
	Code string `json:"code"`
	// About is the place of the exchange's page that is concerned.
	About string `json:"about"`
}

// trait is what a key was asked to have, and what is shown of it.
type trait struct {
	shown []string
	// right says that it is what was asked for; added has what the exchange is known
	// to add unasked.
	right bool
	added []string
}

// sighting is how something that was waited for showed itself.
type sighting struct {
	// over says that it is not looked for any more, shown that it was seen, after that
	// time.
	over, shown bool
	after       time.Duration
	// answer is the exchange's last refusal; failure is why the last look told
	// nothing.
	answer, failure error
}

// observations is what a self-test has seen so far. None of it is secret.
type observations struct {
	about   exchanges.Description
	variant exchanges.Variant
	wait    time.Duration
	label   string

	// created says that the create call has ended: with a key, unless failure says why
	// not.
	created bool
	failure error
	making  time.Duration
	// What the answer to the creation told.
	answered struct{ permissions, addresses trait }

	// listed is how the list showed the key, and as what.
	listed sighting
	seen   *exchanges.KeyInfo
	shown  struct{ permissions, addresses trait }
	// used is how the key was accepted.
	used sighting
	// rights are what the exchange says that the key may do, when asked by it.
	rights trait

	// deleted says that the deletion was answered: with a confirmation, unless refusal
	// says otherwise.
	deleted bool
	refusal error
	// vanished is how the list lost the key, refused how the key stopped working.
	vanished, refused sighting
	// deletedAgain is as deleted, for the second deletion.
	deletedAgain bool
	refusalAgain error
	// settled says that the engine has tried to prove the key gone, proved that it has.
	settled, proved bool

	// forms are those of the answers, by the fact that tells them.
	forms map[string]map[string]bool
}

// The facts that tell the forms of answers.
const (
	factCreateForm    = "create_form"
	factListForm      = "list_form"
	factDeleteForm    = "delete_form"
	factListFormAfter = "list_form_after_deletion"
)

// note takes down the form of an answer.
func (o *observations) note(operation exchanges.Operation, form string) {
	name := factCreateForm
	switch operation {
	case exchanges.OpServerTime, exchanges.OpInspect, exchanges.OpSubAccounts:
		return
	case exchanges.OpListKeys, exchanges.OpCheckKey:
		if name = factListForm; o.deleted {
			name = factListFormAfter
		}
	case exchanges.OpDeleteKey:
		name = factDeleteForm
	default:
		// A creation, and what completes it, or what a deletion does beside itself.
		if o.created {
			name = factDeleteForm
		}
	}
	if o.forms == nil {
		o.forms = map[string]map[string]bool{}
	}
	if o.forms[name] == nil {
		o.forms[name] = map[string]bool{}
	}
	o.forms[name][form] = true
}

// facts says what the observations come to, always the same facts in the same order.
func (o *observations) facts() []fact {
	unlisted, powerless := o.variant.Unlisted != "", o.variant.NoDeletion != ""
	facts := []fact{
		o.creation(),
		o.form(factCreateForm, "what the answer to a creation holds"),
		o.trait("answer_permissions", o.created && o.failure == nil, o.answered.permissions, "whether the answer to a creation tells the permissions"),
		o.trait("answer_addresses", o.created && o.failure == nil, o.answered.addresses, "whether the answer to a creation tells the addresses"),
		o.when("listed", o.listed, 0, "how soon a new key is listed"),
		o.form(factListForm, "the form of the list of keys"),
		o.listedID(),
		o.listedLabel(),
		o.trait("listed_permissions", o.seen != nil, o.shown.permissions, "what the list tells of the permissions"),
		o.trait("listed_addresses", o.seen != nil, o.shown.addresses, "what the list tells of the addresses"),
		o.when("used", o.used, o.variant.ActivationDelay, "how soon a new key works"),
		o.rightsTold(),
		o.answer("deletion", o.deleted, o.refusal, "confirmed", "how a deletion is answered"),
		o.form(factDeleteForm, "what the answer to a deletion holds"),
		o.when("vanished", o.vanished, o.variant.ListingDelay, "how long a deleted key stays in the list"),
		o.form(factListFormAfter, "the form of the list of keys"),
		o.when("refused", o.refused, o.variant.RevocationDelay, "how long a deleted key goes on working"),
		o.answer("second_deletion", o.deletedAgain, o.refusalAgain, "any answer", "how the deletion of a key that no longer exists is answered"),
		o.proof(),
	}
	for i := range facts {
		switch facts[i].Name {
		case "listed", "vanished", factListForm, factListFormAfter, "listed_id", "listed_label", "listed_permissions", "listed_addresses":
			if unlisted {
				facts[i].Verdict, facts[i].Expected, facts[i].Seen = notTold, "no list", ""
			}
		case "refused":
			if powerless && facts[i].Verdict == different {
				// Such a key is still known, and can do nothing.
				facts[i].Verdict, facts[i].Expected = asExpected, "the key stays known, without permissions"
			}
		}
	}
	return facts
}

// playedBy has, by fact, what plays the doubt about it in the tests. The exchange's page
// names that beside the sentence that is concerned, if there is one.
var playedBy = map[string]string{
	"created": "create_answer", factCreateForm: "create_answer", "answer_permissions": "create_answer, adds_permission", "answer_addresses": "create_answer",
	"listed": "appears_late", factListForm: "null_list, bare_list, missing_list", "listed_id": "masked_keys",
	"listed_permissions": "adds_permission", "listed_addresses": "masked_addresses",
	"used": "works_late", "used_permissions": "adds_permission",
	"deletion": "Gone", factDeleteForm: "Gone", "vanished": "vanishes_late", factListFormAfter: "null_list, bare_list, missing_list",
	"second_deletion": "Gone", "gone": "Gone",
}

// place is where the exchange's page speaks of it.
func (o *observations) place(name, topic string) string {
	place := "docs/exchanges/" + o.about.Name + ".md#not-verified: " + topic
	if by := playedBy[name]; by != "" {
		place += " (played by " + by + ")"
	}
	return place
}

func (o *observations) creation() fact {
	f := fact{Name: "created", Verdict: notTold, Expected: "a whole key", About: o.place("created", "how a creation is answered")}
	if !o.created {
		return f
	}
	f.Seconds = wholeSeconds(o.making)
	if f.Verdict, f.Seen = asExpected, f.Expected; o.failure != nil {
		f.Verdict, f.Seen, f.Code = different, "no key: "+reasonOf(o.failure), codeOf(o.failure)
	}
	return f
}

// form says what the answers were made of. The documentation cannot be compared with
// that by a machine, but another report can.
func (o *observations) form(name, topic string) fact {
	f := fact{Name: name, Verdict: notTold, Expected: "an answer that can be read", About: o.place(name, topic)}
	if forms := slices.Sorted(maps.Keys(o.forms[name])); len(forms) > 0 {
		f.Verdict, f.Seen = asExpected, strings.Join(forms, "; ")
	}
	return f
}

func (o *observations) trait(name string, known bool, t trait, topic string) fact {
	f := fact{Name: name, Verdict: notTold, Expected: "as asked for", About: o.place(name, topic)}
	switch {
	case !known:
	case t.shown == nil:
		f.Seen = "left out"
	case t.right && len(t.added) > 0:
		f.Verdict, f.Seen = asExpected, "as asked for, and added unasked: "+strings.Join(t.added, ", ")
	case t.right && slices.ContainsFunc(t.shown, exchanges.IsMasked):
		f.Verdict, f.Seen = asExpected, "as asked for, shown in part"
	case t.right:
		f.Verdict, f.Seen = asExpected, "as asked for"
	default:
		f.Verdict, f.Seen = different, "["+strings.Join(t.shown, ", ")+"]"
	}
	return f
}

// rightsTold says what the exchange tells the key of its rights. Few tell all of them, or
// in the words of a creation, so that other words are no difference.
func (o *observations) rightsTold() fact {
	f := o.trait("used_permissions", o.used.shown, o.rights, "what a key learns of its own rights")
	if f.Verdict == different {
		f.Verdict = notTold
	}
	return f
}

func (o *observations) listedID() fact {
	f := fact{Name: "listed_id", Verdict: notTold, Expected: "the whole of it", About: o.place("listed_id", "whether the list shows the whole of a key")}
	if o.variant.MaskedIDs {
		f.Expected = "the whole of it, or a part"
	}
	switch {
	case o.seen == nil:
	case !o.seen.Masked:
		f.Verdict, f.Seen = asExpected, "the whole of it"
	case o.variant.MaskedIDs:
		f.Verdict, f.Seen = asExpected, "a part"
	default:
		f.Verdict, f.Seen = different, "a part"
	}
	return f
}

func (o *observations) listedLabel() fact {
	f := fact{Name: "listed_label", Verdict: notTold, Expected: "as given", About: o.place("listed_label", "how long a label may be")}
	switch {
	case o.seen == nil:
	case o.label == "":
		f.Expected, f.Seen = "no label", "none was given"
	case o.seen.Label == o.label:
		f.Verdict, f.Seen = asExpected, "as given"
	case o.seen.Label == "":
		f.Seen = "left out"
	default:
		f.Verdict, f.Seen = different, "another one"
	}
	return f
}

// when says how soon something showed itself. What is documented to take a while may.
func (o *observations) when(name string, s sighting, documented time.Duration, topic string) fact {
	f := fact{Name: name, Verdict: notTold, Expected: "at once", About: o.place(name, topic)}
	if documented > 0 {
		f.Expected = "within " + exchanges.Period(documented)
	}
	if s.answer != nil && (s.shown || s.over) {
		f.Code = codeOf(s.answer)
	}
	switch {
	case !s.shown && !s.over:
		return f
	case s.shown && s.after < time.Second:
		f.Verdict, f.Seen = asExpected, "at once"
	case s.shown && s.after <= documented:
		f.Verdict, f.Seen = asExpected, "after a while, as documented"
	case s.shown:
		f.Verdict, f.Seen = different, "after a while"
	case s.failure != nil:
		f.Seen, f.Code = "it could not be found out: "+reasonOf(s.failure), codeOf(s.failure)
		return f
	case documented >= o.wait:
		f.Seen = "not within " + exchanges.Period(o.wait)
		return f
	default:
		f.Verdict, f.Seen = different, "not within "+exchanges.Period(o.wait)
		return f
	}
	f.Seconds = wholeSeconds(s.after)
	if s.shown && s.answer != nil && !errors.Is(s.answer, exchanges.ErrAuth) {
		f.Seen += "; known, but refused: " + reasonOf(s.answer)
	}
	return f
}

// answer says how the exchange answered a deletion.
func (o *observations) answer(name string, known bool, refusal error, expected, topic string) fact {
	f := fact{Name: name, Verdict: notTold, Expected: expected, About: o.place(name, topic)}
	switch {
	case !known:
	case refusal == nil:
		f.Verdict, f.Seen = asExpected, "confirmed"
	default:
		f.Seen, f.Code = "refused: "+reasonOf(refusal), codeOf(refusal)
		switch {
		case !isRefusal(refusal):
			f.Seen = "no answer that counts: " + reasonOf(refusal)
		case expected == "any answer":
			f.Verdict = asExpected
		default:
			f.Verdict = different
		}
	}
	return f
}

func (o *observations) proof() fact {
	f := fact{Name: "gone", Verdict: notTold, Expected: "proved", About: o.place("gone", "how a deletion is proved")}
	switch {
	case o.proved:
		f.Verdict, f.Seen = asExpected, "proved"
	case o.settled:
		f.Verdict, f.Seen = different, "not proved within "+exchanges.Period(o.wait)
	}
	return f
}

func wholeSeconds(d time.Duration) *int64 {
	whole := seconds(d.Round(time.Second))
	return &whole
}

// reasonOf is the kind of a failure, whose text may tell of the account.
func reasonOf(err error) string {
	var failure *exchanges.Error
	if errors.As(err, &failure) {
		return string(cmp.Or(failure.Kind, exchanges.ErrOutcomeUnknown))
	}
	if errors.Is(err, errCircuitOpen) {
		return "calls to the exchange are held back after failures"
	}
	return string(exchanges.ErrOutcomeUnknown)
}

// codeOf is the exchange's own code; empty if there is none.
func codeOf(err error) string {
	var failure *exchanges.Error
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// The states of a self-test.
const (
	selfTestRunning = "running"
	// selfTestDone: every fact was looked for.
	selfTestDone = "done"
	// selfTestFailed: it ended early; the problem says why.
	selfTestFailed = "failed"
)

// selfTestReport is what is told of a self-test, and kept of one that has ended.
type selfTestReport struct {
	State       string        `json:"state"`
	Problem     string        `json:"problem"`
	Exchange    string        `json:"exchange"`
	Environment string        `json:"environment"`
	Variant     string        `json:"variant"`
	Version     string        `json:"version"`
	SubAccount  string        `json:"sub_account"`
	KeyID       string        `json:"key_id"`
	Scopes      []string      `json:"scopes"`
	Permissions []string      `json:"permissions"`
	Addresses   []string      `json:"ip_allowlist"`
	Wait        time.Duration `json:"wait"`
	Started     time.Time     `json:"started"`
	Finished    time.Time     `json:"finished"`
	Facts       []fact        `json:"facts"`
}

// differences are the names of the facts that are not as expected.
func (r selfTestReport) differences() []string {
	names := []string{}
	for _, f := range r.Facts {
		if f.Verdict == different {
			names = append(names, f.Name)
		}
	}
	return names
}

// show is the report as it is answered.
func (r selfTestReport) show() map[string]any {
	return map[string]any{
		"state": r.State, "problem": r.Problem, "exchange": r.Exchange, "environment": r.Environment, "variant": r.Variant,
		"plugin_version": r.Version, "sub_account": r.SubAccount, "key_id": r.KeyID, "scopes": list(r.Scopes),
		"permissions": list(r.Permissions), "ip_allowlist": list(r.Addresses), "wait": seconds(r.Wait),
		"started_at": timestamp(r.Started), "finished_at": timestamp(r.Finished),
		"differences": r.differences(), "facts": each(r.Facts, fact.show),
	}
}

func (f fact) show() map[string]any {
	shown := map[string]any{
		"name": f.Name, "verdict": f.Verdict, "expected": f.Expected, "seen": f.Seen, "code": f.Code, "about": f.About,
	}
	if f.Seconds != nil {
		shown["seconds"] = *f.Seconds
	}
	return shown
}
