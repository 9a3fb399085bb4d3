#!/usr/bin/env bash
# Runs golangci-lint with the arguments given, in the version that
# scripts/lint/go.mod pins. That is a module of its own, so that the linter's many
# dependencies stay out of the plugin's.
set -euo pipefail
cd "$(dirname "$0")/.."

package=github.com/golangci/golangci-lint/v2/cmd/golangci-lint
program=$PWD/bin/golangci-lint
# What bin/golangci-lint was built from, so that it is built once only.
built_from=bin/.golangci-lint-built-from

mkdir -p bin
# A linter that an older Go built cannot read newer code.
source=$({ go version && cat scripts/golangci-lint.sh scripts/lint/go.mod scripts/lint/go.sum; } | cksum)
if [[ ! -x $program || ! -f $built_from || $(<"$built_from") != "$source" ]]; then
  printf 'The linter is built from source: about 3 minutes on two cores, once.\n'
  (
    cd scripts/lint
    ../go-build.sh "golangci-lint $(go list -f '{{.Module.Version}}' "$package")" -o "$program" "$package"
  )
  printf '%s\n' "$source" >"$built_from"
fi
"$program" "$@"
