// Package acceptance tests the secrets engine as its users meet it: a real Vault
// server runs the real plugin binary, and simulated exchanges take the place of
// real ones. It has no code of its own; package vaulttest runs the servers. One test
// gives the keys to clients that people use: see scripts/clients.
package acceptance
