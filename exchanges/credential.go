package exchanges

// Credential is the root credential of a parent account. [Description.Credentials]
// says which parts are needed.
type Credential struct {
	APIKey     string
	APISecret  Secret
	Passphrase Secret
	// PrivateKey is PEM (PKCS #8), or the form described on the exchange's page.
	PrivateKey Secret
	// TOTPSecret is the base32 seed for one-time codes.
	TOTPSecret Secret
	// Token is a minted key of type [KeyBearer], which has no other secret part. A
	// root credential has none.
	Token Secret
	// Broker names the broker that holds the account, at an exchange shared by
	// several brokers.
	Broker string
	// SubAccount is the sub-account of a minted key, for exchanges whose requests
	// name it besides the key. A root credential has none.
	SubAccount string
}

// Secrets lists the parts of the credential that must never be shown.
func (c Credential) Secrets() []Secret {
	var parts []Secret
	for _, part := range []Secret{c.APISecret, c.Passphrase, c.PrivateKey, c.TOTPSecret, c.Token} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
