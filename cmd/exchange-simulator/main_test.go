package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunServesUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-base-port", "0", "-sub-accounts", "1"}, in, io.Discard) }()

	urls := make(map[string]string)
	lines := bufio.NewScanner(out)
	var printed strings.Builder
	for lines.Scan() && !strings.HasSuffix(lines.Text(), "Ready.") {
		printed.WriteString(lines.Text() + "\n")
		fields := strings.Fields(lines.Text())
		require.Len(t, fields, 2)
		urls[fields[0]] = fields[1]
	}

	response, err := http.Get(urls["control"] + "/")
	require.NoError(t, err)
	defer response.Body.Close()
	var overview struct {
		Exchanges map[string]struct {
			BaseURL     string   `json:"base_url"`
			APISecret   string   `json:"api_secret"`
			SubAccounts []string `json:"sub_accounts"`
		} `json:"exchanges"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&overview))
	require.Len(t, overview.Exchanges, len(urls)-1)
	for name, exchange := range overview.Exchanges {
		require.Equal(t, exchange.BaseURL, urls[name])
	}
	bybit := overview.Exchanges["bybit"]
	require.Len(t, bybit.SubAccounts, 1)
	require.NotEmpty(t, bybit.APISecret)
	require.NotContains(t, printed.String(), bybit.APISecret)

	cancel()
	select {
	case err = <-ended:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the simulator goes on")
	}
	_, err = net.Dial("tcp", strings.TrimPrefix(urls["control"], "http://"))
	require.Error(t, err, "nobody listens any more")
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"every interface", []string{"-listen", "0.0.0.0"}, "-allow-remote"},
		{"all interfaces by default of net.Listen", []string{"-listen", ""}, "-allow-remote"},
		{"a name", []string{"-listen", "example.com"}, "-allow-remote"},
		{"stray argument", []string{"8300"}, "unexpected"},
		{"no rate", []string{"-rate-multiplier", "0"}, "-rate-multiplier"},
		{"no sub-accounts", []string{"-sub-accounts", "0"}, "-sub-accounts"},
		{"port out of range", []string{"-base-port", "70000"}, "-base-port"},
		{"unknown flag", []string{"-secrets"}, "secrets"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // if it starts after all, it ends at once
			require.ErrorContains(t, run(ctx, test.args, io.Discard, io.Discard), test.want)
		})
	}
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, io.Discard, io.Discard), flag.ErrHelp)
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "localhost": true,
		"0.0.0.0": false, "::": false, "192.0.2.1": false, "": false, "localhost.example.com": false,
	} {
		require.Equal(t, want, isLoopback(address), address)
	}
}
