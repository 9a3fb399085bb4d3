package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

// folder is where a release is written.
type folder struct {
	path, prefix string
	sums         strings.Builder
}

func (f *folder) write(suffix string, content []byte) error {
	f.sums.WriteString(sumOf(content) + "  " + f.prefix + suffix + "\n")
	return os.WriteFile(filepath.Join(f.path, f.prefix+suffix), content, 0o644)
}

// seal writes the sums of all that was written.
func (f *folder) seal() error {
	return os.WriteFile(filepath.Join(f.path, f.prefix+"SHA256SUMS"), []byte(f.sums.String()), 0o644)
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
