package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// targetAddresses are what the probes try: in the network that a control makes
// they are loopback's own, so that they answer and nothing leaves.
var targetAddresses = [...]string{
	"1.1.1.1", "8.8.8.8", "9.9.9.9", "2606:4700:4700::1111", "2001:4860:4860::8888", "10.0.2.3",
	"169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254",
	"10.0.2.2", "10.88.0.1", "169.254.1.2", "172.17.0.1", "192.168.127.254", "192.0.2.200", "192.0.2.1", "2001:db8::1",
}

// ServeTarget turns the network namespace that it runs in into one where the
// probed addresses answer. It needs CAP_NET_ADMIN there and returns on an error
// only. args are the nonce and one more TCP port; ready gets a line when all listen.
func ServeTarget(args []string, ready io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("expected a nonce and a port")
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	for _, a := range targetAddresses {
		if err := rtnetlink(newAddress(lo.Index, netip.MustParseAddr(a))); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	ended := make(chan error)
	for _, port := range []string{"22", "53", "80", "443", "3306", "5432", args[1]} {
		l, err := net.Listen("tcp", ":"+port) //nolint:noctx // for good
		if err != nil {
			return err
		}
		go func() { ended <- greet(l, args[0]) }()
	}
	for _, port := range []int{53, 443} {
		c, err := net.ListenPacket("udp", ":"+strconv.Itoa(port)) //nolint:noctx // for good
		if err != nil {
			return err
		}
		go func() { ended <- echo(c) }()
	}
	fmt.Fprintln(ready, "ready")
	return <-ended
}

func greet(l net.Listener, nonce string) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintln(c, nonce)
		c.Close()
	}
}

func echo(c net.PacketConn) error {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		c.WriteTo(buf[:n], from) //nolint:errcheck // the probe says what it missed
	}
}

// newAddress is RTM_NEWADDR for one host address, acknowledged; see rtnetlink(7).
func newAddress(index int, addr netip.Addr) []byte {
	ip := addr.AsSlice()
	family := byte(unix.AF_INET)
	if addr.Is6() {
		family = unix.AF_INET6
	}
	e, m := binary.NativeEndian, make([]byte, 0, 64)
	m = e.AppendUint32(m, uint32(16+8+4+len(ip))) // length
	m = e.AppendUint16(m, unix.RTM_NEWADDR)
	m = e.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	m = e.AppendUint32(m, 1) // sequence
	m = e.AppendUint32(m, 0) // port
	m = append(m, family, byte(8*len(ip)), unix.IFA_F_NODAD, unix.RT_SCOPE_UNIVERSE)
	m = e.AppendUint32(m, uint32(index))
	m = e.AppendUint16(m, uint16(4+len(ip)))
	m = e.AppendUint16(m, unix.IFA_LOCAL)
	return append(m, ip...)
}

// rtnetlink asks the kernel for one change.
func rtnetlink(request []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // nothing to lose
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 1024)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return err
	}
	if n < 20 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("no acknowledgement")
	}
	if errno := -int32(binary.NativeEndian.Uint32(buf[16:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}
