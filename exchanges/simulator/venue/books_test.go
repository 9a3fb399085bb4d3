package venue

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
			k := Key{IPs: test.ips}
			require.Equal(t, test.want, k.Allows(netip.MustParseAddr(test.address)))
		})
	}
}

func TestBooksClone(t *testing.T) {
	original := &Books{}
	master := original.AddAccount(&Account{ID: "1"})
	sub := original.AddAccount(&Account{ID: "2", Parent: master})
	original.AddKey(&Key{APIKey: "k", Account: sub, Permissions: []string{"read"}, IPs: []string{"192.0.2.1"}})

	copied := original.clone()
	require.Equal(t, original, copied)
	require.Same(t, copied.Account("1"), copied.Account("2").Parent, "the copy does not refer to the original")
	require.Same(t, copied.Account("2"), copied.Key("k").Account)

	copied.Account("2").Frozen = true
	copied.Key("k").Permissions[0] = "trade"
	copied.Key("k").IPs[0] = "192.0.2.9"
	copied.RemoveKey(copied.Key("k"), time.Now())
	require.False(t, sub.Frozen)
	require.Equal(t, []string{"read"}, original.Key("k").Permissions)
	require.Equal(t, []string{"192.0.2.1"}, original.Key("k").IPs)
	require.Empty(t, original.gone)
}

func TestBooksForgetExpiredAndDeleted(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := &Books{}
	master := b.AddAccount(&Account{ID: "1"})
	b.AddAccount(&Account{ID: "2", Parent: master, Deleted: true})
	b.AddKey(&Key{Kind: MainRoot, APIKey: "root", Account: master})
	b.AddKey(&Key{APIKey: "live", Account: master, Expires: now.Add(time.Second)})
	b.AddKey(&Key{APIKey: "expired", Account: master, Expires: now})

	require.Nil(t, b.Account("2"))
	require.Empty(t, b.SubAccounts(master))
	minted := b.Minted(now)
	require.Len(t, minted, 1)
	require.Equal(t, "live", minted[0].APIKey)
	require.Len(t, b.KeysOf(master), 3)
	require.Nil(t, b.root("unbound"))
}
