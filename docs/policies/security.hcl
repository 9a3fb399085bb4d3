# Security owns the connections, and can stop anything. It cannot mint
# for anybody: the key of a self-test is shown to nobody.

# Covers check, sub-accounts, reconcile, revoke-all and self-test of each connection.
path "exchange/config/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list"]
}

path "exchange/roles/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list"]
}

path "exchange/static-roles/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list"]
}

# Replaces the key of a static role now, with compromised=true after ending the one
# that there is. The new key is shown to nobody here.
path "exchange/rotate-role/*" {
  capabilities = ["update"]
}

# To delete a key is to have the exchange confirm it gone. To forget one that cannot be
# deleted takes update on exchange/keys/ID/forget, which is a policy of its own: forget.
path "exchange/keys/*" {
  capabilities = ["read", "delete", "list"]
}

# Whose key is this api_key?
path "exchange/keys/lookup" {
  capabilities = ["update"]
}

path "exchange/exchanges/*" {
  capabilities = ["read", "list"]
}

path "exchange/info" {
  capabilities = ["read"]
}

path "exchange/metrics" {
  capabilities = ["read"]
}

# Which leases there are, and an end to all of them. Vault asks for sudo.
path "sys/leases/lookup/exchange/creds/*" {
  capabilities = ["list", "sudo"]
}

path "sys/leases/revoke-prefix/exchange/creds/*" {
  capabilities = ["update", "sudo"]
}
