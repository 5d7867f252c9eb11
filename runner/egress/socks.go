package egress

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"
)

// Replies of SOCKS5 (RFC 1928, 6).
const (
	socksDone        = 0
	socksFailed      = 1
	socksRefused     = 2
	socksUnreachable = 4
	socksNoCommand   = 7
	socksNoAddress   = 8
)

// ServeSOCKS serves one SOCKS5 client, without authentication and for CONNECT
// only, and closes its connection.
func (p *Proxy) ServeSOCKS(ctx context.Context, c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(requestTime)) //nolint:errcheck // a dead connection shows in the next read
	in := bufio.NewReader(c)
	host, port, reply, err := greet(in, c)
	if err != nil {
		return
	}
	if reply != socksDone {
		a := Attempt{N: p.requests.Add(1), Via: "socks5", Host: host, Port: port, Reason: "only CONNECT to a name or an address is spoken here"}
		if a.N <= p.o.MaxRequests {
			p.o.Record(a) //nolint:errcheck // it is refused anyway
		}
		answerSOCKS(c, reply) //nolint:errcheck // nothing follows
		return
	}
	c.SetDeadline(time.Time{}) //nolint:errcheck // as above
	x, err := p.open(ctx, "socks5", "CONNECT", host, port)
	if err != nil {
		var refused refusal
		if reply = socksUnreachable; errors.As(err, &refused) {
			reply = socksRefused
		}
		answerSOCKS(c, reply) //nolint:errcheck // nothing follows
		return
	}
	if err = answerSOCKS(c, socksDone); err == nil {
		err = x.tunnel(ctx, c, in)
	}
	x.finish(err)
}

// greet reads the client's two messages. A reply other than socksDone is what
// it must be told; an error means that this is no SOCKS5.
func greet(in *bufio.Reader, out io.Writer) (host string, port uint16, reply byte, err error) {
	var b [256]byte
	if _, err = io.ReadFull(in, b[:2]); err != nil || b[0] != 5 {
		return "", 0, 0, errors.Join(err, errors.New("not SOCKS5"))
	}
	methods := b[:b[1]]
	if _, err = io.ReadFull(in, methods); err != nil {
		return "", 0, 0, err
	}
	choice := byte(0xff)
	for _, m := range methods {
		if m == 0 {
			choice = 0
		}
	}
	if _, err = out.Write([]byte{5, choice}); err != nil || choice != 0 {
		return "", 0, 0, errors.Join(err, errors.New("no common method"))
	}
	if _, err = io.ReadFull(in, b[:4]); err != nil || b[0] != 5 {
		return "", 0, 0, errors.Join(err, errors.New("not SOCKS5"))
	}
	command := b[1]
	if host, err = readHost(in, b[3]); err != nil {
		return "", 0, 0, err
	}
	if host == "" {
		return "", 0, socksNoAddress, nil
	}
	if _, err = io.ReadFull(in, b[:2]); err != nil {
		return "", 0, 0, err
	}
	port = binary.BigEndian.Uint16(b[:2])
	if command != 1 {
		return clip(host), port, socksNoCommand, nil
	}
	return host, port, socksDone, nil
}

// readHost reads an address of a kind; "" for a kind that there is not.
func readHost(in *bufio.Reader, kind byte) (string, error) {
	n := map[byte]int{1: 4, 4: 16}[kind]
	if kind == 3 {
		b, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		n = int(b)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return "", err
	}
	if kind == 3 {
		return string(b), nil
	}
	a, _ := netip.AddrFromSlice(b)
	if !a.IsValid() {
		return "", nil
	}
	return a.String(), nil
}

func answerSOCKS(c net.Conn, reply byte) error {
	_, err := c.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
	return err
}
