// Package probe is the adversarial battery: each probe is one attempt at
// something that must not work in a box, made from inside, by a process that
// has what a command of the agent has.
//
// A probe says PASS when the attempt was refused, FAIL when it worked, and
// INCONCLUSIVE, with the reason, when it could not be made; never PASS by
// default. It names the weakness of a box in which it must say FAIL, so that
// it can be shown to be able to, or why there is none. A probe sends nothing
// that could leave the machine from a broken box: where a way out can be seen,
// that is the finding, and nothing is sent.
//
// The package imports the standard library, x/sys and the port's vocabulary
// only, for it is part of glovebox-init. Begin in list.go; each probe is a
// small file of its own.
package probe

import (
	"fmt"

	"glovebox/runner/port"
)

// A Probe is one attempt. Try runs in the box.
type Probe struct {
	Name    string   // unique, lower case, words joined by "-"
	Layer   string   // data, execution, network
	Gain    string   // what an attacker would have
	Tries   string   // what is tried
	Control Weakness // in which it must say FAIL; "" if there can be none
	Why     string   // why there can be none
	// Spends names the limit that the probe uses up: that it is ended for that one
	// is the refusal. "": none.
	Spends Limit
	// After probes look for what is left when the box is gone. Try begins
	// them in the box; the host finishes.
	After bool
	Try   func(Targets) Finding
}

// A Finding is what one attempt showed.
type Finding struct {
	Verdict  port.Verdict `json:"verdict"`
	Evidence string       `json:"evidence"`
	// Moot says of an INCONCLUSIVE that there was nothing to try: what the probe is
	// about is not here, or cannot be tried from a box, or not now. All others ought to have been tried, and were not.
	Moot bool `json:"moot,omitempty"`
}

// Targets is what the host has prepared for the probes to find.
type Targets struct {
	Nonce      string   `json:"nonce"`      // that a listener of the host's says, and that is in what was planted
	Loopback   []string `json:"loopback"`   // addresses on the host's loopback where a listener says Nonce
	Port       int      `json:"port"`       // of the first of them
	Abstract   string   `json:"abstract"`   // abstract Unix socket of a listener that says Nonce, with its "@"
	Secret     string   `json:"secret"`     // path of a file on the host that holds Nonce
	HostName   string   `json:"host_name"`  // of the host
	Production []string `json:"production"` // hosts that no box may reach, "name" or "name:port"
	Shared     int      `json:"shared"`     // key of a System V shared memory segment of another box
	Memory     int64    `json:"memory"`     // limits of the box, as in runner.BoxOptions
	Disk       int64    `json:"disk"`
	Pids       int64    `json:"pids"`
	Files      int64    `json:"files"`
	CPUs       float64  `json:"cpus"`
	Names      int64    `json:"names"`      // files in one writable place
	Output     int64    `json:"output"`     // bytes that a command may say
	Allowed    string   `json:"allowed"`    // host:port on the egress allowlist; "" where the box has no way out
	HostUsr    bool     `json:"host_usr"`   // /usr is declared to be the host's
	OwnKernel  bool     `json:"own_kernel"` // the box has proven that its kernel is not the host's
	Rebound    string   `json:"rebound"`    // listed name that resolves to the host's loopback
}

// A Limit is one that a command can be ended for.
type Limit string

// The limits.
const (
	OfMemory Limit = "memory"
	OfPids   Limit = "processes"
	OfNames  Limit = "files in a place"
	OfOutput Limit = "output"
)

// A Weakness is one thing taken away from a box on purpose.
type Weakness string

// The weaknesses, one at a time.
const (
	OpenNetwork   Weakness = "open network"   // a network in which the probed addresses answer, made for it
	HostNetwork   Weakness = "host network"   // the host's network namespace
	NameServer    Weakness = "name server"    // a resolv.conf of somebody's
	OpenProxy     Weakness = "open proxy"     // a way out without its guards
	Capabilities  Weakness = "capabilities"   // kept, all of them
	RootUser      Weakness = "root user"      // user ID 0 in the box
	NewPrivileges Weakness = "new privileges" // no_new_privs off
	NoSeccomp     Weakness = "no seccomp"     // no filter
	WritableRoot  Weakness = "writable root"  // the root file system can be written
	Unmasked      Weakness = "unmasked"       // /proc and /sys as they are
	HostDevice    Weakness = "host device"    // a device node of the host's
	KernelFiles   Weakness = "kernel files"   // readable files where the kernel's memory and log would be
	HostMount     Weakness = "host mount"     // a directory of the host's
	HostSocket    Weakness = "host socket"    // a Unix socket of the host's
	HostPID       Weakness = "host processes" // the host's process namespace
	HostName      Weakness = "host name"      // the host's UTS namespace
	SharedIPC     Weakness = "shared IPC"     // the IPC namespace of another box
	Environment   Weakness = "environment"    // a variable of the host's
	NoLimits      Weakness = "no limits"      // none of the promised limits
	OpenFile      Weakness = "open file"      // a descriptor of the root directory that the probe is started with
	NoTeardown    Weakness = "no teardown"    // the box is not destroyed
	PlantedData   Weakness = "planted data"   // real-looking data and the answer key in the box
)

func held(format string, args ...any) Finding {
	return Finding{Verdict: port.Pass, Evidence: fmt.Sprintf(format, args...)}
}

func out(format string, args ...any) Finding {
	return Finding{Verdict: port.Fail, Evidence: fmt.Sprintf(format, args...)}
}

func unsure(format string, args ...any) Finding {
	return Finding{Verdict: port.Inconclusive, Evidence: fmt.Sprintf(format, args...)}
}

func moot(format string, args ...any) Finding {
	return Finding{Verdict: port.Inconclusive, Evidence: fmt.Sprintf(format, args...), Moot: true}
}
