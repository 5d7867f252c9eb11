package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// drawSteps draws the events of a session of few words, so that much of two of
// them is alike.
func drawSteps(t *rapid.T, name string) []store.Body {
	all := []store.Body{store.SessionStarted{Model: "m"}}
	for i, n := range rapid.SliceOfN(rapid.IntRange(0, 19), 0, 40).Draw(t, name) {
		id := fmt.Sprintf("%d", i)
		switch {
		case n < 3:
			all = append(all, store.Prompt{Text: fmt.Sprint(n)})
		case n < 8:
			all = append(all, store.ModelResponse{Text: fmt.Sprint(n % 3)})
		case n < 16:
			args := json.RawMessage(fmt.Sprintf(`{"command":"%s %d"}`, []string{"ls", "cat"}[n%2], n))
			all = append(all, store.ToolCall{CallID: id, Tool: "shell", Arguments: args},
				store.ToolResult{CallID: id, Tool: "shell", Exit: exit(i % 2), Stdout: []string{"", "o", "[redacted: email]"}[(n+i)%3]})
		default:
			all = append(all, store.Filtered{What: "secrets", Rule: fmt.Sprint(n)})
		}
	}
	return all
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, y := drawSteps(rt, "a"), drawSteps(rt, "b")
		a, b := read(t, "a", x), read(t, "b", y)
		c := Compare(a, b)

		// Every step of both stands in it once, in its order.
		var inA, inB []*step
		for _, p := range c.steps {
			if p.a != nil {
				inA = append(inA, p.a)
			}
			if p.b != nil {
				inB = append(inB, p.b)
			}
			if p.a != nil && p.b != nil && (p.a.kind != p.b.kind || p.a.tool != p.b.tool) {
				rt.Fatalf("a %s is held against a %s", p.a.kind, p.b.kind)
			}
		}
		for _, of := range []struct {
			steps []step
			in    []*step
		}{{a.steps, inA}, {b.steps, inB}} {
			if len(of.in) != len(of.steps) {
				rt.Fatalf("%d steps of %d", len(of.in), len(of.steps))
			}
			for i := range of.steps {
				if of.in[i] != &of.steps[i] {
					rt.Fatalf("step %d is not in its place", i)
				}
			}
		}

		// B against A says the same as A against B.
		back := Compare(b, a)
		if seen(c, false) != seen(back, true) {
			rt.Fatalf("A and B: %s\nB and A: %s", seen(c, false), seen(back, true))
		}
		if c.Same() != back.Same() {
			rt.Fatal("the same one way only")
		}

		// With itself nothing differs, and all of it is known but for what was taken out.
		self := Compare(a, read(t, "c", x))
		if differ, notKnown := self.amiss(); differ > 0 || (notKnown > 1) != strings.Contains(fmt.Sprint(x), mark) { // the end is not there
			rt.Fatalf("with itself %d differ, %d are not known", differ, notKnown)
		}
	})
}

// seen lists the pairs, whichever side is which.
func seen(c *Comparison, turned bool) string {
	var all []string
	for _, p := range c.steps {
		a, b := p.numbers()
		v := p.verdict
		if turned {
			a, b = b, a
			v = map[string]string{onlyA: onlyB, onlyB: onlyA, same: same, differs: differs, unknown: unknown}[v]
		}
		all = append(all, fmt.Sprintf("%03d-%03d %s", a, b, v))
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

// However long and however alike: what align finds is in both, in order, and
// what was only shifted is found again.
func TestAlignLongSequences(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kinds := rapid.SampledFrom([]int32{1, 2, 5, 1000, 1 << 30}).Draw(rt, "kinds")
		n := rapid.IntRange(1100, 3000).Draw(rt, "n")
		seed := rapid.Uint64().Draw(rt, "seed")
		draw := func() int32 {
			seed = seed*6364136223846793005 + 1442695040888963407
			return int32(seed>>33) % kinds
		}
		x := make([]int32, n)
		for i := range x {
			x[i] = draw()
		}
		y := slices.Clone(x)
		edits := rapid.IntRange(0, 20).Draw(rt, "edits")
		for range edits {
			i := rapid.IntRange(0, len(y)-1).Draw(rt, "at")
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				y = slices.Delete(y, i, i+1)
			case 1:
				y = slices.Insert(y, i, draw())
			default:
				y[i] = draw()
			}
		}
		found := align(x, y, 0)
		at := anchor{-1, -1}
		for _, m := range found {
			if m.x <= at.x || m.y <= at.y || x[m.x] != y[m.y] {
				rt.Fatalf("%v after %v", m, at)
			}
			at = m
		}
		// Of a random sequence of many kinds, what was not edited is found.
		if kinds >= 1000 && len(found) < n-2*edits {
			rt.Fatalf("%d of %d found after %d edits", len(found), n, edits)
		}
	})
}

func FuzzHostile(f *testing.F) {
	f.Add("\x1b[2J", "\u202e", []byte(`{"a":{"b":[1,2]}}`), "x\r\ny")
	f.Add("[redacted: x]", "a\nset-up: the same", []byte(`[[[[`), strings.Repeat("\u0300", 90))
	f.Fuzz(func(t *testing.T, a, b string, raw []byte, out string) {
		if !json.Valid(raw) {
			raw = nil
		}
		bodies := func(x, y string) []store.Body {
			return []store.Body{
				store.SessionStarted{Model: x, System: y, Config: raw, Policy: raw, Tools: []store.ToolSpec{{Name: x, Description: y, Parameters: raw}}, Recipe: &store.Recipe{Schema: x, DDL: y}},
				store.FilePut{Path: y},
				store.Prompt{Text: x},
				store.ModelResponse{Text: y, Reasoning: x, Model: x, FinishReason: y, ToolCalls: []store.CallSpec{{ID: x, Name: y, Arguments: x}, {ID: y, Name: "shell", Arguments: string(raw)}}},
				store.ToolCall{CallID: x, Tool: y, Arguments: raw},
				store.ToolResult{CallID: x, Tool: y, Stdout: out + x, Stderr: y, Signal: x, Error: y},
				store.Failure{Code: x, Message: y},
				store.Egress{Method: x, Host: y},
				store.LimitReached{Limit: x, Of: y},
				store.Probed{Probe: x, Layer: y},
				store.BoxDiff{Changes: []store.FileChange{{Path: x, Change: y, Type: "link", Link: x}}},
				store.SessionEnded{Status: "done", Reason: y},
			}
		}
		c := Compare(read(t, "a", bodies(a, b)), read(t, "b", bodies(b, a)))
		for _, width := range []int{0, 80} {
			var text strings.Builder
			if err := c.WriteText(&text, width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(text.String()) {
				line = strings.TrimSuffix(line, "\n")
				if store.CleanLine(line) != line {
					t.Fatalf("%q", line)
				}
				if width > 0 && ansi.StringWidth(line) > width {
					t.Fatalf("%d columns: %q", ansi.StringWidth(line), line)
				}
				if !own(line) {
					t.Fatalf("a line in the first column: %q", line)
				}
			}
		}
		for line := range c.Lines() {
			if _, err := json.Marshal(line); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// own says whether a line is one that the package begins in the first column.
func own(line string) bool {
	if line == "" || line[0] == ' ' {
		return true
	}
	for _, begins := range []string{"A ", "B ", "A a", "set-up: ", "course: ", "first difference: ", "~ ", "? ", "- A ", "+ B ", "they differ", "not known to be", "the same in everything"} {
		if strings.HasPrefix(line, begins) {
			return true
		}
	}
	return false
}
