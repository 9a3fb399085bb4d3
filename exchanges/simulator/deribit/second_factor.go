package deribit

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// challenge is a second factor that was asked for.
type challenge struct {
	user   *venue.Account
	method string // the path of the call
	at     time.Time
}

// challengeLife is how long a challenge can be answered.
const challengeLife = time.Minute

// guarded permits what needs permits, and asks for a second factor if the user
// has one (https://docs.deribit.com/articles/security-keys).
func (e *exchange) guarded(elements ...string) func(*venue.Call) *venue.Answer {
	permit := e.needs(elements...)
	return func(c *venue.Call) *venue.Answer {
		if refusal := permit(c); refusal != nil {
			return refusal
		}
		return e.secondFactor(c)
	}
}

// secondFactor asks for a one-time code, or checks the one that the call
// carries.
func (e *exchange) secondFactor(c *venue.Call) *venue.Answer {
	user := e.user(c.Key.Account)
	secret := e.totpSecrets[user.ID]
	if secret == "" || c.Key.Account.Parent != nil && c.Weather(subAccountFactor) == absent {
		return nil
	}
	p, refusal := e.read(c)
	if refusal != nil {
		return refusal
	}
	code, text := p.Text("authorization_data"), p.Text("challenge")
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	if code == "" {
		text = venue.RandomText(43, venue.Alphanumeric) + "="
		e.challenges[text] = challenge{user, c.URL.Path, c.Now}
		return e.ok(c, map[string]any{
			"security_keys":                       []any{map[string]string{"type": "tfa", "name": "tfa"}},
			"security_key_authorization_required": true, "rp_id": "test.deribit.com", "challenge": text,
		})
	}
	asked, known := e.challenges[text]
	delete(e.challenges, text)
	step := venue.OneTimeStep(c.Now)
	switch {
	case !known || asked.user != user || asked.method != c.URL.Path || c.Now.Sub(asked.at) > challengeLife:
		return e.refuse(c, badSecondFactor, "reason", "challenge_timeout")
	case code != venue.OneTimeCode(secret, c.Now):
		return e.refuse(c, badSecondFactor, "reason", "tfa_code_not_matched")
	case step <= e.lastSteps[user.ID]:
		return e.refuse(c, badSecondFactor, "reason", "used_tfa_code")
	}
	e.lastSteps[user.ID] = step
	return nil
}
