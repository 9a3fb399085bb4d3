# A bot that never holds a secret: it leases a key of one role with custody=vault, and
# has requests and logins signed with that key. The engine lets nobody use a key that
# somebody else has leased, whatever their policy says.

path "exchange/creds/signer-role" {
  capabilities = ["read", "update"]
}

path "exchange/sign/key/+" {
  capabilities = ["update"]
}

path "exchange/sign/key/+/login" {
  capabilities = ["update"]
}

# With a static role that has custody=vault, this is all that a bot needs.
path "exchange/sign/gateway" {
  capabilities = ["update"]
}

path "exchange/sign/gateway/login" {
  capabilities = ["update"]
}

# Only for bots that use FIX.
path "exchange/sign/key/+/fix" {
  capabilities = ["update"]
}

# Only for bots whose SDK takes a function that signs, with a role that allows raw. It has
# any text signed: leave it out unless a bot needs it.
# path "exchange/sign/gateway/raw" {
#   capabilities = ["update"]
# }
