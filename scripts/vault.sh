#!/usr/bin/env bash
# Provides bin/vault, the Vault server that tests and the demonstration use: the
# one that VAULT_BINARY names, else one on the PATH that is new enough, else the
# official release whose sums are in scripts/vault/SHA256SUMS, else one built from
# the same version's source, which scripts/vault/go.mod pins.
#
#   VAULT_BINARY=FILE    take this one, which may be OpenBao's bao
#   VAULT_FROM=source    build it in any case
#   VAULT_RELEASES=URL   fetch the release from a mirror of releases.hashicorp.com/vault
set -euo pipefail
cd "$(dirname "$0")/.."

module=github.com/hashicorp/vault
# Where bin/vault came from, so that it is fetched or built once only.
made_from=bin/.vault-made-from
# Renamed into place when it is whole: a server that is running keeps its own file.
new=$PWD/bin/.vault-new

# new_enough PROGRAM: is it Vault 1.21 or newer, or OpenBao 2.5 or newer?
new_enough() {
  local product major minor
  read -r product major minor < <("$1" version 2>/dev/null | sed -nE 's/^(Vault|OpenBao) v([0-9]+)\.([0-9]+)\..*/\1 \2 \3/p') || return 1
  case $product in
    Vault) ((major > 1 || major == 1 && minor >= 21)) ;;
    OpenBao) ((major > 2 || major == 2 && minor >= 5)) ;;
  esac
}

# directory_of FILE: its directory in full.
directory_of() { (cd "$(dirname "$1")" && pwd -P); }

# use PROGRAM: makes it bin/vault, unless it is that already.
use() {
  local directory
  directory=$(directory_of "$1")
  [[ $directory != "$PWD/bin" ]] || return 0
  ln -sf "$directory/$(basename "$1")" bin/vault
  rm -f "$made_from"
  printf 'bin/vault is %s, %s.\n' "$1" "$(bin/vault version)"
}

# there ORIGIN: is bin/vault of that origin already?
there() { [[ -x bin/vault && -f $made_from && $(<"$made_from") == "$1" ]]; }

# finish ORIGIN: makes what was fetched or built bin/vault.
finish() {
  mv -f "$new" bin/vault
  printf '%s\n' "$1" >"$made_from"
  printf 'bin/vault is %s.\n' "$(bin/vault version)"
}

fetch() {
  # As scripts/build.sh builds the plugin, so that most packages are compiled once only.
  CGO_ENABLED=0 go build -trimpath -o bin/fetch-vault ./scripts/fetch-vault || return 1
  bin/fetch-vault ${VAULT_RELEASES:+-from "$VAULT_RELEASES"} -sums scripts/vault/SHA256SUMS -to "$new" || return 1
  new_enough "$new" || {
    printf 'The release cannot be run on this machine.\n' >&2
    return 1
  }
}

build() {
  local version date
  printf 'Vault is built from source: about 6 minutes on two cores, once.\n'
  read -r version date < <(cd scripts/vault && go list -m -f '{{.Version}} {{with .Time}}{{.Format "2006-01-02T15:04:05Z"}}{{end}}' "$module")
  # As in Vault's own Makefile: no cgo, and the date of the commit linked in.
  (cd scripts/vault && CGO_ENABLED=0 ../go-build.sh "Vault $version" -tags minimal -trimpath \
    -ldflags "-s -w -X $module/version.BuildDate=$date" -o "$new" "$module")
}

mkdir -p bin
if [[ -n ${VAULT_BINARY:-} ]]; then
  if ! new_enough "$VAULT_BINARY"; then
    printf 'VAULT_BINARY is %s, which is neither Vault 1.21 or newer nor OpenBao 2.5 or newer.\n' "$VAULT_BINARY" >&2
    exit 1
  fi
  use "$VAULT_BINARY"
  exit
fi
case ${VAULT_FROM:-} in
  source) ;;
  '')
    while read -r candidate; do
      if [[ $(directory_of "$candidate") != "$PWD/bin" ]] && new_enough "$candidate"; then
        use "$candidate"
        exit
      fi
    done < <(type -ap vault)
    ;;
  *)
    printf "VAULT_FROM is '%s'; give source, or leave it out.\n" "$VAULT_FROM" >&2
    exit 1
    ;;
esac

source="source $({ go version && declare -f build && cat scripts/vault/go.mod scripts/vault/go.sum; } | cksum)"
release="release $(cksum <scripts/vault/SHA256SUMS)"
if there "$source"; then
  exit
fi
if [[ -z ${VAULT_FROM:-} ]]; then
  if there "$release"; then
    exit
  fi
  if fetch; then
    finish "$release"
    exit
  fi
fi
build
finish "$source"
