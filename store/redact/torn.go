package redact

import "strings"

// tears finds parts of what was learnt where an excerpt was cut, at "…".
type tears struct {
	rules        map[string]string   // of each text
	heads, tails map[string][]string // texts by how they begin, and end
}

const (
	cut   = "…"
	least = 6   // bytes: of fewer too many words begin alike
	most  = 512 // of a longer part the rest stays
)

func newTears(learnt map[string]string) tears {
	t := tears{learnt, map[string][]string{}, map[string][]string{}}
	for s := range learnt {
		if len(s) > least {
			t.heads[s[:least]] = append(t.heads[s[:least]], s)
			t.tails[s[len(s)-least:]] = append(t.tails[s[len(s)-least:]], s)
		}
	}
	return t
}

// mend takes such parts out.
func (t tears) mend(text string) string {
	if !strings.Contains(text, cut) {
		return text
	}
	pieces := strings.Split(text, cut)
	for i, piece := range pieces {
		if i > 0 {
			piece = t.begin(piece)
		}
		if i < len(pieces)-1 {
			piece = t.end(piece)
		}
		pieces[i] = piece
	}
	return strings.Join(pieces, cut)
}

// begin takes out the longest end of a text that a piece begins with.
func (t tears) begin(piece string) string {
	for n := min(len(piece), most); n >= least; n-- {
		if rule := t.rule(t.tails[piece[n-least:n]], func(s string) bool { return strings.HasSuffix(s, piece[:n]) }); rule != "" {
			return "[redacted: " + rule + "]" + piece[n:]
		}
	}
	return piece
}

// end takes out the longest beginning of a text that a piece ends with.
func (t tears) end(piece string) string {
	for n := min(len(piece), most); n >= least; n-- {
		at := len(piece) - n
		if rule := t.rule(t.heads[piece[at:at+least]], func(s string) bool { return strings.HasPrefix(s, piece[at:]) }); rule != "" {
			return piece[:at] + "[redacted: " + rule + "]"
		}
	}
	return piece
}

// rule is the first by name of those that fit.
func (t tears) rule(texts []string, fits func(string) bool) (rule string) {
	for _, s := range texts {
		if fits(s) && (rule == "" || t.rules[s] < rule) {
			rule = t.rules[s]
		}
	}
	return rule
}
