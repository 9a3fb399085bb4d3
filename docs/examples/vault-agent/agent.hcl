# Vault Agent keeps a bot supplied with a key: it logs in, mints, renews the
# lease while that is allowed, and mints anew before the key ends. Then it writes
# the file again and has the bot started anew.
#
#   ./supervise.sh BOT     runs the agent with this file, and the bot

vault {
  address = "http://127.0.0.1:8200"

  # A mint that is refused is tried again for about 15 seconds. The default would leave
  # a bot running for minutes on a key that has ended.
  retry {
    num_retries = 6
  }
}

auto_auth {
  method "approle" {
    config = {
      role_id_file_path   = "role-id"
      secret_id_file_path = "secret-id"
      # Let a secret id be good for one login (secret_id_num_uses=1), and give
      # the agent a new one for each start.
      remove_secret_id_file_after_reading = true
    }
  }
}

template_config {
  # Better no bot than one that goes on with a key that has ended: the agent ends, and
  # supervise.sh ends the bot.
  exit_on_retry_failure = true
}

template {
  source      = "key.env.tpl"
  destination = "key.env"
  perms       = "0600"

  exec {
    command = ["sh", "-c", "kill -USR1 $(cat supervisor.pid)"]
    timeout = "30s"
  }
}
