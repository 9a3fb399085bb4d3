#!/usr/bin/env bash
# Runs every fuzz target, one after another.
#
# Usage: fuzz.sh TIME, the time for each target, such as 60s
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rE --include='*_test.go' '^func Fuzz' . |
  sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort |
  while read -r package target; do
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package" </dev/null
  done
