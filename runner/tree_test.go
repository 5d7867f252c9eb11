package runner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"glovebox/runner/tree"

	"github.com/google/go-cmp/cmp"
)

// shape is a directory as lines: mode, path, content or link.
func shape(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := info.Mode().String() + " " + strings.TrimPrefix(path, dir+"/")
		switch info.Mode().Type() {
		case 0:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " -> " + target
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTreeRoundTrip(t *testing.T) {
	b := testBox(t)
	from := t.TempDir()
	write := func(name, content string, mode fs.FileMode) {
		path := filepath.Join(from, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("README", "read me", 0o644)
	write("bin/tool", "#!/bin/sh\n", 0o755)
	write("a/b/c/d/deep", "deep", 0o400)
	write("ünïcode and space\nand line", "odd", 0o600)
	write("empty", "", 0o644)
	if err := errors.Join(os.Mkdir(filepath.Join(from, "bare"), 0o700), os.Symlink("../../bin/tool", filepath.Join(from, "a/b/up")),
		os.Symlink("nowhere", filepath.Join(from, "dangling")), os.Chmod(filepath.Join(from, "a/b"), 0o500)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(from, "a/b"), 0o700) }) //nolint:errcheck // so that it can be removed
	root, err := os.OpenRoot(from)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	put, err := b.PutTree(t.Context(), "in/tree", tree.Dir(root), tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if put.Files != 5 || put.Links != 2 || put.Dirs != 6 || len(put.Skipped) != 0 {
		t.Errorf("put %+v", put)
	}
	if r := sh(t, b, "cd /work/in/tree && stat -c '%a %F' a/b bin/tool a/b/up a/b/c/d/deep && cat a/b/up"); string(r.Stdout) !=
		"700 directory\n755 regular file\n777 symbolic link\n400 regular file\n#!/bin/sh\n" {
		t.Error(r)
	}
	// Once more over itself: what is there is replaced.
	if _, err := b.PutTree(t.Context(), "/work/in/tree", tree.Dir(root), tree.Limits{}); err != nil {
		t.Error(err)
	}
	into := filepath.Join(t.TempDir(), "new")
	got, err := b.GetTree(t.Context(), "in/tree", into, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Files != put.Files || got.Bytes != put.Bytes {
		t.Errorf("got %+v, put %+v", got, put)
	}
	want := shape(t, from)
	for i, line := range want { // a directory stays its owner's
		want[i] = strings.Replace(line, "dr-x------ a/b", "drwx------ a/b", 1)
	}
	if diff := cmp.Diff(want, shape(t, into)); diff != "" {
		t.Errorf("(-sent +came back)\n%s", diff)
	}
	if _, err := b.GetTree(t.Context(), "in/tree", into, tree.Limits{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a directory that is not empty: %v", err)
	}
	if _, err := b.GetTree(t.Context(), "/work/none", t.TempDir(), tree.Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a directory that is not there: %v", err)
	}
}

func TestPutTreeSaysWhyNot(t *testing.T) {
	b := testBox(t)
	files := fstest.MapFS{"a": {Data: []byte("a"), Mode: 0o644}, "out": {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}}
	stats, err := b.PutTree(t.Context(), "x", files, tree.Limits{})
	if err != nil || stats.Files != 1 || len(stats.Skipped) != 1 || stats.Skipped[0].Path != "out" {
		t.Errorf("%+v, %v", stats, err)
	}
	many := fstest.MapFS{}
	for i := range 200 {
		many[strings.Repeat("\x01", 200)+strconv.Itoa(i)] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}
	}
	if stats, err := b.PutTree(t.Context(), "many", many, tree.Limits{}); err != nil || len(stats.Skipped)+stats.Omitted != 200 || len(stats.Skipped) == 0 {
		t.Errorf("%d skipped and told, %d omitted, %v", len(stats.Skipped), stats.Omitted, err)
	}
	if _, err := b.PutTree(t.Context(), "/proc/none", files, tree.Limits{}); err == nil {
		t.Error("a directory that cannot be made was taken")
	}
	if _, err := b.PutTree(t.Context(), "y", files, tree.Limits{Entries: 1}); !errors.Is(err, tree.ErrTooMuch) {
		t.Errorf("too many entries: %v", err)
	}
	big := fstest.MapFS{"big": {Data: make([]byte, 8<<20), Mode: 0o644}}
	if _, err := b.PutTree(t.Context(), "z", big, tree.Limits{Bytes: 1 << 20}); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("too many bytes: %v", err)
	}
	if r := sh(t, b, "ls z; echo still here"); string(r.Stdout) != "still here\n" {
		t.Error(r)
	}
}

// What an agent may have arranged to reach out of the directory or to fill the host.
func TestGetTreeOfAHostileBox(t *testing.T) {
	b := testBox(t)
	get := func(t *testing.T, script string, l tree.Limits) (tree.Stats, []string, error) {
		t.Helper()
		if r := sh(t, b, "chmod -R u+rwx /work/t 2>/dev/null; rm -rf /work/t && mkdir /work/t && cd /work/t && "+script); !r.exited(0) {
			t.Fatal(r)
		}
		into := t.TempDir()
		stats, err := b.GetTree(t.Context(), "/work/t", into, l)
		return stats, shape(t, into), err
	}
	skips := func(s tree.Stats) []string {
		var all []string
		for _, skip := range s.Skipped {
			all = append(all, skip.Path)
		}
		return all
	}
	t.Run("links", func(t *testing.T) {
		stats, got, err := get(t, `ln -s /etc/passwd abs; ln -s ../../etc/passwd up; mkdir d; ln -s ../ok d/in; ln -s ../../x d/out
			echo ok >ok; ln -s . here; ln -s here/../.. sly; ln ok second; ln -s ok fine`, tree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"abs", "d/out", "sly", "up"}, skips(stats)); diff != "" {
			t.Error(diff)
		}
		want := []string{
			"drwxr-xr-x d", "Lrwxrwxrwx d/in -> ../ok", "Lrwxrwxrwx fine -> ok", "Lrwxrwxrwx here -> .",
			"-rw-r--r-- ok ok\n", "-rw-r--r-- second ok\n",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("special files and modes", func(t *testing.T) {
		stats, got, err := get(t, `mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")' 2>/dev/null || mkfifo sock
			echo s >suid; chmod 6777 suid; echo n >none; chmod 0 none; mkdir shut; echo x >shut/x; chmod 0 shut; mkdir open; chmod 3777 open`, tree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"none", "pipe", "shut", "sock"}, skips(stats)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"drwxr-xr-x open", "-rwxr-xr-x suid s\n"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a file larger than all disks", func(t *testing.T) {
		stats, got, err := get(t, "truncate -s 1T huge; echo a >a", tree.Limits{})
		if err != nil || len(got) != 1 || !slices.Equal(skips(stats), []string{"huge"}) {
			t.Errorf("%+v, %v, %v", stats, got, err)
		}
	})
	t.Run("more bytes than are taken", func(t *testing.T) {
		stats, _, err := get(t, "for i in 1 2 3 4; do truncate -s 400M $i; done", tree.Limits{Bytes: 4 << 20})
		if !errors.Is(err, tree.ErrTooMuch) || stats.Bytes > 4<<20 {
			t.Errorf("%+v, %v", stats, err)
		}
	})
	t.Run("more files than are taken", func(t *testing.T) {
		stats, got, err := get(t, "seq 100000 | xargs touch", tree.Limits{Entries: 500})
		if !errors.Is(err, tree.ErrTooMuch) || len(got) != 500 || stats.Files != 500 {
			t.Errorf("%d files, %v", stats.Files, err)
		}
	})
	t.Run("deeper than paths go", func(t *testing.T) {
		_, got, err := get(t, "i=0; while [ $i -lt 300 ]; do mkdir 0123456789 && cd 0123456789; i=$((i+1)); done", tree.Limits{})
		if !errors.Is(err, tree.ErrTooMuch) && err == nil || len(got) > 100 {
			t.Errorf("%d directories, %v", len(got), err)
		}
	})
	if r := sh(t, b, "echo still here"); string(r.Stdout) != "still here\n" {
		t.Error(r)
	}
}
