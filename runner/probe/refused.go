package probe

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// An attempt is one way in which something is tried.
type attempt struct {
	what string
	try  func() error
}

// refusedAll makes each attempt. One that works is a way out. One that failed
// shows something only if it was refused: for want of a right, or of one of the
// other reasons that the probe knows to be a refusal.
func refusedAll(tries []attempt, reasons ...error) Finding {
	var last error
	for _, t := range tries {
		last = t.try()
		if f := judge(t.what, last, reasons...); f.Verdict != pass {
			return f
		}
	}
	return held("%d ways tried, each refused (%v)", len(tries), last)
}

func judge(what string, err error, reasons ...error) Finding {
	switch {
	case err == nil:
		return out("%s worked", what)
	case !refusal(err, reasons...):
		return unsure("%s was not refused, but failed: %v", what, err)
	}
	return held("%v", err)
}

// refusal says that an error is how the kernel, or a filter before it, says no.
func refusal(err error, reasons ...error) bool {
	return slices.ContainsFunc(append(reasons, unix.EPERM, unix.EACCES, unix.ENOSYS), func(e error) bool { return errors.Is(err, e) })
}

// noSuchSocket are the answers to asking for a kind of socket that is not supported.
var noSuchSocket = []error{unix.EAFNOSUPPORT, unix.ESOCKTNOSUPPORT, unix.EPROTONOSUPPORT}

// closed closes a descriptor that should not have been had.
func closed(fd int, err error) error {
	if err == nil {
		unix.Close(fd) // nothing was written
	}
	return err
}

// These kernel services are where exploits of the last years began, and nothing
// in a box needs them. Each is called with arguments that the kernel would find
// fault with: EPERM or ENOSYS says that the call was refused before.

// kernelCall is a system call with arguments that cannot be right.
type kernelCall struct {
	name string
	nr   uintptr
	args [4]uintptr
}

func refused(calls ...kernelCall) Finding {
	for _, c := range calls {
		r, _, errno := unix.Syscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], 0, 0)
		switch errno {
		case unix.EPERM, unix.ENOSYS, unix.EACCES:
		case 0:
			return out("%s worked: %d", c.name, r)
		default:
			return out("%s reached the kernel: %v", c.name, errno)
		}
	}
	return held("refused before the kernel looked")
}
