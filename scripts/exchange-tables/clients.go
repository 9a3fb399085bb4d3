package main

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The table of clients in docs/clients.md stands between these marks.
const (
	clientsBegin = "<!-- Clients: made by \"make docs\" from Describe().CCXT of each exchange. -->\n"
	clientsEnd   = "<!-- End of the clients. -->\n"
)

// replaceClients returns text with a new table of clients between its marks.
func replaceClients(text string, all []exchanges.Exchange) (string, error) {
	return replaceBetween(text, clientsBegin, clientsEnd, "clients", clients(all))
}

// clients is the table of what ccxt, and freqtrade which is built on it, take, with a
// row for each exchange and key type.
func clients(all []exchanges.Exchange) string {
	var rows [][]string
	for _, exchange := range all {
		about := exchange.Describe()
		page := link(about, "exchanges/")
		seen := map[exchanges.KeyType]bool{}
		for _, variant := range about.Variants {
			for _, keyType := range variant.KeyTypes {
				if seen[keyType] {
					continue
				}
				seen[keyType] = true
				if why := about.CCXT.Unusable[keyType]; why != "" {
					rows = append(rows, []string{page, "`" + string(keyType) + "`", "cannot use it: " + why, "", "likewise; take `env`"})
					continue
				}
				ccxt, freqtrade := clientFields(about.CCXT, keyType, variant.Passphrase != nil)
				rows = append(rows, []string{page, "`" + string(keyType) + "`", "`" + about.CCXT.Class + "`", code(ccxt), code(freqtrade)})
			}
		}
	}
	return table([]string{"exchange", "key type", "ccxt's class", "ccxt's fields", "freqtrade's fields in `exchange`"}, rows)
}

// clientFields are the fields in which ccxt and freqtrade take a key, each as
// "field=part of the answer".
func clientFields(c exchanges.CCXT, keyType exchanges.KeyType, passphrase bool) (ccxt, freqtrade []string) {
	if c.Wallet {
		ccxt = []string{"walletAddress=sub_account", "privateKey=private_key"}
		return ccxt, []string{"ccxt_config." + ccxt[0], "ccxt_config." + ccxt[1]}
	}
	secret := "secret=api_secret"
	if keyType.Asymmetric() {
		secret = "secret=private_key"
	}
	ccxt, freqtrade = []string{"apiKey=api_key", secret}, []string{"key=api_key", secret}
	if passphrase {
		ccxt, freqtrade = append(ccxt, "password=passphrase"), append(freqtrade, "password=passphrase")
	}
	if c.AccountID {
		ccxt, freqtrade = append(ccxt, "accountId=sub_account"), append(freqtrade, "ccxt_config.accountId=sub_account")
	}
	return ccxt, freqtrade
}

// code shows what is listed as code.
func code(listed []string) string { return "`" + strings.Join(listed, "`, `") + "`" }
