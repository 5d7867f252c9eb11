package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"glovebox/store"
)

// JSON lines mean what was said, and a terminal that shows them is not told
// anything.
func TestJSONIsHarmlessAndTrue(t *testing.T) {
	said := "\x1b[2J \u009b31m \u202egpj \u200b <b> & \u2028 \U000e0041 日本 \r\n\x7f"
	var out strings.Builder
	a := &app{out: &out}
	if err := a.printJSON(map[string]string{"said": said}); err != nil {
		t.Fatal(err)
	}
	line := out.String()
	if store.Clean(line) != line || strings.Count(line, "\n") != 1 || !strings.Contains(line, "<b> & ") {
		t.Errorf("wrote %q", line)
	}
	var read map[string]string
	if err := json.Unmarshal([]byte(line), &read); err != nil || read["said"] != said {
		t.Errorf("means %q, want %q (%v)", read["said"], said, err)
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		err     error
		started bool
		code    int
		says    string
	}{
		{nil, true, exitDone, ""},
		{errors.New("what is this"), false, exitUsage, "glovebox: what is this\n"},
		{errors.New("it broke"), true, exitEngine, "glovebox: it broke\n"},
		{fmt.Errorf("a: %w", &exitError{code: exitLimit, msg: "enough", hint: "more turns"}), true, exitLimit, "glovebox: enough\ntry: more turns\n"},
		{&exitError{code: exitNo}, true, exitNo, ""},
		{fmt.Errorf("doing it: %w", context.Canceled), true, exitInterrupted, "glovebox: interrupted\n"},
		{fmt.Errorf("x: %w", store.ErrNewer), true, exitUsage, "glovebox: x: log from a newer glovebox\n"},
		{fmt.Errorf("x: %w", store.ErrNotFound), true, exitUsage, "glovebox: x: no such session\ntry: glovebox sessions\n"},
		{fmt.Errorf("write: %w", syscall.EPIPE), true, exitDone, ""},
		{errors.New("evil\n\x1b[2J"), true, exitEngine, "glovebox: evil␊␛[2J\n"},
	} {
		var said strings.Builder
		a := &app{out: io.Discard, errOut: &said, started: test.started}
		if code := a.report(test.err); code != test.code || said.String() != test.says {
			t.Errorf("%v: code %d, said %q; want %d, %q", test.err, code, said.String(), test.code, test.says)
		}
	}
}
