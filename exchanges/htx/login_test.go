package htx

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The connections of derivatives take the signature of a GET of their path for a login,
// so a role that may sign requests and not logins must not get it.
func TestRequestsAsGoodAsALogin(t *testing.T) {
	s, err := newSigner(exchanges.Credential{APIKey: "key", APISecret: "secret"})
	require.NoError(t, err)
	for _, path := range []string{pathLinearSwapStream, "/linear-swap-trade", "/swap-notification", "/notification"} {
		request := &rest.Request{Method: http.MethodGet, Host: "api.hbdm.com", Path: path}
		require.NoError(t, s.sign(request, time.Unix(0, 0)))
		login, err := s.login(exchanges.Channel{Name: channelLinearSwap}, "wss://api.hbdm.com"+path, time.Unix(0, 0), 0)
		require.NoError(t, err)
		require.Equal(t, login.(map[string]any)["Signature"], request.Signature)
		require.Contains(t, signing().LoginRequests, http.MethodGet+" "+path)
	}
}
