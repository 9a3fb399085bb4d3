package venue

import "time"

// Credential is what signs requests at an exchange. A part that the exchange
// does not have is empty.
type Credential struct {
	APIKey     string `json:"api_key"`
	APISecret  string `json:"api_secret"`
	Passphrase string `json:"passphrase"`
	PrivateKey string `json:"private_key"` // PKCS#8 PEM, for roots that sign with a key pair
	TOTPSecret string `json:"totp_secret"`
	Broker     string `json:"broker"`
	Variant    string `json:"variant"`
}

// Access is what a client needs to manage keys at an exchange.
type Access struct {
	BaseURL string `json:"base_url"`
	Credential
	SubAccounts []string `json:"sub_accounts"` // named as the exchange's requests name them
}

// KeyView is a live minted key, without its secret.
type KeyView struct {
	Exchange    string    `json:"exchange"`
	SubAccount  string    `json:"sub_account"`
	APIKey      string    `json:"api_key"`
	Label       string    `json:"label"`
	Permissions []string  `json:"permissions"`
	IPs         []string  `json:"ips"` // empty: usable from anywhere
	CreatedAt   time.Time `json:"created_at"`
}
