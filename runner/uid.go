package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Every box has a user ID of its own, for the kernel counts RLIMIT_NPROC by
// user: boxes that share one would share the limit.
const (
	firstUID = 20_000
	lastUID  = 59_999 // within the 65,536 of an ordinary subuid range
)

// uidLease holds a user ID by a locked file: the kernel gives it back when the
// process ends, however it ends.
type uidLease struct {
	uid  int
	file *os.File
}

// leaseUID takes the first that is free; preferred, if it is one of them and free.
func leaseUID(runtimeDir string, preferred int) (*uidLease, error) {
	dir := filepath.Join(runtimeDir, "uid")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lease a user ID: %w", err)
	}
	lease := func(uid int) (*uidLease, error) {
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(uid)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lease a user ID: %w", err)
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
			return nil, f.Close()
		}
		return &uidLease{uid: uid, file: f}, nil
	}
	if preferred >= firstUID && preferred <= lastUID {
		if l, err := lease(preferred); err != nil || l != nil {
			return l, err
		}
	}
	for uid := firstUID; uid <= lastUID; uid++ {
		if l, err := lease(uid); err != nil || l != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("lease a user ID: all %d are in use; glovebox box prune removes left-over boxes", lastUID-firstUID+1)
}

func (l *uidLease) release() { l.file.Close() }
