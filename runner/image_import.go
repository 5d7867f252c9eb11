package runner

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/distribution/reference"
	"github.com/klauspost/compress/zstd"
)

// What a root file system may be that somebody hands us.
const (
	maxRootBytes   = 16 << 30  // unpacked, holes counted too
	maxRootEntries = 2_000_000 // files, directories, links
	maxWindow      = 128 << 20 // memory that unpacking may take, bytes
)

// labelImageMade marks base images that came about here. Nobody else misses them.
const labelImageMade = "glovebox.made"

func importOptions(name string) *images.ImportOptions {
	return new(images.ImportOptions).WithReference(name).WithChanges([]string{"LABEL " + labelImageMade + "=here"})
}

// ImportName is the reference that an imported image gets: localhost/ in
// front, so that no registry is ever asked for it.
func ImportName(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", fmt.Errorf("%q cannot be the name of an image: %w", name, err)
	}
	if _, digested := named.(reference.Digested); digested {
		return "", fmt.Errorf("%q cannot be the name of an image: its digest is what it will turn out to be", name)
	}
	rest := strings.TrimPrefix(reference.FamiliarString(reference.TagNameOnly(named)), "localhost/")
	if domain := reference.Domain(named); domain != "localhost" && domain != "docker.io" {
		return "", fmt.Errorf("%q is the name of an image of %s: choose one without a host", name, domain)
	}
	if base, _, _ := strings.Cut(rest, ":"); base == autoRef || base == hostRef || strings.HasPrefix(base, "glovebox/") {
		return "", fmt.Errorf("%q is a name that glovebox uses itself: choose another", name)
	}
	return "localhost/" + rest, nil
}

// ImportImage makes the root file system in the tar r, plain or packed with
// gzip, zstd, xz or bzip2, the image name (see ImportName), and prepares it. r
// is taken for hostile: it is read in bounded memory and only passed on; Podman
// unpacks it, as the account, in its user namespace. Errors wrap ErrNoImage,
// and then nothing is left.
func (e *Engine) ImportImage(ctx context.Context, name string, r io.Reader, progress func(Progress)) (Image, error) {
	ref, err := ImportName(name)
	if err != nil {
		return Image{}, err
	}
	return e.prepare(ctx, ref, func(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
		if err := e.importRoot(ctx, ref, r, progress); err != nil {
			return baseImage{}, err
		}
		b, ok, err := e.local(ctx, ref)
		if err == nil && !ok {
			err = errors.New("it was imported but is not there")
		}
		return b, err
	}, progress)
}

// importRoot passes r on to Podman while it looks at it. What Podman gets is
// broken off before its end if there is anything wrong, and it keeps none of it.
func (e *Engine) importRoot(ctx context.Context, ref string, r io.Reader, progress func(Progress)) error {
	plain, end, err := e.unpacked(ctx, r)
	if err != nil {
		return err
	}
	defer end() //nolint:errcheck // where it matters it is asked below
	tarR, tarW := io.Pipe()
	imported := make(chan error, 1)
	go func() {
		_, err := images.Import(e.with(ctx), tarR, importOptions(ref))
		tarR.CloseWithError(errPodmanFull)
		imported <- err
	}()
	checkErr := checkRoot(io.TeeReader(plain, tarW), progress)
	if checkErr == nil {
		checkErr = end() // what unpacked it may have found its checksum wrong
	}
	tarW.CloseWithError(checkErr) // nil is the end of the tar
	importErr := <-imported
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case checkErr != nil && !errors.Is(checkErr, errPodmanFull):
		return checkErr
	}
	return importErr
}

// errPodmanFull: Podman took no more, and says itself why.
var errPodmanFull = errors.New("podman takes no more")

// unpacked is r without its compression. end says whether all went well; it may
// be called twice.
func (e *Engine) unpacked(ctx context.Context, r io.Reader) (plain io.Reader, end func() error, err error) {
	in := bufio.NewReader(r)
	magic, err := in.Peek(6)
	if len(magic) == 0 {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return nil, nil, err
	}
	end, err = func() error { return nil }, nil // a file shorter than magic is no tar, which its reader says
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(in)
	case bytes.HasPrefix(magic, []byte("BZh")):
		plain = bzip2.NewReader(in)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, zerr := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if zerr != nil {
			return nil, nil, zerr
		}
		plain, end = z, func() error { z.Close(); return nil }
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		return e.unxz(ctx, in)
	default:
		plain = in
	}
	return plain, end, err
}

// unxz has xz do it, as the account: it is the one that keeps to a bound on its
// memory, whatever the file asks for.
func (e *Engine) unxz(ctx context.Context, r io.Reader) (plain io.Reader, end func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := e.acct.command(ctx, "xz", "--decompress", "--stdout", fmt.Sprintf("--memlimit-decompress=%d", maxWindow))
	said := &tail{}
	cmd.Stdin, cmd.Stderr, cmd.WaitDelay = r, said, time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("it is packed with xz, and unpacking needs that program (package xz-utils, or xz): %w", err)
	}
	ended, result := false, error(nil)
	return out, func() error {
		if !ended {
			ended = true
			if _, err := io.CopyN(io.Discard, out, 1); errors.Is(err, io.EOF) {
				if result = cmd.Wait(); result != nil {
					result = fmt.Errorf("unpacking with xz: %w: %s", result, said)
				}
			} else {
				cancel()
				cmd.Wait() //nolint:errcheck // we ended it
			}
			cancel()
		}
		return result
	}, nil
}

// checkRoot reads a tar to its end and says what is wrong with it.
func checkRoot(r io.Reader, progress func(Progress)) error {
	counted := &counter{r: r}
	t := tar.NewReader(counted)
	var unpacked, said int64
	saved, system := false, false // an image as `podman save` writes it; a root file system
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		switch {
		case errors.Is(err, io.EOF) && counted.n > 0:
			return errors.New("the archive holds no files")
		case errors.Is(err, errPodmanFull) || errors.Is(err, errTooLarge):
			return err
		case err != nil && n == 0:
			return fmt.Errorf("the file is no tar archive, nor one packed with gzip, zstd, xz or bzip2 (%w)", err)
		case err != nil:
			return fmt.Errorf("the archive is broken after %d files: %w", n, err)
		case n >= maxRootEntries:
			return fmt.Errorf("the archive holds more than %d files", maxRootEntries)
		}
		// A hole takes no room in the archive, but may once it is unpacked.
		if unpacked += max(h.Size, 0); h.Size > maxRootBytes || unpacked > maxRootBytes {
			return errTooLarge
		}
		top, _, below := strings.Cut(strings.TrimPrefix(path.Clean("/"+h.Name), "/"), "/")
		switch top {
		case "manifest.json", "oci-layout", "index.json":
			saved = saved || !below
		case "bin", "usr", "etc", "nix":
			system = true
		}
		if counted.n-said > 16<<20 {
			said = counted.n
			progress(Progress{Step: fmt.Sprintf("importing: %d MB", said>>20)})
		}
	}
	if saved && !system {
		return errors.New("this is a saved image, not a root file system: `podman export` of a container writes one, `podman save` does not")
	}
	_, err := io.Copy(io.Discard, counted) // the archive's padding, and the packing's checksum
	return err
}

var errTooLarge = fmt.Errorf("unpacked it has more than %d GiB", maxRootBytes>>30)

// counter counts what is read, up to what a root file system may have.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > maxRootBytes {
		return n, errTooLarge
	}
	return n, err
}
