package runner

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// initBinary is the glovebox-init that goes into an image.
type initBinary struct {
	data []byte
	sum  string // SHA-256 of its layer, hex
}

// readInit reads and checks it. A dynamic one would look for its loader in an
// image that may have none, and die without a word.
func readInit(path string) (initBinary, error) {
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return initBinary{}, fmt.Errorf("finding this program: %w", err)
		}
		path = filepath.Join(filepath.Dir(self), "glovebox-init")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return initBinary{}, fmt.Errorf("%w: glovebox-init belongs next to the program, `make build` puts both into bin (%w)", ErrNotSetUp, err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return initBinary{}, fmt.Errorf("%w: %s is not a program: %w", ErrNotSetUp, path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return initBinary{}, fmt.Errorf("%w: %s is not a static binary; `make build` makes one", ErrNotSetUp, path)
		}
	}
	i := initBinary{data: data}
	layer, err := i.layer()
	if err != nil {
		return initBinary{}, err
	}
	sum := sha256.Sum256(layer)
	i.sum = hex.EncodeToString(sum[:])
	return i, nil
}

// layer is a tar of what every image needs.
func (i initBinary) layer() ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range []struct {
		name string
		mode int64
	}{{".glovebox/", 0o755}, {"work/", 0o1777}, {"data/", 0o1777}, {"tmp/", 0o1777}} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir.name, Mode: dir.mode}); err != nil {
			return nil, err
		}
	}
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(initPath, "/"), Mode: 0o555, Size: int64(len(i.data))})
	if err == nil {
		_, err = w.Write(i.data)
	}
	return buf.Bytes(), errors.Join(err, w.Close())
}
