#!/usr/bin/env bash
# Builds the plugin, the simulator, use-key and what bootstrap.sh calls into bin/.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(scripts/version.sh)
commit=$(git describe --always --dirty --exclude '*' 2>/dev/null || true)

mkdir -p bin
# Without cgo the plugin runs wherever Vault does, whatever the C library.
CGO_ENABLED=0 scripts/go-build.sh "the plugin ($version) and the simulator" \
  -trimpath -buildvcs=false \
  -ldflags "-X main.version=$version -X main.commit=$commit" \
  -o bin/ ./cmd/... ./scripts/connect-simulator
