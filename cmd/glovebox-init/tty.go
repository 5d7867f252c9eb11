package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// startTTY starts a command on a terminal of its own: a new session, whose
// controlling terminal is the pair's far end. The terminal exists in the box
// alone; we hold its master as the command's output.
func (b *box) startTTY(path string, req port.Request) (*command, error) {
	master, far, err := openTTY(*req.TTY)
	if err != nil {
		return nil, fmt.Errorf("make a terminal: %w", err)
	}
	defer far.Close()
	c := &command{}
	c.out[0] = master
	fd := far.Fd()
	return c, b.launch(c, path, req, []uintptr{fd, fd, fd}, &syscall.SysProcAttr{Setsid: true, Setctty: true})
}

// openTTY makes a terminal of the box's own devpts. The caller closes both ends.
func openTTY(size port.Size) (master, far *os.File, err error) {
	// NOCTTY: PID 1 must not get a controlling terminal, its signals would follow.
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var n int
	err = control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	if err == nil {
		err = resize(master, size)
	}
	if err == nil {
		far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil {
		err = control(far, eraseRunes)
	}
	if err != nil {
		master.Close()
		if far != nil {
			far.Close()
		}
		return nil, nil, err
	}
	return master, far, nil
}

// control hands f's descriptor to use without making it block: a read of the
// master must stay one that a deadline or a close ends.
func control(f *os.File, use func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) { err = use(int(fd)) })
	if cerr != nil {
		return cerr
	}
	return err
}

// eraseRunes has the terminal's own line editing erase whole characters.
func eraseRunes(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag |= unix.IUTF8
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

func resize(master *os.File, size port.Size) error {
	return control(master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Cols})
	})
}

// feedTTY passes keys and sizes to a terminal until the stream is over. Keys
// that nobody takes any more are dropped.
func feedTTY(s *port.Stream, master *os.File) {
	for {
		fd, data, err := s.Recv()
		if err != nil {
			return
		}
		switch {
		case fd == port.Stdin:
			master.Write(data) //nolint:errcheck // the command's end says more
		case fd == port.Resize && len(data) >= 4:
			last := data[len(data)-4:]
			size := port.Size{Rows: binary.BigEndian.Uint16(last), Cols: binary.BigEndian.Uint16(last[2:])}
			resize(master, size) //nolint:errcheck // a terminal that is gone needs no size
		}
	}
}
