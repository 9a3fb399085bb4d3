// Package vaulttest runs real Vault servers with the real plugin binary, for
// tests of the secrets engine as its users meet it.
//
// A package of such tests has
//
//	func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m)) }
//
// and starts servers with [Start]: one, or several joined by raft. A [Server]
// can be stopped, killed and started again, and tells the process ids of its
// plugins, so that they can be killed too. Everything lies in the test's
// temporary directory, listens on the loopback interface only, and ends with the
// test. A server's log fails the test if it tells of a data race or a panic.
//
// The package needs a Unix: it finds and ends processes with ps and signals.
package vaulttest
