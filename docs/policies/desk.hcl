# A desk's lead manages the desk's own roles. How far these may go is set by the
# connection's guard rails, which only security can change: give the desk a
# connection with allowed_roles=desk-a-* and allowed_sub_accounts of its own.

# Covers desk-a-NAME, desk-a-NAME/check and desk-a-NAME/revoke-all, which the desk
# may throw and lift. A switch that the desk cannot lift is that of its connection.
path "exchange/roles/desk-a-*" {
  capabilities = ["create", "read", "update", "patch", "delete"]
}

path "exchange/roles" {
  capabilities = ["list"]
}

path "exchange/exchanges/*" {
  capabilities = ["read", "list"]
}
