package deribit

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// demand is Deribit's answer to a call that it guards with a second factor
// (https://docs.deribit.com/articles/security-keys): the call must be repeated with
// the challenge and a one-time code.
type demand struct {
	challenge string
	// takesCode means that a one-time code will do; hardware keys are the other
	// kind.
	takesCode bool
}

func (d *demand) Error() string { return "a second factor is required" }

// readDemand returns the demand that a result is, or nil.
func readDemand(result json.RawMessage) *demand {
	var answer struct {
		Required  bool   `json:"security_key_authorization_required"`
		Challenge string `json:"challenge"`
		Keys      []struct {
			Type string `json:"type"`
		} `json:"security_keys"`
	}
	if err := json.Unmarshal(result, &answer); err != nil || !answer.Required {
		return nil
	}
	wanted := &demand{challenge: answer.Challenge}
	for _, key := range answer.Keys {
		wanted.takesCode = wanted.takesCode || key.Type == "tfa"
	}
	return wanted
}

// failure returns the error for a demand that cannot be met.
func (d *demand) failure() *exchanges.Error {
	failure := &exchanges.Error{
		Kind: exchanges.ErrPermission, Err: d, Message: "the user has two-factor authentication",
		Remedy: "set the connection's totp_secret, the seed of the user's one-time codes",
	}
	if !d.takesCode {
		failure.Remedy = "add an authenticator app to the user's hardware keys, which a plugin cannot use, and set totp_secret"
	}
	return failure
}

const (
	// codeTries is how many one-time codes a call may use up.
	codeTries = 2
	// challengeLife is how long a challenge is used, half of its minute.
	challengeLife = 30 * time.Second
	// codePatience is how long a call with a code may be held up: after that the
	// code is stale.
	codePatience = 5 * time.Second
)

// confirm repeats a call with a one-time code, when it is the caller's turn to
// use one.
func (a *account) confirm(ctx context.Context, c call, wanted *demand, out rest.Out) error {
	var failure *exchanges.Error
	demanded := time.Now()
	for range codeTries {
		if err := a.Wait(ctx, exchanges.OpOneTimeCode, max(c.codes, 1)); err != nil {
			return tooFewCodes(err, c.codes)
		}
		if time.Since(demanded) > challengeLife {
			if err := a.send(ctx, c, out); !errors.As(err, &wanted) {
				return err
			}
		}
		err := a.sendWithCode(ctx, c, wanted.challenge, out)
		if !errors.As(err, &failure) {
			return err
		}
		if hasCode(err, codeTooManyCodes) {
			a.Pause(exchanges.OpOneTimeCode, failure.RetryAfter)
		}
		if !errors.Is(err, errCodeSpent) {
			return err
		}
		// Somebody else has used the code. The next code needs a challenge of its
		// own.
		demanded = time.Time{}
	}
	failure.Kind, failure.RetryAfter = exchanges.ErrRateLimited, rest.OneTimeCodePeriod
	return failure
}

// sendWithCode makes the call with the current code. It is never repeated: the code
// would be spent.
func (a *account) sendWithCode(ctx context.Context, c call, challenge string, out rest.Out) error {
	at, err := a.CodeTime(ctx)
	if err != nil {
		return err
	}
	code, err := rest.OneTimeCode(a.root().TOTPSecret, at)
	if err != nil {
		return invalid(c.operation, err.Error())
	}
	guarded := c
	guarded.effect = rest.Once
	guarded.secrets = []exchanges.Secret{code}
	guarded.params = maps.Clone(c.params)
	guarded.params["authorization_data"], guarded.params["challenge"] = code.Reveal(), challenge

	err = a.send(exchanges.WithPatience(ctx, codePatience), guarded, out)
	var failure *exchanges.Error
	if errors.As(err, &failure) && failure.Kind == exchanges.ErrOutcomeUnknown && c.effect == rest.ReadOnly {
		failure.Kind = exchanges.ErrUnavailable
	}
	return err
}

// tooFewCodes tells the caller of work that takes several codes how to allow time
// for them.
func tooFewCodes(err error, codes int) error {
	var failure *exchanges.Error
	if codes < 2 || !errors.As(err, &failure) || failure.Kind != exchanges.ErrRateLimited {
		return err
	}
	failure.Remedy = "a key with addresses takes two one-time codes, 30 seconds apart: set the role's max_wait to 60s"
	return failure
}
