#!/usr/bin/env bash
# Stands in for a bot: shows which parts of a key it was given, and waits to be ended.
set -euo pipefail
compgen -e EXCHANGE_ | sort
trap 'exit 0' TERM
sleep infinity >/dev/null 2>&1 &
wait $!
