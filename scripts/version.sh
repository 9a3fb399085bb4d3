#!/usr/bin/env bash
# Prints the version: that of the newest release in CHANGELOG.md.
set -euo pipefail
sed -nE '/^## \[[0-9]/{s/^## \[([^]]+)\].*/v\1/p;q;}' "$(dirname "$0")/../CHANGELOG.md"
