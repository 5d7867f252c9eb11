package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"glovebox/store"
)

// use decides on a call and runs it in box.
func use(t *testing.T, box Box, tools Toolbox, name, args string) string {
	t.Helper()
	d, plan := tools.decide(store.CallSpec{ID: "1", Name: name, Arguments: args})
	if d.Verdict != "allow" {
		return d.Verdict + ": " + d.Reason
	}
	res, err := plan.tool.run(t.Context(), &run{tools: tools, box: box, output: func(bool, []byte) {}}, plan.args)
	if err != nil {
		return err.Error()
	}
	return resultText(res)
}

func arguments(t *testing.T, kv ...any) string {
	t.Helper()
	m := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i].(string)] = kv[i+1]
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestArguments(t *testing.T) {
	for _, c := range []struct{ tool, args, want string }{
		{"shell", ``, "the arguments are empty; expected a JSON object with command, timeout_s (optional)"},
		{"shell", `  `, "are empty"},
		{"shell", `null`, "must be a JSON object"},
		{"shell", `["ls"]`, "must be a JSON object"},
		{"shell", `{"command":"ls"`, "they end in the middle"},
		{"shell", `{"command":'ls'}`, `invalid character '\''`},
		{"shell", `{"command":"ls"} {}`, "something follows"},
		{"shell", `{"command":"ls","command":"rm"}`, `"command" is given twice`},
		{"shell", `{"Command":"ls"}`, `unknown argument "Command"`},
		{"shell", `{}`, `"command" is missing`},
		{"shell", `{"command":null}`, `"command" must be a string, not null`},
		{"shell", `{"command":["ls"]}`, "must be a string, not an array"},
		{"shell", `{"command":" "}`, "is empty"},
		{"shell", `{"command":"a\u0000b"}`, "NUL"},
		{"shell", `{"command":"ls","timeout_s":"5"}`, `"timeout_s" must be an integer, not a string`},
		{"shell", `{"command":"ls","timeout_s":1.5}`, "at least 1, not 1.5"},
		{"shell", `{"command":"ls","timeout_s":0}`, "at least 1, not 0"},
		{"shell", `{"command":"ls","timeout_s":1e400}`, "must be an integer"},
		{"shell", arguments(t, "command", strings.Repeat("x", 100<<10+1)), "at most 102400"},
		{"edit_file", `{"path":"a","old":"","new":"b"}`, `"old" is empty`},
		{"sql", `{"query":"select 1"}`, "the tool sql is not allowed"},
	} {
		if got := use(t, newLocalBox(t), Toolbox{}, c.tool, c.args); !strings.Contains(got, c.want) {
			t.Errorf("%s %.60s: %q lacks %q", c.tool, c.args, got, c.want)
		}
	}
	_, plan := Toolbox{MaxTimeout: 9 * time.Second}.decide(store.CallSpec{Name: "shell", Arguments: `{"timeout_s":1e3,"command":"ls"}`})
	if got := string(plan.recorded()); got != `{"command":"ls","timeout_s":9}` {
		t.Errorf("recorded as %s", got)
	}
	if got := use(t, newLocalBox(t), Toolbox{}, "shell", `{"command":"true","timeout_s":null}`); got != "exit 0" {
		t.Errorf("an optional null: %s", got)
	}
}

