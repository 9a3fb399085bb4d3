#!/usr/bin/env bash
# Runs tests many times to find those that fail only now and then: first on the
# machine as it is, then while other programs keep it busy, which shifts the
# moments at which one goroutine overtakes another. Each package's tests are built
# once. The output of failed runs is kept.
#
# Usage: stress.sh ROUNDS PACKAGE...
#
# RACE is the flag that turns the race detector on; set it to nothing to leave
# the detector out.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-}
if [[ ! $rounds =~ ^[1-9][0-9]*$ ]] || (($# < 2)); then
  printf 'Usage: %s ROUNDS PACKAGE...\n' "$0" >&2
  exit 2
fi
shift
race=${RACE--race}

module=$(go list -m)
work=$(mktemp -d)
failed_runs=$work/failed
results=$work/results # one line each: load, package, "run" or "failure" or "test", name of the test
burners=()

# burn keeps every core busy twice over. The tests run at a higher priority, so
# that they are slow but not starved. If this script is killed, the loops end by
# themselves.
burn() {
  local i
  for ((i = 0; i < 2 * $(getconf _NPROCESSORS_ONLN); i++)); do
    # shellcheck disable=SC2016  # what is quoted is for the other bash
    nice -n 5 bash -c 'while kill -0 "$1" 2>/dev/null; do for ((i = 0; i < 100000; i++)); do :; done; done' burner "$$" &
    burners+=($!)
  done
}

rest() {
  ((${#burners[@]})) || return 0
  kill "${burners[@]}" 2>/dev/null || true
  wait "${burners[@]}" 2>/dev/null || true
  burners=()
}

clean() {
  rest
  if [[ -n $(ls "$failed_runs") ]]; then
    printf 'The output of the runs that failed is in %s.\n' "$failed_runs"
    rm -rf "$work"/*.test "$work/output" "$results"
  else
    rm -rf "$work"
  fi
}
mkdir "$failed_runs"
: >"$results"
trap clean EXIT
trap 'exit 130' INT TERM

# round LOAD NUMBER: runs the tests of every package once.
round() {
  local i name kept failures=0 start=$SECONDS
  for i in "${!names[@]}"; do
    name=${names[i]}
    printf '%s\t%s\trun\n' "$1" "$name" >>"$results"
    # A test binary run directly has no time limit of its own.
    if (cd "${directories[i]}" && "$work/$i.test" -test.timeout 10m) >"$work/output" 2>&1; then
      continue
    fi
    failures=$((failures + 1))
    kept=$failed_runs/${name//\//-}-$1-$2.txt
    mv "$work/output" "$kept"
    {
      printf '%s\t%s\tfailure\n' "$1" "$name"
      # A panic or a timeout does not print --- FAIL.
      { sed -nE 's/^ *--- FAIL: ([^ ]+) .*/\1/p' "$kept" | grep . || printf 'no test by name\n'; } | sort -u |
        while read -r test; do printf '%s\t%s\ttest\t%s\n' "$1" "$name" "$test"; done
    } >>"$results"
    printf '  %s failed\n' "$name"
  done
  printf 'load %s, round %d of %d: %d of %d packages failed, %d s\n' \
    "$1" "$2" "$rounds" "$failures" "${#names[@]}" $((SECONDS - start))
}

# summary prints a line for each load and package.
summary() {
  awk -F '\t' '
    { key = $1 FS $2 }
    $3 == "run" { if (!(key in runs)) order[++n] = key; runs[key]++; if (length($2) > width) width = length($2) }
    $3 == "failure" { failures[key]++ }
    $3 == "test" { if (!(key FS $4 in times)) tests[key] = tests[key] SUBSEP $4; times[key FS $4]++ }
    END {
      form = "%-6s%-" (width + 2) "s%6s%10s%s\n"
      printf "\n" form, "load", "package", "runs", "failures", "  tests that failed, and how often"
      for (i = 1; i <= n; i++) {
        key = order[i]
        split(key, part, FS)
        said = ""
        count = split(substr(tests[key], 2), named, SUBSEP)
        for (j = 1; j <= count; j++) said = said (j > 1 ? ", " : "  ") named[j] " (" times[key FS named[j]] ")"
        printf form, part[1], part[2], runs[key], failures[key] + 0, said
      }
    }
  ' "$results"
}

list=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' "$@")
if [[ -z $list ]]; then
  printf 'There are no tests in: %s\n' "$*" >&2
  exit 2
fi
names=() directories=()
while read -r name directory; do
  printf 'Building the tests of %s.\n' "${name#"$module"/}"
  # shellcheck disable=SC2086  # no word where there is no race detector
  go test -c $race -o "$work/${#names[@]}.test" "$name"
  names+=("${name#"$module"/}")
  directories+=("$directory")
done <<<"$list"

for ((i = 1; i <= rounds; i++)); do round none "$i"; done
burn
for ((i = 1; i <= rounds; i++)); do round busy "$i"; done
rest

summary
[[ -z $(ls "$failed_runs") ]]
