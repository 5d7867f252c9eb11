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

// askTime is long enough for an answer of the host's proxy, also on a busy
// machine: one that does not come is not taken for a refusal.
const askTime = 8 * time.Second

// throughProxy makes a probe's attempts, if what is on the list gets through: a
// proxy that lets nobody out refuses nothing.
func throughProxy(try func(Targets) Finding) func(Targets) Finding {
	return func(t Targets) Finding {
		if t.Allowed == "" {
			return unsure("the box has no way out to be tried")
		}
		for what, answer := range map[string]string{
			"HTTP":   overHTTP("GET http://" + t.Allowed + "/ HTTP/1.1\r\nHost: " + t.Allowed + "\r\n\r\n"),
			"SOCKS5": overSOCKS(t.Allowed),
		} {
			if !strings.Contains(answer, t.Nonce) {
				return unsure("what is on the list does not get through by %s: %.80q", what, answer)
			}
		}
		return try(t)
	}
}

// let looks for the nonce, or another text that must not be, in an answer. What
// is no refusal by the proxy is none.
func let(t Targets, what, answer string, also ...string) Finding {
	for _, text := range append(also, t.Nonce) {
		if strings.Contains(answer, text) {
			return out("%s was let out: %.80q", what, answer)
		}
	}
	first, _, _ := strings.Cut(answer, "\r\n")
	// RFC 1928: the method is accepted, the request is answered by anything but 0.
	socks := strings.HasPrefix(answer, "\x05\x00\x05") && len(answer) > 3 && answer[3] != 0
	if !strings.HasPrefix(first, "HTTP/1.1 4") && !socks {
		return unsure("%s: that is no refusal: %.80q", what, answer)
	}
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
	c, err := (&net.Dialer{Timeout: askTime}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(askTime)) //nolint:errcheck // the read says so
	if _, err := c.Write(what); err != nil {
		return err.Error()
	}
	c.(*net.TCPConn).CloseWrite()                     //nolint:errcheck // as above
	answer, _ := io.ReadAll(io.LimitReader(c, 8<<10)) // what came counts
	return string(answer)
}
