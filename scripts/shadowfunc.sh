#!/usr/bin/env bash
# Reports local names that hide a function of their package, in the packages given.
# scripts/lint/shadowfunc says what counts; its own test runs first.
set -euo pipefail
cd "$(dirname "$0")/.."

(
  cd scripts/lint
  go vet ./shadowfunc
  go test ./shadowfunc
  go build -o ../../bin/shadowfunc ./shadowfunc
)
go vet -vettool="$PWD/bin/shadowfunc" "$@"
