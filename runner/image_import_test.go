package runner

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/klauspost/compress/zstd"
)

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rootWith is the tar of a small root file system: this host's shell as
// /bin/sh, and what that needs.
func rootWith(t *testing.T, change func(shell []byte)) []byte {
	t.Helper()
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	change(shell)
	out, err := exec.CommandContext(t.Context(), "ldd", "/bin/sh").Output()
	if err != nil {
		t.Skip("no ldd: ", err)
	}
	files := map[string][]byte{"bin/sh": shell}
	for _, lib := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
		if files[lib[1:]], err = os.ReadFile(lib); err != nil {
			t.Fatal(err)
		}
	}
	return tarOf(t, files)
}

func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func xzed(t *testing.T, data []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xz", append([]string{"--stdout"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Skip("no xz: ", err)
	}
	return out
}

func TestImportImage(t *testing.T) {
	e := testEngine(t)
	root := rootWith(t, func([]byte) {})
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const ref = "localhost/glovebox-test-import:latest"
	t.Cleanup(func() {
		if _, err := e.RemoveImage(context.Background(), ref); err != nil {
			t.Error(err)
		}
		if _, there, err := e.local(context.Background(), ref); there || err != nil {
			t.Errorf("removed, the image it was made from is still there (%v)", err)
		}
	})
	for _, data := range [][]byte{root, zw.EncodeAll(root, nil), xzed(t, root)} {
		if err := e.importRoot(t.Context(), ref, bytes.NewReader(data), func(Progress) {}); err != nil {
			t.Errorf("importing % x…: %v", data[:6], err)
		}
		removeImage(t, e, ref)
	}
	img, err := e.ImportImage(t.Context(), "glovebox-test-import", bytes.NewReader(gzipped(t, root)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if img.Ref != ref || !strings.HasPrefix(img.BaseDigest, "sha256:") || img.Was != "" {
		t.Errorf("imported it is %+v", img)
	}
	if found, err := e.Image(t.Context(), "localhost/glovebox-test-import", nil); err != nil || found != img {
		t.Errorf("by its name it is %+v (%v), want %+v", found, err, img)
	}
	if lacks, err := e.Lacks(t.Context(), img, "sh", "sqlite3", "python3"); err != nil || !slices.Equal(lacks, []string{"sqlite3", "python3"}) {
		t.Errorf("it lacks %q (%v)", lacks, err)
	}
	if again, err := e.UpdateImage(t.Context(), ref, nil); err != nil || again != img {
		t.Errorf("nothing new, and it is %+v (%v), was %+v", again, err, img)
	}
	if _, err := e.UpdateImage(t.Context(), "localhost/glovebox-test-none", nil); !errors.Is(err, ErrNoImage) || !strings.Contains(err.Error(), "image import") {
		t.Errorf("to pull what was never imported it says %v", err)
	}
	// Another file by the same name is another image, and that is told.
	var news string
	tell := func(p Progress) {
		if p.Lasting {
			news = p.Step
		}
	}
	other, err := e.ImportImage(t.Context(), ref, bytes.NewReader(tarOf(t, map[string][]byte{"etc/issue": []byte("hello\n")})), tell)
	if err != nil || other.Was != img.BaseDigest || !strings.Contains(news, img.BaseDigest) {
		t.Errorf("imported again it is %+v (%v), and the news %q", other, err, news)
	}
	if lacks, err := e.Lacks(t.Context(), other, "curl"); err != nil || !slices.Equal(lacks, []string{"/bin/sh", "curl"}) {
		t.Errorf("without a shell it lacks %q (%v)", lacks, err)
	}
	// So is what somebody else puts there; to run it is for the person to say.
	if err := e.importRoot(t.Context(), ref, bytes.NewReader(root), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	news = ""
	if same, err := e.Image(t.Context(), ref, tell); err != nil || same != other || !strings.Contains(news, "--pull") {
		t.Errorf("replaced in the store it is %+v (%v), and the news %q", same, err, news)
	}
	taken, err := e.UpdateImage(t.Context(), ref, tell)
	if err != nil || taken.Was != other.BaseDigest {
		t.Errorf("asked for the new one it is %+v (%v)", taken, err)
	}
	// Made twice, of the same: two images, and one content.
	if taken.BaseRoot != img.BaseRoot || taken.BaseDigest == img.BaseDigest || other.BaseRoot == img.BaseRoot || !strings.HasPrefix(img.BaseRoot, "sha256:") {
		t.Errorf("by what is in it: %+v, then %+v, then %+v", img, other, taken)
	}
	found, ok, err := e.PreparedFrom(t.Context(), ref, img.BaseDigest+"0", img.BaseRoot)
	if err != nil || !ok || found.BaseRoot != img.BaseRoot {
		t.Errorf("looked for by what is in it: %+v (%v)", found, err)
	}
	if found, ok, err := e.PreparedFrom(t.Context(), ref, "", ""); ok || err != nil {
		t.Errorf("looked for by nothing: %+v (%v)", found, err)
	}
}

func TestImportForAnotherMachine(t *testing.T) {
	e := testEngine(t)
	root := rootWith(t, func(shell []byte) {
		machine := elf.EM_S390
		binary.LittleEndian.PutUint16(shell[18:], uint16(machine)) // e_machine
	})
	img, err := e.ImportImage(t.Context(), "glovebox-test-foreign", bytes.NewReader(root), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := e.RemoveImage(context.Background(), img.Ref); err != nil {
			t.Error(err)
		}
	})
	if _, err := e.Lacks(t.Context(), img); !errors.Is(err, ErrNoImage) || !strings.Contains(err.Error(), runtime.GOARCH) {
		t.Errorf("it says %v", err)
	}
}

// Whatever is wrong with a file is said, and nothing of it stays.
func TestImportRefuses(t *testing.T) {
	e := testEngine(t)
	root := tarOf(t, map[string][]byte{"bin/sh": bytes.Repeat([]byte("x"), 100_000)})
	huge := func(h tar.Header) []byte {
		var buf bytes.Buffer
		if err := tar.NewWriter(&buf).WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	packed := gzipped(t, root)
	damaged := bytes.Clone(packed)
	damaged[len(damaged)-6] ^= 1 // its checksum
	badXZ := xzed(t, root)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":           {nil, "empty"},
		"empty archive":   {make([]byte, 1024), "no files"},
		"text":            {[]byte(strings.Repeat("this is a letter\n", 100)), "no tar archive"},
		"packed text":     {gzipped(t, []byte(strings.Repeat("this is a letter\n", 100))), "no tar archive"},
		"cut off":         {root[:20_000], "broken"},
		"cut off, packed": {packed[:len(packed)/2], "broken"},
		"damaged":         {damaged, "checksum"},
		"cut off, xz":     {badXZ[:len(badXZ)-20], "xz"},
		"greedy xz":       {xzed(t, root, "--lzma2=dict=512MiB"), "xz"},
		"too large":       {huge(tar.Header{Name: "big", Size: maxRootBytes + 1}), "GiB"},
		"saved image":     {tarOf(t, map[string][]byte{"manifest.json": []byte("[]"), "0/layer.tar": nil}), "podman export"},
	} {
		const ref = "localhost/glovebox-test-refused:latest"
		_, err := e.ImportImage(t.Context(), ref, bytes.NewReader(tt.data), nil)
		if !errors.Is(err, ErrNoImage) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: says %v, want something about %q", name, err, tt.want)
		}
		if there, err := images.Exists(e.with(t.Context()), ref, nil); there || err != nil {
			t.Errorf("%s: there is an image (%v)", name, err)
			removeImage(t, e, ref)
		}
	}
	zeros := &counter{r: endless{}, n: maxRootBytes - 10_000}
	if _, err := io.Copy(io.Discard, zeros); !errors.Is(err, errTooLarge) {
		t.Errorf("endless zeros end with %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestImportName(t *testing.T) {
	for name, want := range map[string]string{
		"mine": "localhost/mine:latest", "localhost/mine:2": "localhost/mine:2", "team/mine": "localhost/team/mine:latest",
		"auto": "", "host": "", "glovebox/box": "", "localhost/host": "", "quay.io/mine": "", "localhost:5000/mine": "", "Mine": "", "": "",
		"mine@sha256:" + strings.Repeat("0", 64): "",
	} {
		if got, err := ImportName(name); got != want || (err == nil) != (want != "") {
			t.Errorf("ImportName(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestNoSockets(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "share/x"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "share/x/file"), "")
	if err := noSockets(dir); err != nil {
		t.Error(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfifo", filepath.Join(dir, "share/x/pipe")).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	if err := noSockets(dir); err == nil || !strings.Contains(err.Error(), "x/pipe") {
		t.Errorf("with a pipe it says %v", err)
	}
}
