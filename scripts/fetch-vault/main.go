// Command fetch-vault downloads the official release of Vault for this machine, checks
// it against a SHA-256 sum that is known beforehand, and unpacks it. It needs neither
// curl nor unzip. Whoever calls it has another way to get a Vault: it gives up soon
// where the network does not let it through.
package main

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// patience is how long the download may take, as a whole and in its parts.
type patience struct {
	connect time.Duration // until the site, or the proxy on the way to it, is reached
	answer  time.Duration // until the site has answered
	stall   time.Duration // with no byte coming
	whole   time.Duration
}

// usual gives up on a site that cannot be reached within seconds, and on a line so
// slow that a build would be faster.
var usual = patience{connect: 4 * time.Second, answer: 10 * time.Second, stall: 20 * time.Second, whole: 10 * time.Minute}

func main() {
	from := flag.String("from", "https://releases.hashicorp.com/vault", "the `address` of the releases: below it are a folder for each version and the archives in it")
	sums := flag.String("sums", "", "the `file` of the archives' SHA-256 sums")
	to := flag.String("to", "", "the `file` to write Vault to")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, *from, *sums, *to, usual); err != nil {
		fmt.Fprintf(os.Stderr, "Vault could not be fetched: %s.\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, from, sums, to string, patience patience) error {
	file, err := os.Open(sums)
	if err != nil {
		return err
	}
	defer file.Close()
	a, err := findArchive(file, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return fmt.Errorf("%s %w", sums, err)
	}
	address := strings.TrimSuffix(from, "/") + "/" + a.version + "/" + a.name
	fmt.Printf("Fetching Vault %s from %s, and checking it against the sum in %s.\n", a.version, address, sums)
	zipped, err := os.CreateTemp(filepath.Dir(to), ".vault-zip-")
	if err != nil {
		return err
	}
	defer os.Remove(zipped.Name())
	defer zipped.Close()
	sum, err := download(ctx, address, zipped, patience)
	if err != nil {
		return err
	}
	if sum != a.sum {
		return fmt.Errorf("the SHA-256 sum of what came is %s and not %s, so it was thrown away", sum, a.sum)
	}
	return unpack(zipped.Name(), to)
}

// archive is a release's archive for one kind of machine.
type archive struct{ name, version, sum string }

// findArchive finds the one for a kind of machine in a list of sums, as sha256sum writes
// them.
func findArchive(sums io.Reader, system, processor string) (archive, error) {
	lines := bufio.NewScanner(sums)
	for lines.Scan() {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		version, product := strings.CutPrefix(name, "vault_")
		version, machine := strings.CutSuffix(version, "_"+system+"_"+processor+".zip")
		if product && machine {
			return archive{name, version, sum}, nil
		}
	}
	return archive{}, errors.Join(lines.Err(), fmt.Errorf("has no release for %s/%s", system, processor))
}

// errStalled is why a download ends that gets no further.
var errStalled = errors.New("nothing more came")

// download writes what is at the address to the file, and returns its SHA-256 sum.
func download(ctx context.Context, address string, to io.Writer, patience patience) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience.whole, fmt.Errorf("it took longer than %s", patience.whole))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: patience.connect}).DialContext,
		TLSHandshakeTimeout:   patience.answer,
		ResponseHeaderTimeout: patience.answer,
		ForceAttemptHTTP2:     true,
		DisableKeepAlives:     true,
	}}
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		// The address has been said.
		if failure, ok := errors.AsType[*url.Error](err); ok {
			err = failure.Err
		}
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", request.URL.Host, response.Status)
	}
	stalled := time.AfterFunc(patience.stall, func() { stop(errStalled) })
	defer stalled.Stop()
	hash := sha256.New()
	report := newProgress(response.ContentLength)
	_, err = io.Copy(io.MultiWriter(to, hash), watched{response.Body, func(n int) {
		stalled.Reset(patience.stall)
		report.add(n)
	}})
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%w; %d bytes had come", context.Cause(ctx), report.done)
	case err != nil:
		return "", fmt.Errorf("the download ended after %d of %d bytes: %w", report.done, response.ContentLength, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// watched is a reader that says how many bytes have come.
type watched struct {
	io.Reader
	came func(n int)
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.came(n)
	return n, err
}

// progress tells every 15 seconds how far a download is.
type progress struct {
	done, whole int64 // bytes; whole is -1 if it is not known
	next        time.Time
}

func newProgress(whole int64) *progress {
	return &progress{whole: whole, next: time.Now().Add(15 * time.Second)}
}

func (p *progress) add(n int) {
	p.done += int64(n)
	if now := time.Now(); now.After(p.next) {
		fmt.Printf("  %d of %d MB\n", p.done>>20, p.whole>>20)
		p.next = now.Add(15 * time.Second)
	}
}

// unpack writes the program in the archive to a file. The archive holds Vault and its
// licence.
func unpack(zipped, to string) (err error) {
	files, err := zip.OpenReader(zipped)
	if err != nil {
		return fmt.Errorf("what came is no zip archive: %w", err)
	}
	defer files.Close()
	program, err := files.Open("vault")
	if err != nil {
		return fmt.Errorf("the archive holds no vault: %w", err)
	}
	defer program.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, program)
	return errors.Join(err, file.Close())
}
