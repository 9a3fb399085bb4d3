package vaulttest

import "syscall"

// noOrphan lets the system end a process in good order when the tests are killed.
func noOrphan() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
