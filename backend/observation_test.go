package backend

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// observeFolder holds what people install to watch the engine.
const observeFolder = "../docs/observe/"

var (
	describedName  = regexp.MustCompile(`fqName: "([a-z_]+)"`)
	namedMetric    = regexp.MustCompile(`(?:^|[^-\w])(exchange_[a-z_]+)`)
	partOfMetric   = regexp.MustCompile(`_(bucket|sum|count)$`)
	namedAlert     = regexp.MustCompile(`(?m)- alert: (\w+)$`)
	namedRunbook   = regexp.MustCompile(`(?m)^ +runbook: "README\.md#(\w+)"$`)
	summaryOfAlert = regexp.MustCompile(`(?m)^ +summary: ".+"$`)
)

// metricNames are the names of all metrics of the engine.
func metricNames() map[string]bool {
	m := newMetrics(Build{})
	descriptions := make(chan *prometheus.Desc, 100)
	m.registry.Describe(descriptions)
	(*present)(nil).Describe(descriptions)
	close(descriptions)
	names := map[string]bool{}
	for d := range descriptions {
		names[describedName.FindStringSubmatch(d.String())[1]] = true
	}
	return names
}

// TestObservation proves that the alerts, their test, the dashboard and their page name
// no metric that the engine does not have, that the dashboard shows each that it has, and
// that each alert has a chapter which says what to do.
func TestObservation(t *testing.T) {
	known := metricNames()
	require.Greater(t, len(known), 10)
	texts := map[string]string{}
	for _, name := range []string{"alerts.yml", "alerts_test.yml", "dashboard.json", "README.md"} {
		text, err := os.ReadFile(observeFolder + name)
		require.NoError(t, err)
		texts[name] = string(text)
		named := namedMetric.FindAllStringSubmatch(texts[name], -1)
		assert.NotEmpty(t, named, name)
		for _, metric := range named {
			assert.True(t, known[partOfMetric.ReplaceAllString(metric[1], "")], "%s names %s", name, metric[1])
		}
	}

	require.True(t, json.Valid([]byte(texts["dashboard.json"])))
	for metric := range known {
		assert.Regexp(t, `\b`+metric+`(_bucket)?\b`, texts["dashboard.json"])
	}

	alerts := namedAlert.FindAllStringSubmatch(texts["alerts.yml"], -1)
	runbooks := namedRunbook.FindAllStringSubmatch(texts["alerts.yml"], -1)
	require.NotEmpty(t, alerts)
	require.Len(t, runbooks, len(alerts))
	assert.Len(t, summaryOfAlert.FindAllString(texts["alerts.yml"], -1), len(alerts))
	for i, alert := range alerts {
		assert.Equal(t, strings.ToLower(alert[1]), runbooks[i][1])
		assert.Contains(t, texts["README.md"], "\n## "+alert[1]+"\n")
		assert.Contains(t, texts["README.md"], "["+alert[1]+"](#"+runbooks[i][1]+")", "in the table of promises")
		assert.Contains(t, texts["alerts_test.yml"], "alertname: "+alert[1]+", exp_alerts: []", "when all is well")
		assert.Contains(t, texts["alerts_test.yml"], "alertname: "+alert[1]+"\n        exp_alerts:\n", "when it is not")
	}
}
