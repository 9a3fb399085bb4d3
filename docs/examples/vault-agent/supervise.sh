#!/usr/bin/env bash
# Runs Vault Agent and a bot side by side: starts the bot when its key is there, starts
# it anew with each new key, and ends it when there is none. If the agent ends, so does
# the bot, and the other way round. For a container's entry point, or ExecStart= of
# systemd (exchange-bot.service).
#
#   supervise.sh BOT [ARGUMENT...]
#
# It works in the folder of agent.hcl and key.env.tpl. The bot finds its key in the
# variables that key.env.tpl names. Needs vault on the PATH, and bash 5.1 or newer.
set -euo pipefail
cd "$(dirname "$0")"

if (($# == 0)); then
  printf 'usage: %s BOT [ARGUMENT...]\n' "${0##*/}" >&2
  exit 2
fi

agent='' bot=''

# end PID: ends a process, and waits for it.
end() {
  [[ -n $1 ]] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# finish CODE: ends everything. A key that is still leased ends with the agent's token.
finish() {
  trap - USR1 TERM INT
  end "$bot"
  end "$agent"
  rm -f key.env supervisor.pid
  exit "$1"
}

# restart gives the bot the new key. Its variables are the bot's only.
restart() {
  end "$bot"
  (
    set -a
    # shellcheck source=/dev/null
    . ./key.env
    exec "$@"
  ) &
  bot=$!
}

# From the agent, when it has written key.env. Not HUP, which nohup has ignored.
trap 'restart "$@"' USR1
trap 'finish 143' TERM INT
rm -f key.env
printf '%s\n' $$ >supervisor.pid
vault agent -config=agent.hcl &
agent=$!

while true; do
  code=0
  wait -n -p ended ${bot:+"$bot"} "$agent" || code=$?
  # A signal has interrupted the wait, and its trap was run.
  [[ -n ${ended:-} ]] || continue
  if [[ $ended == "$agent" ]]; then
    printf '%s: Vault Agent has ended, so the bot has no key any more.\n' "${0##*/}" >&2
    finish 1
  fi
  [[ $ended != "$bot" ]] || finish "$code"
done
