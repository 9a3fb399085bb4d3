# Who holds this may give up a key that the engine cannot delete: its ledger entry goes
# without proof, and nobody looks after the key any more. It is nobody's daily work, so
# give it to a few persons and not to a program, and not with the policy security.

path "exchange/keys/+/forget" {
  capabilities = ["update"]
}

# Which keys there are, why they cannot be deleted, and one more try.
path "exchange/keys/*" {
  capabilities = ["read", "delete", "list"]
}
