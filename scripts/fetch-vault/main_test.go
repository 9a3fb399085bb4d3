package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestDownloadGivesUp proves that a site which answers too late, stops in the middle or
// is too slow keeps nobody waiting.
func TestDownloadGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		patience patience
		sends    string
		says     string
	}{
		"no answer": {patience{answer: time.Millisecond, stall: time.Minute, whole: time.Minute}, "", "timeout awaiting response headers"},
		"a stall":   {patience{answer: time.Minute, stall: time.Millisecond, whole: time.Minute}, "half", "nothing more came"},
		"too slow":  {patience{answer: time.Minute, stall: time.Minute, whole: 50 * time.Millisecond}, "half", "it took longer than 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.sends != "" {
					_, _ = w.Write([]byte(test.sends))
					_ = http.NewResponseController(w).Flush()
				}
				select {
				case <-r.Context().Done():
				case <-release:
				}
			}))
			defer site.Close()
			defer close(release)
			_, err := download(context.Background(), site.URL, &bytes.Buffer{}, test.patience)
			assert.ErrorContains(t, err, test.says)
		})
	}
}
