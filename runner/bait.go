package runner

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Bait is what is on the host for an attacker to find: listeners and a secret.
// Whoever gets at one of them learns the nonce.
type Bait struct {
	Nonce    string
	Secret   string   // path of a file that holds it
	Loopback []string // addresses of listeners that say it; there is one at least

	dir, socket, abstract, resolver string // paths, and the name of a listener without one
	open                            []net.Listener
	wg                              sync.WaitGroup

	mu    sync.Mutex
	taken string
}

// OpenBait lays it out. The caller closes it.
func OpenBait() (*Bait, error) {
	base := os.TempDir()
	if len(base) > 64 { // a socket's name has 107 bytes at most
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "glovebox-verify-")
	if err != nil {
		return nil, err
	}
	nonce := "nonce-" + strings.ToLower(rand.Text()[:16])
	b := &Bait{
		Nonce: nonce, dir: dir, abstract: "@glovebox-" + nonce,
		Secret: filepath.Join(dir, "secret-"+strings.ToLower(rand.Text()[:8])), socket: filepath.Join(dir, "socket"), resolver: filepath.Join(dir, "resolv.conf"),
	}
	if err := errors.Join(b.plant(), b.listen()); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close takes it away.
func (b *Bait) Close() {
	for _, l := range b.open {
		l.Close()
	}
	b.wg.Wait()
	os.RemoveAll(b.dir)
}

// Taken is the address of a listener that somebody has connected to; "" if
// nobody has.
func (b *Bait) Taken() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// plant writes the files. Everybody may read them, for the engine's account
// mounts them into the weak boxes of controls; there is nothing in them but the nonce.
func (b *Bait) plant() error {
	return errors.Join(
		os.Chmod(b.dir, 0o755), //nolint:gosec // see above
		os.WriteFile(b.Secret, []byte(b.Nonce+"\n"), 0o600),
		os.WriteFile(b.resolver, []byte("nameserver 127.0.0.1\n"), 0o600),
		os.Chmod(b.Secret, 0o644),   //nolint:gosec // as above, whatever the umask
		os.Chmod(b.resolver, 0o644)) //nolint:gosec // as above
}

func (b *Bait) listen() error {
	for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", b.abstract}, {"unix", b.socket}} {
		l, err := net.Listen(at[0], at[1]) //nolint:noctx // until Close
		if err != nil && at[1] == "[::1]:0" {
			continue // no IPv6 on this host
		}
		if err != nil {
			return err
		}
		b.open = append(b.open, l)
		if at[0] == "tcp" {
			b.Loopback = append(b.Loopback, l.Addr().String())
		}
		b.wg.Go(func() { b.serve(l) })
	}
	return os.Chmod(b.socket, 0o666) //nolint:gosec // a control's box is to reach it
}

// serve says the nonce to whoever comes; to HTTP requests for /host the Host
// header, and for /redirect the way to itself.
func (b *Bait) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.taken = l.Addr().String()
		b.mu.Unlock()
		b.wg.Go(func() {
			defer c.Close()
			r := bufio.NewReader(io.LimitReader(c, 16<<10))
			if method, err := r.Peek(4); err != nil || string(method) != "GET " {
				fmt.Fprintln(c, b.Nonce)
				return
			}
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			head, body := "HTTP/1.1 200 OK\r\n", b.Nonce
			switch req.URL.Path {
			case "/host":
				body = "host=" + req.Host
			case "/redirect":
				head, body = "HTTP/1.1 302 Found\r\nLocation: http://"+b.Loopback[0]+"/\r\n", "go there"
			}
			fmt.Fprintf(c, "%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(body), body)
		})
	}
}
