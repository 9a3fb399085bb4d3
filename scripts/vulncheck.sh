#!/usr/bin/env bash
# Looks for known vulnerabilities in what the programs really call, with govulncheck in
# the version that scripts/govulncheck/go.mod pins. The vulnerabilities are those of
# vuln.go.dev; where that cannot be reached, those of the newest golang.org/x/vulndb,
# the module that it is made from.
set -euo pipefail
cd "$(dirname "$0")/.."

database=()
if ! timeout 10 bash -c '</dev/tcp/vuln.go.dev/443' 2>/dev/null; then
  read -r version source < <(go mod download -json golang.org/x/vulndb@latest | sed -nE 's/^\t"(Version|Dir)": "(.*)",$/\2/p' | paste -sd ' ')
  printf 'vuln.go.dev cannot be reached: the vulnerabilities are those of golang.org/x/vulndb %s.\n' "$version"
  directory=$(mktemp -d)
  trap 'rm -rf "$directory"' EXIT
  go run "golang.org/x/vulndb/cmd/indexdb@$version" -vulns "$source/data/osv" -out "$directory"
  database=(-db "file://$directory")
fi
scripts/tool.sh govulncheck "${database[@]}" ./cmd/...
