package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What is committed last stands in the WAL beside the log until it is moved
// there. SQLite reads it up to the first byte that is not as it was written, and
// drops what comes after as if it had never been: a log without its end is as
// sound as any. So the WAL is looked at before SQLite does, and one with commits
// that cannot be read is kept, for Check to find.
// The format: https://sqlite.org/fileformat2.html#walformat

const (
	walHead  = 32
	walFrame = 24       // before each page
	walMost  = 64 << 20 // a larger one is not looked at: it would take a second
)

// keepWAL copies the WAL of the log at path if commits in it cannot be read.
func keepWAL(path string) error {
	data, lost, err := lostCommits(path + "-wal")
	if err != nil || lost == 0 {
		return err
	}
	kept := fmt.Sprintf("%s%s%x", path, keptSuffix, data[16:24]) // its salts: once a round is enough
	if _, err := os.Stat(kept); err == nil {
		return nil
	}
	if err := os.WriteFile(kept, data, 0o600); err != nil {
		return fmt.Errorf("keeping a damaged WAL: %w", err)
	}
	return nil
}

const keptSuffix = "-wal-damaged-"

// keptWAL is the name of a WAL that was kept, "": there is none.
func (s *Store) keptWAL() (string, error) {
	files, err := os.ReadDir(filepath.Dir(s.path))
	for _, f := range files {
		if strings.HasPrefix(f.Name(), filepath.Base(s.path)+keptSuffix) {
			return filepath.Join(filepath.Dir(s.path), f.Name()), nil
		}
	}
	return "", err
}

// lostCommits reads a WAL, and says how many commits in it SQLite will not read.
func lostCommits(path string) (data []byte, lost int, err error) {
	f, err := os.Open(path) // closing it drops no lock: SQLite's are on other files
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, unusable("log", path, err)
	}
	defer f.Close()
	for range 10 { // somebody may be writing it
		data, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, 0, walMost+1), walMost+1))
		if err != nil {
			return nil, 0, unusable("log", path, err)
		}
		if len(data) > walMost {
			return nil, 0, nil
		}
		bad, lost := readWAL(data)
		if lost == 0 {
			return nil, 0, nil
		}
		// Frames are written in order: what was bad because it was being written
		// is good, or of another round, once what comes after it is there.
		again := make([]byte, min(len(data), bad+walFrame+pageSize(data)))
		if n, err := f.ReadAt(again, 0); err == nil && n == len(again) && bytes.Equal(again, data[:n]) {
			return data, lost, nil
		}
	}
	return nil, 0, nil
}

// readWAL goes through a WAL to the first frame that is not as it was written, and
// counts the commits of this round after it.
func readWAL(data []byte) (bad, lost int) {
	if len(data) < walHead+walFrame {
		return 0, 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[3]&1 == 1 {
		order = binary.BigEndian
	}
	var sum [2]uint32
	add := func(b []byte) {
		for ; len(b) >= 8; b = b[8:] {
			sum[0] += order.Uint32(b) + sum[1]
			sum[1] += order.Uint32(b[4:]) + sum[0]
		}
	}
	is := func(b []byte) bool {
		return sum == [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
	}
	size := pageSize(data)
	if add(data[:24]); !is(data[24:]) {
		return 0, 1 // then nothing of it is read
	}
	good := true
	for at := walHead; at+walFrame+size <= len(data); at += walFrame + size {
		frame := data[at : at+walFrame]
		first, second := bytes.Equal(frame[8:12], data[16:20]), bytes.Equal(frame[12:16], data[20:24])
		if good {
			add(frame[:8])
			add(data[at+walFrame : at+walFrame+size])
			if good = first && second && is(frame[16:]); good {
				continue
			}
			bad = at // by itself it may be one that a kill left half written, which nobody was told of
			continue
		}
		if (first || second) && binary.BigEndian.Uint32(frame[4:]) != 0 {
			lost++
		}
	}
	return bad, lost
}

// pageSize is what the head of a WAL says, or what logs are made with.
func pageSize(data []byte) int {
	if size := binary.BigEndian.Uint32(data[8:]); size >= 512 && size <= 64<<10 && size&(size-1) == 0 {
		return int(size)
	}
	return 4096
}
