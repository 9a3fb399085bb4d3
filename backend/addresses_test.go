package backend

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestParseAddresses(t *testing.T) {
	for _, test := range []struct {
		given []string
		want  []string
		fault string
	}{
		{[]string{"203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"}, []string{"203.0.113.7", "203.0.113.0/24"}, ""},
		{[]string{"2001:DB8::1"}, []string{"2001:db8::1"}, ""},
		{nil, nil, ""},
		{[]string{"0.0.0.0/0"}, nil, "every address"},
		{[]string{"::/0"}, nil, "every address"},
		{[]string{"0.0.0.0"}, nil, "not an IP address"},
		{[]string{"1.2.3"}, nil, "not an IP address"},
		{[]string{"1.2.3.4/33"}, nil, "not an IP address"},
		{[]string{"fe80::1%eth0"}, nil, "not an IP address"},
		{[]string{"010.0.0.1"}, nil, "not an IP address"},
		{[]string{"10.0.0.1/8"}, nil, "did you mean 10.0.0.0/8"},
		{[]string{"*"}, nil, "not an IP address"},
	} {
		got, err := parseAddresses("ip_allowlist", test.given)
		if test.fault != "" {
			require.ErrorContains(t, err, test.fault, "%v", test.given)
			require.ErrorContains(t, err, "ip_allowlist")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
}

func TestCheckWidth(t *testing.T) {
	for _, test := range []struct {
		addresses []string
		wide      bool
	}{
		{nil, false},
		{[]string{"10.0.0.0/8"}, false},
		{[]string{"10.0.0.0/8", "10.1.0.0/16", "10.2.3.4"}, false},
		{[]string{"10.0.0.0/9", "172.16.0.0/12", "2001:db8::/32"}, false},
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, true},
		{[]string{"10.0.0.0/8", "192.0.2.1"}, true},
		{[]string{"10.0.0.0/7"}, true},
		{[]string{"2001:d00::/24"}, true},
		{[]string{"2001:db8::/32", "2001:db9::/64"}, true},
	} {
		err := checkWidth("ip_allowlist", test.addresses)
		require.Equal(t, test.wide, err != nil, "%v: %v", test.addresses, err)
	}
}

func TestCheckAddresses(t *testing.T) {
	whole := exchanges.AddressRule{Max: 2, MaxLength: 30, IPv6: true, CIDR: true}
	require.NoError(t, checkAddresses("f", []string{"10.0.0.0/8", "2001:db8::1"}, whole))
	require.ErrorContains(t, checkAddresses("f", []string{"1.1.1.1", "2.2.2.2", "3.3.3.3"}, whole), "at most 2")
	require.ErrorContains(t, checkAddresses("f", []string{"111.111.111.111", "222.222.222.222"}, whole), "at most 30")
	require.ErrorContains(t, checkAddresses("f", []string{"10.0.0.0/8"}, exchanges.AddressRule{}), "single addresses")
	require.ErrorContains(t, checkAddresses("f", []string{"::1"}, exchanges.AddressRule{}), "IPv4 only")
}

func TestWithin(t *testing.T) {
	require.True(t, within([]string{"10.1.2.3", "10.2.0.0/16"}, []string{"192.0.2.0/24", "10.0.0.0/8"}))
	require.False(t, within([]string{"10.0.0.0/7"}, []string{"10.0.0.0/8"}))
	require.False(t, within([]string{"::1"}, []string{"10.0.0.0/8"}))
	require.True(t, within(nil, nil))
}

// FuzzParseAddresses: whatever is accepted is canonical and not "anywhere".
func FuzzParseAddresses(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "10.0.0.0/8", "::1", "0.0.0.0/0", "::ffff:10.0.0.1/96", "1.2.3.4/", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, item string) {
		parsed, err := parseAddresses("f", []string{item})
		if err != nil {
			return
		}
		require.Len(t, parsed, 1)
		again, err := parseAddresses("f", parsed)
		require.NoError(t, err)
		require.Equal(t, parsed, again)
		require.False(t, contains(parsed[0], "0.0.0.0/0") || contains(parsed[0], "::/0"))
	})
}
