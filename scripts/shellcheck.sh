#!/usr/bin/env bash
# Checks shell scripts with shellcheck or, if it is not installed, at least
# checks that bash can parse them.
set -euo pipefail

if command -v shellcheck >/dev/null; then
  printf 'shellcheck %s\n' "$*"
  shellcheck "$@"
  exit
fi
printf 'shellcheck is not installed, so only the syntax of the shell scripts is checked.\n'
for script in "$@"; do
  bash -n "$script"
done
