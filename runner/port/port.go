// Package port is the one framed channel between the host and a box. Host and
// glovebox-init speak it over the container's attached standard input and
// output: many operations at once, each a stream with its own flow control, so
// that a flooding command delays neither another nor a kill.
//
// The package promises that a peer that breaks the protocol ends the
// connection with an error wrapping ErrProtocol, and that memory held for a
// peer is at most MaxStreams × Window however it behaves. It knows nothing of
// processes, containers or files, and imports only the standard library, for
// it is half of PID 1. Begin in conn.go; frame.go is the wire format.
package port

import "encoding/json"

// Op names what a stream asks of the box.
type Op string

// The operations of glovebox-init.
const (
	OpExec Op = "exec" // run Argv; data is its stdin, stdout, stderr
	OpPut  Op = "put"  // write Path from stdin data
	OpGet  Op = "get"  // read Path to stdout data
	OpSeal Op = "seal" // probe the isolation; the report is in Reply.Detail

	OpPutTree  Op = "put-tree" // unpack the tar in stdin data below Path; Detail is tree.Limits
	OpGetTree  Op = "get-tree" // pack what is below Path as tar to stdout data; Detail is tree.Limits
	OpManifest Op = "manifest" // list files, tree.Entry a line, to stdout data; Detail is tree.Query

	OpListen Op = "listen" // open the box's loopback listeners; the reply says that clients may come
	OpAccept Op = "accept" // carry one client's connection: stdout data is what it says, after a first byte that tells the listener
)

// The loopback listeners of a box with a way out, and the first byte of an
// OpAccept stream that tells which of them the client chose.
const (
	HTTPAddr       = "127.0.0.1:3128"
	SOCKSAddr      = "127.0.0.1:1080"
	ViaHTTP   byte = 'H'
	ViaSOCKS  byte = 'S'
)

// Request opens a stream: JSON in an open frame.
type Request struct {
	Op        Op       `json:"op"`
	Argv      []string `json:"argv,omitempty"`
	Env       []string `json:"env,omitempty"`        // whole environment of the command, "K=V"
	Dir       string   `json:"dir,omitempty"`        // working directory; "" is /work
	Stdin     bool     `json:"stdin,omitempty"`      // data for its standard input follows, then its end
	TTY       *Size    `json:"tty,omitempty"`        // run on a terminal of this size: data is keys in, the screen out, and Resize
	TimeoutMS int64    `json:"timeout_ms,omitempty"` // 0: none
	Path      string   `json:"path,omitempty"`
	Mode      uint32   `json:"mode,omitempty"`       // permission bits of a put
	Offset    int64    `json:"offset,omitempty"`     // of a get, bytes
	Limit     int64    `json:"limit,omitempty"`      // of a get, bytes; 0: to the end
	MaxOutput int64    `json:"max_output,omitempty"` // of an exec, bytes of both outputs; 0: no limit

	// Of a seal, what was promised: init says who keeps it.
	Memory int64   `json:"memory,omitempty"` // bytes
	CPUs   float64 `json:"cpus,omitempty"`
	Pids   int64   `json:"pids,omitempty"`
	Disk   int64   `json:"disk,omitempty"` // bytes of each of Places

	HostUsr bool `json:"host_usr,omitempty"` // of a seal: /usr is declared to be the host's

	Detail json.RawMessage `json:"detail,omitempty"` // what only one operation takes
}

// Size of a terminal, in character cells.
type Size struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// Places are the directories of a box that can be written, each with a size.
var Places = [...]string{"/work", "/data", "/tmp", "/dev/shm"}

// BytesPerName is how much of a place's size stands for one file in it: a page,
// which is the least that a file with content takes.
const BytesPerName = 4096

// kernelPerName is what the kernel itself holds for one file of a place, in
// bytes: its inode and its name, about 1,300 with a long one.
const kernelPerName = 2048

// MemoryWithFiles is what a box holds at most when its processes hold memory
// bytes and all its Places are full, in bytes. A control group counts it all;
// were its limit any lower, full places would be what gets PID 1 killed.
func MemoryWithFiles(memory, disk int64) int64 {
	return memory + int64(len(Places))*(disk+disk/BytesPerName*kernelPerName)
}

// SparePids are the processes that a box may have beyond its commands', so
// that init can act when they are all used up.
const SparePids = 64

// Reply ends a stream: JSON in an exit frame.
type Reply struct {
	Exit       *int            `json:"exit,omitempty"`        // exit status
	Signal     int             `json:"signal,omitempty"`      // number of the signal that ended it
	TimedOut   bool            `json:"timed_out,omitempty"`   // the deadline killed it
	OverMem    bool            `json:"over_mem,omitempty"`    // the memory watchdog killed (part of) it
	OverPids   bool            `json:"over_pids,omitempty"`   // the watchdog killed it: it kept the box full of processes
	OverNames  bool            `json:"over_names,omitempty"`  // the watchdog killed it: it filled a place with files
	OverOutput bool            `json:"over_output,omitempty"` // killed at MaxOutput
	Killed     int             `json:"killed,omitempty"`      // background processes ended with it
	Size       int64           `json:"size,omitempty"`        // of the file of a get or put, bytes
	Error      string          `json:"error,omitempty"`       // the operation could not be done
	NotFound   bool            `json:"not_found,omitempty"`   // Error is "no such file" or "no such program"
	Detail     json.RawMessage `json:"detail,omitempty"`
}

// Hello is the first thing init says.
type Hello struct {
	Version int `json:"version"`
	PID     int `json:"pid"`
	UID     int `json:"uid"`
}

// SealReport is the Detail of a seal's Reply.
type SealReport struct {
	Proofs []Proof `json:"proofs"`
	Kernel Kernel  `json:"kernel"`
	Limits []Limit `json:"limits"`
}

// Kernel is what the box's kernel says of itself. What it does not say is "".
type Kernel struct {
	Release string `json:"release"`
	Version string `json:"version"`
	BootID  string `json:"boot_id"`
	UpMS    int64  `json:"up_ms"` // since it was booted
	Log     string `json:"log"`   // the first line
}

// Proof is what one core probe found.
type Proof struct {
	Probe    string  `json:"probe"`
	Layer    string  `json:"layer"` // data, execution, network
	Verdict  Verdict `json:"verdict"`
	Evidence string  `json:"evidence"`
}

// Verdict of a probe. Anything but PASS means that the box is not sealed.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
)

// Limit is one limit as found from inside.
type Limit struct {
	Name     string `json:"name"`     // memory, pids, cpu, files, …, or a writable place
	Value    string `json:"value"`    // with unit
	Enforced string `json:"enforced"` // cgroup, rlimit, watchdog, tmpfs, none
}

// Version of the protocol. Host and init come from the same build; a
// difference means a stale image.
const Version = 2
