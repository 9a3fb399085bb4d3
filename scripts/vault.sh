#!/usr/bin/env bash
# Provides bin/vault, the Vault server that tests and the demonstration use: the
# one that VAULT_BINARY names, else one on the PATH that is new enough, else one
# built from the version that scripts/vault/go.mod pins.
set -euo pipefail
cd "$(dirname "$0")/.."

module=github.com/hashicorp/vault
# What bin/vault was built from, so that it is built once only.
built_from=bin/.vault-built-from

# new_enough PROGRAM: is it Vault 1.21 or newer?
new_enough() {
  local major minor
  read -r major minor < <("$1" version 2>/dev/null | sed -nE 's/^Vault v([0-9]+)\.([0-9]+)\..*/\1 \2/p') || return 1
  ((major > 1 || minor >= 21))
}

# directory_of FILE: its directory in full.
directory_of() { (cd "$(dirname "$1")" && pwd -P); }

# use PROGRAM: makes it bin/vault, unless it is that already.
use() {
  local directory
  directory=$(directory_of "$1")
  [[ $directory != "$PWD/bin" ]] || return 0
  ln -sf "$directory/$(basename "$1")" bin/vault
  rm -f "$built_from"
  printf 'bin/vault is %s, %s.\n' "$1" "$(bin/vault version)"
}

build() {
  local source version date new=$PWD/bin/.vault-new
  source=$({ go version && cat scripts/vault.sh scripts/vault/go.mod scripts/vault/go.sum; } | cksum)
  if [[ -x bin/vault && -f $built_from && $(<"$built_from") == "$source" ]]; then
    return
  fi
  printf 'There is no Vault 1.21 or newer on the PATH, so one is built: about 6 minutes on two cores, once.\n'
  cd scripts/vault
  read -r version date < <(go list -m -f '{{.Version}} {{with .Time}}{{.Format "2006-01-02T15:04:05Z"}}{{end}}' "$module")
  # As in Vault's own Makefile: no cgo, and the date of the commit linked in.
  CGO_ENABLED=0 ../go-build.sh "Vault $version" -tags minimal -trimpath \
    -ldflags "-s -w -X $module/version.BuildDate=$date" -o "$new" "$module"
  cd ../..
  # Renamed into place: a server that is running keeps its own file.
  mv -f "$new" bin/vault
  printf '%s\n' "$source" >"$built_from"
  printf 'bin/vault is %s.\n' "$(bin/vault version)"
}

mkdir -p bin
if [[ -n ${VAULT_BINARY:-} ]]; then
  if ! new_enough "$VAULT_BINARY"; then
    printf 'VAULT_BINARY is %s, which is not Vault 1.21 or newer.\n' "$VAULT_BINARY" >&2
    exit 1
  fi
  use "$VAULT_BINARY"
  exit
fi
while read -r candidate; do
  if [[ $(directory_of "$candidate") != "$PWD/bin" ]] && new_enough "$candidate"; then
    use "$candidate"
    exit
  fi
done < <(type -ap vault)
build
