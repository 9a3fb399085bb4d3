#!/usr/bin/env bash
# Lets the jobs of one project log in to Vault with the token that GitHub or GitLab
# gives each job, so that no secret is stored there. To be run once, by somebody who may
# write policies and auth methods.
#
#   trust-ci.sh github OWNER/REPOSITORY
#   trust-ci.sh gitlab GROUP/PROJECT
#
# Only jobs of the main branch may log in. ISSUER is the address of your own server, if
# you have one. Needs vault, with VAULT_ADDR and a token, and jq.
set -euo pipefail

if (($# != 2)) || [[ $1 != github && $1 != gitlab ]]; then
  printf 'usage: %s github|gitlab PROJECT\n' "${0##*/}" >&2
  exit 2
fi
# shellcheck disable=SC2016 # $project is jq's.
if [[ $1 == github ]]; then
  issuer=${ISSUER:-https://token.actions.githubusercontent.com}
  claims='{repository: $project, ref: "refs/heads/main"}'
else
  issuer=${ISSUER:-https://gitlab.com}
  claims='{project_path: $project, ref_type: "branch", ref: "main"}'
fi

vault policy write ci "$(dirname "$0")/../policies/ci.hcl"
vault read "sys/auth/jwt-$1" >/dev/null 2>&1 || vault auth enable -path="jwt-$1" jwt
vault write "auth/jwt-$1/config" oidc_discovery_url="$issuer" bound_issuer="$issuer"
# The token lives as long as the longest job, and its keys no longer than it.
jq -n --arg project "$2" --arg audience "$VAULT_ADDR" "{
  role_type: \"jwt\", user_claim: \"sub\", bound_audiences: [\$audience], bound_claims: $claims,
  token_policies: [\"ci\"], token_ttl: \"30m\", token_max_ttl: \"30m\"
}" | vault write "auth/jwt-$1/role/ci" -
