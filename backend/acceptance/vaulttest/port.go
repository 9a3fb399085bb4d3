package vaulttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Ports are drawn from below the range from which systems take the ports of
// outgoing connections, so that a stopped server's port is still free when it
// starts again.
const (
	firstPort = 20000
	lastPort  = 30000
)

// reserve returns a free loopback address for a server. Until the test ends,
// nobody else who reserves gets it: the UDP port of the same number, which Vault
// does not use, stands for it.
func reserve(t *testing.T) string {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		held, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			_ = held.Close()
			continue
		}
		require.NoError(t, listener.Close())
		t.Cleanup(func() { _ = held.Close() })
		return address
	}
	require.FailNow(t, "there is no free port")
	return ""
}
