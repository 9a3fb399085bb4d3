#!/usr/bin/env bash
# Prints the percentage of the statements of backend/ and exchanges/ that the
# unit tests reach, and fails if any is too low. A statement counts as reached
# by the tests of any package. Packages that only tests use are left out.
#
# Usage: coverage.sh PERCENT
set -euo pipefail
cd "$(dirname "$0")/.."

packages=$(go list ./backend ./exchanges/... | grep -v -e /exchangetest -e /venuetest)
# shellcheck disable=SC2086  # one word for each package
go test -coverprofile coverage.out -coverpkg "$(paste -sd , - <<<"$packages")" $packages | sed 's/coverage:.*//'

# The profile has a line for each block and test binary: file:block statements
# count.
awk -v least="$1" '
  NR > 1 {
    split($1, position, ":")
    statements[$1] = $2
    if ($3 > 0) reached[$1] = 1
    name = position[1]
    sub("^[^/]*/", "", name)
    sub("/[^/]*$", "", name)
    package[$1] = name
  }
  END {
    for (block in statements) {
      split(package[block], part, "/")
      count(package[block], block)
      if (part[1] != package[block]) count(part[1] "/...", block)
    }
    for (name in all) {
      percent = 100 * covered[name] / all[name]
      printf "%6.1f %%  %s\n", percent, name | "sort -k 3"
      if (percent < least) low = low " " name
    }
    close("sort -k 3")
    if (low) { print "Below " least " %:" low; exit 1 }
  }
  function count(name, block) {
    all[name] += statements[block]
    if (block in reached) covered[name] += statements[block]
  }
' coverage.out
