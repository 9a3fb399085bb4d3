// Package signclient lets a bot trade with a key that it does not have. The key stays in
// Vault (custody=vault), which signs each request; the bot sends what Vault answered.
//
// [New] takes a client of Vault and the path at which it signs. [Signer.Client] is an HTTP
// client for SDKs of exchanges: it has each of its requests signed on its way, and so does
// [Transport] for whoever has a client of their own. [Signer.Login] logs in to a
// WebSocket. Whatever secret the SDK wants, give it any text: what it signs with that is
// replaced.
//
// The package never holds a secret of an exchange, and knows no exchange. It needs nothing
// of this module, so that it can be copied into another one as it is. The token of the
// client of Vault is its owner's to renew.
package signclient
