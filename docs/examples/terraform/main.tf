# Roles and guard rails as code, and a key for one run of Terraform. A plan after an
# apply shows no changes, until somebody changes in Vault what a file here says.
#
# Root keys stay out, since all that Terraform writes lies in its state. Security writes
# each connection once, and replaces its root key without Terraform:
#
#   vault write exchange/config/bybit exchange=bybit api_key=... api_secret=...
#
# In the files, let durations be seconds and lists be lists: the engine answers in that
# form, and what is written in another one looks changed at each plan.
terraform {
  required_version = ">= 1.11"
  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = "~> 5.10"
    }
  }
}

provider "vault" {} # VAULT_ADDR and VAULT_TOKEN

# The guard rails of each connection. A write keeps the fields that it does not name, so
# the root key stays as it is. The engine answers with more than was written, which
# ignore_absent_fields leaves alone.
resource "vault_generic_endpoint" "connection" {
  for_each = fileset("${path.module}/config", "*.json")

  path                 = "exchange/config/${trimsuffix(each.value, ".json")}"
  data_json            = file("${path.module}/config/${each.value}")
  ignore_absent_fields = true
  disable_delete       = true # a connection is ended by security
}

# A write replaces the whole role: what a file does not name has its default.
resource "vault_generic_endpoint" "role" {
  for_each   = fileset("${path.module}/roles", "*.json")
  depends_on = [vault_generic_endpoint.connection]

  path                 = "exchange/roles/${trimsuffix(each.value, ".json")}"
  data_json            = file("${path.module}/roles/${each.value}")
  ignore_absent_fields = true
}

# A key that is in no plan and no state. Terraform mints one at the plan and one at the
# apply. Both end with their ttl, or with the token of the provider, which lasts 20
# minutes (max_lease_ttl_seconds). Do not read creds/ with a data source or a resource:
# the secret would lie in the state.
ephemeral "vault_generic_endpoint" "key" {
  # From the id, which a plan does not know before the role is there.
  path         = replace(vault_generic_endpoint.role["bybit-reader.json"].id, "/roles/", "/creds/")
  data_json    = jsonencode({ reason = "terraform", ttl = "5m" })
  write_fields = ["base_url", "api_key", "api_secret"]
}

# Something that uses it: a provider's configuration, a write-only argument, or this.
resource "terraform_data" "report" {
  provisioner "local-exec" {
    command = "${path.module}/report.sh"
    environment = {
      EXCHANGE_BASE_URL   = ephemeral.vault_generic_endpoint.key.write_data["base_url"]
      EXCHANGE_API_KEY    = ephemeral.vault_generic_endpoint.key.write_data["api_key"]
      EXCHANGE_API_SECRET = ephemeral.vault_generic_endpoint.key.write_data["api_secret"]
    }
  }
}
