package tree

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// archive is a tar stream as a hostile box may send it.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// extract unpacks into a new directory that has a neighbour with a secret, and
// checks that neither the neighbour nor anything else outside was touched.
func extract(t testing.TB, data []byte, l Limits, inside bool) (dir string, stats Stats, err error) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "into")
	secret := filepath.Join(top, "secret")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(secret, []byte("secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	stats, err = Extract(root, bytes.NewReader(data), l, inside)
	entries, readErr := os.ReadDir(top)
	if data, secretErr := os.ReadFile(secret); readErr != nil || secretErr != nil || len(entries) != 2 || string(data) != "secret" {
		t.Errorf("outside there is %v, %q, %v, %v", entries, data, readErr, secretErr)
	}
	return dir, stats, err
}

func TestExtractRefusesWhatLeaves(t *testing.T) {
	for _, name := range []string{"/etc/passwd", "../secret", "a/../../secret", "..", "a/../b", "./a", "a//b", ""} {
		t.Run(name, func(t *testing.T) {
			dir, _, err := extract(t, archive(t, tar.Header{Name: "before", Size: 1}, tar.Header{Name: name, Size: 3}), Limits{}, false)
			if !errors.Is(err, ErrUnsafe) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "before")); err != nil {
				t.Errorf("what came before: %v", err)
			}
		})
	}
}

func TestExtractSkips(t *testing.T) {
	link := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
	}
	for _, tt := range []struct {
		name    string
		headers []tar.Header
		skipped []string
		there   []string
	}{
		{"a link out", []tar.Header{link("l", "/etc"), link("m", ".."), link("n", "../secret")}, []string{"l", "m", "n"}, nil},
		{"through a link", []tar.Header{link("l", "."), {Name: "l/x", Size: 1}, {Typeflag: tar.TypeDir, Name: "l/d/"}}, []string{"l/x", "l/d"}, []string{"l"}},
		{
			"a staircase of links",
			[]tar.Header{{Typeflag: tar.TypeDir, Name: "a/b/c/"}, link("a/b/c/top", "../../.."), link("out", "a/b/c/top/.."), link("in", "a/b/c/top/a")},
			[]string{"out"},
			[]string{"a", "a/b", "a/b/c", "a/b/c/top", "in"},
		},
		{"over a link", []tar.Header{link("l", "x"), {Name: "l", Size: 1}}, []string{"l"}, []string{"l"}},
		{"a file for a directory", []tar.Header{{Name: "f", Size: 1}, {Name: "f/g", Size: 1}}, []string{"f/g"}, []string{"f"}},
		{"twice", []tar.Header{{Name: "f", Size: 1}, {Name: "f", Size: 2}}, []string{"f"}, []string{"f"}},
		{"a directory over a link", []tar.Header{link("l", "."), {Typeflag: tar.TypeDir, Name: "l/"}}, []string{"l"}, []string{"l"}},
		{
			"special files",
			[]tar.Header{{Typeflag: tar.TypeFifo, Name: "p"}, {Typeflag: tar.TypeChar, Name: "c", Devmajor: 1, Devminor: 3}, {Typeflag: tar.TypeBlock, Name: "b"}},
			[]string{"p", "c", "b"},
			nil,
		},
		{"a hard link", []tar.Header{{Typeflag: tar.TypeLink, Name: "h", Linkname: "../secret"}}, []string{"h"}, nil},
		{"a large file", []tar.Header{{Name: "large", Size: 2000}, {Name: "small", Size: 1}}, []string{"large"}, []string{"small"}},
		{"a long path", []tar.Header{{Name: strings.Repeat("abc/", 300), Typeflag: tar.TypeDir}}, []string{strings.Repeat("abc/", 256)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, stats, err := extract(t, archive(t, tt.headers...), Limits{File: 1000}, false)
			if err != nil {
				t.Fatal(err)
			}
			var skipped []string
			for _, s := range stats.Skipped {
				skipped = append(skipped, s.Path)
			}
			if diff := cmp.Diff(tt.skipped, skipped); diff != "" {
				t.Errorf("skipped %s", diff)
			}
			if diff := cmp.Diff(tt.there, below(t, dir)); diff != "" {
				t.Errorf("there is %s", diff)
			}
		})
	}
}

func below(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestExtractIsBounded(t *testing.T) {
	var many []tar.Header
	for i := range 20 {
		many = append(many, tar.Header{Name: strings.Repeat("f", i+1), Size: 100})
	}
	if dir, _, err := extract(t, archive(t, many...), Limits{Entries: 10}, false); !errors.Is(err, ErrTooMuch) || len(below(t, dir)) != 10 {
		t.Errorf("entries: %v", err)
	}
	if _, stats, err := extract(t, archive(t, many...), Limits{Bytes: 450}, false); !errors.Is(err, ErrTooMuch) || stats.Bytes != 400 {
		t.Errorf("bytes: %v", err)
	}
	// A header that promises less than it brings, or more, is a broken stream.
	if _, _, err := extract(t, archive(t, tar.Header{Name: "f", Size: 1000})[:700], Limits{}, false); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a file: %v", err)
	}
	endless := io.MultiReader(bytes.NewReader(archive(t, tar.Header{Name: "f", Size: 1 << 30, Typeflag: tar.TypeDir})), zeros{})
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := Extract(root, endless, Limits{}, false); err != nil && !errors.Is(err, ErrTooMuch) {
		t.Errorf("an endless stream: %v", err)
	}
}

