package signclient

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// LoginRequest asks for a login.
type LoginRequest struct {
	// Channel is what to log in to, one of logins of the exchange's variant; empty means
	// the first.
	Channel string
	// Validity is how long the login is to be valid, at most 10s, where the login itself
	// says so (Bybit); zero means what Vault gives. Elsewhere it must be zero.
	Validity time.Duration
}

// Login opens a session on an exchange's WebSocket. Whoever has it can log in until it
// ends: keep it out of logs.
type Login struct {
	// Channel is what it logs in to.
	Channel string
	// Note says what to do with it, if that is not plain.
	Note string
	// URL is where to connect; empty where Vault does not know that, and where Request is
	// set, whose answer says it.
	URL string
	// Message is the text to send first on the connection; empty if Request is set.
	Message string
	// Request is to be sent, by a client that signs nothing, where its answer opens the
	// connection (KuCoin, MEXC, BingX, WhiteBIT); else nil.
	Request *http.Request
	// ValidUntil is until when the exchange accepts the login; zero where it does not say.
	ValidUntil time.Time
}

// String names the login without what logs in.
func (l Login) String() string {
	text := fmt.Sprintf("login to %q", l.Channel)
	if !l.ValidUntil.IsZero() {
		text += ", valid until " + l.ValidUntil.Format(time.RFC3339)
	}
	return text
}

// GoString is String.
func (l Login) GoString() string { return l.String() }

// Login signs a login for now. The context is that of Request too. Log in anew after a
// rotation of a static role, within its overlap: what becomes of a session whose key is
// deleted is up to the exchange.
func (s *Signer) Login(ctx context.Context, asked LoginRequest) (*Login, error) {
	path := s.path + "/login"
	fields := map[string]any{}
	if asked.Channel != "" {
		fields["channel"] = asked.Channel
	}
	if asked.Validity != 0 {
		fields["validity"] = asked.Validity.String()
	}
	answer, err := s.ask(ctx, path, fields)
	if err != nil {
		return nil, err
	}
	login := &Login{Channel: answer.Channel, Note: answer.Note}
	if answer.ValidUntil != "" {
		if login.ValidUntil, err = time.Parse(time.RFC3339, answer.ValidUntil); err != nil {
			return nil, s.unreadable(path, err)
		}
	}
	if answer.Message != "" {
		login.URL, login.Message = answer.URL, answer.Message
		return login, nil
	}
	if login.Request, err = answer.request(ctx); err != nil {
		return nil, s.unreadable(path, err)
	}
	return login, nil
}
