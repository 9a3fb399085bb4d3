#!/usr/bin/env bash
# Runs a command with an API key that exists only as long as the command runs.
#
#   with-key.sh ROLE COMMAND [ARGUMENT...]
#
# The command finds the exchange's address in EXCHANGE_BASE_URL, the sub-account in
# EXCHANGE_SUB_ACCOUNT, the key in EXCHANGE_API_KEY and, as the key has them, EXCHANGE_API_SECRET,
# EXCHANGE_PASSPHRASE, EXCHANGE_PRIVATE_KEY (PEM has several lines) and
# EXCHANGE_TOKEN. Needs vault, with VAULT_ADDR and a token, and jq.
set -euo pipefail

if (($# < 2)); then
  printf 'usage: %s ROLE COMMAND [ARGUMENT...]\n' "${0##*/}" >&2
  exit 2
fi
role=$1
shift

# Each read is a new key, so all parts come from this one.
answer=$(vault write -format=json "exchange/creds/$role" reason="${0##*/} on ${HOSTNAME:-unknown}")

# With -sync the script ends when the exchange has confirmed that the key is
# gone. Should that fail, the engine goes on deleting it.
lease=$(printf '%s' "$answer" | jq -r .lease_id)
trap 'vault lease revoke -sync "$lease" >/dev/null' EXIT

# What the key does not have is unset, so that nothing of another key stays.
settings=$(printf '%s' "$answer" | jq -r '
  .data | {base_url, sub_account, api_key, api_secret, passphrase, private_key, token} | to_entries[]
  | ("EXCHANGE_" + (.key | ascii_upcase)) as $name
  | if (.value // "") != "" then "export \($name)=\(.value | @sh)" else "unset \($name)" end')
eval "$settings"

"$@"
