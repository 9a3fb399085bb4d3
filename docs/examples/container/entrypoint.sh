#!/usr/bin/env bash
# The entry point of a bot's container: logs in to Vault, mints a key, and runs the
# container's command with it.
#
#   VAULT_ADDR       Vault
#   EXCHANGE_ROLE    the role whose key the bot gets, with the policy trader
#   CREDENTIALS      the folder of the files role-id and secret-id (/run/secrets)
#   REASON           why the key is needed (container HOSTNAME)
#
# The bot finds the key where with-key.sh puts it, and has no access to Vault. When the
# container is stopped, the bot is told to end and then the key is ended: let the stop
# take longer than the bot (docker run --stop-timeout 60). When the key's lease cannot
# be renewed, the bot is ended and so is the container: with --restart always it starts
# again with a new key. The token must last as long as a key may (token_ttl), and the
# secret id must be good for each start.
set -euo pipefail

if (($# == 0)) || [[ -z ${VAULT_ADDR:-} || -z ${EXCHANGE_ROLE:-} ]]; then
  printf 'usage: VAULT_ADDR=URL EXCHANGE_ROLE=ROLE %s BOT [ARGUMENT...]\n' "${0##*/}" >&2
  exit 2
fi

credentials=${CREDENTIALS:-/run/secrets}
VAULT_TOKEN=$(printf '%s' "$(<"$credentials/secret-id")" |
  vault write -field=token auth/approle/login role_id="$(<"$credentials/role-id")" secret_id=-)
export VAULT_TOKEN
export REASON="${REASON:-container ${HOSTNAME:-unknown}}"
exec with-key.sh "$EXCHANGE_ROLE" "$@"
