package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dialTime is long enough for an answer from the same machine.
const dialTime = 300 * time.Millisecond

// dialAll tries each address, if no way out can be seen. What the kernel
// refuses at once has not gone anywhere.
func dialAll(proto string, addrs ...string) Finding {
	if f, ok := wayOut(); ok {
		return f
	}
	for _, addr := range addrs {
		if f := dial(proto, addr); f.Verdict != pass {
			return f
		}
	}
	return held("%d addresses, each refused by the kernel at once", len(addrs))
}

func dial(proto, addr string) Finding {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(context.Background(), proto, addr)
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return held("%s is not known here", addr)
	case err != nil && !unreachable(err) && !refusal(err):
		return out("%s: not refused by the kernel at once: %v", addr, err)
	case err != nil:
		return held("%v", err)
	}
	defer c.Close()
	if proto == "tcp" {
		return out("connected to %s", addr)
	}
	c.SetDeadline(time.Now().Add(dialTime)) //nolint:errcheck // the read says so
	_, err = c.Write([]byte("probe"))
	if unreachable(err) {
		return held("%v", err)
	}
	n, readErr := c.Read(make([]byte, 64))
	return out("a datagram to %s was sent (%v); %d bytes came back (%v)", addr, err, n, readErr)
}

// unreachable says that the kernel had nowhere to send it.
func unreachable(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT)
}

// wayOut finds what would let a packet leave: an interface beside loopback that
// is up or has an address, or a route by one.
func wayOut() (Finding, bool) {
	list, err := net.Interfaces()
	if err != nil {
		return unsure("interfaces: %v", err), true
	}
	for _, i := range list {
		// The kernel may put unconfigured tunnel devices into every namespace; without an address they lead nowhere.
		if addrs, err := i.Addrs(); i.Flags&net.FlagLoopback == 0 && (err != nil || len(addrs) > 0 || i.Flags&net.FlagUp != 0) {
			return out("%s is there, %s", i.Name, i.Flags), true
		}
	}
	for file, device := range map[string]int{"/proc/net/route": 0, "/proc/net/ipv6_route": 9} {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // no IPv6 here
		}
		if err != nil {
			return unsure("routes: %v", err), true
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > device && f[device] != "Iface" && f[device] != "lo" {
				return out("a route by %s", f[device]), true
			}
		}
	}
	return Finding{}, false
}

// says reports whether whoever answers at addr says the nonce.
func says(proto, addr, nonce string) Finding {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(context.Background(), proto, addr)
	if err != nil {
		if f := judge("connecting to "+addr, err, unix.ECONNREFUSED); f.Verdict != pass && !unreachable(err) {
			return f
		}
		return held("%v", err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(dialTime)) //nolint:errcheck // the read says so
	fmt.Fprint(c, "probe\n")
	buf := make([]byte, 256)
	n, err := c.Read(buf)
	if strings.Contains(string(buf[:n]), nonce) {
		return out("the host's listener at %s answered", addr)
	}
	return out("somebody at %s answered: %q (%v)", addr, buf[:n], err)
}
