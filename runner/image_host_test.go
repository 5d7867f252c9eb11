package runner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/specgen"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

func hostImage(t *testing.T) Image {
	t.Helper()
	e := testEngine(t)
	if err := e.hostFit(); err != nil {
		t.Skip(err)
	}
	img, err := e.Image(t.Context(), "host", nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A box of this machine's own programs sees its /usr and nothing else of it.
func TestHostImage(t *testing.T) {
	img := hostImage(t)
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: img})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	if !slices.ContainsFunc(b.Info().Seal, func(p port.Proof) bool { return p.Probe == "host /usr" }) {
		t.Errorf("the seal does not name the mount: %+v", b.Info().Seal)
	}
	marker, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		marker = []byte("no such thing")
	}
	script := `
		cmp /usr/bin/env /bin/env && echo same
		awk 'BEGIN { print "awk" }'
		for d in /usr /usr/bin /usr/local /usr/share; do (: >$d/x) 2>/dev/null && echo "wrote $d"; done
		ls -A /usr/local /home /root /var /opt /srv /mnt /media /boot 2>/dev/null | grep -v :
		for f in /etc/shadow /etc/machine-id /etc/ssh /etc/ssl /run/user /run/podman; do [ -e $f ] && echo "there is $f"; done
		find / -xdev \( -type s -o -type p -o -type b \) 2>/dev/null
		true`
	r, err := b.Exec(t.Context(), Command{Argv: []string{"/bin/sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(r.Stdout)); !slices.Equal(got, []string{"same", "awk"}) {
		t.Errorf("in the box: %q %s", got, r.Stderr)
	}
	if bytes.Contains(r.Stdout, bytes.TrimSpace(marker)) {
		t.Error("the machine's id is there")
	}
}

// The declared mount is no licence for another, or for a worse one.
func TestHostImageSealNotices(t *testing.T) {
	img := hostImage(t)
	e := testEngine(t)
	bind := func(from, to string, options ...string) func(*specgen.SpecGenerator) {
		return func(s *specgen.SpecGenerator) {
			s.Mounts = append(s.Mounts, spec.Mount{Destination: to, Type: "bind", Source: from, Options: append(options, "bind")})
		}
	}
	without := func(option string) func(*specgen.SpecGenerator) {
		return func(s *specgen.SpecGenerator) {
			for i, m := range s.Mounts {
				if m.Destination == "/usr" {
					s.Mounts[i].Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return o == option })
				}
			}
		}
	}
	for name, tt := range map[string]struct {
		image  Image
		probe  string
		weaken func(*specgen.SpecGenerator)
	}{
		"undeclared":      {testImage(t), "mounts", bind("/usr", "/usr", "ro", "nosuid", "nodev")},
		"another place":   {img, "mounts", bind("/usr", "/opt", "ro", "nosuid", "nodev")},
		"etc":             {img, "mounts", bind("/etc", "/etc/host", "ro")},
		"below it":        {img, "mounts", bind("/etc", "/usr/share/doc", "ro")},
		"memory of host":  {img, "mounts", bind("/dev/shm", "/mnt", "ro")},
		"memory, no host": {testImage(t), "mounts", bind("/dev/shm", "/mnt", "ro")},
		"writable":        {img, "host /usr", without("ro")},
		"suid":            {img, "host /usr", without("nosuid")},
		"devices":         {img, "host /usr", without("nodev")},
		"local things": {img, "host /usr", func(s *specgen.SpecGenerator) {
			s.Mounts = slices.DeleteFunc(s.Mounts, func(m spec.Mount) bool { return m.Destination == "/usr/local" })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if local, _ := os.ReadDir("/usr/local"); name == "local things" && len(local) == 0 {
				t.Skip("/usr/local is empty here")
			}
			if name == "undeclared" && tt.image.HostUsr() {
				t.Skip("the tests run on the image host")
			}
			b, err := e.newBox(t.Context(), BoxOptions{Image: tt.image}, tt.weaken)
			if err == nil {
				b.Close(context.Background())
				t.Fatal("sealed")
			}
			if !errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), `"`+tt.probe+`"`) {
				t.Errorf("error %v, want one of probe %q", err, tt.probe)
			}
		})
	}
}
