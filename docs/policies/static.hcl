# A program that cannot take a lease reads the key of one static role, as often as it
# likes, and sees nothing else. It cannot replace the key.

path "exchange/static-creds/gateway" {
  capabilities = ["read"]
}

# How the rotation stands: when the next one is, or why the last one failed.
path "exchange/static-roles/gateway" {
  capabilities = ["read"]
}
