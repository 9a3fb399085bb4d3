# A trader mints keys of one role, ends them early, and sees nothing else.

# read mints with what the role gives; update may ask for less.
path "exchange/creds/trader-role" {
  capabilities = ["read", "update"]
}

# Would a key be given now, and if not, why?
path "exchange/roles/trader-role/check" {
  capabilities = ["read"]
}

# An early end: vault lease revoke LEASE_ID. To look up and to renew a lease is
# allowed by Vault's default policy.
path "sys/leases/revoke/exchange/creds/trader-role/*" {
  capabilities = ["update"]
}
