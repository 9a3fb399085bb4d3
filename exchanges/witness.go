package exchanges

import "context"

type witnessKey struct{}

// A Witness is told of an answer of an exchange: to what operation, and its form, such
// as "200 {result:{list:[{apiKey:text}]}}", with the exchange's code of a refusal. The
// form holds no other value of the answer.
type Witness func(operation Operation, form string)

// WithWitness has the witness told of each answer to the calls under the context, but
// for those after which a call is repeated, such as for exceeding a rate. It is called
// by whatever goroutine makes the call, and must be quick.
func WithWitness(ctx context.Context, witness Witness) context.Context {
	return context.WithValue(ctx, witnessKey{}, witness)
}

// WithoutWitness keeps the calls under the context from the witness: those that are no
// part of what was asked for, such as logging in.
func WithoutWitness(ctx context.Context) context.Context { return WithWitness(ctx, nil) }

// WitnessOf returns what WithWitness set, or nil.
func WitnessOf(ctx context.Context) Witness {
	witness, _ := ctx.Value(witnessKey{}).(Witness)
	return witness
}
