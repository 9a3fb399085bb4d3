#!/usr/bin/env bash
# Runs a command with an API key that exists only as long as the command runs.
#
#   with-key.sh ROLE COMMAND [ARGUMENT...]
#
# The command finds the key in EXCHANGE_API_KEY, EXCHANGE_API_SECRET and, as the
# exchange has them, EXCHANGE_PASSPHRASE and EXCHANGE_PRIVATE_KEY, and the
# exchange's address in EXCHANGE_BASE_URL. Needs vault, with VAULT_ADDR and a
# token, and jq.
set -euo pipefail

role=$1
shift

answer=$(vault write -format=json "exchange/creds/$role" reason="${0##*/} on ${HOSTNAME:-unknown}")
field() { printf '%s' "$answer" | jq -r ".$1 // empty"; }

# With -sync the script ends when the exchange has confirmed that the key is
# gone. Should that fail, the engine goes on deleting it.
lease=$(field lease_id)
trap 'vault lease revoke -sync "$lease" >/dev/null' EXIT

EXCHANGE_API_KEY=$(field data.api_key) \
EXCHANGE_API_SECRET=$(field data.api_secret) \
EXCHANGE_PASSPHRASE=$(field data.passphrase) \
EXCHANGE_PRIVATE_KEY=$(field data.private_key) \
EXCHANGE_BASE_URL=$(field data.base_url) \
  "$@"
