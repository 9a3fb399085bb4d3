package main

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

const rootKeysHeading = `
## Root keys

The key of the parent account with which the engine makes and deletes the others. Create it as the **master** account, unless the table says otherwise. Bind it to the addresses of your Vault servers, and leave out the right to withdraw wherever the exchange lets you. Where an exchange has several rows, any one of them will do.

`

// rootKeys is the table of root keys, with a row for each form of an exchange's
// credential.
func rootKeys(all []exchanges.Exchange) string {
	var rows [][]string
	for _, exchange := range all {
		about := exchange.Describe()
		for _, form := range about.Credentials {
			rows = append(rows, []string{link(about, ""), "`" + strings.Join(form.Fields, "`, `") + "`", form.Note})
		}
	}
	return table([]string{"exchange", "fields of the connection", "the root key"}, rows)
}
