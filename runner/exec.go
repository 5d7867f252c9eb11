package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sync/atomic"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// killGrace is how long init may take to report a killed command before the box
// counts as lost, from when we last were behind with what it says: until then it
// is not init who takes the time. It may say lastWords, in bytes, within another
// such while: a command's pipes and a window hold less.
const (
	killGrace = 10 * time.Second
	lastWords = 4 << 20
)

// Command is one process to run in a box.
type Command struct {
	Argv    []string
	Env     []string      // added to the box's own, "K=V"
	Dir     string        // "" is /work
	Stdin   io.Reader     // a read that blocks outlives Exec: what is not read then is lost
	Timeout time.Duration // 0: none
	// Keep bounds what Result holds of each output, in bytes: the first and
	// the last half are kept. 0: DefaultKeep.
	Keep int
	// Output, if not nil, gets everything as it arrives, uncut, one call at a time.
	Output func(stderr bool, chunk []byte)
	// MaxOutput is how many bytes it may say on both outputs before it is
	// killed. 0: DefaultMaxOutput; negative: no limit.
	MaxOutput int64
}

// DefaultMaxOutput is how much a command may say, in bytes.
const DefaultMaxOutput = 64 << 20

// The commands of one box may say talkFreely bytes at full speed, and together
// no more than talkRate a second after them: each byte passes four processes,
// and a box that never stopped took its neighbour's commands from 1.0 to 2.1 ms
// on two processors. At this rate it is 1.3.
const (
	talkRate   = 80e6
	talkFreely = 8 << 20
)

// DefaultKeep is how much of each output a Result holds, in bytes.
const DefaultKeep = 32 << 10

// Result is how a command ended.
type Result struct {
	Exit       *int   // nil when a signal ended it
	Signal     string // "SIGKILL", …
	TimedOut   bool   // Timeout killed it
	OverMem    bool   // the memory watchdog killed it, or a part of it
	OverPids   bool   // the watchdog killed it: it kept the box full of processes
	OverNames  bool   // the watchdog killed it: it filled a place with too many files
	OverOutput bool   // killed at MaxOutput, what came before is there
	Killed     int    // background processes it left, which were ended with it
	Stdout     []byte
	Stderr     []byte
	StdoutCut  int64 // bytes left out of the middle
	StderrCut  int64
	Duration   time.Duration
}

// environment is all that a command of a box starts with.
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/work", "USER=agent", "LANG=C.UTF-8", "TMPDIR=/tmp", "TERM=dumb",
}

// Exec runs a command and waits for it and its process group. A command that
// fails is a Result. When ctx ends, the group is killed, and what is known is
// returned with ctx's error. An error wrapping fs.ErrNotExist means that there
// is no such program, one wrapping ErrBoxLost that the box is gone.
func (b *Box) Exec(ctx context.Context, cmd Command) (Result, error) {
	keep := cmd.Keep
	if keep == 0 {
		keep = DefaultKeep
	}
	most := cmd.MaxOutput
	if most == 0 {
		most = DefaultMaxOutput
	}
	outs := [2]*headTail{{half: keep / 2}, {half: keep / 2}}
	began := time.Now()
	reply, err := b.call(ctx, port.Request{
		Op: port.OpExec, Argv: cmd.Argv, Env: append(b.env[:len(b.env):len(b.env)], cmd.Env...), Dir: cmd.Dir,
		Stdin: cmd.Stdin != nil, TimeoutMS: cmd.Timeout.Milliseconds(), MaxOutput: max(most, 0),
	}, &exchange{in: cmd.Stdin, out: func(fd byte, data []byte) error {
		if fd != port.Stdout && fd != port.Stderr {
			return nil
		}
		b.talk.WaitN(ctx, len(data)) //nolint:errcheck // when ctx ends, the rest is no longer held back
		outs[fd-port.Stdout].write(data)
		if cmd.Output != nil {
			cmd.Output(fd == port.Stderr, data)
		}
		return nil
	}})
	r := Result{Duration: time.Since(began)}
	r.Stdout, r.StdoutCut = outs[0].bytes()
	r.Stderr, r.StderrCut = outs[1].bytes()
	r.end(reply)
	return r, err
}

// end takes over what init says of the end, if it said anything.
func (r *Result) end(reply *port.Reply) {
	if reply == nil {
		return
	}
	r.Exit, r.TimedOut, r.Killed = reply.Exit, reply.TimedOut, reply.Killed
	r.OverMem, r.OverPids, r.OverNames, r.OverOutput = reply.OverMem, reply.OverPids, reply.OverNames, reply.OverOutput
	if reply.Signal != 0 {
		r.Signal = unix.SignalName(unix.Signal(reply.Signal))
	}
}

// Put writes a file in the box, whole or not at all, making its directories.
// Relative paths are below /work. It returns the bytes written.
func (b *Box) Put(ctx context.Context, path string, mode fs.FileMode, r io.Reader) (int64, error) {
	reply, err := b.call(ctx, port.Request{Op: port.OpPut, Path: path, Mode: uint32(mode.Perm())}, &exchange{in: r})
	if err != nil {
		return 0, err
	}
	return reply.Size, nil
}

