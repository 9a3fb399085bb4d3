package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	date := time.Date(2026, 11, 27, 9, 8, 7, 0, time.UTC)
	const commit = "0123456789abcdef0123"
	for name, test := range map[string]struct {
		changelog string
		tags      []string
		want      string
	}{
		"a release":               {"## [0.2.0] - 2026-11-27\n\nText.\n", []string{"other", "v0.2.0"}, "v0.2.0"},
		"after a release":         {"## [0.2.0] - 2026-11-27\n", nil, "v0.2.1-0.20261127090807-0123456789ab"},
		"before the next release": {"## [0.2.0] - Unreleased\n\n## [0.1.0] - 2026-01-01\n", []string{"v0.1.0"}, "v0.2.0-0.20261127090807-0123456789ab"},
	} {
		t.Run(name, func(t *testing.T) {
			number, released, _, err := newest(test.changelog)
			require.NoError(t, err)
			version, err := versionOf(number, released, test.tags, commit, date)
			require.NoError(t, err)
			assert.Equal(t, test.want, version)
		})
	}
	_, err := versionOf("0.2.0", false, []string{"v0.2.0"}, commit, date)
	require.ErrorContains(t, err, "CHANGELOG.md says that 0.2.0 is unreleased")
}

func TestNotes(t *testing.T) {
	_, _, notes, err := newest("# Changelog\n\nForm.\n\n## [0.2.0] - Unreleased\n\n### Added\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n")
	require.NoError(t, err)
	assert.Equal(t, "### Added\n\n- New.\n", notes)
	_, _, _, err = newest("# Changelog\n")
	require.ErrorContains(t, err, "names no version")
}

func TestLicences(t *testing.T) {
	for text, want := range map[string][]string{
		"Mozilla Public License,\nversion 2.0":                                                          {"MPL-2.0"},
		"Apache License\n  Version 2.0 Licensed under the Apache License, Version 2.0":                  {"Apache-2.0"},
		"Redistributions in binary form must reproduce. Neither the name of":                            {"BSD-3-Clause"},
		"Redistributions in binary form must reproduce":                                                 {"BSD-2-Clause"},
		"Apache License Version 2.0 Redistributions in binary form must reproduce. Neither the name of": {"Apache-2.0", "BSD-3-Clause"},
		"All rights reserved": nil,
	} {
		assert.Equal(t, want, licencesOf([]byte(text)), text)
	}
}
