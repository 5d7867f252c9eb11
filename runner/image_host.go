package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containers/podman/v5/pkg/bindings/images"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

// hostRef is the image that downloads nothing: this machine's own programs.
const hostRef = "host"

// hostMounts is the one exception to "no host mount": /usr, read-only, without
// set-user-ID bits, devices and what is mounted below it. /usr/local is what
// people of this machine put there themselves, so a box does not see it.
func hostMounts() []spec.Mount {
	mounts := []spec.Mount{{
		Destination: "/usr", Type: "bind", Source: "/usr", Options: []string{"bind", "ro", "nosuid", "nodev", "rprivate"},
	}}
	if info, err := os.Lstat("/usr/local"); err == nil && info.IsDir() { // else there is nothing to mount upon
		mounts = append(mounts, spec.Mount{
			Destination: "/usr/local", Type: "tmpfs", Source: "tmpfs",
			Options: []string{"ro", "nosuid", "nodev", "noexec", "size=4k", "mode=0555", "notmpcopyup"},
		})
	}
	return mounts
}

// hostFit refuses a /usr that a box cannot do with, or must not have.
func (e *Engine) hostFit() error {
	if e.info.Source != ownChild && !strings.HasPrefix(e.uri, "unix://") {
		return fmt.Errorf("the Podman service is not on this machine: %s", e.uri)
	}
	if target, err := os.Readlink("/bin"); err != nil || !belowUsr(target) {
		return errors.New("this machine keeps programs outside of /usr (/bin is no link into it): use the image auto")
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], "/usr/") {
			return fmt.Errorf("something is mounted on %s, which a box would have to see too: use the image auto", f[4])
		}
	}
	return noSockets("/usr")
}

// noSockets looks for sockets and pipes: a read-only mount keeps nobody from
// talking to who listens there.
func noSockets(usr string) error {
	return filepath.WalkDir(usr, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == filepath.Join(usr, "local"):
			return fs.SkipDir
		case errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist):
			return nil // closed to the box too, or gone meanwhile
		case err != nil:
			return err
		case d.Type()&(fs.ModeSocket|fs.ModeNamedPipe) != 0:
			return fmt.Errorf("%s is a socket or a pipe, a way out of the box: remove it, or use the image auto", path)
		}
		return nil
	})
}

func belowUsr(target string) bool {
	return strings.HasPrefix(filepath.Clean("/"+target), "/usr/") && !strings.HasPrefix(filepath.Clean("/"+target), "/usr/local/")
}

// hostBase is an image with nothing of its own but the links into /usr that
// programs are found by. Its name says what is in it, so it is made once.
func (e *Engine) hostBase(ctx context.Context) (baseImage, error) {
	if err := e.hostFit(); err != nil {
		return baseImage{}, err
	}
	root, err := hostRoot()
	if err != nil {
		return baseImage{}, err
	}
	sum := sha256.Sum256(root)
	name := autoRepo + ":host-" + hex.EncodeToString(sum[:4])
	if b, ok, err := e.local(ctx, name); err != nil || ok {
		return b, err
	}
	if _, err := images.Import(e.with(ctx), bytes.NewReader(root), importOptions(name)); err != nil {
		return baseImage{}, err
	}
	b, ok, err := e.local(ctx, name)
	if err == nil && !ok {
		err = errors.New("it was made but is not there")
	}
	return b, err
}

// hostRoot is that image as a tar: always the same one for the same links. Of
// the host's /etc it has the names of alternatives (awk is mawk), if they
// lead back into /usr, and no file.
func hostRoot() ([]byte, error) {
	links := map[string]string{}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		if target, err := os.Readlink("/" + name); err == nil && belowUsr(target) {
			links[name] = strings.TrimPrefix(filepath.Clean("/"+target), "/")
		}
	}
	for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
		list, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			alternative, err := os.Readlink(filepath.Join(dir, d.Name()))
			if err != nil || filepath.Dir(alternative) != "/etc/alternatives" {
				continue
			}
			if target, err := os.Readlink(alternative); err == nil && filepath.IsAbs(target) && belowUsr(target) {
				links[alternative[1:]] = filepath.Clean(target)
			}
		}
	}
	var entries []tar.Header
	for _, dir := range []string{"dev/", "etc/", "etc/alternatives/", "proc/", "run/", "sys/", "usr/", "var/"} {
		entries = append(entries, tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755})
	}
	for name, target := range links {
		entries = append(entries, tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
	}
	files := map[string]string{
		"etc/passwd":        "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
		"etc/group":         "root:x:0:\nnogroup:x:65534:\n",
		"etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
		"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
	}
	for name, text := range files {
		entries = append(entries, tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))})
	}
	slices.SortFunc(entries, func(a, b tar.Header) int { return strings.Compare(a.Name, b.Name) })
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(files[h.Name])); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), w.Close()
}