// Get copies at most limit bytes (0: all) of a regular file from offset to w,
// and returns the file's whole size. fs.ErrNotExist is wrapped where there is none.
func (b *Box) Get(ctx context.Context, path string, offset, limit int64, w io.Writer) (int64, error) {
	if offset < 0 || limit < 0 {
		return 0, fmt.Errorf("read %s: negative offset or limit", path)
	}
	reply, err := b.take(ctx, port.Request{Op: port.OpGet, Path: path, Offset: offset, Limit: limit},
		func(data []byte) error { _, err := w.Write(data); return err })
	if err != nil {
		return 0, err
	}
	return reply.Size, nil
}

// exchange is the data of one call.
type exchange struct {
	in     io.Reader // nil: none
	out    func(fd byte, data []byte) error
	opened func(*port.Stream) // called once, before the first out
}

// call does one operation over the port. A reply that carries an error becomes one.
func (b *Box) call(ctx context.Context, req port.Request, x *exchange) (*port.Reply, error) {
	s, err := b.conn.Open(req)
	if err != nil {
		if b.conn.Err() != nil {
			err = b.lost(err)
		}
		return nil, err
	}
	if x != nil && x.opened != nil {
		x.opened(s)
	}
	if x != nil && x.in != nil {
		go send(s, x.in) // ends with the stream, or with a read that the caller's reader keeps it in
	}
	done := make(chan error, 1)
	var late atomic.Int64
	go func() { done <- receive(ctx, s, x, &late) }()
	err = b.await(ctx, s, done, &late)
	reply := s.Reply()
	switch {
	case err != nil:
		return reply, err
	case reply.NotFound:
		return nil, fmt.Errorf("%s: %w", reply.Error, fs.ErrNotExist)
	case reply.Error != "":
		return nil, errors.New(reply.Error)
	}
	return reply, nil
}

// await waits for the operation's end, or ends it when ctx does.
func (b *Box) await(ctx context.Context, s *port.Stream, done <-chan error, late *atomic.Int64) error {
	ended := func(err error) error {
		if b.conn.Err() != nil && s.Reply() == nil {
			return b.lost(b.conn.Err())
		}
		return err
	}
	select {
	case err := <-done:
		return ended(err)
	case <-ctx.Done():
	}
	// Not here: a port that nobody empties would keep us from the clock.
	go s.Signal(byte(unix.SIGKILL)) //nolint:errcheck // a broken port ends the stream
	const looks = 10                // within killGrace
	look := time.NewTicker(killGrace / looks)
	defer look.Stop()
	quiet, before := 0, int64(math.MaxInt64)
	for n := 1; ; n++ {
		select {
		case err := <-done:
			if err := ended(err); err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-look.C:
		}
		if quiet++; s.Behind() {
			quiet = 0
		}
		flooded := false
		if n%looks == 0 {
			flooded = late.Load()-before > lastWords
			before = late.Load()
		}
		if quiet == looks || flooded {
			b.giveUp("its init process did not report the end of a killed command")
		}
	}
}

// receive takes data until the operation is over, and counts what comes after
// ctx has ended. After the sink fails the rest is taken and dropped, so that the
// box is not held up.
func receive(ctx context.Context, s *port.Stream, x *exchange, late *atomic.Int64) error {
	var failed error
	for {
		fd, data, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return failed
		}
		if err != nil {
			return err
		}
		if x != nil && x.out != nil && failed == nil {
			failed = x.out(fd, data)
		}
		if ctx.Err() != nil {
			late.Add(int64(len(data)))
		}
	}
}

// send passes r on; its end, or an error of r, ends the box's input.
func send(s *port.Stream, r io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 && s.Send(port.Stdin, buf[:n]) != nil {
			return
		}
		if err != nil {
			end := port.Stdin
			if err != io.EOF {
				end = port.Broken
			}
			s.Send(end, nil) //nolint:errcheck // the reply says how it went
			return
		}
	}
}

// headTail keeps the first and the last half of what is written.
type headTail struct {
	half  int
	head  []byte
	tail  []byte // ring, once full
	at    int    // of the ring: the oldest byte
	total int64
}

func (h *headTail) write(p []byte) {
	h.total += int64(len(p))
	n := min(len(p), h.half-len(h.head))
	h.head = append(h.head, p[:n]...)
	p = p[n:]
	if len(p) > h.half {
		p = p[len(p)-h.half:]
	}
	n = min(len(p), h.half-len(h.tail))
	h.tail = append(h.tail, p[:n]...)
	for p = p[n:]; len(p) > 0; p = p[n:] {
		n = copy(h.tail[h.at:], p)
		h.at = (h.at + n) % h.half
	}
}

func (h *headTail) bytes() (kept []byte, cut int64) {
	kept = append(kept, h.head...)
	kept = append(kept, h.tail[h.at:]...)
	kept = append(kept, h.tail[:h.at]...)
	return kept, h.total - int64(len(kept))
}
