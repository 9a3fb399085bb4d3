{{- /* For a shell (set -a; . ./key.env), EnvironmentFile of systemd, and libraries that
       read such files. Values stand in single quotes, where every character means
       itself, and so does the end of a line in a private key. The form of a single
       quote itself is one that shell and systemd both read. */ -}}
{{- define "quoted" }}'{{ . | replaceAll "'" "'\"'\"'" }}'{{ end -}}
{{ with secret "exchange/creds/trader-role" -}}
EXCHANGE_BASE_URL={{ template "quoted" .Data.base_url }}
EXCHANGE_SUB_ACCOUNT={{ template "quoted" .Data.sub_account }}
EXCHANGE_API_KEY={{ template "quoted" .Data.api_key }}
{{- with .Data.api_secret }}
EXCHANGE_API_SECRET={{ template "quoted" . }}
{{- end }}
{{- with .Data.passphrase }}
EXCHANGE_PASSPHRASE={{ template "quoted" . }}
{{- end }}
{{- with .Data.private_key }}
EXCHANGE_PRIVATE_KEY={{ template "quoted" . }}
{{- end }}
{{- with .Data.token }}
EXCHANGE_TOKEN={{ template "quoted" . }}
{{- end }}
{{ end -}}
