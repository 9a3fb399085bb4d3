#!/usr/bin/env bash
# Starts a Vault server with the plugin, and a simulator of the exchanges, on
# this machine, and shows an API key being minted, used, revoked and refused. It
# needs Go and nothing else, and no account at any exchange. scripts/vault.sh says
# where Vault comes from.
#
#   ./bootstrap.sh        start what is not running, and run the demonstration
#   ./bootstrap.sh down   stop what it started
#
# Vault and the simulator live together: when the simulator starts anew, with
# new accounts, so does Vault. Vault takes the port VAULT_PORT (8200) and the one
# after it, the simulator SIMULATOR_BASE_PORT (8300) and one after it for each
# exchange. Everything that is kept lies in .bootstrap, or wherever BOOTSTRAP_DIR
# says: logs, Vault's storage and root token, and env to source.
set -euo pipefail
cd "$(dirname "$0")"
repository=$(pwd -P)
plugin='vault-plugin-secrets-exchange'
mkdir -p "${BOOTSTRAP_DIR:=.bootstrap}"
state=$(cd "$BOOTSTRAP_DIR" && pwd -P)
chmod 700 "$state"

say() { printf '%s\n' "$*"; }

step() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\nbootstrap.sh: %s\n' "$*" >&2
  exit 1
}

# shown COMMAND...: runs a command after showing it.
shown() {
  say "\$ $*"
  "$@"
}

# --- Ports -------------------------------------------------------------------

# choose_ports takes the ports from the environment, else those of the last run,
# else the usual ones.
choose_ports() {
  former=none
  local vault='' simulator=''
  if [[ -f $state/ports ]]; then
    read -r vault simulator <"$state/ports"
    former="$vault $simulator"
  fi
  vault_port=${VAULT_PORT:-${vault:-8200}}
  simulator_port=${SIMULATOR_BASE_PORT:-${simulator:-8300}}
  check_port VAULT_PORT "$vault_port"
  check_port SIMULATOR_BASE_PORT "$simulator_port"
}

check_port() {
  if ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || (($2 > 65000)); then
    fail "$1 is '$2'; give a number from 1 to 65000."
  fi
}

# check_ports fails if two of our programs would take the same port, or if somebody
# else has one of the ports. It comes before anything is stopped or written, so that
# a port that does not fit costs nothing.
check_ports() {
  users=() variables=() # by port
  claim_port "$vault_port" VAULT_PORT Vault
  claim_port $((vault_port + 1)) VAULT_PORT "Vault's cluster"
  claim_port "$simulator_port" SIMULATOR_BASE_PORT "the simulator's control API"
  local exchange port=$simulator_port
  for exchange in $(simulated_exchanges); do
    claim_port $((port += 1)) SIMULATOR_BASE_PORT "the simulated $exchange"
  done
  for port in "${!users[@]}"; do
    if answers "$port" && ! ours "$port"; then
      fail "Port $port, meant for ${users[port]} (${variables[port]}), is in use by another program. Choose another one: ${variables[port]}=$((port > 60000 ? port - 1000 : port + 1000)) ./bootstrap.sh"
    fi
  done
}

# claim_port PORT VARIABLE USER: sets a port, which follows from the variable, aside
# for one of our programs.
claim_port() {
  if [[ -n ${users[$1]:-} ]]; then
    fail "Port $1 would be taken by both ${users[$1]} (${variables[$1]}) and $3 ($2). Vault takes VAULT_PORT and the port after it, the simulator SIMULATOR_BASE_PORT and the $(simulated_exchanges | grep -c .) ports after it. Change one of the two."
  fi
  users[$1]=$3 variables[$1]=$2
}

