package drift

import (
	"strings"
	"testing"

	"glovebox/store"
)

func exit(n int) *int { return &n }

func said(found []store.Drift) string {
	var all []string
	for _, d := range found {
		s := d.What
		if d.Unknown {
			s += "?"
		}
		if d.How != "" {
			s += " " + d.How
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

func TestResult(t *testing.T) {
	was := store.ToolResult{Exit: exit(0), Stdout: "one\ntwo\n", Stderr: "warn\n", DurationMS: 5}
	with := func(change func(*store.ToolResult)) store.ToolResult {
		r := was
		change(&r)
		return r
	}
	cut := func(sum string, clean bool) store.ToolResult {
		return with(func(r *store.ToolResult) {
			r.StdoutCut, r.StdoutWhole = 9, &store.Whole{Bytes: 17, SHA256: sum, Clean: clean}
		})
	}
	for _, c := range []struct {
		name     string
		was, now store.ToolResult
		withheld string
		want     string
	}{
		{"the same, however long it took", was, with(func(r *store.ToolResult) { r.DurationMS = 900 }), "", ""},
		{"another exit status", was, with(func(r *store.ToolResult) { r.Exit = exit(1) }), "", "exit"},
		{"a signal", was, with(func(r *store.ToolResult) { r.Exit, r.Signal = nil, "SIGKILL" }), "", "exit"},
		{"its time limit", was, with(func(r *store.ToolResult) { r.TimedOut = true }), "", "exit"},
		{"one blank", was, with(func(r *store.ToolResult) { r.Stdout = "one\ntwo \n" }), "", "stdout"},
		{"two streams", was, with(func(r *store.ToolResult) { r.Stdout, r.Stderr = "two\none\n", "" }), "", "stdout order, stderr"},
		{"an error", was, with(func(r *store.ToolResult) { r.Error = "no such file" }), "", "error"},
		{"taken out, though the same", was, was, "stdout", "stdout?"},
		{"taken out, another stream drifts", was, with(func(r *store.ToolResult) { r.Stderr = "x" }), "stdout", "stdout?, stderr"},
		{"cut, as far as it goes the same", with(func(r *store.ToolResult) { r.StdoutCut = 9 }), with(func(r *store.ToolResult) { r.StdoutCut = 9 }), "", "stdout?"},
		{"cut, and the same by its digest", cut("aa", true), cut("aa", false), "", ""},
		{"cut, and another one by its digest", cut("aa", true), cut("bb", true), "", "stdout"},
		{"cut, as long as before by what is recorded, and longer", cut("aa", true), with(func(r *store.ToolResult) { r.StdoutCut, r.StdoutWhole = 9, &store.Whole{Bytes: 1, SHA256: "aa"} }), "", "stdout"},
		{"cut, its digest taken out", cut("aa", true), cut("aa", true), "stdout_whole", "stdout?"},
		{"cut, its digest taken out, and another text", cut("aa", true), with(func(r *store.ToolResult) { r.StdoutCut, r.Stdout = 9, "x" }), "stdout_whole", "stdout"},
		{"cut, and a filter found something now", cut("aa", true), with(func(r *store.ToolResult) { r.StdoutCut = 9 }), "", "stdout?"},
		{"cut, and more of it, by a digest that claims to be the same", cut("aa", true), with(func(r *store.ToolResult) { r.StdoutCut, r.StdoutWhole = 8, cut("aa", true).StdoutWhole }), "", "stdout"},
		{"a digest of what was not cut, and none now", with(func(r *store.ToolResult) { r.StderrWhole = cut("aa", true).StdoutWhole }), was, "", "stderr?"},
		{"no UTF-8, in a log of old", with(func(r *store.ToolResult) { r.Stdout = "\uFFFD" }), with(func(r *store.ToolResult) { r.Stdout, r.StdoutWhole = "\uFFFD", cut("aa", true).StdoutWhole }), "", "stdout?"},
		{"no UTF-8, and other bytes", with(func(r *store.ToolResult) { r.Stdout, r.StdoutWhole = "\uFFFD", cut("aa", true).StdoutWhole }), with(func(r *store.ToolResult) { r.Stdout, r.StdoutWhole = "\uFFFD", cut("bb", true).StdoutWhole }), "", "stdout"},
		{"cut, and more of it", with(func(r *store.ToolResult) { r.StdoutCut = 9 }), with(func(r *store.ToolResult) { r.StdoutCut = 8 }), "", "stdout"},
		{"cut, and other text", with(func(r *store.ToolResult) { r.StdoutCut = 9 }), with(func(r *store.ToolResult) { r.StdoutCut, r.Stdout = 9, "x" }), "", "stdout"},
		{"a signal, and an exit status claimed", with(func(r *store.ToolResult) { r.Signal = "SIGKILL" }), with(func(r *store.ToolResult) { r.Exit, r.Signal = nil, "SIGKILL" }), "", "exit"},
		{"two of the same words", with(func(r *store.ToolResult) { r.TimedOut = true }), with(func(r *store.ToolResult) { r.Exit, r.TimedOut = nil, true }), "", "exit"},
		{"of another tool", with(func(r *store.ToolResult) { r.Tool = "sql" }), with(func(r *store.ToolResult) { r.Tool = "shell" }), "", "call"},
		{"interrupted then", store.ToolResult{Error: Interrupted, Stdout: "o"}, was, "", "call?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := said(Result(c.was, c.now, func(f string) bool { return f == c.withheld })); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHow(t *testing.T) {
	for _, c := range [][3]string{
		{"Wed Nov 25 18:06:14 UTC 2026", "Thu Nov 26 07:00:01 UTC 2026", "times"},
		{"took 3.2 ms at 2026-01-01T00:00:00Z", "took 12 s at 2026-01-02 01:02:03.5+01:00", "times"},
		{"-rw-r--r-- 1 20001 20001   3412 Nov 25 18:23 a", "-rw-r--r-- 1 20001 20001   3412 Dec  1  9:05 a", "times"},
		{"/tmp/tmp.izmG2r5Yeq", "/tmp/tmp.YBFlDFHAjq", "names"},
		{"pid 7 in 1 ms", "pid 812 in 3 ms", "numbers"},
		{"a\nb\n", "b\na\n", "order"},
		{"a\n", "a\nb\n", ""},
		{"a  b", "a b", ""},
		{"total 5", "total five", ""},
		{"May I?", "Jun I?", "times"}, // it cannot know better: it is drift all the same
	} {
		if got := how(c[0], c[1]); got != c[2] {
			t.Errorf("%q, %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestFirst(t *testing.T) {
	long := strings.Repeat("é", 500)
	for _, c := range [][3]string{
		{"a\nb\nc\n", "a\nX\nc\n", "line 2:\n- b\n+ X"},
		{"a\n", "a\nb\n", "line 2:\n- (nothing more)\n+ b"},
		{"a", "a\n", "line 1:\n- a\n- (no newline at the end)\n+ a"},
		{"", "x", "line 1:\n- (nothing more)\n+ x\n+ (no newline at the end)"},
		{"1\n2\n3\n4\n5\n", "x\n", "line 1:\n- 1\n- 2\n- 3\n- … 2 lines more\n+ x"},
		{long + "1\n", long + "2\n", "line 1:\n- …" + strings.Repeat("é", 40) + "1\n+ …" + strings.Repeat("é", 40) + "2"},
		{
			"a " + strings.Repeat("x", 70) + " " + strings.Repeat("y", 70) + " the-key-is-not-cut-in-two\n", "b\n",
			"line 1:\n- a " + strings.Repeat("x", 70) + " " + strings.Repeat("y", 70) + " the-key-is-not-cut-in-two\n+ b",
		},
		{
			strings.Repeat("w ", 60) + "on-the-edge-and-not-cut-in-two-either " + strings.Repeat("v ", 30) + "1\n",
			strings.Repeat("w ", 60) + "on-the-edge-and-not-cut-in-two-either " + strings.Repeat("v ", 30) + "2\n",
			"line 1:\n- …on-the-edge-and-not-cut-in-two-either " + strings.Repeat("v ", 30) + "1\n+ …on-the-edge-and-not-cut-in-two-either " + strings.Repeat("v ", 30) + "2",
		},
	} {
		if got := first(c[0], c[1]); got != c[2] {
			t.Errorf("%q, %q:\n%s\nwant\n%s", c[0], c[1], got, c[2])
		}
	}
}

func TestFiles(t *testing.T) {
	a := store.FileChange{Path: "/work/a", Change: "added", Type: "file", Mode: "0644", Size: 2, SHA256: "11", Patch: "--- /dev/null\n+++ /work/a\n@@ -0,0 +1 @@\n+1\n"}
	b := store.FileChange{Path: "/work/b", Change: "deleted", OldType: "file", OldSize: 1}
	other := a
	other.SHA256, other.Patch = "22", strings.Replace(a.Patch, "+1\n", "+2\n", 1)
	mode := a
	mode.Mode = "0755"
	lie := a
	lie.Patch = other.Patch
	diff := func(changes ...store.FileChange) *store.BoxDiff { return &store.BoxDiff{Box: "x", Changes: changes} }
	for _, c := range []struct {
		name     string
		was, now *store.BoxDiff
		withheld bool
		want     string
	}{
		{"the same", diff(a, b), diff(b, a), false, ""},
		{"other content", diff(a), diff(other), false, "file numbers"},
		{"the same content, another patch", diff(lie), diff(a), false, "file"},
		{"another mode", diff(a), diff(mode), false, "file"},
		{"one less, one more", diff(a), diff(b), false, "file, file"},
		{"not recorded", nil, diff(a), false, "file?"},
		{"box lost", diff(a), nil, false, "file?"},
		{"not known then", &store.BoxDiff{Error: "no"}, diff(), false, "file?"},
		{"not all listed then", &store.BoxDiff{Cut: 3}, diff(a), false, "file?"},
		{"not all listed now", diff(a, b), &store.BoxDiff{Changes: []store.FileChange{b}, Cut: 1}, false, "file?"},
		{"not all looked at", &store.BoxDiff{Partial: true}, diff(), false, "file?"},
		{"taken out", diff(a), diff(other), true, "file?"},
		{"too large to look at", diff(store.FileChange{Path: "/work/a", Type: "file"}), diff(store.FileChange{Path: "/work/a", Type: "file"}), false, "file?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := said(Files(c.was, c.now, func(string) bool { return c.withheld })); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if d := Files(diff(a), diff(other), nil)[0].Detail; d != "/work/a has other content: 2 bytes then, 2 now\nline 1:\n- 1\n+ 2" {
		t.Errorf("%q", d)
	}
}

func TestBoxAndPut(t *testing.T) {
	was := store.BoxCreated{Image: "auto", ImageDigest: "d1", Base: &store.BaseImage{Digest: "b1"}, Limits: []store.Limit{{Name: "memory", Value: "1 GiB", Enforced: "cgroup"}}}
	now := was
	now.ImageDigest, now.Limits = "d2", []store.Limit{{Name: "memory", Value: "1 GiB", Enforced: "watchdog"}}
	if got := said(Box(was, now, nil)); got != "" {
		t.Errorf("another glovebox-init, another guard: %q", got)
	}
	now.Base, now.Limits = &store.BaseImage{Digest: "b2"}, nil
	if got := said(Box(was, now, nil)); got != "image?, limits" {
		t.Errorf("another image, no limit: %q", got)
	}
	was.Base = nil // a log of old
	if got := said(Box(was, now, func(f string) bool { return f == "limits" })); got != "image, limits?" {
		t.Errorf("only the digest is known: %q", got)
	}
	auto := func(base, root, init string) store.BoxCreated {
		return store.BoxCreated{Image: "auto", ImageDigest: base + root + init, Base: &store.BaseImage{Digest: base, Root: root, Init: init}}
	}
	for _, c := range []struct {
		was, now store.BoxCreated
		want     string
		init     bool
	}{
		{auto("b1", "r1", "i1"), auto("b1", "r1", "i1"), "", false},
		{auto("b1", "r1", "i1"), auto("b2", "r1", "i2"), "", true}, // built elsewhere, from the same
		{auto("b1", "r1", "i1"), auto("b2", "r2", "i1"), "image", false},
		{auto("b1", "", ""), auto("b1", "r1", "i1"), "", false},       // of old
		{auto("b1", "", ""), auto("b2", "r1", "i1"), "image?", false}, // of old, and elsewhere
		{store.BoxCreated{Image: "python:3", Base: &store.BaseImage{Digest: "b1"}}, store.BoxCreated{Image: "python:3", Base: &store.BaseImage{Digest: "b2"}}, "image", false},
		{auto("b1", "", ""), store.BoxCreated{Image: "host", Base: &store.BaseImage{Digest: "b2"}}, "image", false},
	} {
		if got := said(Box(c.was, c.now, nil)); got != c.want || OtherInit(c.was, c.now) != c.init {
			t.Errorf("%v, %v: %q, want %q", c.was.Base, c.now.Base, got, c.want)
		}
	}
	put := store.FilePut{Path: "/data/x", SHA256: "1"}
	for want, now := range map[string]*store.FilePut{"": {SHA256: "1"}, "data": {SHA256: "2"}} {
		if got := said(Put(put, now, nil)); got != want {
			t.Errorf("%v: %q, want %q", now, got, want)
		}
	}
	if got := said(Put(put, nil, nil)); got != "data" {
		t.Errorf("not put in: %q", got)
	}
	if got := said(Put(put, &put, func(f string) bool { return f == "sha256" })); got != "data?" {
		t.Errorf("taken out: %q", got)
	}
}

// Whatever two texts are, they are shown in a few short lines, and only what is
// the same has no difference.
func FuzzText(f *testing.F) {
	f.Add("a\nb", "a\nc")
	f.Add("\x00\xff", "é\n\n")
	f.Add(strings.Repeat("\x84", 300)+"a", strings.Repeat("\x84", 300))
	f.Add("12:00 tmp.abcdef 7", "13:00 tmp.ghijkl 8")
	f.Fuzz(func(t *testing.T, was, now string) {
		shown := first(was, now)
		if lines := strings.Count(shown, "\n"); lines > 2*(shownLines+2) || len(shown) > 4096 {
			t.Errorf("%d lines, %d bytes", lines, len(shown))
		}
		how := how(was, now)
		if got := Result(store.ToolResult{Stdout: was}, store.ToolResult{Stdout: now}, nil); (len(got) == 0) != (was == now && !strings.Contains(was, "\uFFFD")) {
			t.Errorf("%q and %q: %v, %q", was, now, got, how)
		}
	})
}
