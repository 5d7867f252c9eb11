package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// accountName is the unprivileged account that Podman runs under when the
// program itself is root. Setup makes it.
const accountName = "glovebox"

// account is who runs Podman, and where.
type account struct {
	name       string
	uid, gid   int
	home       string
	runtimeDir string // its XDG_RUNTIME_DIR; "" where an ordinary user has none
	drop       bool   // we are root and must take its credentials
}

// podmanAccount is this user, or, for root, the account made by setup.
func podmanAccount() (account, error) {
	if os.Geteuid() == 0 {
		u, err := user.Lookup(accountName)
		if err != nil {
			return account{}, fmt.Errorf("%w: there is no account %q to run Podman under, and as root it is never run; `glovebox setup` makes it",
				ErrNotSetUp, accountName)
		}
		a, err := accountOf(u)
		a.runtimeDir, a.drop = "/run/user/"+u.Uid, true
		if err == nil && a.uid == 0 {
			err = fmt.Errorf("%w: the account %q has uid 0", ErrRootful, accountName)
		}
		return a, err
	}
	u, err := user.Current()
	if err != nil {
		return account{}, fmt.Errorf("uid %d has no account here, and rootless Podman needs one, with a home and subordinate ids: %w", os.Getuid(), err)
	}
	a, err := accountOf(u)
	a.runtimeDir = os.Getenv("XDG_RUNTIME_DIR")
	if a.runtimeDir == "" {
		if _, statErr := os.Stat("/run/user/" + u.Uid); statErr == nil {
			a.runtimeDir = "/run/user/" + u.Uid
		}
	}
	return a, err
}

func accountOf(u *user.User) (account, error) {
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("reading the ids of account %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid, home: u.HomeDir}, nil
}

// socketDir is where the sockets of own services live. As root it is a
// directory that the account can pass through but not change.
func (a account) socketDir(runtimeDir string) string {
	switch {
	case a.drop:
		return "/run/glovebox"
	case runtimeDir != "":
		return runtimeDir
	case a.runtimeDir != "":
		return filepath.Join(a.runtimeDir, "glovebox")
	default:
		return filepath.Join(os.TempDir(), "glovebox-"+strconv.Itoa(a.uid))
	}
}

// ready makes the directories that a reboot takes away: without a login
// session, nobody else makes them for the account.
func (a account) ready(socketDir string) error {
	mode := os.FileMode(0o700)
	if a.drop {
		mode = 0o711
		if err := ownDir(a.runtimeDir, 0o700, a.uid, a.gid); err != nil {
			return err
		}
	}
	return ownDir(socketDir, mode, os.Geteuid(), os.Getegid())
}

// ownDir makes a directory, or checks that the one there is nobody else's.
func ownDir(path string, mode os.FileMode, uid, gid int) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making %s: %w", filepath.Dir(path), err)
	}
	if err := os.Mkdir(path, mode); err == nil {
		if err := errors.Join(os.Chmod(path, mode), os.Lchown(path, uid, gid)); err != nil {
			return fmt.Errorf("making %s: %w", path, err)
		}
		return nil
	} else if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", path, err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != uid {
		return fmt.Errorf("%s is not a directory of uid %d: remove it, or give it to that user", path, uid)
	}
	if info.Mode().Perm() != mode {
		return os.Chmod(path, mode)
	}
	return nil
}

// command prepares a program to run under the account, in its home, with
// nothing of our environment but where it is.
func (a account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = a.home
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	cmd.Env = []string{"HOME=" + a.home, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if a.runtimeDir != "" {
		cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+a.runtimeDir)
	}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: []uint32{}}
		return cmd
	}
	cmd.Env[1] = "PATH=" + os.Getenv("PATH")
	// A user's own Podman must find its store and its systemd session again.
	for _, k := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS"} {
		if v := os.Getenv(k); v != "" {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	return cmd
}

// forget removes a file of Podman's runtime directory. Without libpod/tmp/alive
// Podman thinks that the machine has been started anew: no container runs.
func (a account) forget(file string) error {
	dir, err := os.OpenRoot(a.runtimeDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// flock locks a file of ours, made when missing, with LOCK_SH or LOCK_EX. It
// calls waiting once if it is held by others. The kernel gives the lock back
// however its holder ends.
func flock(ctx context.Context, path string, how int, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for waited := false; ; waited = true {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if !waited {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for another glovebox to let go of %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}
