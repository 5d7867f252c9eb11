package runner

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
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
	"sync"

	"glovebox/runner/egress"
	"glovebox/runner/probe"

	"github.com/containers/podman/v5/pkg/specgen"
)

// sidesCPUs is what the box that is tried for processor time may use: so
// little that it shows also on a busy host.
const sidesCPUs = 0.25

// lab is what a battery finds around its boxes: listeners on the host, a
// planted secret, another box. It is taken down when the battery is over.
type lab struct {
	engine   *Engine
	o        VerifyOptions
	targets  probe.Targets
	other    *Box
	dir      string // of the secret
	socket   string // path of a listener
	resolver string // path of a resolv.conf
	loop     string // address of the listener on loopback
	open     []net.Listener
	wg       sync.WaitGroup
}

// openLab prepares everything that the probes look for.
func (e *Engine) openLab(ctx context.Context, o VerifyOptions) (*lab, error) {
	l := &lab{engine: e, o: o}
	nonce := "nonce-" + strings.ToLower(rand.Text()[:16])
	box := o.Box.withDefaults()
	host, _ := os.Hostname() //nolint:errcheck // then it cannot be recognised either
	l.targets = probe.Targets{
		Nonce: nonce, HostName: host, Production: o.Production,
		Memory: box.Memory, Disk: box.Disk, Pids: box.Pids, Files: maxFiles, CPUs: sidesCPUs, Output: 16 << 20,
		Abstract: "@glovebox-" + nonce,
	}
	err := errors.Join(l.listen(nonce), l.plant(nonce))
	if err == nil {
		err = l.openOther(ctx)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("prepare the battery: %w", err)
	}
	return l, nil
}

// listen opens what a box must not reach.
func (l *lab) listen(nonce string) error {
	dir, err := os.MkdirTemp("", "glovebox-verify-")
	if err != nil {
		return err
	}
	l.dir, l.socket = dir, filepath.Join(dir, "socket")
	// The engine's account must get at it for a control to mount it.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // there is nothing in it but the nonce
		return err
	}
	for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", l.targets.Abstract}, {"unix", l.socket}} {
		ln, err := net.Listen(at[0], at[1]) //nolint:noctx // closed by close
		if err != nil && at[1] == "[::1]:0" {
			continue // no IPv6 on this host
		}
		if err != nil {
			return err
		}
		l.open = append(l.open, ln)
		if at[0] == "tcp" {
			l.targets.Loopback = append(l.targets.Loopback, ln.Addr().String())
		}
		l.wg.Go(func() { l.serve(ln, nonce) })
	}
	l.loop = l.targets.Loopback[0]
	_, p, err := net.SplitHostPort(l.loop)
	if err != nil {
		return err
	}
	l.targets.Port, err = strconv.Atoi(p)
	l.targets.Allowed, l.targets.Rebound = "allowed.test:"+p, "rebound.test:"+p
	return errors.Join(err, os.Chmod(l.socket, 0o666)) //nolint:gosec // a control's box is to reach it
}

// serve says the nonce to whoever comes; to HTTP requests for /host, the Host
// header, and for /redirect, the way to itself.
func (l *lab) serve(ln net.Listener, nonce string) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() {
			defer c.Close()
			r := bufio.NewReader(io.LimitReader(c, 16<<10))
			if method, err := r.Peek(4); err != nil || string(method) != "GET " {
				fmt.Fprintln(c, nonce)
				return
			}
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			head, body := "HTTP/1.1 200 OK\r\n", nonce
			switch req.URL.Path {
			case "/host":
				body = "host=" + req.Host
			case "/redirect":
				head, body = "HTTP/1.1 302 Found\r\nLocation: http://"+l.loop+"/\r\n", "go there"
			}
			fmt.Fprintf(c, "%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(body), body)
		})
	}
}

// plant writes the secret that no box may read.
func (l *lab) plant(nonce string) error {
	l.targets.Secret = filepath.Join(l.dir, "secret-"+nonce)
	l.resolver = filepath.Join(l.dir, "resolv.conf")
	if err := os.WriteFile(l.resolver, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil { //nolint:gosec // as below
		return err
	}
	return os.WriteFile(l.targets.Secret, []byte(nonce+"\n"), 0o644) //nolint:gosec // a control's box is to read it
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
		l.other.Close(context.Background()) //nolint:errcheck // the reaper removes what is left
	}
	for _, ln := range l.open {
		ln.Close()
	}
	l.wg.Wait()
	os.RemoveAll(l.dir)
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
	return (&net.Dialer{}).DialContext(ctx, "tcp", l.loop)
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
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && strings.Contains(string(line), "probe\x00stay\x00"+l.targets.Nonce) {
			return e.Name()
		}
	}
	return ""
}
