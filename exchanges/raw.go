package exchanges

// RawSigner is an [Account] that signs any text, for clients that make up themselves what
// is signed and take a function for the signature.
type RawSigner interface {
	// SignRaw signs a text, in the encoding that the exchange takes. It is an
	// [ErrUnsupported] where [Signing.Raw] is empty.
	SignRaw(text string) (signature string, err error)
}
