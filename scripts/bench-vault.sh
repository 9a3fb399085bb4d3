#!/usr/bin/env bash
# Builds what scripts/bench-vault measures, and runs it with the arguments given: the
# plugin, beside it Vault's own Nomad secrets engine, from the version of Vault that
# scripts/vault/go.mod pins, and a plugin that does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Vault registers every plugin in a folder, so that this one holds just these.
plugins=$PWD/bin/bench-vault
mkdir -p "$plugins"
version=$(scripts/version.sh)
CGO_ENABLED=0 scripts/go-build.sh "the plugin ($version)" -trimpath -ldflags "-s -w -X main.version=$version" \
  -o "$plugins/vault-plugin-secrets-exchange" ./cmd/vault-plugin-secrets-exchange
(cd scripts/vault && CGO_ENABLED=0 ../go-build.sh "Vault's Nomad secrets engine, once" -trimpath -ldflags '-s -w' \
  -o "$plugins/nomad-engine" github.com/hashicorp/vault/builtin/logical/nomad/cmd/nomad)
CGO_ENABLED=0 scripts/go-build.sh 'a plugin that does nothing' -trimpath -ldflags '-s -w' \
  -o "$plugins/noop-engine" ./scripts/bench-vault/noop
exec go run ./scripts/bench-vault -json bin/bench-vault.json "$@"
