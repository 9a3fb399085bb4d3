// Package acceptance tests the secrets engine as its users meet it: a real Vault
// server runs the real plugin binary, and simulated exchanges take the place of
// real ones. It has no code of its own; package vaulttest runs the servers.
package acceptance
