package rest

import "vault-plugin-secrets-exchange/exchanges"

// SignRaw implements [exchanges.RawSigner], where the config has a Signature.
func (c *Client) SignRaw(text string) (string, error) {
	if c.config.Signature == nil {
		return "", &exchanges.Error{Kind: exchanges.ErrUnsupported, Message: "the exchange takes no signature of a text alone"}
	}
	return c.config.Signature(text)
}
