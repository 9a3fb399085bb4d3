# A CI job mints a key for one run, and must say which run. It ends the key by
# revoking its own token, which the default policy allows.

path "exchange/creds/bybit-reader" {
  capabilities        = ["update"]
  required_parameters = ["reason"]
}
