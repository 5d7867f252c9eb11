package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestImageCommands(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.tinyRoot("Tiny-1.tar.xz", "/bin/sh")
	out, errOut, code := h.run("image", "import", "Tiny-1.tar.xz", "--json")
	var made struct {
		Ref        string   `json:"ref"`
		BaseDigest string   `json:"base_digest"`
		Lacks      []string `json:"lacks"`
		Boxes      int      `json:"boxes"`
	}
	if code != 0 || json.Unmarshal([]byte(out), &made) != nil {
		t.Fatalf("import: exit %d, %s%s", code, out, errOut)
	}
	if made.Ref != "localhost/tiny-1:latest" || len(made.Lacks) != 3 || !strings.Contains(errOut, "sqlite3") || !strings.Contains(errOut, "the tool sql will not work") {
		t.Errorf("imported: %+v, %s", made, errOut)
	}
	if out, errOut, code := h.run("box", "run", "--image", "localhost/tiny-1", "--", "/bin/sh", "-c", "echo in the box"); code != 0 || out != "in the box\n" || unhurried(errOut) != "" {
		t.Errorf("in a box: exit %d, %s%s", code, out, errOut)
	}
	if event := h.boxCreated(); !strings.Contains(event, made.BaseDigest) || strings.Contains(event, "host_usr") {
		t.Errorf("the log has no %s: %s", made.BaseDigest, event)
	}
	if out, _, code := h.run("image", "list"); code != 0 || !strings.Contains(out, "localhost/tiny-1:latest") || !strings.Contains(out, made.BaseDigest) {
		t.Errorf("list: exit %d, %s", code, out)
	}
	if out, errOut, code := h.run("image", "prune"); code != 0 || !strings.HasPrefix(out, "removed ") || unhurried(errOut) != "" {
		t.Errorf("prune: exit %d, %s%s", code, out, errOut)
	}
	if out, errOut, code := h.run("image", "rm", made.BaseDigest[:len("sha256:")+16]+"…"); code != 0 || out != "" || unhurried(errOut) != "" {
		t.Errorf("rm: exit %d, %s%s", code, out, errOut)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"image", "rm", "localhost/tiny-1"}, exitUsage, "localhost/tiny-1"},
		{[]string{"image", "import", h.file("letter", "dear reader")}, exitEngine, "no tar archive"},
		{[]string{"image", "import", h.file("short", "dear")}, exitEngine, "no tar archive"},
		{[]string{"image", "import", h.file("nothing", "")}, exitEngine, "empty"},
		{[]string{"image", "import", h.dir}, exitUsage, "regular"},
		{[]string{"image", "import", "none.tar"}, exitUsage, "none.tar"},
		{[]string{"image", "import", "letter", "host"}, exitUsage, "glovebox uses itself"},
		{[]string{"image", "import"}, exitUsage, "needs a file"},
	} {
		if out, errOut, code := h.run(tt.args...); code != tt.code || out != "" || !strings.Contains(errOut, tt.want) {
			t.Errorf("%q: exit %d, %s%s; want %d and %q", tt.args, code, out, errOut, tt.code, tt.want)
		}
	}
}

func TestImageHost(t *testing.T) {
	needEngine(t)
	if target, err := os.Readlink("/bin"); err != nil || !strings.HasSuffix(target, "usr/bin") {
		t.Skip("/bin is no link into /usr here")
	}
	h := newHome(t)
	out, errOut, code := h.run("box", "run", "--image", "host", "--", "/bin/sh", "-c", "touch /usr/x; ls /usr/local")
	if code != 0 || out != "" || !strings.Contains(errOut, "touch: ") {
		t.Errorf("exit %d, %s%s", code, out, errOut)
	}
	if event := h.boxCreated(); !strings.Contains(event, `"host_usr":true`) || !strings.Contains(event, `"host /usr"`) || !strings.Contains(event, `"image":"host"`) {
		t.Errorf("the log does not say whose /usr it was: %s", event)
	}
	strict := defaultConfig()
	strict.Rigor, strict.Box.Image = "strict", "host"
	if key, why := strict.wrongBox(); key != "box.image" || !strings.Contains(why, "strict") {
		t.Errorf("under strict it says %q, %q", key, why)
	}
	if _, errOut, code := h.run("--rigor", "strict", "box", "run", "--image", "host", "--", "true"); code != exitUsage || errOut == "" {
		t.Errorf("under strict: exit %d, %s", code, errOut)
	}
}

// tinyRoot packs a root file system of some of this host's programs and what they need.
func (h *home) tinyRoot(name string, programs ...string) (file string) {
	h.t.Helper()
	file = filepath.Join(h.dir, name)
	ldd, err := exec.CommandContext(h.t.Context(), "ldd", programs...).Output()
	if err != nil {
		h.t.Skip("no ldd: ", err)
	}
	args := append([]string{"--create", "--dereference", "--auto-compress", "--file", file}, programs...)
	for _, word := range strings.Fields(string(ldd)) {
		if strings.HasPrefix(word, "/") && !strings.HasSuffix(word, ":") && !slices.Contains(args, word) {
			args = append(args, word)
		}
	}
	if out, err := exec.CommandContext(h.t.Context(), "tar", args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	return file
}

// boxCreated is the line of the last session's box.
func (h *home) boxCreated() string {
	h.t.Helper()
	out, errOut, code := h.run("replay", "last", "--json")
	for line := range strings.Lines(out) {
		if strings.Contains(line, `"kind":"box.created"`) {
			return line
		}
	}
	h.t.Fatalf("no box in the log: exit %d, %s%s", code, out, errOut)
	return ""
}
