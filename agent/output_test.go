package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/agent/filter"
	"glovebox/store"
)

// Of an output that is not recorded as it was printed there is a digest of all
// of it, unless a filter took something out, be it where nobody sees it.
func TestWholeOutputs(t *testing.T) {
	var numbers strings.Builder
	for i := range 20_000 {
		fmt.Fprintln(&numbers, i+1)
	}
	seq := numbers.String()
	const mail = "mail jane.roe@acme-widgets.com\n"
	print := func(to string, lines string) string {
		return fmt.Sprintf(`{"command":"(%s) %s"}`, lines, to)
	}
	flag := filter.Config{Secrets: filter.Flag, Personal: filter.Flag}
	redact := filter.Config{Secrets: filter.Redact, Personal: filter.Redact}
	for _, c := range []struct {
		name, tool, args string
		filter           filter.Config
		printed          string // "": no digest is recorded
		clean            bool
	}{
		{"short", "shell", print("", "seq 20"), flag, "", false},
		{"long", "shell", print("", "seq 20000"), flag, seq, true},
		{"long, on the other stream", "shell", print(">&2", "seq 20000"), redact, seq, true},
		{"nothing looks for personal data", "shell", print("", "seq 20000"), filter.Config{Secrets: filter.Redact}, seq, false},
		{"too long a line to be looked through at once", "shell", print("", `seq 20000 | tr '\\n' ' '`), flag, strings.ReplaceAll(seq, "\n", " "), false},
		{"something in the middle", "shell", print("", "seq 20000; cat mail; seq 20000"), flag, seq + mail + seq, false},
		{"something at the end", "shell", print("", "seq 20000; cat mail"), flag, seq + mail, false},
		{"something in the middle, redacted", "shell", print(">&2", "seq 20000; cat mail; seq 20000"), redact, "", false},
		{"something at the end, redacted", "shell", print("", "seq 20000; cat mail"), redact, "", false},
		{"something at the end without a line feed, held back", "shell", print("", "seq 20000; printf %s $(cat mail)"), filter.Config{Personal: filter.Block}, "", false},
		{"no UTF-8", "shell", print("", "cat bytes"), flag, "a\xff\xfeb\n", true},
		{"a file that is no UTF-8", "read_file", `{"path":"bytes"}`, flag, "a\xff\xfeb\n", true},
		{"a sign for it", "shell", print("", "cat sign"), flag, "\uFFFD", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, newServer(t, calls(c.tool, c.args), says("done")), filtering(t, c.filter))
			for name, content := range map[string]string{"mail": mail, "bytes": "a\xff\xfeb\n", "sign": "\uFFFD"} {
				if err := os.WriteFile(filepath.Join(b.box.dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Prompt(t.Context(), "go"); err != nil {
				t.Fatal(err)
			}
			r := pick[store.ToolResult](b.events())[0]
			w, other := r.StdoutWhole, r.StderrWhole
			if strings.Contains(c.args, ">&2") {
				w, other = other, w
			}
			if other != nil || (w == nil) != (c.printed == "") {
				t.Fatalf("%+v, and of the other stream %+v", w, other)
			}
			if w == nil {
				return
			}
			sum := sha256.Sum256([]byte(c.printed))
			if want := (store.Whole{Bytes: int64(len(c.printed)), SHA256: hex.EncodeToString(sum[:]), Clean: c.clean}); *w != want {
				t.Errorf("got %+v, want %+v", *w, want)
			}
		})
	}
}
