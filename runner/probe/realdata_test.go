package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is read in pieces, the first of 4 KiB: an edge neither makes a reserved
// mailbox a real one nor hides a real one.
func TestRealDataAtEdges(t *testing.T) {
	for mailbox, want := range map[string]string{
		"ann@mail.test":    "",
		"ann@example.org":  "",
		"ann@mail.acme.io": "a mailbox at mail.acme.io",
	} {
		for before := 4096 - len(mailbox) - 1; before <= 4096; before++ {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(strings.Repeat(" ", before)+mailbox+" and so on"), 0o600); err != nil {
				t.Fatal(err)
			}
			if what, err := real(path); err != nil || what != want {
				t.Errorf("%s after %d bytes: %q, want %q (%v)", mailbox, before, what, want, err)
			}
		}
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(mailbox), 0o600); err != nil {
			t.Fatal(err)
		}
		if what, err := real(path); err != nil || what != want {
			t.Errorf("%s at the end: %q, want %q (%v)", mailbox, what, want, err)
		}
	}
}
