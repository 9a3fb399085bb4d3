# An auditor sees every key, role and connection, and changes nothing. None of
# these paths shows a secret.

path "exchange/keys/*" {
  capabilities = ["read", "list"]
}

# Whose key is this api_key?
path "exchange/keys/lookup" {
  capabilities = ["update"]
}

path "exchange/roles/*" {
  capabilities = ["read", "list"]
}

path "exchange/static-roles/*" {
  capabilities = ["read", "list"]
}

path "exchange/config/*" {
  capabilities = ["read", "list"]
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
