package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/fakedata"
)

// A masked file is the data of a box, on the record by its digest; one without
// its proof, or that was changed, is not.
func TestMaskedFileAsData(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	must := func(args ...string) string {
		t.Helper()
		out, errOut, code := h.run(args...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, errOut)
		}
		return out
	}
	real, twin := filepath.Join(h.dir, "real.db"), filepath.Join(h.dir, "twin.db")
	must("data", "generate", "clinic", "--rows", "100", "-o", real)
	must("data", "mask", real, "--key-file", filepath.Join(h.dir, "mask.key"), "--new-key", "-o", twin)
	sum, _, err := fakedata.Digest(twin)
	if err != nil {
		t.Fatal(err)
	}
	out := must("box", "run", "--data", "masked:"+twin, "--json", "--", "sh", "-c", "sha256sum /data/twin.db; cat /data/DATA.md; ls -a /data /work")
	if !strings.Contains(out, sum) || !strings.Contains(out, "## patients (") || strings.Contains(out, "mask.json") || strings.Contains(out, "synthetic") {
		t.Errorf("in the box there is: %s", out)
	}
	if log := must("sessions", "show", "last", "--json"); strings.Count(log, sum) < 2 { // in the recipe, and as a file that went in
		t.Errorf("the record does not name the file: %s", log)
	}
	h.file("glovebox.toml", "[data]\nschema = \"masked:"+twin+"\"\nmess = 0.1\n")
	if _, errOut, code := h.run("box", "run", "--data", "masked:"+twin, "--", "true"); code != exitUsage || !strings.Contains(errOut, "data.mess") {
		t.Errorf("mess: exit %d: %s", code, errOut)
	}
	resumesMasked(h, twin)
	h.file("glovebox.toml", "")
	f, err := os.OpenFile(twin, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, errOut, code := h.run("box", "run", "--data", "masked:"+twin, "--", "true"); code != exitUsage || !strings.Contains(errOut, "changed after it was masked") {
		t.Errorf("changed: exit %d: %s", code, errOut)
	}
	if _, errOut, code := h.run("box", "run", "--data", "masked:"+real, "--", "true"); code != exitUsage || !strings.Contains(errOut, "no proof") {
		t.Errorf("real: exit %d: %s", code, errOut)
	}
}

// A session on a masked file goes on with the same file: where it was, or where
// the configuration says that it is now; another file is refused.
func resumesMasked(h *home, twin string) {
	h.t.Helper()
	look := h.file("look.toml", "[[turn]]\ntext = \"I see.\"\n[[turn]]\ntext = \"Again.\"\n[[turn]]\ntext = \"And again.\"\n")
	h.file("glovebox.toml", "model = \"script:"+look+"\"\n[data]\nschema = \"masked:"+twin+"\"\n")
	must := func(want string, args ...string) {
		h.t.Helper()
		if out, errOut, code := h.run(args...); code != 0 || !strings.Contains(out, want) {
			h.t.Errorf("%v: exit %d: %s%s", args, code, out, errOut)
		}
	}
	must("data twin, a masked file", "run", "look")
	h.file("glovebox.toml", "model = \"script:"+look+"\"\n")
	must("Again.", "run", "--resume", "last", "look again")
	if err := os.Rename(twin, twin+".away"); err != nil {
		h.t.Fatal(err)
	}
	if _, errOut, code := h.run("run", "--resume", "last", "look"); code != exitUsage || !strings.Contains(errOut, "masked:FILE") {
		h.t.Errorf("no file: exit %d: %s", code, errOut)
	}
	if err := os.Rename(twin+".away", twin); err != nil {
		h.t.Fatal(err)
	}
	must("And again.", "run", "--resume", "last", "look")
}

func TestMaskedAgain(t *testing.T) {
	abs, local, other := `{"data":{"schema":"masked:/a/twin.db"}}`, `{"data":{"schema":"masked:a/twin.db"}}`, `{"data":{"schema":"shop"}}`
	for _, test := range []struct {
		now, then string
		foreign   bool
		want      string
	}{
		{"shop", abs, false, "masked:/a/twin.db"},
		{"shop", abs, true, "masked:"}, // somebody else's path
		{"shop", local, true, "masked:a/twin.db"},
		{"shop", `{"data":{"schema":"masked:../twin.db"}}`, true, "masked:"},
		{"masked:b.db", abs, true, "masked:b.db"},
		{"shop", other, false, "masked:"},
		{"shop", "", false, "masked:"},
	} {
		if got := maskedAgain(test.now, []byte(test.then), test.foreign); got != test.want {
			t.Errorf("now %s, then %s, foreign %v: %q, want %q", test.now, test.then, test.foreign, got, test.want)
		}
	}
}
