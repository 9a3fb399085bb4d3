package simulator

import "time"

// deribitChallenge is a second factor that was asked for.
type deribitChallenge struct {
	user   *account
	method string // the path of the call
	at     time.Time
}

// deribitChallengeLife is how long a challenge can be answered.
const deribitChallengeLife = time.Minute

// guarded permits what needs permits, with a second factor if the user has one
// (https://docs.deribit.com/articles/security-keys).
func (d *deribit) guarded(elements ...string) func(*call) *answer {
	permit := d.needs(elements...)
	return func(c *call) *answer {
		if refusal := permit(c); refusal != nil {
			return refusal
		}
		return d.secondFactor(c)
	}
}

// secondFactor asks for a one-time code or checks the one that is there.
func (d *deribit) secondFactor(c *call) *answer {
	user := d.user(c.key.account)
	secret := d.totpSecrets[user.id]
	if secret == "" {
		return nil
	}
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	code, text := p.text("authorization_data"), p.text("challenge")
	if why := p.complaint(); why != nil {
		return d.badParameter(c, why)
	}
	if code == "" {
		text = randomText(43, alphanumeric) + "="
		d.challenges[text] = deribitChallenge{user, c.URL.Path, c.now}
		return d.ok(c, map[string]any{
			"security_keys":                       []any{map[string]string{"type": "tfa", "name": "tfa"}},
			"security_key_authorization_required": true, "rp_id": "test.deribit.com", "challenge": text,
		})
	}
	asked, known := d.challenges[text]
	delete(d.challenges, text)
	step := oneTimeStep(c.now)
	switch {
	case !known || asked.user != user || asked.method != c.URL.Path || c.now.Sub(asked.at) > deribitChallengeLife:
		return d.refuse(c, deribitBadSecondFactor, "reason", "challenge_timeout")
	case code != oneTimeCode(secret, c.now):
		return d.refuse(c, deribitBadSecondFactor, "reason", "tfa_code_not_matched")
	case step <= d.lastSteps[user.id]:
		return d.refuse(c, deribitBadSecondFactor, "reason", "used_tfa_code")
	}
	d.lastSteps[user.id] = step
	return nil
}
