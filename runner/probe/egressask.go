package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"glovebox/runner/port"
)

// The way out of a box, where there is one, is a proxy on its loopback. These
// probes ask it for what is not on the list.

// let looks for the nonce, or another text that must not be, in an answer.
func let(t Targets, what, answer string, also ...string) Finding {
	for _, text := range append(also, t.Nonce) {
		if strings.Contains(answer, text) {
			return out("%s was let out: %.80q", what, answer)
		}
	}
	first, _, _ := strings.Cut(answer, "\r\n")
	return held("%s: %s", what, first)
}

func overHTTP(request string) string { return ask(port.HTTPAddr, []byte(request)) }

// overSOCKS is RFC 1928: no authentication, CONNECT to a name.
func overSOCKS(target string) string {
	host, p, err := net.SplitHostPort(target)
	if err != nil {
		return err.Error()
	}
	var n uint16
	fmt.Sscan(p, &n) //nolint:errcheck // the host made it
	req := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...)
	return ask(port.SOCKSAddr, append(append(req, byte(n>>8), byte(n)), "probe\n"...))
}

// ask says something to a listener of the box and returns all that it answers.
func ask(addr string, what []byte) string {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Second)) //nolint:errcheck // the read says so
	if _, err := c.Write(what); err != nil {
		return err.Error()
	}
	c.(*net.TCPConn).CloseWrite()                     //nolint:errcheck // as above
	answer, _ := io.ReadAll(io.LimitReader(c, 8<<10)) // what came counts
	return string(answer)
}
