#!/usr/bin/env bash
# Runs a tool with the arguments given, in the version that scripts/MODULE/go.mod pins.
# That is a module of its own, so that the tool's many dependencies stay out of the
# plugin's. The tool is built from source, once.
#
# Usage: tool.sh MODULE [arguments of the tool]
#
# TAGS are the build tags to build it with.
set -euo pipefail
cd "$(dirname "$0")/.."

module=$1
shift
package=$(sed -n 's/^tool //p' "scripts/$module/go.mod")
name=${package##*/}
program=$PWD/bin/$name
# What the program was built from, so that it is built once only.
built_from=bin/.$name-built-from

mkdir -p bin
# A linter that an older Go built cannot read newer code.
source=$({ go version && printf '%s\n' "${TAGS:-}" && cat scripts/tool.sh "scripts/$module/go.mod" "scripts/$module/go.sum"; } | cksum)
if [[ ! -x $program || ! -f $built_from || $(<"$built_from") != "$source" ]]; then
  printf '%s is built from source: some minutes on two cores, once.\n' "$name"
  (
    cd "scripts/$module"
    ../go-build.sh "$name $(go list -f '{{.Module.Version}}' "$package")" -tags "${TAGS:-}" -o "$program" "$package"
  )
  printf '%s\n' "$source" >"$built_from"
fi
"$program" "$@"
