package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"glovebox/store"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"plain ASCII ~\n\tindented": "plain ASCII ~\n\tindented",
		"naïve 日本語 привет עברית ½ €":       "naïve 日本語 привет עברית ½ €",
		"\x1b[31mred\x1b[0m":               "␛[31mred␛[0m",
		"\x1b]52;c;ZXZpbA==\x07":           "␛]52;c;ZXZpbA==␇",
		"a\bb\rc\x00d\x7f\v\f":             "a␈b␍c␀d␡␋␌",
		"dos\r\nlines\r\r\n":               "dos\nlines␍\n",
		"\u009b31m \u0085":                 "\ufffd31m \ufffd",
		"\x9b31m \xff\xfe \xe2\x82":        "\ufffd31m \ufffd\ufffd \ufffd\ufffd",
		"safe\u202egpj.exe\u202c":          "safe\ufffdgpj.exe\ufffd",
		"\u2066a\u2069\u200e\u200f\u061c":  "\ufffda\ufffd\ufffd\ufffd\ufffd",
		"pay\u200bpal pay\u200dpal":        "pay\ufffdpal pay\ufffdpal",
		"\ufeffbom \u2060 \u00ad \u3164":   "\ufffdbom \ufffd \ufffd \ufffd",
		"a\u2028b\u2029c":                  "a\ufffdb\ufffdc",
		"hidden\U000e0041\U000e0042":       "hidden\ufffd\ufffd",
		"x\ufe0f\ufe0e\U000e0101":          "x\ufe0f\ufffd\ufffd",
		"👩\u200d👩\u200d👧 ⚠\ufe0f 👍🏽":       "👩\u200d👩\u200d👧 ⚠\ufe0f 👍🏽",
		"🏳\ufe0f\u200d🌈 👩\u200d\u200d👧":    "🏳\ufe0f\u200d🌈 👩\ufffd\ufffd👧",
		"می\u200cخواهم":                    "می\u200cخواهم",
		"a\u200cb می\u200c":                "a\ufffdb می\ufffd",
		"\ufffe\U0010ffff":                 "\ufffd\ufffd",
		"e\u0301 combining marks may stay": "e\u0301 combining marks may stay",
	} {
		if got := store.Clean(in); got != want {
			t.Errorf("Clean(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"one line":         "one line",
		"a\nb\tc\r\nd\x1b": "a␊b c␊d␛",
	} {
		if got := store.CleanLine(in); got != want {
			t.Errorf("CleanLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCleanTextCostsNothing(t *testing.T) {
	text := strings.Repeat("the quick brown fox\n\t", 1000)
	if n := testing.AllocsPerRun(10, func() { _ = store.Clean(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"\x1b[31m", "a\r\r\nb", "👩\u200d👩", "\ufe0f\ufe0f", "م\u200c\u061c", "\xe2\x80", "\u202e\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := store.Clean(s)
		if !utf8.ValidString(got) {
			t.Errorf("Clean(%q) is not UTF-8: %q", s, got)
		}
		if again := store.Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, again %q", s, got, again)
		}
		for _, r := range got {
			if r < ' ' && r != '\n' && r != '\t' || 0x7f <= r && r <= 0x9f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 ||
				r == 0x200b || r == 0x200e || r == 0x200f || r == 0x61c || r == 0x2028 || r == 0x2029 || r == 0xfeff || 0xe0000 <= r && r <= 0xe0fff {
				t.Errorf("Clean(%q) lets %U through: %q", s, r, got)
			}
		}
		line := store.CleanLine(s)
		if strings.ContainsAny(line, "\n\t") || store.CleanLine(line) != line {
			t.Errorf("CleanLine(%q) = %q", s, line)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, text := range map[string]string{
		"ascii":   strings.Repeat("the quick brown fox jumps over\n", 1000),
		"letters": strings.Repeat("größere Überraschung — 日本語\n", 1000),
		"colours": strings.Repeat("\x1b[31mred\x1b[0m and plain\r\n", 1000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				store.Clean(text)
			}
		})
	}
}
