package simulator

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeyAllows(t *testing.T) {
	tests := []struct {
		name    string
		ips     []string
		address string
		want    bool
	}{
		{"unbound", nil, "203.0.113.1", true},
		{"listed", []string{"203.0.113.1", "203.0.113.2"}, "203.0.113.2", true},
		{"not listed", []string{"203.0.113.1"}, "203.0.113.2", false},
		{"in a prefix", []string{"203.0.113.0/24"}, "203.0.113.77", true},
		{"outside a prefix", []string{"203.0.113.0/24"}, "198.51.100.1", false},
		{"other spelling of IPv6", []string{"2001:db8:0::1"}, "2001:db8::1", true},
		{"nonsense allows nobody", []string{"everyone"}, "203.0.113.1", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := key{ips: test.ips}
			require.Equal(t, test.want, k.allows(netip.MustParseAddr(test.address)))
		})
	}
}

func TestBooksClone(t *testing.T) {
	original := &books{}
	master := original.addAccount(&account{id: "1"})
	sub := original.addAccount(&account{id: "2", parent: master})
	original.addKey(&key{apiKey: "k", account: sub, permissions: []string{"read"}, ips: []string{"192.0.2.1"}})

	copied := original.clone()
	require.Equal(t, original, copied)
	require.Same(t, copied.account("1"), copied.account("2").parent, "the copy is closed in itself")
	require.Same(t, copied.account("2"), copied.key("k").account)

	copied.account("2").frozen = true
	copied.key("k").permissions[0] = "trade"
	copied.key("k").ips[0] = "192.0.2.9"
	copied.removeKey(copied.key("k"))
	require.False(t, sub.frozen)
	require.Equal(t, []string{"read"}, original.key("k").permissions)
	require.Equal(t, []string{"192.0.2.1"}, original.key("k").ips)
	require.Empty(t, original.removed)
}

func TestBooksForgetExpiredAndDeleted(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := &books{}
	master := b.addAccount(&account{id: "1"})
	b.addAccount(&account{id: "2", parent: master, deleted: true})
	b.addKey(&key{kind: mainRoot, apiKey: "root", account: master})
	b.addKey(&key{apiKey: "live", account: master, expires: now.Add(time.Second)})
	b.addKey(&key{apiKey: "expired", account: master, expires: now})

	require.Nil(t, b.account("2"))
	require.Empty(t, b.subAccounts(master))
	minted := b.minted(now)
	require.Len(t, minted, 1)
	require.Equal(t, "live", minted[0].apiKey)
	require.Len(t, b.keysOf(master), 3)
	require.Nil(t, b.root("unbound"))
}
