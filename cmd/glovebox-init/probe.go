package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// A core probe tries what must not work. It runs in a process of its own, just
// as a command of the agent does, before the first command.
type probe struct {
	name, layer string
	try         func() (port.Verdict, string)
}

var coreProbes = [...]probe{
	{"interfaces", "network", probeInterfaces},
	{"routes", "network", probeRoutes},
	{"connect", "network", probeConnect},
	{"dns", "network", probeDNS},
	{"identity", "execution", probeIdentity},
	{"privileges", "execution", probePrivileges},
	{"read-only root", "execution", probeRoot},
	{"mount", "execution", probeMount},
	{"port", "execution", probePort},
	{"mounts", "data", probeMounts},
	{"environment", "data", probeEnvironment},
	{"processes", "data", probeProcesses},
}

func probeAll() []port.Proof {
	proofs := make([]port.Proof, 0, len(coreProbes))
	for _, p := range coreProbes {
		verdict, evidence := p.try()
		proofs = append(proofs, port.Proof{Probe: p.name, Layer: p.layer, Verdict: verdict, Evidence: evidence})
	}
	return proofs
}

func inconclusive(err error) (port.Verdict, string) { return port.Inconclusive, err.Error() }

func probeInterfaces() (port.Verdict, string) {
	list, err := net.Interfaces()
	if err != nil {
		return inconclusive(err)
	}
	for _, i := range list {
		// The kernel may put unconfigured tunnel devices into every namespace; without an address they lead nowhere.
		if addrs, err := i.Addrs(); i.Flags&net.FlagLoopback == 0 && (err != nil || len(addrs) > 0 || i.Flags&net.FlagUp != 0) {
			return port.Fail, fmt.Sprintf("%s is there, %s", i.Name, i.Flags)
		}
	}
	return port.Pass, "loopback only"
}

func probeRoutes() (port.Verdict, string) {
	for file, device := range map[string]int{"/proc/net/route": 0, "/proc/net/ipv6_route": 9} {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // no IPv6 here
		}
		if err != nil {
			return inconclusive(err)
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) <= device || f[device] == "Iface" || f[device] == "lo" {
				continue
			}
			return port.Fail, "a route by " + f[device]
		}
	}
	return port.Pass, "no route"
}

// probeConnect is tried only where there is no way out by the look of it, so
// that no packet leaves even from a broken box. The addresses are reserved for
// documentation (RFC 5737, RFC 3849).
func probeConnect() (port.Verdict, string) {
	for _, look := range []func() (port.Verdict, string){probeInterfaces, probeRoutes} {
		if v, why := look(); v != port.Pass {
			return v, "not tried: " + why
		}
	}
	for _, addr := range []string{"192.0.2.1:443", "[2001:db8::1]:443"} {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", addr)
		if err == nil {
			c.Close()
			return port.Fail, "reached " + addr
		}
		if !errors.Is(err, unix.ENETUNREACH) && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.EAFNOSUPPORT) {
			return port.Fail, "not refused by the kernel at once: " + err.Error()
		}
	}
	return port.Pass, "network is unreachable"
}

func probeDNS() (port.Verdict, string) {
	data, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return inconclusive(err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			return port.Fail, "a name server is configured: " + f[1]
		}
	}
	return port.Pass, "no name server"
}

func probeIdentity() (port.Verdict, string) {
	r, e, s := unix.Getresuid()
	evidence := fmt.Sprintf("uid %d", r)
	if r == 0 || e == 0 || s == 0 {
		return port.Fail, evidence
	}
	return port.Pass, evidence
}

// probePrivileges reads proc(5), status: every capability set empty,
// no_new_privs and a seccomp filter on.
func probePrivileges() (port.Verdict, string) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return inconclusive(err)
	}
	defer f.Close()
	want := map[string]string{
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		if expected, ok := want[key]; ok && value != expected {
			return port.Fail, key + " is " + value
		}
		delete(want, key)
	}
	if len(want) > 0 {
		return port.Inconclusive, fmt.Sprintf("the kernel does not show %d of the sets", len(want))
	}
	return port.Pass, "no capability, no_new_privs, seccomp filter"
}