func TestSchemaIsStrict(t *testing.T) {
	tools := Toolbox{SQL: func(string) Command { return Command{} }, MaxTimeout: 30 * time.Second}
	specs := tools.Specs()
	if len(specs) != 5 {
		t.Fatalf("%d tools", len(specs))
	}
	var got map[string]any
	if err := json.Unmarshal(specs[0].Parameters, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"command"},
		"properties": map[string]any{
			"command":   map[string]any{"type": "string", "description": "The command line."},
			"timeout_s": map[string]any{"type": "integer", "minimum": 1.0, "description": "Kill the command after so many seconds (1 to 30)."},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestShellAndSQL(t *testing.T) {
	box := newLocalBox(t)
	tools := Toolbox{
		Shell: []string{"/bin/sh", "-e", "-c"},
		SQL:   func(q string) Command { return Command{Argv: []string{"echo", "asked", q}, Timeout: time.Minute} },
	}
	for _, c := range []struct{ tool, args, want string }{
		{"shell", `{"command":"echo a; false; echo b"}`, "exit 1\na"},
		{"shell", `{"command":"sleep 60","timeout_s":1}`, "timed out and was killed"},
		{"shell", `{"command":"printf 'a\\377b\\000c'"}`, "exit 0\na\uFFFDb\x00c"},
		{"sql", `{"query":"select 'x;y'"}`, "exit 0\nasked select 'x;y'"},
	} {
		if got := use(t, box, tools, c.tool, c.args); got != c.want {
			t.Errorf("%s: got %q, want %q", c.args, got, c.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	box := newLocalBox(t)
	put := func(name, content string) {
		if err := os.WriteFile(filepath.Join(box.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("three", "a\nb\nc\n")
	put("open", "a\nb")
	put("empty", "")
	put("bin", "a\x00b")
	put("latin", "a\xe4b\n")
	put("wide", strings.Repeat("x", 70<<10)+"\nnext\n")
	put("long", strings.Repeat(strings.Repeat("y", 99)+"\n", 5000))
	for _, c := range []struct{ args, want string }{
		{`{"path":"three"}`, "a\nb\nc\n"},
		{`{"path":"/work/three","offset":2}`, "b\nc\n"},
		{`{"path":"three","offset":2,"limit":1}`, "b\n[three goes on; next offset 3]"},
		{`{"path":"three","offset":3,"limit":1}`, "c\n"},
		{`{"path":"three","offset":4}`, "error: /work/three has only 3 lines; there is nothing at line 4"},
		{`{"path":"open","offset":2}`, "b"},
		{`{"path":"open","offset":3}`, "error: /work/open has only 2 lines; there is nothing at line 3"},
		{`{"path":"empty"}`, "(empty)"},
		{`{"path":"bin"}`, "error: /work/bin is a binary file of 3 bytes; look at it with shell, for example through od or file"},
		{`{"path":"latin"}`, "a\uFFFDb\n"},
		{`{"path":"wide"}`, strings.Repeat("x", 64<<10) + "\n[line 1 is longer than 65536 bytes: cut here; read on with shell]"},
		{`{"path":"wide","offset":2}`, "next\n"},
		{`{"path":"long","offset":4990,"limit":1}`, strings.Repeat("y", 99) + "\n[long goes on; next offset 4991]"},
		{`{"path":"long"}`, strings.Repeat(strings.Repeat("y", 99)+"\n", 655) + "[cut at 65536 bytes; go on with offset 656]"},
	} {
		if got := use(t, box, Toolbox{}, "read_file", c.args); got != c.want && got+"\n" != c.want {
			t.Errorf("%s: got %.200q (%d bytes), want %.200q (%d bytes)", c.args, got, len(got), c.want, len(c.want))
		}
	}
}

func TestWriteAndEditFile(t *testing.T) {
	box := newLocalBox(t)
	for _, c := range []struct{ tool, args, want string }{
		{"write_file", `{"path":"d/f","content":"one two\ntwo\n"}`, "wrote 12 bytes to /work/d/f"},
		{"edit_file", `{"path":"d/f","old":"two","new":"2"}`, `error: "old" occurs 2 times in /work/d/f: add lines around it until it occurs once`},
		{"edit_file", `{"path":"d/f","old":"zwei","new":"2"}`, `error: "old" does not occur in /work/d/f: read the file and copy the text exactly`},
		{"edit_file", `{"path":"d/f","old":"\ntwo","new":"\n2"}`, "replaced 1 occurrence in /work/d/f, at line 1"},
		{"edit_file", `{"path":"d/f","old":"2\n","new":""}`, "replaced 1 occurrence in /work/d/f, at line 2"},
		{"read_file", `{"path":"d/../d/f"}`, "one two\n"},
		{"write_file", `{"path":"big","content":` + fmt.Sprintf("%q", strings.Repeat("x", 1<<20)) + `}`, "wrote 1048576 bytes to /work/big"},
		{"shell", `{"command":"echo >> big"}`, "exit 0"},
		{"edit_file", `{"path":"big","old":"\n","new":""}`, "error: /work/big has 1048577 bytes; edit_file takes files of up to 1048576: use shell"},
	} {
		if got := use(t, box, Toolbox{}, c.tool, c.args); got != c.want {
			t.Errorf("%s %.60s: got %q, want %q", c.tool, c.args, got, c.want)
		}
	}
}

func TestCaptureKeepsHeadAndTail(t *testing.T) {
	var whole strings.Builder
	var c capture
	for i := range 10_000 {
		line := fmt.Sprintf("line %d\n", i)
		whole.WriteString(line)
		c.write([]byte(line))
	}
	w, got := whole.String(), c.text()
	if len(got) != outputKeep || got != w[:outputKeep/2]+w[len(w)-outputKeep/2:] || c.cut != int64(len(w)-outputKeep) {
		t.Errorf("kept %d bytes, cut %d of %d", len(got), c.cut, len(w))
	}
}

func TestLiveOutputNeverSplitsACharacter(t *testing.T) {
	text := "aä€😀\xff\xf0z€"
	want := strings.ToValidUTF8(text, "\uFFFD")
	for size := 1; size <= len(text); size++ {
		var r runes
		got := ""
		for i := 0; i < len(text); i += size {
			piece := r.next([]byte(text[i:min(len(text), i+size)]))
			if !utf8.ValidString(piece) {
				t.Fatalf("pieces of %d: %q", size, piece)
			}
			got += piece
		}
		// Bytes that are no text may come as one sign or several.
		squeeze := func(s string) string { return strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD") }
		if squeeze(got) != squeeze(want) {
			t.Errorf("pieces of %d: %q", size, got)
		}
	}
}

// Whatever a model writes as arguments: an error for it, or values within the bounds.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{`{"command":"ls","timeout_s":5}`, `{"command":1}`, `{`, `[]`, `{"command":"x","x":{}}`, `{"command":"\ud800"}`} {
		f.Add(s)
	}
	tools := Toolbox{}
	f.Fuzz(func(t *testing.T, raw string) {
		d, plan := tools.decide(store.CallSpec{Name: "shell", Arguments: raw})
		if d.Verdict != "allow" {
			if d.Reason == "" || len(d.Reason) > 2000 || plan.args != nil {
				t.Errorf("%q: %+v", raw, d)
			}
			return
		}
		if s := plan.args.int("timeout_s", 1); s < 1 || s > 60 {
			t.Errorf("%q: timeout %d", raw, s)
		}
		// Recorded arguments decode to themselves: a rerun does the same.
		again, err := decodeArgs(tools.params(plan.tool), string(plan.recorded()))
		if err != nil || cmp.Diff(plan.args, again) != "" {
			t.Errorf("%q is recorded as %s: %v", raw, plan.recorded(), err)
		}
	})
}

func TestSystemPrompt(t *testing.T) {
	got := System("A shop.", []string{"shell", "sql"})
	for _, s := range []string{"no network", "/work", "/data/DATA.md", "A shop.", "shell, sql"} {
		if !strings.Contains(got, s) {
			t.Errorf("lacks %q", s)
		}
	}
	got = System("", []string{"fetch"}, "pypi.org:443", "*.example.org")
	if strings.Contains(got, "no network at all") || !strings.Contains(got, "these hosts only: pypi.org:443, *.example.org.") {
		t.Errorf("with an allowlist: %s", got)
	}
	if strings.Contains(System("", nil), "/data") {
		t.Error("speaks of data where there is none")
	}
}

var _ Box = (*localBox)(nil)
