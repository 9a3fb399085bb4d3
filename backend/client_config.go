package backend

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The formats in which client_config carries a whole credential.
const (
	// formatCCXT is what a constructor of ccxt takes, as JSON, with the class as id.
	formatCCXT = "ccxt"
	// formatFreqtrade is a configuration file of freqtrade that holds the key only.
	formatFreqtrade = "freqtrade"
	// formatEnv is lines of NAME='value' for a shell, systemd, and libraries that read
	// such files.
	formatEnv = "env"
)

func clientFormats() []string { return []string{formatCCXT, formatFreqtrade, formatEnv} }

// checkClientFormat refuses a format that is unknown, or of a client that cannot use
// such keys. Field is the request's field that the format comes from.
func checkClientFormat(field, format string, l *link, keyType exchanges.KeyType) error {
	if format == "" {
		return nil
	}
	if err := oneOf(field, format, clientFormats()...); err != nil {
		return err
	}
	if why := l.about.CCXT.Unusable[keyType]; why != "" && format != formatEnv {
		return invalid(field, "%s cannot use keys of type %s of %s: %s; choose %s, or leave the field out", format, keyType, l.about.DisplayName, why, formatEnv)
	}
	return nil
}

// clientConfig is a credential in one of the formats. It takes the fields of an answer
// of creds/. It is a pure function.
func clientConfig(format string, l *link, data map[string]any) string {
	switch format {
	case formatCCXT:
		config := ccxtConfig(l, data)
		config["id"] = l.about.CCXT.Class
		return compactJSON(config)
	case formatFreqtrade:
		return compactJSON(freqtradeConfig(l.about.CCXT.Class, ccxtConfig(l, data)))
	default:
		return envConfig(data)
	}
}

// ccxtConfig is what ccxt's constructor takes.
func ccxtConfig(l *link, data map[string]any) map[string]any {
	config := map[string]any{}
	environment, _ := l.about.Environment(l.Environment)
	maps.Copy(config, environment.CCXT)
	maps.Copy(config, l.variant.CCXT)
	text := func(field string) string { return data[field].(string) }
	if l.about.CCXT.Wallet {
		config["walletAddress"], config["privateKey"] = text("sub_account"), text("private_key")
		return config
	}
	config["apiKey"], config["secret"] = text("api_key"), text("api_secret")
	if privateKey := text("private_key"); privateKey != "" {
		config["secret"] = privateKey
	}
	if passphrase := text("passphrase"); passphrase != "" {
		config["password"] = passphrase
	}
	if l.about.CCXT.AccountID {
		config["accountId"] = text("sub_account")
	}
	return config
}

// freqtradeConfig is the part of freqtrade's configuration that holds a key. What
// freqtrade has no name for it hands to ccxt as it is.
func freqtradeConfig(class string, ccxt map[string]any) map[string]any {
	exchange := map[string]any{"name": class}
	rest := map[string]any{}
	for field, value := range ccxt {
		switch field {
		case "apiKey":
			exchange["key"] = value
		case "secret", "password":
			exchange[field] = value
		default:
			rest[field] = value
		}
	}
	if len(rest) > 0 {
		exchange["ccxt_config"] = rest
	}
	return map[string]any{"exchange": exchange}
}

// envConfig is the same as the examples in docs/examples give to a program. Values
// stand in single quotes, where every character means itself, and so does the end of a
// line in a private key; the form of a single quote itself is one that shell and systemd
// both read.
func envConfig(data map[string]any) string {
	var lines strings.Builder
	for _, field := range []string{"base_url", "sub_account", "api_key", "api_secret", "passphrase", "private_key", "token"} {
		if value := data[field].(string); value != "" {
			lines.WriteString("EXCHANGE_" + strings.ToUpper(field) + "='" + strings.ReplaceAll(value, "'", `'"'"'`) + "'\n")
		}
	}
	return lines.String()
}

// compactJSON is JSON that leaves all characters as they are where it can. The value
// holds only texts, booleans and maps of them, which cannot fail.
func compactJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSpace(text.String())
}