# simulated_exchanges prints them in the order of their ports.
simulated_exchanges() {
  sed -nE 's/^[[:space:]]+([a-z]+)\.Venue\(\),$/\1/p' exchanges/simulator/all/all.go
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ours PORT: is it what we have started that answers there?
ours() {
  { grep -qs ":$1\"" "$state/vault.hcl" && running vault; } ||
    { grep -qs ":$1\$" "$state/simulator.log" && running simulator; }
}

# --- Processes ---------------------------------------------------------------

# start NAME PROGRAM [ARGUMENT...]: starts what goes on running after this script.
start() {
  local name=$1
  shift
  nohup "$@" </dev/null >"$state/$name.log" 2>&1 &
  say $! >"$state/$name.pid"
}

# running NAME: is it the process that was started? After a reboot another one
# may have its number; ours has our directory in its arguments.
running() {
  local pid
  [[ -f $state/$1.pid ]] && pid=$(<"$state/$1.pid") && kill -0 "$pid" 2>/dev/null || return 1
  [[ $(ps -ww -p "$pid" -o args= 2>/dev/null || { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) == *"$state"* ]]
}

# stop NAME: stops it, by force if it does not stop within 20 seconds.
stop() {
  if running "$1"; then
    kill "$(<"$state/$1.pid")"
    local tries=100
    while running "$1"; do
      ((tries-- > 0)) || kill -9 "$(<"$state/$1.pid")"
      sleep 0.2
    done
    say "Stopped $1."
  fi
  rm -f "$state/$1.pid"
}

# await NAME COMMAND...: waits until the command succeeds, at most a minute, or
# the process that it depends on has ended.
await() {
  local name=$1 tries=300
  shift
  until "$@" >/dev/null 2>&1; do
    if ! running "$name" || ((tries-- == 0)); then
      tail -n 5 "$state/$name.log" >&2
      fail "The $name did not start; see the end of $state/$name.log above. If a port is taken, choose another one with VAULT_PORT or SIMULATOR_BASE_PORT."
    fi
    sleep 0.2
  done
}

# replace FILE COPY: copies a program if it has changed, and tells whether it has.
# Programs run from copies, so that a later build does not pull one away from
# under its process.
replace() {
  ! cmp -s "$1" "$2" || return 1
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.new"
  mv -f "$2.new" "$2"
}

# --- The simulator -----------------------------------------------------------

start_simulator() {
  local program=$state/exchange-simulator
  if replace bin/exchange-simulator "$program"; then
    stop simulator
  fi
  if running simulator; then
    say "The simulator is running on port $simulator_port."
    return
  fi
  # With other accounts at the exchanges, what Vault knew of the former ones has
  # no meaning any more.
  stop vault
  rm -rf "$state/raft" "$state/init"
  start simulator "$program" -listen 127.0.0.1 -base-port "$simulator_port"
  await simulator grep -q Ready "$state/simulator.log"
  cat "$state/simulator.log"
}

# --- Vault -------------------------------------------------------------------

start_vault() {
  if ! running vault; then
    mkdir -p "$state/raft" "$state/plugins"
    cat >"$state/vault.hcl" <<CONFIG
storage "raft" {
  path                   = "$state/raft"
  node_id                = "bootstrap"
  performance_multiplier = 1
}
listener "tcp" {
  address         = "127.0.0.1:$vault_port"
  cluster_address = "127.0.0.1:$((vault_port + 1))"
  tls_disable     = true
}
api_addr         = "$VAULT_ADDR"
cluster_addr     = "https://127.0.0.1:$((vault_port + 1))"
plugin_directory = "$state/plugins"
disable_mlock    = true
CONFIG
    start vault "$repository/bin/vault" server -config="$state/vault.hcl"
    await vault reachable
  fi
  if ! vault operator init -status >/dev/null; then
    vault operator init -key-shares=1 -key-threshold=1 >"$state/init"
  fi
  VAULT_TOKEN=$(kept 'Initial Root Token')
  if ! vault status >/dev/null; then
    kept 'Unseal Key 1' | vault write sys/unseal key=- >/dev/null
  fi
  await vault vault secrets list
  say "Vault is running at $VAULT_ADDR."
}

# reachable: does Vault answer, be it that it is sealed (2)?
reachable() { vault status || (($? == 2)); }

# kept NAME: one of the secrets that Vault told when it was initialised.
kept() {
  sed -n "s/^$1: //p" "$state/init" 2>/dev/null | grep . ||
    fail "$state/init does not hold Vault's '$1'. Run ./bootstrap.sh down, delete $state and start again."
}

# --- The plugin --------------------------------------------------------------

install_plugin() {
  local version sum known
  replace "bin/$plugin" "$state/plugins/$plugin" || true
  version=$(scripts/version.sh)
  sum=$({ sha256sum "$state/plugins/$plugin" 2>/dev/null || shasum -a 256 "$state/plugins/$plugin"; } | cut -d ' ' -f 1)
  known=$(vault plugin info -version="$version" -field=sha256 secret "$plugin" 2>/dev/null || true)
  if [[ $known != "$sum" ]]; then
    shown vault plugin register -sha256="$sum" -version="$version" secret "$plugin"
  fi
  if ! vault read sys/mounts/exchange >/dev/null 2>&1; then
    shown vault secrets enable -path=exchange -plugin-version="$version" "$plugin"
  elif [[ $known != "$sum" ]]; then
    shown vault secrets tune -plugin-version="$version" exchange/
    shown vault plugin reload -type=secret -plugin="$plugin"
  else
    say "Version $version is installed."
  fi
}

# --- The demonstration -------------------------------------------------------

# The answer with a key goes from variable to pipe: its secret is in no file, no
# argument and no output.
mint() { vault read -format=json "exchange/creds/$1"; }
masked() { sed -E 's/("(api_secret|passphrase|private_key|token)": *")[^"]+/\1(shown once; masked here)/'; }
lease_of() { sed -nE 's/^ *"lease_id": *"([^"]*)".*/\1/p'; }

# works ANSWER: the exchange accepts the key, or else we fail.
works() { say "$1" | use-key || fail 'This key should work.'; }

# refused ANSWER SECONDS: the exchange refuses the key, at the latest then.
refused() {
  local said code tries=$2
  while true; do
    code=0
    said=$(say "$1" | use-key) || code=$?
    if ((code == 3)); then
      say "$said"
      return
    fi
    ((code == 0 && tries-- > 0)) || fail "This key should be refused, because its lease was revoked. $said"
    sleep 1
  done
}

# demonstrate ROLE: shows the life of a key, command by command.
demonstrate() {
  local answer lease
  say "\$ vault read -format=json exchange/creds/$1"
  answer=$(mint "$1")
  lease=$(say "$answer" | lease_of)
  say "$answer" | masked
  say '$ use-key    # asks the exchange what the key may do'
  works "$answer"
  shown vault lease revoke -sync "$lease"
  say '$ use-key'
  refused "$answer" 0
}

# check_others: the same at the other exchanges, in brief. Some let only one
# deletion through in half a minute.
check_others() {
  local role answer delay
  for role in $(vault list exchange/roles | grep -e '-trader$' | grep -v '^bybit-'); do
    answer=$(mint "$role")
    works "$answer"
    delay=$(delay_of "$answer")
    vault lease revoke "$(say "$answer" | lease_of)" >/dev/null
    if ((delay >= 60)); then
      say "${role%-trader} may accept a deleted key for another $delay seconds. Not waiting for that."
    else
      refused "$answer" 60
    fi
  done
}

# delay_of ANSWER: how long the exchange may take to act on the key's deletion, in
# seconds.
delay_of() {
  vault read -field=revocation_delay "exchange/keys/$(say "$1" | sed -nE 's/^ *"key_id": *"([^"]*)".*/\1/p')"
}

write_env() {
  cat >"$state/env" <<ENV
export VAULT_ADDR=$VAULT_ADDR
export VAULT_TOKEN=$VAULT_TOKEN
export EXCHANGE_SIMULATOR=http://127.0.0.1:$simulator_port
export PATH=$(printf %q "$repository/bin"):\$PATH
ENV
}

up() {
  command -v go >/dev/null || fail 'Go is missing. Install Go 1.26 or newer from https://go.dev/dl and start again.'
  choose_ports
  check_ports
  if [[ $former != none && $former != "$vault_port $simulator_port" ]]; then
    down
  fi
  (umask 077 && say "$vault_port $simulator_port" >"$state/ports")

  step 'Building'
  scripts/vault.sh
  scripts/build.sh
  umask 077

  # Whatever the caller's environment says of another Vault is not meant.
  local name
  for name in $(compgen -e VAULT_); do unset "$name"; done
  export VAULT_ADDR=http://127.0.0.1:$vault_port VAULT_TOKEN=none
  export PATH=$repository/bin:$PATH

  step 'Starting the simulated exchanges, which stand in for the real ones: no account, no money, no network'
  start_simulator

  step 'Starting Vault'
  start_vault
  write_env

  step 'Installing the plugin'
  install_plugin

  step 'Connecting Vault with the simulated exchanges'
  connect-simulator -simulator "http://127.0.0.1:$simulator_port"

  step 'A key is minted, used, revoked and refused, at the simulated Bybit'
  demonstrate trader-role

  step 'The same at the other simulated exchanges, in short'
  check_others

  step 'Done. Each key worked while its lease lasted, and was refused after that. Everything is still running.'
  say 'The exchanges are simulated. Nothing has been sent to a real one.'
  say
  printf '  %-38s  %s\n' \
    "source $BOOTSTRAP_DIR/env" 'use this Vault, with bin/ on the PATH' \
    'vault list exchange/roles' 'see which roles there are' \
    'vault read exchange/creds/trader-role' 'mint a key' \
    'vault list -detailed exchange/keys' 'see which keys exist' \
    'vault path-help exchange' 'every path and field' \
    'docs/guide.md' 'a guided tour of everything else' \
    './bootstrap.sh down' 'stop everything'
}

down() {
  stop vault
  stop simulator
}

case ${1:-up} in
  up) up ;;
  down) down ;;
  *)
    say 'Usage: ./bootstrap.sh [down]' >&2
    exit 2
    ;;
esac
