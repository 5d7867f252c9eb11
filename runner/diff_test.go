package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"glovebox/runner/tree"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func manifest(t *testing.T, b *Box, before *Manifest) *Manifest {
	t.Helper()
	m, err := b.Manifest(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// brief is a change as a line: what, from, path, sizes, modes, patch or not.
func brief(c Change) string {
	s := c.What + " " + c.Path
	if c.From != "" {
		s += " from " + c.From
	}
	s += fmt.Sprintf(" %s>%s %d>%d", c.OldType, c.Type, c.OldSize, c.Size)
	if c.What == "mode" {
		s += fmt.Sprintf(" %04o>%04o", c.OldMode, c.Mode)
	}
	if c.Link != "" {
		s += " -> " + c.Link
	}
	for word, is := range map[string]bool{" binary": c.Binary, " cut": c.PatchCut} {
		if is {
			s += word
		}
	}
	return s
}

func briefs(d Diff) (lines []string, patch string) {
	for _, c := range d.Changes {
		lines = append(lines, brief(c))
		patch += c.Patch
	}
	return lines, patch
}

func TestDiff(t *testing.T) {
	b := testBox(t)
	sh(t, b, `cd /data && printf 'one\ntwo\nthree\n' >text; echo old >gone; echo moved >from; printf 'a\000b' >bin; echo mode >mode; echo touch >touched
		echo same >same; echo closed >closed; mkdir dir; ln -s text link; echo x >kind; : >empty; echo 'no end' | tr -d '\n' >unended`)
	before := manifest(t, b, nil)
	if d := before.Diff(manifest(t, b, before)); len(d.Changes)+d.Cut != 0 || d.Partial {
		t.Fatalf("nothing changed, but %+v", d)
	}
	sh(t, b, `cd /data && printf 'one\n2\nthree\nfour\n' >text; rm gone; mv from /work/to; printf 'a\000c' >bin; chmod 755 mode; chmod 0 closed; touch -d 2001-01-01 touched
		echo same >tmp; mv tmp same; chmod 700 dir; ln -sf /etc/passwd link; rm kind; mkdir kind; echo y >>unended; mkfifo pipe
		cd /work; echo new >added; : >blank; mkdir sub; head -c 300000 /dev/zero | tr '\000' x >sub/long; printf "\033[2Jx\n" >"$(printf 'odd\nname')"; printf '\377' >raw; touch "$(printf 'bad\377')"`)
	got, patch := briefs(before.Diff(manifest(t, b, before)))
	want := []string{
		"modified /data/bin file>file 3>3 binary",
		"mode /data/closed file>file 7>7 0644>0000",
		"mode /data/dir dir>dir 0>0 0755>0700",
		"deleted /data/gone file> 4>0",
		"modified /data/kind file>dir 2>0",
		"modified /data/link link>link 0>0 -> /etc/passwd",
		"mode /data/mode file>file 5>5 0644>0755",
		"added /data/pipe >fifo 0>0",
		"modified /data/text file>file 14>17",
		"modified /data/unended file>file 6>8",
		"added /work/added >file 0>4",
		`added "/work/bad\xff" >file 0>0`,
		"added /work/blank >file 0>0",
		"added /work/odd\nname >file 0>6",
		"added /work/raw >file 0>1 binary",
		"added /work/sub >dir 0>0",
		"added /work/sub/long >file 0>300000 cut",
		"renamed /work/to from /data/from file>file 6>6",
	}
	sortByPath := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(want, got, sortByPath); diff != "" {
		t.Errorf("list (-want +got)\n%s", diff)
	}
	const wantPatch = `Binary files a/data/bin and b/data/bin differ
diff a/data/gone /dev/null
--- a/data/gone
+++ /dev/null
@@ -1,1 +0,0 @@
-old
diff a/data/kind /dev/null
--- a/data/kind
+++ /dev/null
@@ -1,1 +0,0 @@
-x
diff a/data/text b/data/text
--- a/data/text
+++ b/data/text
@@ -1,3 +1,4 @@
 one
-two
+2
 three
+four
diff a/data/unended b/data/unended
--- a/data/unended
+++ b/data/unended
@@ -1,1 +1,1 @@
-no end
\ No newline at end of file
+no endy
diff /dev/null b/work/added
--- /dev/null
+++ b/work/added
@@ -0,0 +1,1 @@
+new
diff /dev/null "b/work/odd\nname"
--- /dev/null
+++ "b/work/odd\nname"
@@ -0,0 +1,1 @@
+` + "\x1b[2Jx" + `
Binary files /dev/null and b/work/raw differ
`
	if diff := cmp.Diff(wantPatch, patch); diff != "" {
		t.Errorf("patch (-want +got)\n%s", diff)
	}
}

// The patch means to patch(1) what it means to us.
func TestPatchApplies(t *testing.T) {
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("SKIPPED: the program patch is not installed")
	}
	b := testBox(t)
	sh(t, b, "mkdir /work/d && seq 1000 >/work/d/numbers && echo old >/work/d/gone && echo mid >/work/d/last")
	before := manifest(t, b, nil)
	old, now := t.TempDir(), t.TempDir()
	for _, into := range []string{old, now} {
		if _, err := b.GetTree(t.Context(), "/work", filepath.Join(into, "work"), tree.Limits{}); err != nil {
			t.Fatal(err)
		}
		sh(t, b, "cd /work/d && sed -i -e 's/^7$/seven/' -e '/99/d' numbers && rm -f gone && printf end >last && echo new >added")
	}
	_, patch := briefs(before.Diff(manifest(t, b, before)))
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `umask 022; exec "$@"`, "sh", program, "-p1", "--silent", "-d", old)
	cmd.Stdin = strings.NewReader(patch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s\n%s", err, out, patch)
	}
	if diff := cmp.Diff(shape(t, now), shape(t, old)); diff != "" {
		t.Errorf("(-the box +patched)\n%s", diff)
	}
}

