package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// drainGrace is how long output may still trickle in from processes that left
// the command's group but kept its pipes.
const drainGrace = 200 * time.Millisecond

// exec runs one command and returns when it, its group and its pipes are done.
func (b *box) exec(s *port.Stream, req port.Request) port.Reply {
	c, err := b.start(req)
	if err != nil {
		return port.Reply{Error: err.Error(), NotFound: errors.Is(err, fs.ErrNotExist)}
	}
	switch {
	case req.TTY != nil:
		go feedTTY(s, c.out[0])
	case c.stdin != nil:
		go feed(s, c.stdin)
	}
	go func() { // ends with the stream
		for sig := s.Signaled(); sig != 0; sig = s.Signaled() {
			killTree(c.pid, syscall.Signal(sig))
		}
	}()
	var timedOut bool
	if req.TimeoutMS > 0 {
		t := time.AfterFunc(time.Duration(req.TimeoutMS)*time.Millisecond, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if timedOut = !c.exited; timedOut {
				killTree(c.pid, unix.SIGKILL)
			}
		})
		defer t.Stop()
	}
	meter := &outputMeter{max: req.MaxOutput, end: func() { killTree(c.pid, unix.SIGKILL) }}
	drained := c.drain(s, meter)
	ws := <-c.done
	c.mu.Lock()
	c.exited = true
	late := timedOut
	c.mu.Unlock()

	r := port.Reply{TimedOut: late, Killed: c.cleanUp(drained)}
	r.OverMem, r.OverPids, r.OverNames, r.OverOutput = c.overMem.Load() || b.procs.starved(c.proc, ws), c.overPids.Load(), c.overNames.Load(), meter.over.Load()
	if ws.Signaled() {
		r.Signal = int(ws.Signal())
	} else {
		code := ws.ExitStatus()
		r.Exit = &code
	}
	return r
}

// command is a running process and our ends of its pipes.
type command struct {
	*proc
	mu     sync.Mutex
	exited bool
	stdin  *os.File    // nil: none
	out    [2]*os.File // with a terminal: its master, and none
}

func (b *box) start(req port.Request) (*command, error) {
	path, err := lookPath(req.Argv, req.Env)
	if err != nil {
		return nil, err
	}
	if req.TTY != nil {
		return b.startTTY(path, req)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	c := &command{}
	theirs := []*os.File{null}
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	files := []uintptr{null.Fd(), 0, 0}
	if req.Stdin {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		theirs, files[0], c.stdin = append(theirs, r), r.Fd(), w
	}
	for i := range c.out {
		r, w, err := os.Pipe()
		if err != nil {
			c.close()
			return nil, err
		}
		theirs, files[i+1], c.out[i] = append(theirs, w), w.Fd(), r
	}
	return c, b.launch(c, path, req, files, &syscall.SysProcAttr{Setsid: true})
}

// launch starts the process of c, or closes our ends of its files.
func (b *box) launch(c *command, path string, req port.Request, files []uintptr, sys *syscall.SysProcAttr) (err error) {
	dir := req.Dir
	if dir == "" {
		dir = "/work"
	}
	// A box overfilled before the limit took hold of a command leaves no room
	// for another until the watchdog has been there.
	for began := time.Now(); ; time.Sleep(watchEvery) {
		c.proc, err = b.procs.start(path, req.Argv, &syscall.ProcAttr{Dir: dir, Env: req.Env, Files: files, Sys: sys})
		if !errors.Is(err, syscall.EAGAIN) || time.Since(began) > 2*fullFor {
			break
		}
	}
	if err != nil {
		c.close()
		return &os.PathError{Op: "start", Path: path + " in " + dir, Err: err}
	}
	return nil
}

func (c *command) close() {
	for _, f := range []*os.File{c.stdin, c.out[0], c.out[1]} {
		if f != nil {
			f.Close()
		}
	}
}

// drain copies both outputs to the stream, as far as the meter lets it; the
// channel closes at their end.
func (c *command) drain(s *port.Stream, meter *outputMeter) <-chan struct{} {
	var wg sync.WaitGroup
	for i, f := range c.out {
		wg.Go(func() {
			buf := make([]byte, 64<<10)
			for {
				n, err := f.Read(buf)
				if pass := meter.take(n); pass > 0 && s.Send(port.Stdout+byte(i), buf[:pass]) != nil {
					io.Copy(io.Discard, f) //nolint:errcheck // let the command run on
					return
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					lastWords(s, port.Stdout+byte(i), f, buf)
					return
				}
				if err != nil {
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	return done
}

// cleanUp ends what the command left behind: its group at once, and after a
// grace whoever still holds its pipes. It returns how many processes that were.
func (c *command) cleanUp(drained <-chan struct{}) int {
	defer c.close()
	killed := 0
	if unix.Kill(-c.pid, 0) == nil {
		killed += len(members(c.pid))
		unix.Kill(-c.pid, unix.SIGKILL) //nolint:errcheck // gone is what we want
	}
	select {
	case <-drained:
		return killed
	case <-time.After(drainGrace):
	}
	for _, pid := range holders(c.out[0], c.out[1]) {
		if unix.Kill(pid, unix.SIGKILL) == nil {
			killed++
		}
	}
	// A read that would wait for a hidden holder is given up; what is in the
	// pipe still goes to the host.
	for _, f := range c.out {
		f.SetReadDeadline(time.Now().Add(drainGrace)) //nolint:errcheck // a closed pipe is drained
	}
	<-drained
	return killed
}

// lastWords sends what a pipe still holds, without waiting for more.
func lastWords(s *port.Stream, fd byte, f *os.File, buf []byte) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for range 1 << 20 / len(buf) { // a pipe's largest size: a hidden writer cannot keep us
		n := 0
		raw.Control(func(p uintptr) { n, _ = unix.Read(int(p), buf) }) //nolint:errcheck // nothing read is the end
		if n <= 0 || s.Send(fd, buf[:n]) != nil {
			return
		}
	}
}

// feed passes the stream's data to a command's standard input.
func feed(s *port.Stream, w *os.File) {
	open := true
	for {
		_, data, err := s.Recv()
		if err != nil {
			break
		}
		if !open {
			continue
		}
		if len(data) > 0 {
			_, err = w.Write(data)
		}
		if len(data) == 0 || err != nil {
			w.Close()
			open = false
		}
	}
	w.Close()
}

// lookPath finds the program as a shell would, by the command's own PATH.
func lookPath(argv, env []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", errors.New("no program given")
	}
	name := argv[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, kv := range env {
		dirs, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, ":") {
			p := filepath.Join(dir, name)
			if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
				return p, nil
			}
		}
	}
	return "", &os.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
}
