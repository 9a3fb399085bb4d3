package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts a process's time.
const tick = 10 * time.Millisecond

// cpuOf is how much time a server and the plugins that it has started have had of the
// processor, as far as the system tells (Linux does). Unlike the rate it hardly depends
// on what else the machine does.
func cpuOf(server int) time.Duration {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	var total time.Duration
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // The process has ended.
		}
		id, parent, used, err := parseStat(string(text))
		if err == nil && (id == server || parent == server) {
			total += used
		}
	}
	return total
}

// parseStat reads the id of a process, that of its parent, and its time.
func parseStat(text string) (id, parent int, used time.Duration, err error) {
	// The name, in brackets, may hold anything.
	end := strings.LastIndexByte(text, ')')
	head, _, _ := strings.Cut(text, " ")
	fields := strings.Fields(text[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, 0, 0, fmt.Errorf("%.100q is not what /proc tells of a process", text)
	}
	numbers := make([]int, 4)
	for i, field := range []string{head, fields[1], fields[11], fields[12]} {
		if numbers[i], err = strconv.Atoi(field); err != nil {
			return 0, 0, 0, err
		}
	}
	return numbers[0], numbers[1], time.Duration(numbers[2]+numbers[3]) * tick, nil
}