func TestExtractModes(t *testing.T) {
	headers := []tar.Header{
		{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o7222}, {Name: "d/f", Mode: 0o6777, Size: 1}, {Name: "g", Mode: 0o1022, Size: 1},
	}
	for inside, want := range map[bool][]fs.FileMode{
		false: {fs.ModeDir | 0o700, 0o755, 0},
		true:  {fs.ModeDir | 0o722, 0o777, 0o022},
	} {
		dir, _, err := extract(t, archive(t, headers...), Limits{}, inside)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"d", "d/f", "g"} {
			st, err := os.Lstat(filepath.Join(dir, name))
			if err != nil || st.Mode() != want[i] {
				t.Errorf("inside %t: %s is %v, want %v (%v)", inside, name, st.Mode(), want[i], err)
			}
		}
	}
}

func TestStaysInside(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		want         bool
	}{
		{"l", "x", true},
		{"l", ".", true},
		{"l", "./x/./y/", true},
		{"a/l", "..", true},
		{"a/b/l", "../../x", true},
		{"l", "..", false},
		{"a/l", "../..", false},
		{"a/l", "./../../x", false},
		{"l", "x/..", false},
		{"a/l", "x/../y", false},
		{"l", "/x", false},
		{"l", "", false},
		{"l", "..x", true},
		{"l", "a\x00b", false},
	} {
		if got := staysInside(tt.name, tt.target); got != tt.want {
			t.Errorf("%s -> %q: %t", tt.name, tt.target, got)
		}
	}
}

func TestPackAndExtract(t *testing.T) {
	files := fstest.MapFS{
		"a": {Data: []byte("a"), Mode: 0o640}, "d/e/f": {Data: bytes.Repeat([]byte("f"), 100_000), Mode: 0o755},
		"d/l": {Data: []byte("e/f"), Mode: fs.ModeSymlink}, "p": {Mode: fs.ModeNamedPipe}, "large": {Data: make([]byte, 200_000), Mode: 0o600},
	}
	var b bytes.Buffer
	if err := Pack(t.Context(), &b, files, Limits{File: 150_000}); err != nil {
		t.Fatal(err)
	}
	dir, stats, err := extract(t, b.Bytes(), Limits{}, false)
	if err != nil || stats.Files != 2 || stats.Dirs != 2 || stats.Links != 1 || stats.Bytes != 100_001 || len(stats.Skipped) != 2 {
		t.Errorf("%+v, %v", stats, err)
	}
	if diff := cmp.Diff([]string{"a", "d", "d/e", "d/e/f", "d/l"}, below(t, dir)); diff != "" {
		t.Error(diff)
	}
	if err := Pack(t.Context(), io.Discard, files, Limits{Entries: 3}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("too many: %v", err)
	}
}

// FuzzExtract feeds anything: nothing may appear outside, no link may lead out,
// and no more may be written than the limits say.
func FuzzExtract(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "a/b", Size: 10, Mode: 0o644}, tar.Header{Typeflag: tar.TypeSymlink, Name: "a/l", Linkname: "../a/b"}), false)
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../secret"}, tar.Header{Name: "l", Size: 3}), true)
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "a/b/up", Linkname: "../.."}, tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: "a/b/up/.."}), true)
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: "../secret"}, tar.Header{Name: "p", PAXRecords: map[string]string{skipRecord: "x"}}), false)
	f.Fuzz(func(t *testing.T, data []byte, inside bool) {
		l := Limits{Entries: 20, Bytes: 10_000, File: 5_000, Path: 100}
		dir, stats, _ := extract(t, data, l, inside)
		if stats.Bytes > l.Bytes || stats.Files+stats.Links > l.Entries || len(stats.Skipped) > 100 {
			t.Errorf("%+v", stats)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		for _, name := range below(t, dir) {
			st, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			special := st.Mode() &^ fs.ModePerm &^ fs.ModeDir &^ fs.ModeSymlink
			if special != 0 || st.Mode().IsRegular() && st.Size() > l.File {
				t.Errorf("%s is %v, %d bytes", name, st.Mode(), st.Size())
			}
			if st.Mode()&fs.ModeSymlink == 0 {
				continue
			}
			// Where it leads, if anywhere, is inside.
			real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
			if err == nil && real != dir && !strings.HasPrefix(real, dir+"/") {
				t.Errorf("%s leads to %s", name, real)
			}
		}
	})
}
