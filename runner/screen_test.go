package runner

import (
	"bytes"
	"strings"
	"testing"
)

func drawn(t testing.TB, pieces ...string) string {
	t.Helper()
	var out bytes.Buffer
	s := &screen{w: &out}
	for _, p := range pieces {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	return out.String()
}

func TestScreen(t *testing.T) {
	const less = "\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\r1\r\n\x1b[7m(END)\x1b[27m\x1b[K"
	tests := []struct{ name, in, want string }{
		{"text", "héllo wörld €😀\r\n\t", "héllo wörld €😀\r\n\t"},
		{"colours and cursor", "\x1b[1;31mred\x1b[0m\x1b[10;20H\x1b[2J", "\x1b[1;31mred\x1b[0m\x1b[10;20H\x1b[2J"},
		{"less", less, strings.Replace(less, "\x1b[22;0;0t", "", 1)},
		{"character sets", "\x1b(0lqk\x1b(B\x1b)0\x0e\x0f\x1b7\x1b8\x1bM", "\x1b(0lqk\x1b(B\x1b)0\x0e\x0f\x1b7\x1b8\x1bM"},
		{"title", "a\x1b]0;title\x07b", "ab"},
		{"title ended by ST", "a\x1b]2;title\x1b\\b", "ab"},
		{"title of screen", "a\x1bktitle\x1b\\b", "ab"},
		{"clipboard", "a\x1b]52;c;cHduZWQ=\x07b", "ab"},
		{"clipboard, ended by a sequence", "a\x1b]52;c;cHdu\x1b[1mb", "a\x1b[1mb"},
		{"clipboard, one-byte C1", "a\x9d52;c;cHdu\x07b", "a52;c;cHdu\x07b"},
		{"clipboard, C1 in UTF-8", "a\u009d52;c;cHdu\x07b", "a52;c;cHdu\x07b"},
		{"clipboard, C1 overlong", "a\xe0\x82\x9d52\xc2\xc2\x9d52", "a5252"},
		{"tmux passes nothing through", "a\x1bPtmux;\x1b\x1b]52;c;cHdu\x07\x1b\\b", "ab"},
		{"graphics that read files", "a\x1b_Gt=f;L2V0Yy9wYXNzd2Q=\x1b\\b", "ab"},
		{"title report", "a\x1b[21tb\x1b[8;1;1tc", "abc"},
		{"printer", "a\x1b[5ib\x1b[?5ic", "abc"},
		{"answerback", "a\x05b\x1b[\x05mc", "ab\x1b[mc"},
		{"newline within a sequence", "\x1b[3\n1mx", "\n\x1b[31mx"},
		{"cancelled", "\x1b[3\x181mx\x1b]0;a\x1ab", "1mxb"},
		{"endless sequence", "\x1b[" + strings.Repeat("1;", 300) + "mx", "x"},
		{"endless intermediates", "\x1b" + strings.Repeat(" ", 200) + "xy", "y"},
		{"broken UTF-8", "a\x80\xffb\xe2\x82c\xf0\x9f\x98\x80", "abc😀"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := drawn(t, tt.in); got != tt.want {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
			if got := drawn(t, strings.Split(tt.in, "")...); got != drawn(t, tt.in) {
				t.Errorf("character by character: %q", got)
			}
		})
	}
}

func TestScreenLeave(t *testing.T) {
	const always = "\x1b[m\x1b(B\x0f\x1b>"
	for in, want := range map[string]string{
		"":                            always,
		"\x1b[?1049h":                 "\x1b[?1049l" + always,
		"\x1b[?1049h\x1b[?1049l":      always,
		"\x1b[?1049;1006h\x1b[?25l":   "\x1b[?25h\x1b[?1006l\x1b[?1049l" + always,
		"\x1b[?25l\x1b[?25h":          always,
		"\x1b[?2004h\x1bc":            always,
		"\x1b]0;never ended \x1b[?1h": "\x1b[?1l" + always,
		"\x1b]0;never ended":          always,
		"\x1b[?7h\x1b[?12345h":        always,
	} {
		var out bytes.Buffer
		s := &screen{w: &out}
		if _, err := s.Write([]byte(in)); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if err := s.leave(); err != nil || out.String() != want {
			t.Errorf("after %q: %q (%v), want %q", in, out.String(), err, want)
		}
	}
}

func FuzzScreen(f *testing.F) {
	f.Add([]byte("\x1b]52;c;x\x07\x1b[?1049h\xc2\x9dé"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		whole := drawn(t, string(in))
		at := 0
		if len(in) > 0 {
			at = int(uint(cut) % uint(len(in)))
		}
		if cut := drawn(t, string(in[:at]), string(in[at:])); cut != whole {
			t.Errorf("cut at %d: %q, whole %q", at, cut, whole)
		}
		for _, bad := range []string{"\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bk", "\u009d", "\u009b", "\u0090", "\x05"} {
			if strings.Contains(whole, bad) {
				t.Errorf("%q lets %q through: %q", in, bad, whole)
			}
		}
		if again := drawn(t, whole); again != whole {
			t.Errorf("filtered twice: %q, once: %q", again, whole)
		}
	})
}
