package rest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

// joinPacer returns the pacer of the documented limits, shared with whoever else has
// one of the config's paceNames, and how to leave it.
func joinPacer(config Config) (pacer *pace.Pacer, leave func()) {
	var limits []pace.Limit
	for _, l := range config.Limits {
		limits = append(limits, pace.Limit{Name: limitName(l.Operation), Allowed: l.Requests, Per: l.Per, Serial: l.Serial, Fixed: l.Fixed})
	}
	return config.Options.Pacers.Join(config.paceNames, limits, config.Options.RateMultiplier)
}

// paceNames name what an exchange counts calls by: the account, once it has been
// told, and the root key. A credential without an api_key is named by its secret
// parts. All names are hashes, so that they give nothing away. The variant is part of
// them, since each has limits of its own.
func paceNames(config Config, variant string, credential exchanges.Credential) []string {
	name := func(parts ...string) string {
		// Quoted, so that no two lists of parts read alike.
		hash := sha256.Sum256(fmt.Appendf(nil, "%q", append([]string{config.Exchange, config.BaseURL, variant}, parts...)))
		return string(hash[:])
	}
	key := []string{"key", credential.Broker, credential.APIKey}
	if credential.APIKey == "" {
		for _, secret := range credential.Secrets() {
			key = append(key, secret.Reveal())
		}
	}
	if config.Options.Account == "" {
		return []string{name(key...)}
	}
	return []string{name("account", credential.Broker, config.Options.Account), name(key...)}
}

// limitName is the pacer's name for an operation's limit.
func limitName(operation exchanges.Operation) string {
	if operation == exchanges.OpAny {
		return pace.All
	}
	return string(operation)
}

// turn waits until a turn has come that is as urgent as the context says, for as
// long as its patience allows. What proves a deletion goes before the next deletion: one
// whose proof comes too late is made again. A failure wraps [exchanges.ErrNotAsked].
func (c *Client) turn(ctx context.Context, turn pace.Turn) (done func(pace.Outcome), err error) {
	turn.Urgent, turn.Party, turn.Patience = exchanges.Revoking(ctx), exchanges.Role(ctx), pace.Forever
	if patience, bounded := exchanges.Patience(ctx); bounded {
		turn.Patience = patience
	}
	done, err = c.pacer.Wait(ctx, turn)
	var late *pace.TooLateError
	switch {
	case errors.As(err, &late):
		return nil, &exchanges.Error{Kind: exchanges.ErrRateLimited, Message: reason(late), RetryAfter: late.Wait, Err: exchanges.ErrNotAsked}
	case err != nil:
		return nil, &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Message: "gave up waiting for a turn", Err: errors.Join(exchanges.ErrNotAsked, ctx.Err()),
		}
	}
	exchanges.TurnTaken(ctx)
	return done, nil
}

// reason says why a turn would come too late.
func reason(late *pace.TooLateError) string {
	wait := late.Wait.Round(time.Millisecond)
	switch {
	case late.Probing:
		return "the exchange has refused a call for its rate, and another is finding out whether it still does"
	case late.Refused:
		return fmt.Sprintf("the exchange has refused a call for its rate, and is asked again in %s", wait)
	}
	return fmt.Sprintf("the exchange's rate limit leaves no room for %s (place %d in the queue)", wait, late.Place)
}

// outcomeOf is what a call that has ended so says of the exchange's rate limit.
func outcomeOf(err error) pace.Outcome {
	switch {
	case err == nil:
		return pace.Succeeded
	case errors.Is(err, exchanges.ErrRateLimited), errors.Is(err, exchanges.ErrUnavailable), errors.Is(err, exchanges.ErrOutcomeUnknown):
		return pace.Unsettled
	}
	return pace.Answered
}

// Wait waits for a turn at an operation's rate limit without making a call,
// for what is limited besides calls, such as one-time codes. It fails at once
// if the last of that many turns, of which this is the first, would come later
// than the caller's patience or deadline allows.
func (c *Client) Wait(ctx context.Context, operation exchanges.Operation, turns int) error {
	if !c.pacer.Limits(limitName(operation)) {
		return nil
	}
	done, err := c.turn(ctx, pace.Turn{Of: limitName(operation), Series: turns, Apart: true})
	if err != nil {
		return c.blame(Call{Operation: operation}, err)
	}
	done(pace.Answered)
	return nil
}

// Pause holds back an operation for a while, at most [pace.MaxPause].
func (c *Client) Pause(operation exchanges.Operation, wait time.Duration) {
	c.pacer.Pause(limitName(operation), wait)
}
