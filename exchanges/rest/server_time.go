package rest

import (
	"context"
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// ServerTime returns how to ask an exchange for its time: by a public GET call,
// of which the path is given, and, where it needs one, the content type. The time
// is read from the answer, and zero if it is not there.
func ServerTime[T any](call Call, read func(T) time.Time) func(context.Context, *Client) (time.Time, error) {
	call.Operation, call.Method, call.Effect, call.Unsigned = exchanges.OpServerTime, http.MethodGet, ReadOnly, true
	return func(ctx context.Context, client *Client) (time.Time, error) {
		var answer T
		call := call
		call.Complete = func() bool { return !read(answer).IsZero() }
		if err := client.Do(ctx, call, Into(&answer)); err != nil {
			return time.Time{}, err
		}
		return read(answer), nil
	}
}
