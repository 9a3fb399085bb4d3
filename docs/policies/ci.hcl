# A CI job mints a key for one run, and must say which run: reason=... in what it
# writes, ?reason=... in the path that it reads, since hashicorp/vault-action can only
# read. Vault refuses a request without the parameter. An empty one is refused by the
# role, with require_reason=true.

path "exchange/creds/bybit-reader" {
  capabilities        = ["read", "update"]
  required_parameters = ["reason"]
}

# with-key.sh ends the key and waits for that. To end it by revoking its own token, and
# to renew a lease, is allowed by Vault's default policy.
path "sys/leases/revoke/exchange/creds/bybit-reader/*" {
  capabilities = ["update"]
}

# GitLab's secrets:vault can give no reason, so it has a role of its own: see
# docs/examples/gitlab-ci.yml. Nobody ends such a key before its ttl is over.
path "exchange/creds/gitlab-reader" {
  capabilities = ["read"]
}
