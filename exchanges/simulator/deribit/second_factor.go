package deribit

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// deribitChallenge is a second factor that was asked for.
type deribitChallenge struct {
	user   *venue.Account
	method string // the path of the call
	at     time.Time
}

// deribitChallengeLife is how long a challenge can be answered.
const deribitChallengeLife = time.Minute

// guarded permits what needs permits, with a second factor if the user has one
// (https://docs.deribit.com/articles/security-keys).
func (d *deribit) guarded(elements ...string) func(*venue.Call) *venue.Answer {
	permit := d.needs(elements...)
	return func(c *venue.Call) *venue.Answer {
		if refusal := permit(c); refusal != nil {
			return refusal
		}
		return d.secondFactor(c)
	}
}

// secondFactor asks for a one-time code or checks the one that is there.
func (d *deribit) secondFactor(c *venue.Call) *venue.Answer {
	user := d.user(c.Key.Account)
	secret := d.totpSecrets[user.ID]
	if secret == "" {
		return nil
	}
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	code, text := p.Text("authorization_data"), p.Text("challenge")
	if why := p.Complaint(); why != nil {
		return d.badParameter(c, why)
	}
	if code == "" {
		text = venue.RandomText(43, venue.Alphanumeric) + "="
		d.challenges[text] = deribitChallenge{user, c.URL.Path, c.Now}
		return d.ok(c, map[string]any{
			"security_keys":                       []any{map[string]string{"type": "tfa", "name": "tfa"}},
			"security_key_authorization_required": true, "rp_id": "test.deribit.com", "challenge": text,
		})
	}
	asked, known := d.challenges[text]
	delete(d.challenges, text)
	step := venue.OneTimeStep(c.Now)
	switch {
	case !known || asked.user != user || asked.method != c.URL.Path || c.Now.Sub(asked.at) > deribitChallengeLife:
		return d.refuse(c, deribitBadSecondFactor, "reason", "challenge_timeout")
	case code != venue.OneTimeCode(secret, c.Now):
		return d.refuse(c, deribitBadSecondFactor, "reason", "tfa_code_not_matched")
	case step <= d.lastSteps[user.ID]:
		return d.refuse(c, deribitBadSecondFactor, "reason", "used_tfa_code")
	}
	d.lastSteps[user.ID] = step
	return nil
}