// A flood hides neither what becomes of the files that were there, nor itself.
func TestDiffUnderAFlood(t *testing.T) {
	b := testBox(t)
	sh(t, b, "cd /data; echo a >changed; echo b >deleted; echo c >kept; mkdir shut; echo d >shut/in")
	before := manifest(t, b, nil)
	sh(t, b, `cd /data; echo A >changed; rm deleted; chmod 0 shut; seq 100000 | xargs touch; mkdir -p /work/x
		cd /work; for i in 1 2 3 4 5 6 7 8 9; do head -c 250000 /dev/zero | tr '\000' '\n' >big$i; done; truncate -s 1T huge`)
	m := manifest(t, b, before)
	d := before.Diff(m)
	if !d.Partial || len(d.Changes) != diffChanges || d.Cut == 0 || len(m.entries) > manifestEntries+len(before.entries) {
		t.Errorf("partial %t, %d changes, %d cut, %d listed", d.Partial, len(d.Changes), d.Cut, len(m.entries))
	}
	all, total := map[string]Change{}, 0
	for _, c := range d.Changes {
		all[c.Path] = c
		total += len(c.Patch)
	}
	if all["/data/changed"].What != "modified" || all["/data/deleted"].What != "deleted" || all["/data/changed"].Patch == "" {
		t.Errorf("changed %+v, deleted %+v", all["/data/changed"], all["/data/deleted"])
	}
	for _, p := range []string{"/data/kept", "/data/shut/in"} {
		if c, listed := all[p]; listed {
			t.Errorf("%+v", c)
		}
	}
	if total > diffPatch {
		t.Errorf("%d bytes of patches", total)
	}
	// Without the flood, what is behind a shut directory is still not called deleted.
	sh(t, b, "cd /data && find . -maxdepth 1 -name '[0-9]*' -delete; cd /work && rm -f huge big3 big4 big5 big6 big7 big8 big9")
	d = before.Diff(manifest(t, b, before))
	lines, _ := briefs(d)
	want := []string{
		"modified /data/changed file>file 2>2", "deleted /data/deleted file> 2>0", "mode /data/shut dir>dir 0>0 0755>0000",
		"added /work/big1 >file 0>250000 cut", "added /work/big2 >file 0>250000 cut", "added /work/x >dir 0>0",
	}
	if diff := cmp.Diff(want, lines); diff != "" || !d.Partial {
		t.Errorf("partial %t (-want +got)\n%s", d.Partial, diff)
	}
}

// The listing of a box that lies ends with an error, not with its lies.
func TestManifestDecoderTakesNothingOnTrust(t *testing.T) {
	line := func(e tree.Entry) string {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	decode := func(s string) error {
		d := &manifestDecoder{m: &Manifest{entries: map[string]tree.Entry{}}, text: manifestText}
		for chunk := range slices.Chunk([]byte(s), 1000) {
			if err := d.write(chunk); err != nil {
				return err
			}
		}
		return nil
	}
	if err := decode(line(tree.Entry{Path: []byte("/work/a"), Type: "file"}) + line(tree.Entry{Path: []byte("/data"), Type: "dir"})); err != nil {
		t.Error(err)
	}
	var endless strings.Builder
	for i := range 2*manifestEntries + 1 {
		endless.WriteString(line(tree.Entry{Path: fmt.Appendf(nil, "/work/%d", i)}))
	}
	text := tree.Entry{Path: []byte("/work/a"), Type: "file", Text: bytes.Repeat([]byte("x"), manifestFile)}
	var texts strings.Builder
	for i := range 1 + manifestText/manifestFile {
		text.Path = fmt.Appendf(nil, "/work/%d", i)
		texts.WriteString(line(text))
	}
	for name, s := range map[string]string{
		"elsewhere":        line(tree.Entry{Path: []byte("/etc/passwd")}),
		"climbing":         line(tree.Entry{Path: []byte("/work/../etc")}),
		"beside":           line(tree.Entry{Path: []byte("/workshop")}),
		"long path":        line(tree.Entry{Path: []byte("/work/" + strings.Repeat("x", 5000))}),
		"wrong digest":     line(tree.Entry{Path: []byte("/work/a"), SHA256: "abc"}),
		"no JSON":          "hello\n",
		"endless line":     strings.Repeat("x", 3*manifestFile),
		"too much text":    texts.String(),
		"too large a text": line(tree.Entry{Path: []byte("/work/a"), Text: bytes.Repeat([]byte("x"), manifestFile+1)}),
		"twice":            strings.Repeat(line(tree.Entry{Path: []byte("/work/a"), Type: "dir"}), 2),
		"endless list":     endless.String(),
	} {
		if decode(s) == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestManifestOfALostBox(t *testing.T) {
	b := testBox(t)
	before := manifest(t, b, nil)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Manifest(t.Context(), before); err == nil {
		t.Error("a box that is gone was listed")
	}
}

func BenchmarkManifest(b *testing.B) {
	e := testEngine(b)
	box, err := e.NewBox(b.Context(), BoxOptions{Image: testImage(b), Session: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer box.Close(context.Background())
	for _, c := range []struct{ name, script string }{
		{"empty", "true"},
		{"dataset of 1 MB", "head -c 1000000 /dev/urandom >/data/db"},
		{"10,000 files", "cd /work; seq 10000 | xargs touch"},
	} {
		b.Run(c.name, func(b *testing.B) {
			if _, err := box.Exec(b.Context(), Command{Argv: []string{"sh", "-c", c.script}, Timeout: time.Minute}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := box.Manifest(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
