#!/usr/bin/env bash
# Checks shell scripts: with shellcheck, or, where it is not installed, at least
# that bash can read them.
set -euo pipefail

if command -v shellcheck >/dev/null; then
  printf 'shellcheck %s\n' "$*"
  shellcheck "$@"
  exit
fi
printf 'shellcheck is not installed: the shell scripts are checked for their syntax only.\n'
for script in "$@"; do
  bash -n "$script"
done
