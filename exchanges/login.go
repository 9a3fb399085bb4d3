package exchanges

import (
	"context"
	"net/http"
	"time"
)

// LoginSigner is an [Account] that signs logins to the exchange's WebSocket. Opened
// with a minted key, it opens the way for a client that does not hold that key.
type LoginSigner interface {
	// SignLogin returns a login for the exchange's current time. An [ErrInvalid]
	// names what is wrong with the request.
	SignLogin(context.Context, LoginRequest) (Login, error)
}

// LoginRequest asks for a login.
type LoginRequest struct {
	// Channel is the name of one of [Signing.Logins]; empty means the first.
	Channel string
	// Validity is how long the login is to be valid, at most [MaxLoginValidity], where
	// [Channel.Chosen] is set; zero means that maximum. Elsewhere it must be zero.
	Validity time.Duration
}

// Login is a signed login.
type Login struct {
	// Channel is what it logs in to.
	Channel Channel
	// URL is where to connect; empty where that is not known, or where the answer to
	// Request says it.
	URL string
	// Message is the text to send first on the connection; empty if Request is set.
	Message []byte
	// Request is sent to get what opens the connection; nil if Message logs in.
	Request *http.Request
	// ValidUntil is until when the exchange accepts the login; zero where it does not
	// say.
	ValidUntil time.Time
}
