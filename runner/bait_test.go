package runner

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// Whoever gets at the bait learns what to tell, and is seen.
func TestBaitIsTaken(t *testing.T) {
	b, err := OpenBait()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if at := b.Taken(); at != "" {
		t.Errorf("taken at %s by nobody", at)
	}
	if strings.Contains(b.Secret, b.Nonce) {
		t.Error("who is told where the secret is knows it")
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.Loopback[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || strings.TrimSpace(line) != b.Nonce {
		t.Errorf("%q, %v", line, err)
	}
	if at := b.Taken(); at != b.Loopback[0] {
		t.Errorf("taken at %q", at)
	}
}
