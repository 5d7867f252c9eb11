package runner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"glovebox/runner/egress"
	"glovebox/runner/port"
	"glovebox/runner/probe"

	"github.com/containers/podman/v5/pkg/specgen"
)

// sidesCPUs is what the box that is tried for processor time may use: so
// little that it shows also on a busy host.
const sidesCPUs = 0.12

// lab is what a battery finds around its boxes: listeners on the host, a
// planted secret, another box. It is taken down when the battery is over.
type lab struct {
	engine  *Engine
	o       VerifyOptions
	targets probe.Targets
	bait    *Bait
	other   *Box
}

// openLab prepares everything that the probes look for.
func (e *Engine) openLab(ctx context.Context, o VerifyOptions) (*lab, error) {
	bait, err := OpenBait()
	if err != nil {
		return nil, fmt.Errorf("prepare the battery: %w", err)
	}
	l := &lab{engine: e, o: o, bait: bait}
	box := o.Box.withDefaults()
	host, _ := os.Hostname() // then it cannot be recognised either
	l.targets = probe.Targets{
		Nonce: bait.Nonce, HostName: host, Production: o.Production,
		Memory: box.Memory, Disk: box.Disk, Pids: box.Pids, Files: int64(openFiles()), CPUs: sidesCPUs, Output: 16 << 20, Names: box.Disk / port.BytesPerName,
		Loopback: bait.Loopback, Abstract: bait.abstract, Secret: bait.Secret, HostUsr: o.Box.Image.HostUsr(), OwnKernel: e.strong.strongRuntime != nil,
	}
	_, number, _ := net.SplitHostPort(bait.Loopback[0])
	l.targets.Allowed, l.targets.Rebound = "allowed.test:"+number, "rebound.test:"+number
	l.targets.Port, err = strconv.Atoi(number)
	if err == nil {
		err = l.openOther(ctx)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("prepare the battery: %w", err)
	}
	return l, nil
}

// openOther makes the box that no other may reach.
func (l *lab) openOther(ctx context.Context) (err error) {
	var shareable *weakness
	if l.o.Control {
		shareable = &weakness{spec: func(s *specgen.SpecGenerator) { s.IpcNS = specgen.Namespace{NSMode: specgen.Shareable} }}
	}
	if l.other, err = l.box(ctx, l.o.Box, shareable); err != nil {
		return err
	}
	l.targets.Shared = 0x910b + os.Getpid()
	r, err := l.other.Exec(ctx, Command{Argv: []string{initPath, "probe", "share", strconv.Itoa(l.targets.Shared)}})
	if err == nil && (r.Exit == nil || *r.Exit != 0) {
		err = fmt.Errorf("share memory in the other box: %s: %s", r.why(), r.Stdout)
	}
	return err
}

func (l *lab) close() {
	if l.other != nil {
		l.other.Close(context.Background()) // the reaper removes what is left
	}
	l.bait.Close()
}

// proxy is the real way out, with two listed names. Whatever is dialled is the
// lab's own listener, so that nothing leaves the machine.
func (l *lab) proxy() *egress.Proxy {
	var rules []egress.Rule
	for _, entry := range []string{l.targets.Allowed, l.targets.Rebound} {
		rule, err := egress.ParseRule(entry)
		if err != nil {
			panic(err) // the two names above
		}
		rules = append(rules, rule)
	}
	return egress.New(egress.Options{
		Rules: rules, Record: func(egress.Attempt) error { return nil },
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if strings.HasPrefix(l.targets.Rebound, host+":") {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil // public; never dialled
		},
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) { return l.dial(ctx) },
	})
}

func (l *lab) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", l.bait.Loopback[0])
}

// unguarded is a proxy as people write them in an afternoon: the weakness in
// which the probes of the way out must fail. It reaches nothing but the lab.
type unguarded struct{ lab *lab }

// ServeHTTP passes a request on, whatever it asks for.
func (u unguarded) ServeHTTP(ctx context.Context, c net.Conn) {
	r := textproto.NewReader(bufio.NewReader(c))
	first, err := r.ReadLine()
	if err != nil {
		return
	}
	head, err := r.ReadMIMEHeader()
	if err != nil {
		return
	}
	to, err := u.lab.dial(ctx)
	if err != nil {
		return
	}
	defer to.Close()
	method, rest, _ := strings.Cut(first, " ")
	if method == http.MethodConnect {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
		fmt.Fprint(to, "probe\n")
	} else {
		target, _, _ := strings.Cut(strings.TrimPrefix(rest, "http://"), " ")
		_, path, _ := strings.Cut(target, "/")
		fmt.Fprintf(to, "%s /%s HTTP/1.1\r\nHost: %s\r\n\r\n", method, path, head.Get("Host"))
	}
	io.Copy(c, to) //nolint:errcheck // the probe says what it missed
}

// ServeSOCKS connects to whatever is asked for (RFC 1928).
func (u unguarded) ServeSOCKS(ctx context.Context, c net.Conn) {
	to, err := u.lab.dial(ctx)
	if err != nil {
		return
	}
	defer to.Close()
	fmt.Fprint(to, "probe\n")
	c.Write([]byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0}) //nolint:errcheck // the probe says what it missed
	io.Copy(c, to)                                      //nolint:errcheck // as above
}

// left says whether a process of the battery's nonce still runs on this host.
func (l *lab) left() (pid string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if strings.Contains(commandLine(filepath.Join("/proc", e.Name())), "probe\x00stay\x00"+l.targets.Nonce) {
			return e.Name()
		}
	}
	return ""
}
