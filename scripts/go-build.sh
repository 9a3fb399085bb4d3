#!/usr/bin/env bash
# Runs "go build" and reports its progress every 15 seconds, so that a long
# build does not look like a hang.
#
# Usage: go-build.sh WHAT [arguments of go build]
set -euo pipefail

what=$1
shift

log=$(mktemp)
report() {
  # sleep must not keep standard output open: whoever reads it would wait for
  # sleep.
  while sleep 15 >/dev/null 2>&1; do
    printf '  %s: %d packages compiled after %d:%02d minutes\n' "$what" \
      "$(grep -cv ' ' "$log" || true)" $((SECONDS / 60)) $((SECONDS % 60))
  done
}
report &
reporter=$!
trap 'kill "$reporter" 2>/dev/null || true; rm -f "$log"' EXIT

printf 'Building %s.\n' "$what"
if ! go build -v "$@" >"$log" 2>&1; then
  # The lines of -v, a package name each, are not the reason for the failure.
  grep ' ' "$log" | grep -v '^go: downloading ' >&2 || true
  printf 'Building %s failed.\n' "$what" >&2
  exit 1
fi
