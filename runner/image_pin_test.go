package runner

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// registries are real ones on loopback: one that lives in this process, and
// Debian's docker-registry where that is installed.
var registries = map[string]func(*testing.T) (host string, stop func()){
	"in process": func(t *testing.T) (string, func()) {
		server := httptest.NewServer(registry.New())
		t.Cleanup(server.Close)
		return strings.TrimPrefix(server.URL, "http://"), server.Close
	},
	"docker-registry": dockerRegistry,
}

func dockerRegistry(t *testing.T) (string, func()) {
	if _, err := exec.LookPath("docker-registry"); err != nil {
		t.Skip("docker-registry is not installed")
	}
	dir := t.TempDir()
	config := writeFile(t, filepath.Join(dir, "config.yml"), fmt.Sprintf(
		"version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: '127.0.0.1:0'}\n", dir))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "docker-registry", "serve", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	says, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		cancel()
		cmd.Wait() //nolint:errcheck // we ended it
	}
	t.Cleanup(stop)
	listening := regexp.MustCompile(`listening on (127\.0\.0\.1:[1-9]\d*)`)
	lines := bufio.NewScanner(says)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() { // or it would wait for us to take its words
				}
			}()
			return m[1], stop
		}
	}
	t.Fatal("docker-registry ended without listening")
	return "", nil
}

// A prepared image stays what it is until somebody asks for the latest, and
// then what has changed is told.
func TestImageStaysPinned(t *testing.T) {
	for name, start := range registries {
		t.Run(name, func(t *testing.T) {
			e := testEngine(t)
			host, stop := start(t)
			ref := host + "/tiny:1"
			news := ""
			tell := func(p Progress) {
				if p.Lasting {
					news += p.Step
				}
			}
			get := func(e *Engine, update bool) Image {
				t.Helper()
				news = ""
				find := e.Image
				if update {
					find = e.UpdateImage
				}
				img, err := find(t.Context(), ref, tell)
				if err != nil {
					t.Fatal(err)
				}
				return img
			}
			t.Cleanup(func() {
				if _, err := e.RemoveImage(context.Background(), ref); err != nil {
					t.Error(err)
				}
				removeImage(t, e, ref)
			})
			pushTiny(t, e, ref, "one")
			one := get(e, false)
			pushTiny(t, e, ref, "two")
			if again := get(e, false); again != one || news != "" {
				t.Errorf("the tag moved, and unasked it is %+v (%q), was %+v", again, news, one)
			}
			two := get(e, true)
			if two.BaseDigest == one.BaseDigest || two.Was != one.BaseDigest {
				t.Errorf("updated it is %+v, was %+v", two, one)
			}
			if !strings.Contains(news, one.BaseDigest) || !strings.Contains(news, two.BaseDigest) || !strings.Contains(news, ref) {
				t.Errorf("the news is %q", news)
			}
			if again := get(e, true); again != two || news != "" {
				t.Errorf("updated once more it is %+v (%q), was %+v", again, news, two)
			}
			pushTiny(t, e, ref, "one")
			if back := get(e, true); back.Was != two.BaseDigest || !strings.Contains(news, two.BaseDigest) {
				t.Errorf("moved back it is %+v (%q)", back, news)
			}
			byDigest := host + "/tiny@" + two.BaseDigest
			if img, err := e.Image(t.Context(), byDigest, nil); err != nil || img.BaseDigest != two.BaseDigest {
				t.Errorf("by its digest it is %+v (%v)", img, err)
			}
			if n, err := e.RemoveImage(t.Context(), byDigest); n != 1 || err != nil {
				t.Errorf("removed %d (%v), want one", n, err)
			}
			// A new program takes the same image up again, from here.
			pinned := get(e, false)
			stop()
			other := withInit(e, newInit(t, e))
			if img := get(other, false); img.BaseDigest != pinned.BaseDigest || img.Was != "" || news != "" || img.Init == pinned.Init {
				t.Errorf("with a new init it is %+v (%q), was %+v", img, news, pinned)
			}
		})
	}
}

func TestFullRef(t *testing.T) {
	for ref, want := range map[string]string{
		"": "auto", "auto": "auto", "host": "host", "alpine": "alpine:latest", "docker.io/library/alpine": "alpine:latest",
		"localhost/mine": "localhost/mine:latest", "127.0.0.1:5000/x:1": "127.0.0.1:5000/x:1", "Not A Reference": "Not A Reference",
	} {
		if got := fullRef(ref); got != want {
			t.Errorf("fullRef(%q) = %q, want %q", ref, got, want)
		}
	}
}