func probeRoot() (port.Verdict, string) {
	for _, dir := range []string{"/", "/usr", "/etc", "/proc/sys/kernel", "/.glovebox"} {
		err := unix.Access(dir, unix.W_OK)
		if err == nil {
			return port.Fail, dir + " is writable"
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs("/", &st); err != nil {
		return inconclusive(err)
	}
	if st.Flags&unix.ST_RDONLY == 0 {
		return port.Fail, "/ is mounted read-write"
	}
	return port.Pass, "read-only"
}

func probeMount() (port.Verdict, string) {
	err := unix.Mount("none", "/tmp", "tmpfs", 0, "")
	if err == nil {
		unix.Unmount("/tmp", unix.MNT_DETACH) //nolint:errcheck // the box is condemned anyway
		return port.Fail, "a file system could be mounted"
	}
	return port.Pass, err.Error()
}

// probePort reaches for the port: a command that could, would speak for others.
func probePort() (port.Verdict, string) {
	reached := []string{"/proc/1/mem"}
	for fd := range 32 {
		reached = append(reached, fmt.Sprint("/proc/1/fd/", fd))
	}
	for _, path := range reached {
		for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY} {
			if fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
				unix.Close(fd)
				return port.Fail, path + " can be opened"
			}
		}
	}
	return port.Pass, "PID 1's descriptors and memory are closed to others"
}

// ownMounts are the mounts that a box is made of; a mount that is not one of
// them came from the host.
func ownMount(point, fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2":
		return true
	case "overlay", "fuse.fuse-overlayfs", "fuse-overlayfs":
		return point == "/"
	case "9p": // gVisor's name for every directory and file of the host that it passes on
		return point == "/" || podmansOwn(point)
	case "dev": // gVisor's own nodes
		return point == "/dev"
	case "devtmpfs": // rootless Podman binds these nodes, it cannot make them
		return slices.Contains([]string{"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom"}, point) || maskedPath(point)
	}
	return podmansOwn(point)
}

// podmansOwn are the two files that Podman makes for a container and binds from
// its own directory; they say nothing of the host.
func podmansOwn(point string) bool {
	data, err := os.ReadFile(point)
	switch point {
	case "/run/.containerenv":
		return err == nil && len(data) == 0
	case "/etc/hostname":
		return err == nil && strings.TrimSpace(string(data)) == "box"
	}
	return false
}

// maskedPath are places of /proc and /sys over which the runtime binds /dev/null.
func maskedPath(point string) bool {
	return strings.HasPrefix(point, "/proc/") || strings.HasPrefix(point, "/sys/")
}

func probeMounts() (port.Verdict, string) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return inconclusive(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		before, after, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 1 {
			return port.Inconclusive, "cannot read mountinfo"
		}
		if !ownMount(f[4], g[0]) {
			return port.Fail, fmt.Sprintf("%s (%s) is not the box's own", f[4], g[0])
		}
		n++
	}
	return port.Pass, fmt.Sprintf("%d mounts, all the box's own", n)
}

// probeEnvironment looks at what PID 1 was started with: only what Podman itself sets.
func probeEnvironment() (port.Verdict, string) {
	// PID 1 hides its environment, and hands none on: this process was
	// started with an empty one.
	if env := os.Environ(); len(env) > 0 {
		return port.Fail, "inherited " + strings.Join(env, " ")
	}
	return port.Pass, "empty"
}

func probeProcesses() (port.Verdict, string) {
	if unix.Getpid() == 1 {
		return port.Inconclusive, "probe runs as PID 1"
	}
	for pid := range processes() {
		if pid != os.Getpid() {
			return port.Fail, fmt.Sprintf("process %d is visible", pid)
		}
	}
	if err := unix.Kill(1, 0); err != nil {
		return port.Inconclusive, "PID 1 of the box: " + err.Error()
	}
	return port.Pass, "only the box's own"
}
