// Command glovebox-init is PID 1 of every box. It speaks the port protocol on
// its standard input and output: runs commands, moves files, probes the seal.
// It ends when the host's side of the port closes, and the box with it.
//
// It is as unprivileged as the commands it runs, so it defends itself: it is
// not dumpable (no ptrace, no /proc/1/fd), and its descriptors never reach a
// child. Begin here; processes are in exec.go, files in files.go, the core
// probes in probe.go, the system call filter in seccomp.go, the limits in limits.go, who keeps them in watchdog.go,
// the way out (where there is one) in egress.go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"unsafe"

	"glovebox/runner/port"
	"glovebox/runner/probe"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "core": // of the seal
			hostUsr := len(os.Args) == 3 && os.Args[2] == hostUsrArg
			io.Copy(io.Discard, os.Stdin)                        //nolint:errcheck // its end is the word to begin
			json.NewEncoder(os.Stdout).Encode(probeAll(hostUsr)) //nolint:errcheck // the host reads an empty report as no seal
			return
		case "probe":
			os.Exit(probe.Main(os.Args[2:], os.Stdin, os.Stdout))
		case "target":
			fmt.Fprintln(os.Stderr, probe.ServeTarget(os.Args[2:], os.Stdout))
			os.Exit(1)
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "glovebox-init:", err)
		os.Exit(1)
	}
}

func run() error {
	args, weak := os.Args[1:], false
	if len(args) > 2 && args[2] == "weak" { // a control's box may share the host's processes
		args, weak = args[:2], true
	}
	if os.Getpid() != 1 && !weak {
		return fmt.Errorf("this is PID 1 of a box; glovebox starts it (here it is PID %d)", os.Getpid())
	}
	if err := limitProcesses(args); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make PID 1 undumpable: %w", err)
	}
	if err := surviveSignals(); err != nil {
		return err
	}
	self := kernel() // before the filter, which keeps the kernel's log from all
	var unfiltered error
	if !weak {
		unfiltered = filterCalls() // for the seal
	}
	in, out, err := takeStdio()
	if err != nil {
		return err
	}
	b := newBox()
	b.kernel, b.unfiltered = self, unfiltered
	go b.procs.reap()
	hello := port.Hello{Version: port.Version, PID: os.Getpid(), UID: os.Getuid()}
	return port.Serve(in, out, hello, b.handle)
}

// limitProcesses takes the arguments "pids N": from here on the box's user ID
// may have N processes and threads.
func limitProcesses(args []string) error {
	if len(args) != 2 || args[0] != "pids" {
		return fmt.Errorf("expected the arguments pids N, got %q", args)
	}
	n, err := strconv.ParseUint(args[1], 10, 32)
	if err != nil {
		return fmt.Errorf("pids: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n}); err != nil {
		return fmt.Errorf("limit processes: %w", err)
	}
	return nil
}

// surviveSignals sees to it that nothing inside can end PID 1. The kernel keeps
// from it what it has no handler for, but the Go runtime has one for nearly
// everything, and ends at some. Handled is not ignored: children start with
// the defaults. Those that the runtime leaves to the C library (32, 34) would
// be fatal while a fork has them blocked in the main thread, so they are ignored.
func surviveSignals() error {
	signal.Notify(make(chan os.Signal, 1))
	if onGVisor() {
		// It hangs up on a group whenever one of it exits while another is
		// stopped, as the throttle does. What is ignored, commands inherit.
		signal.Ignore(unix.SIGHUP)
	}
	ignore := [4]uintptr{1} // struct sigaction of the kernel: SIG_IGN, flags, restorer, mask
	for _, sig := range []uintptr{32, 34} {
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&ignore)), 0, 8, 0, 0); errno != 0 {
			return fmt.Errorf("ignore signal %d: %w", sig, errno)
		}
	}
	return nil
}

// takeStdio moves the port away from descriptors 0 and 1, where a child or a
// stray print would find it.
func takeStdio() (in, out *os.File, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	files := [2]*os.File{}
	for fd := range files {
		moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 10)
		if err != nil {
			return nil, nil, fmt.Errorf("move descriptor %d: %w", fd, err)
		}
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return nil, nil, fmt.Errorf("replace descriptor %d: %w", fd, err)
		}
		files[fd] = os.NewFile(uintptr(moved), "port")
	}
	return files[0], files[1], nil
}

// box is what init knows of the box it runs.
type box struct {
	procs      procTable
	clients    listeners
	kernel     port.Kernel
	unfiltered error // why system calls are not filtered; nil: they are
}

func newBox() *box {
	return &box{
		procs:   procTable{running: map[int]*proc{}, started: make(chan struct{}, 1)},
		clients: listeners{came: make(chan client)},
	}
}

func (b *box) handle(s *port.Stream, req port.Request) {
	var r port.Reply
	switch req.Op {
	case port.OpExec:
		r = b.exec(s, req)
	case port.OpPut, port.OpGet, port.OpPutTree, port.OpGetTree, port.OpManifest:
		r = transfer(untilSignaled(s), s, req)
	case port.OpSeal:
		r = b.seal(req)
	case port.OpListen:
		r = b.clients.open()
	case port.OpAccept:
		r = b.clients.carry(s)
	default:
		r = port.Reply{Error: fmt.Sprintf("unknown operation %q", req.Op)}
	}
	s.Finish(r) //nolint:errcheck // a broken port ends init anyway
}

// transfer moves files until ctx ends, and the stream with it.
func transfer(ctx context.Context, s *port.Stream, req port.Request) port.Reply {
	switch req.Op {
	case port.OpPut:
		return put(s, req)
	case port.OpGet:
		return get(s, req)
	case port.OpPutTree:
		return putTree(s, req)
	case port.OpGetTree:
		return getTree(ctx, s, req)
	default:
		return manifest(ctx, s, req)
	}
}
