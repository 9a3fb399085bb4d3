#!/usr/bin/env bash
# Runs a command with an API key that exists only as long as the command runs.
#
#   with-key.sh ROLE COMMAND [ARGUMENT...]
#
# The command finds the exchange's address in EXCHANGE_BASE_URL, the sub-account in
# EXCHANGE_SUB_ACCOUNT, the key in EXCHANGE_API_KEY and, as the key has them, EXCHANGE_API_SECRET,
# EXCHANGE_PASSPHRASE, EXCHANGE_PRIVATE_KEY (PEM has several lines) and
# EXCHANGE_TOKEN. It gets no VAULT_TOKEN. REASON says why the key is needed. Needs
# vault, with VAULT_ADDR and a token that may end leases (docs/policies/trader.hcl), and jq.
#
# The lease is renewed while the command runs. When that is refused, or when the lease
# nears its longest life, the command is sent TERM, so that it can withdraw its orders
# while the key still works; ten seconds later it is killed. The script then ends
# with 1, else with the command's code.
set -euo pipefail

if (($# < 2)); then
  printf 'usage: %s ROLE COMMAND [ARGUMENT...]\n' "${0##*/}" >&2
  exit 2
fi
role=$1
shift

# Each read is a new key, so all parts come from this one.
answer=$(vault write -format=json "exchange/creds/$role" reason="${REASON:-${0##*/} on ${HOSTNAME:-unknown}}")

# With -sync the script ends when the exchange has confirmed that the key is
# gone. Should that fail, the engine goes on deleting it.
lease=$(printf '%s' "$answer" | jq -r .lease_id)
# A subshell that is ended as it begins would do it too.
trap '[[ ${BASHPID:-$$} != $$ ]] || vault lease revoke -sync "$lease" >/dev/null' EXIT

# What the key does not have is unset, so that nothing of another key stays.
settings=$(printf '%s' "$answer" | jq -r '
  .data | {base_url, sub_account, api_key, api_secret, passphrase, private_key, token} | to_entries[]
  | ("EXCHANGE_" + (.key | ascii_upcase)) as $name
  | if (.value // "") != "" then "export \($name)=\(.value | @sh)" else "unset \($name)" end')

# outlive RENEWABLE SECONDS: returns when a lease of that length cannot be renewed any
# more, or has only a tenth of it left.
outlive() {
  local left=$2 last=$((($2 + 9) / 10))
  if [[ $1 != true ]]; then
    pause $((left - last))
    return
  fi
  while ((left > last)); do
    pause $(((left + 2) / 3))
    # A Vault that does not answer is asked again, for about 15 seconds.
    left=$(VAULT_MAX_RETRIES=6 vault lease renew -format=json "$lease" | jq .lease_duration) || return 0
  done
}

# pause SECONDS: sleeps, and leaves no sleep behind when it is ended.
pause() {
  sleep "$1" &
  trap 'kill $! 2>/dev/null; exit' TERM
  wait $!
}

# The key is in the environment of the command only.
(
  eval "$settings"
  unset VAULT_TOKEN
  exec "$@"
) <&0 &
command=$!

(
  outlive "$(printf '%s' "$answer" | jq -r .renewable)" "$(printf '%s' "$answer" | jq -r .lease_duration)"
  kill -USR1 $$
  pause 10
  kill -KILL "$command"
) >/dev/null &
keeper=$!

over=''
trap 'kill "$command" 2>/dev/null || true' HUP INT TERM
trap 'over=1; kill "$command" 2>/dev/null || true' USR1

# A signal interrupts the wait, but does not end it.
code=0
wait "$command" || code=$?
while kill -0 "$command" 2>/dev/null; do
  code=0
  wait "$command" || code=$?
done
kill "$keeper" 2>/dev/null || true
wait "$keeper" || true

if [[ -n $over ]]; then
  printf '%s: The lease of the key ends, so the command was ended.\n' "${0##*/}" >&2
  exit 1
fi
exit "$code"
