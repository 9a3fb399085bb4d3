//go:build !linux

package vaulttest

import "syscall"

// noOrphan does nothing: only Linux can end a process when the tests are killed.
func noOrphan() *syscall.SysProcAttr { return nil }
