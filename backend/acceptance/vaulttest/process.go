package vaulttest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// process is a running program with what it has started.
type process struct {
	pid    int
	exited chan struct{}
}

// startProcess runs a program in a directory, with more in its environment than the
// tests have, and its output at the end of a file there. When the context ends, it is
// killed.
func startProcess(ctx context.Context, directory, output string, environment []string, program string, arguments ...string) (*process, error) {
	file, err := os.OpenFile(output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Dir = directory
	// What the developer has set for a Vault of their own is not for this one.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "VAULT_") || strings.HasPrefix(v, "EXCHANGE_")
	}), environment...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = noOrphan()
	cmd.Cancel = func() error { return kill(cmd.Process.Pid) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{pid: cmd.Process.Pid, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // whoever waits for the end knows how it came about
	}()
	return p, nil
}

// running reports whether the program has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends a process and its children at once, as the loss of their host does.
func kill(pid int) error {
	started, err := children(pid)
	failures := []error{err, signal(pid, syscall.SIGKILL)}
	for _, child := range started {
		failures = append(failures, signal(child, syscall.SIGKILL))
	}
	return errors.Join(failures...)
}

// signal sends a signal to a process, which may have ended already.
func signal(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	return nil
}

// children lists the processes that a process has started.
func children(parent int) ([]int, error) {
	listing, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var found []int
	for lines := bufio.NewScanner(bytes.NewReader(listing)); lines.Scan(); {
		var pid, ppid int
		if _, err := fmt.Sscan(lines.Text(), &pid, &ppid); err == nil && ppid == parent {
			found = append(found, pid)
		}
	}
	return found, nil
}
