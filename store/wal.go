package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// What is committed last stands in the WAL beside the log until it is moved
// there. SQLite reads it up to the first byte that is not as it was written, and
// drops what comes after as if it had never been: a log without its end is as
// sound as any. So where nobody has the log open, which is when SQLite will do
// that, the WAL is looked at before, and one with commits that cannot be read is
// kept, for Check to find. Damage to the very last commit looks like one that a
// kill left half written; that it was whole, the wal-index knows, which SQLite
// writes once a commit is on disk, and makes anew when it opens the log.
// The formats: https://sqlite.org/fileformat2.html#walformat, https://sqlite.org/walformat.html

const (
	walHead  = 32
	walFrame = 24 // before each page
)

// opened are the logs that this process has open, by path: it may not touch
// their wal-index, since closing that would drop SQLite's locks on it.
var opened = struct {
	sync.Mutex
	times map[string]int
}{times: map[string]int{}}

// keepWAL copies the WAL of the log at path if commits in it cannot be read,
// unless somebody has the log open: then it was looked at when it was opened.
// Call leaveWAL after it, once the log is closed.
func keepWAL(path string) error {
	opened.Lock()
	defer opened.Unlock()
	if opened.times[path]++; opened.times[path] > 1 {
		return nil
	}
	known, used, err := readWALIndex(path + "-shm")
	if err != nil || used {
		return err
	}
	f, err := os.Open(path + "-wal")
	switch {
	case err == nil:
		defer f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return unusable("log", path+"-wal", err)
	}
	var is walRead
	if f != nil {
		if is, err = readWAL(f); err != nil {
			return unusable("log", path+"-wal", err)
		}
	}
	if !is.lacks(known) {
		return nil
	}
	if again, used, err := readWALIndex(path + "-shm"); err != nil || used || again != known {
		return err // somebody has opened it meanwhile, and looked at it before
	}
	salts := is.salts
	if is == (walRead{}) {
		salts = known.salts
	}
	return copyWAL(f, fmt.Sprintf("%s%s%x", path, keptSuffix, salts)) // once a round is enough
}

// leaveWAL says that this process has closed the log once.
func leaveWAL(path string) {
	opened.Lock()
	defer opened.Unlock()
	if opened.times[path]--; opened.times[path] == 0 {
		delete(opened.times, path)
	}
}

const keptSuffix = "-wal-damaged-"

// copyWAL keeps a WAL, nil: an empty one, unless it is kept already.
func copyWAL(f *os.File, as string) error {
	kept, err := os.OpenFile(as, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("keeping a damaged WAL: %w", err)
	}
	if f != nil {
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			_, err = io.Copy(kept, f)
		}
	}
	if err = errors.Join(err, kept.Sync(), kept.Close()); err != nil {
		return fmt.Errorf("keeping a damaged WAL: %w", errors.Join(err, os.Remove(as)))
	}
	return nil
}

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

// A walRead is what can be read of a WAL. The zero value is one without a frame.
type walRead struct {
	salts [8]byte // of its round
	good  uint32  // frames up to the first that is not as it was written
	last  uint32  // of them, up to the last commit but one
	lost  int     // commits of the same round after that
}

// lacks says whether commits are missing that were on disk once.
func (w walRead) lacks(known walIndex) bool {
	switch {
	case known.frames > 0 && w.salts == known.salts && w.last <= known.frames && known.frames <= w.good:
		return false // what follows is left of a commit that a kill left half written, and that another process wrote over
	case w.lost > 0:
		return true
	case w.salts == known.salts:
		return w.good < known.frames
	case w != (walRead{}) && int32(binary.BigEndian.Uint32(w.salts[:])-binary.BigEndian.Uint32(known.salts[:])) > 0:
		return false // a later round than that of the wal-index, of which a power cut has left an old state
	}
	return known.moved < known.frames
}

// readWAL goes through a WAL to the first frame that is not as it was written, and
// counts the commits of this round after it.
func readWAL(f io.Reader) (w walRead, err error) {
	r := bufio.NewReaderSize(f, 1<<20)
	head := make([]byte, walHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return w, unlessShort(err)
	}
	w.salts = [8]byte(head[16:])
	var order binary.ByteOrder = binary.LittleEndian
	if head[3]&1 == 1 {
		order = binary.BigEndian
	}
	sum := walSum{order: order}
	if sum.add(head[:24]); !sum.is(head[24:]) {
		w.lost = 1 // then nothing of it is read
		return w, nil
	}
	frame := make([]byte, walFrame+pageSize(head))
	commit := uint32(0)
	for good := true; ; {
		if _, err := io.ReadFull(r, frame); err != nil {
			return w, unlessShort(err)
		}
		first, second := bytes.Equal(frame[8:12], w.salts[:4]), bytes.Equal(frame[12:16], w.salts[4:])
		if good {
			sum.add(frame[:8])
			sum.add(frame[walFrame:])
			if good = first && second && sum.is(frame[16:]); good {
				if w.good++; binary.BigEndian.Uint32(frame[4:]) != 0 {
					w.last, commit = commit, w.good
				}
			}
			continue // by itself a bad one may be what a kill left half written, which nobody was told of
		}
		if (first || second) && binary.BigEndian.Uint32(frame[4:]) != 0 {
			w.lost++
		}
	}
}

// unlessShort is nil where a file has ended.
func unlessShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// A walSum is SQLite's checksum of what was added.
type walSum struct {
	order binary.ByteOrder
	sum   [2]uint32
}

func (s *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.sum[0] += s.order.Uint32(b) + s.sum[1]
		s.sum[1] += s.order.Uint32(b[4:]) + s.sum[0]
	}
}

// is compares with a checksum as a WAL has it.
func (s *walSum) is(b []byte) bool {
	return s.sum == [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// pageSize is what the head of a WAL says, or what logs are made with.
func pageSize(head []byte) int {
	if size := binary.BigEndian.Uint32(head[8:]); size >= 512 && size <= 64<<10 && size&(size-1) == 0 {
		return int(size)
	}
	return 4096
}

// A walIndex is what SQLite has noted of a WAL. The zero value says nothing.
type walIndex struct {
	salts  [8]byte
	frames uint32 // up to and including the last commit
	moved  uint32 // of them, into the database
}

// readWALIndex reads a wal-index, and says whether somebody has it open. One
// that is missing or damaged says nothing.
func readWALIndex(path string) (x walIndex, used bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return x, false, nil
	} else if err != nil {
		return x, false, unusable("log", path, err)
	}
	defer f.Close()
	const inUse = 128 // the byte on which everybody has a lock who has it open
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: inUse, Len: 1}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return x, false, unusable("log", path, err)
	}
	if lock.Type != syscall.F_UNLCK {
		return x, true, nil
	}
	const copies = 48 // bytes of each of two
	b := make([]byte, 2*copies+4)
	if _, err := io.ReadFull(f, b); err != nil {
		if err = unlessShort(err); err != nil {
			err = unusable("log", path, err)
		}
		return x, false, err
	}
	sum := walSum{order: binary.NativeEndian}
	sum.add(b[:40])
	if !bytes.Equal(b[:copies], b[copies:2*copies]) || sum.sum != [2]uint32{binary.NativeEndian.Uint32(b[40:]), binary.NativeEndian.Uint32(b[44:])} || b[12] == 0 {
		return x, false, nil
	}
	return walIndex{[8]byte(b[32:]), binary.NativeEndian.Uint32(b[16:]), binary.NativeEndian.Uint32(b[96:])}, false, nil
}
