package exchanges

// CCXT says how ccxt (https://github.com/ccxt/ccxt), a library of clients on which many
// bots are built, takes keys of an exchange. Facts come from ccxt's class for the
// exchange: its requiredCredentials, urls and sign.
type CCXT struct {
	// Class is ccxt's name of the exchange; empty where it can use no key of it.
	Class string
	// Wallet is set where a key is an account's address and a wallet's private key
	// (walletAddress, privateKey) instead of apiKey and secret.
	Wallet bool
	// AccountID is set where a key needs its sub-account besides (accountId).
	AccountID bool
	// Unusable says of which types ccxt cannot use keys, and why.
	Unusable map[KeyType]string
}

// CCXTSettings are what ccxt's constructor takes besides a key, by its own names.
type CCXTSettings map[string]any

// CCXTDomain leads ccxt to another domain of an exchange, where its addresses say
// {hostname}.
func CCXTDomain(domain string) CCXTSettings { return CCXTSettings{"hostname": domain} }

// CCXTSandbox leads ccxt to what it calls the exchange's sandbox.
func CCXTSandbox() CCXTSettings { return CCXTSettings{"sandbox": true} }

// CCXTHost leads ccxt to another host of an exchange, by the addresses that it has for
// that exchange.
func CCXTHost(addresses map[string]any) CCXTSettings {
	return CCXTSettings{"urls": map[string]any{"api": addresses}}
}
