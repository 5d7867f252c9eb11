package export

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestAnswersAreLaidOut(t *testing.T) {
	for said, want := range map[string]string{
		"plain words\nin two lines":                          "<p>plain words\nin two lines</p>",
		"# One\n\n- a **b** `c<d>`\n- e\n\n3. f\n":           `<h4>One</h4><ul><li>a <strong>b</strong> <code>c&lt;d&gt;</code></li><li>e</li></ul><ol start="3"><li>f</li></ol>`,
		"| a | n |\n|---|--:|\n| x | 1 |\n":                  `<div class="wide"><table><tr><th>a</th><th class="right">n</th></tr><tr><td>x</td><td class="right">1</td></tr></table></div>`,
		"```html\n<b>\n```\n> said\n\n---\n":                 "<pre>&lt;b&gt;</pre><blockquote><p>said</p></blockquote><hr>",
		"[here](javascript:alert(1)) ![p](//evil.example/x)": "<p>here <small>javascript:alert(1)</small> p <small>//evil.example/x</small></p>",
		"<script>x</script>\n\n<i onclick=x>":                "<pre>&lt;script&gt;x&lt;/script&gt;</pre><pre>&lt;i onclick=x&gt;</pre>",
		"snake_case_name, 5 * 3 * 2":                         "<p>snake_case_name, 5 * 3 * 2</p>",
	} {
		if got := prose(said); got != want {
			t.Errorf("%q became\n%s, not\n%s", said, got, want)
		}
	}
	for name, said := range map[string]string{
		"long": strings.Repeat("x", answerBytes+1), "many lines": strings.Repeat("x\n", answerLines+1), "quotations": strings.Repeat(">", 4000) + "x", "lists": strings.Repeat("- ", 4000) + "x", "margins": strings.Repeat(" ", 400) + "x",
	} {
		if got := prose(said); got != "" {
			t.Errorf("%s: laid out in %d bytes", name, len(got))
		}
	}
}

// tags are all that an answer can become.
var tags = regexp.MustCompile(`<(/?)(h4|p|blockquote|ul|ol|li|hr|table|tr|th|td|div|pre|code|em|strong|small)(?: start="-?\d+"| class="(?:wide|right)")?>`)

// Whatever a model says, what is laid out is elements of these kinds, each closed.
func FuzzProse(f *testing.F) {
	f.Add("# a\n- b\n  1. c\n\n| a |\n|---|\n| <b> |\n\n[x](<y> \"z\") ![i][j]\n\n[j]: k\n<a@b.c> <http://x/>\n***\n    code\n```\n<")
	f.Fuzz(func(t *testing.T, said string) {
		laid := prose(said)
		if rest := tags.ReplaceAllString(laid, ""); strings.ContainsAny(rest, "<>") {
			t.Fatalf("%q became %q", said, laid)
		}
		var open []string
		for _, m := range tags.FindAllStringSubmatch(laid, -1) {
			switch n := len(open); {
			case m[2] == "hr":
			case m[1] == "":
				open = append(open, m[2])
			case n == 0 || open[n-1] != m[2]:
				t.Fatalf("%q became %q", said, laid)
			default:
				open = slices.Delete(open, n-1, n)
			}
		}
		if len(open) > 0 {
			t.Fatalf("%q became %q", said, laid)
		}
	})
}
