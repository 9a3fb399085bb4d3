{{- /* For a program that reads such files itself, or EnvironmentFile of systemd; a
       shell would take some characters of a passphrase for its own. */ -}}
{{ with secret "exchange/creds/trader-role" -}}
EXCHANGE_BASE_URL={{ .Data.base_url }}
EXCHANGE_API_KEY={{ .Data.api_key }}
EXCHANGE_API_SECRET={{ .Data.api_secret }}
{{- with .Data.passphrase }}
EXCHANGE_PASSPHRASE={{ . }}
{{- end }}
{{ end -}}
