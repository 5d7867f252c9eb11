package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSetupTwice(t *testing.T) {
	if os.Getenv("GLOVEBOX_TEST_BIN") != "" {
		t.Skip("nothing can be installed in a machine without a network")
	}
	e := testEngine(t)
	testImage(t)
	opts := e.opts
	opts.RuntimeDir = ""
	var out strings.Builder
	if _, err := Setup(t.Context(), SetupOptions{Engine: opts, Yes: true, ForTests: true, Out: &out}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	info, err := Setup(t.Context(), SetupOptions{Engine: opts, Out: &out})
	if err != nil || !info.Rootless {
		t.Fatalf("the second run says %v, %+v", err, info)
	}
	if out.Len() > 0 {
		t.Errorf("the second run did something: %s", &out)
	}
}

// What would change the system is asked for first, and named to those who may not.
func TestSetupAsks(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "changed")
	changes := []change{{what: "leave a mark", argv: [][]string{{"touch", marker}}}}
	var out strings.Builder
	nobody, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	err = apply(t.Context(), SetupOptions{In: nobody, Out: &out}, changes)
	if !errors.Is(err, ErrDeclined) && !errors.Is(err, ErrAdmin) {
		t.Errorf("with nobody there to agree it says %v", err)
	}
	if errors.Is(err, ErrAdmin) && !strings.Contains(err.Error(), "touch "+marker) {
		t.Errorf("the administrator is not told what to do: %v", err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the change was made")
	}
	err = apply(t.Context(), SetupOptions{In: nobody, Out: &out, Yes: true}, changes)
	if _, statErr := os.Stat(marker); (err == nil) != (statErr == nil) {
		t.Errorf("with --yes it says %v, and the mark says %v", err, statErr)
	}
	if os.Geteuid() == 0 && err != nil {
		t.Errorf("root's own change failed: %v", err)
	}
}

func TestSubIDRanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subuid")
	text := "alice:100000:65536\n# comment\n1001:165536:65536\nbob:900000:1000\nbroken\nx:y:z\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ranges, err := readSubRanges(path)
	if err != nil || len(ranges) != 3 {
		t.Fatalf("ranges are %v (%v)", ranges, err)
	}
	for a, want := range map[account]bool{
		{name: "alice", uid: 1000}: true,
		{name: "carol", uid: 1001}: true, // by uid
		{name: "bob", uid: 1002}:   false,
		{name: "dave", uid: 1003}:  false,
	} {
		if got := a.hasRange(ranges); got != want {
			t.Errorf("%s has a range: %v, want %v", a.name, got, want)
		}
	}
	first := freeRange(ranges)
	for _, r := range ranges {
		if first < r.first+r.count && r.first < first+subIDCount {
			t.Errorf("the free range at %d overlaps %+v", first, r)
		}
	}
	if none, err := readSubRanges(path + ".none"); err != nil || freeRange(none) != subIDFirst {
		t.Errorf("without a file the free range is at %d (%v)", freeRange(none), err)
	}
}

func TestOwnDirRefusesForeignOnes(t *testing.T) {
	dir := t.TempDir()
	uid, gid := os.Geteuid(), os.Getegid()
	target := filepath.Join(dir, "target")
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(target, 0o755), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := ownDir(link, 0o700, uid, gid); err == nil {
		t.Error("a symbolic link passes")
	}
	if err := ownDir("/proc", 0o555, uid+1, gid); err == nil {
		t.Error("somebody else's directory passes")
	}
	if err := ownDir(target, 0o700, uid, gid); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a directory open to others stays so: %v (%v)", info.Mode(), err)
	}
}

func TestDoctorOnThisMachine(t *testing.T) {
	e := testEngine(t)
	testImage(t)
	opts := e.opts
	opts.RuntimeDir = ""
	for _, c := range Doctor(t.Context(), opts) {
		if c.State == Fail {
			t.Errorf("%+v, while boxes run here", c)
		}
		if c.State == Warn && c.Fix == "" && c.Name != "user namespaces" {
			t.Errorf("%+v does not say what to do", c)
		}
	}
	opts.InitPath = "/bin/cat"
	t.Setenv("CONTAINER_HOST", "unix:///nobody/answers.sock")
	failed := map[string]Check{}
	for _, c := range Doctor(t.Context(), opts) {
		if c.State == Fail {
			failed[c.Name] = c
		}
	}
	for name, fix := range map[string]string{"engine": "unset CONTAINER_HOST", "init": "make build"} {
		if failed[name].Fix != fix {
			t.Errorf("%s: %+v, want the fix %q", name, failed[name], fix)
		}
	}
}
