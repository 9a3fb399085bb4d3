package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// source is the commit that a release is built from.
type source struct {
	version string
	commit  string
	// date is that of the commit: the only time in a release.
	date time.Time
	// notes is the version's chapter of CHANGELOG.md.
	notes   string
	licence []byte
}

func readSource(ctx context.Context, dirty bool) (source, error) {
	changes, err := git(ctx, "status", "--porcelain")
	if err != nil {
		return source{}, err
	}
	if changes != "" && !dirty {
		return source{}, errors.New("there are changes that are not committed; a release is built from a commit, so commit or stash them")
	}
	described, err := git(ctx, "log", "-1", "--format=%H %ct")
	if err != nil {
		return source{}, err
	}
	commit, seconds, _ := strings.Cut(described, " ")
	stamp, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return source{}, err
	}
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return source{}, err
	}
	number, released, notes, err := newest(string(changelog))
	if err != nil {
		return source{}, err
	}
	tags, err := git(ctx, "tag", "--points-at", "HEAD")
	if err != nil {
		return source{}, err
	}
	s := source{commit: commit, date: time.Unix(stamp, 0).UTC(), notes: notes}
	if s.version, err = versionOf(number, released, strings.Fields(tags), commit, s.date); err != nil {
		return source{}, err
	}
	s.licence, err = os.ReadFile("LICENSE")
	return s, err
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := output(ctx, "git", args...)
	return strings.TrimSpace(string(out)), err
}

// output is what a program prints. If it fails, the error has its complaint.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(exit.Stderr))
	case err != nil:
		return nil, err
	}
	return out, nil
}

var chapter = regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - (.+)\n`)

// newest is the number of the newest version of a changelog, whether it is released, and
// what is said of it.
func newest(changelog string) (number string, released bool, notes string, err error) {
	found := chapter.FindAllStringSubmatchIndex(changelog, 2)
	if len(found) == 0 {
		return "", false, "", errors.New("CHANGELOG.md names no version")
	}
	end := len(changelog)
	if len(found) > 1 {
		end = found[1][0]
	}
	first := found[0]
	return changelog[first[2]:first[3]], changelog[first[4]:first[5]] != "Unreleased", strings.TrimSpace(changelog[first[1]:end]) + "\n", nil
}

// versionOf is the version of a commit: what its tag says, if that is the newest version
// of the changelog, or else one that comes before the next version, in the form that Go
// gives to commits without a tag.
func versionOf(number string, released bool, tags []string, commit string, date time.Time) (string, error) {
	tag := "v" + number
	switch tagged := slices.Contains(tags, tag); {
	case tagged && !released:
		return "", fmt.Errorf("the commit has the tag %s, but CHANGELOG.md says that %s is unreleased; write the date there, commit, and move the tag", tag, number)
	case tagged:
		return tag, nil
	}
	next := number
	if released {
		var major, minor, patch int
		_, _ = fmt.Sscanf(number, "%d.%d.%d", &major, &minor, &patch) // chapter has let nothing else through
		next = fmt.Sprintf("%d.%d.%d", major, minor, patch+1)
	}
	return fmt.Sprintf("v%s-0.%s-%.12s", next, date.Format("20060102150405"), commit), nil
}
