package runner

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// deadOwner is a process that was there and is gone.
func deadOwner(t *testing.T) Owner {
	t.Helper()
	return ownerOf(t, "/bin/cat", func(o Owner) {
		if !o.Alive() {
			t.Errorf("a running process counts as gone: %+v", o)
		}
	})
}

// ownerOf runs a copy of cat and returns what it was once it has ended.
func ownerOf(t *testing.T, path string, during func(Owner)) Owner {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	start, err := startTime(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	o := Owner{PID: cmd.Process.Pid, Start: start, Boot: boot}
	during(o)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOwnerAlive(t *testing.T) {
	me, err := CurrentOwner()
	if err != nil {
		t.Fatal(err)
	}
	if !me.Alive() {
		t.Error("this process counts as gone")
	}
	if back, ok := ownerFromLabels(me.Labels()); !ok || back != me {
		t.Errorf("labels give back %+v, want %+v", back, me)
	}
	for name, o := range map[string]Owner{
		"a dead process":                       deadOwner(t),
		"the pid of another process":           {PID: me.PID, Start: me.Start + 1, Boot: me.Boot},
		"the same pid and start, other boot":   {PID: me.PID, Start: me.Start, Boot: "00000000-0000-0000-0000-000000000000"},
		"no process at all":                    {},
		"a process group instead of a process": {PID: -me.PID, Start: me.Start, Boot: me.Boot},
	} {
		if o.Alive() {
			t.Errorf("%s counts as alive", name)
		}
	}
	if _, ok := ownerFromLabels(map[string]string{LabelOwnerPID: "x"}); ok {
		t.Error("labels without a pid give an owner")
	}
}

// A command may be called anything, also what looks like the fields after it.
func TestOwnerOfHostileName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a) R 1 (b")
	src, err := os.Open("/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
	if o := ownerOf(t, path, func(o Owner) {
		if !o.Alive() {
			t.Error("it counts as gone while it runs")
		}
	}); o.Alive() {
		t.Error("it counts as alive when it has ended")
	}
}
