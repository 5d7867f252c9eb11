package redact

import (
	"bytes"
	"slices"
	"strings"

	"glovebox/store"
	"glovebox/store/scan"
)

// reach is how much of one event, in bytes, is looked at together with the next.
const reach = 160

// spread finds what begins in one event and ends in a later one of the same
// stream: an output that was read in pieces, a paste into two prompts. What one
// says and what the next one says are looked at as one text, around where they meet.
type spread struct {
	scan    *scan.Scanner
	streams map[string]*stream
	torn    map[place][]piece
}

// A stream is the end of what an actor said so far, and which fields it is from.
type stream struct {
	text  string
	parts []part
	lines bool // ends of lines between the parts were left out
}

type part struct {
	place
	start int // in the stream's text
}

// A piece of something is to be taken out of a field, from the beginning of its
// text or from the end.
type piece struct {
	text, rule string
	begins     bool
}

// spoken are the streams: fields that go on where the one before them ended.
var spoken = map[string][]string{
	store.Prompt{}.Kind():        {"text"},
	store.ModelResponse{}.Kind(): {"text", "reasoning"},
	store.ToolResult{}.Kind():    {"stdout", "stderr"},
}

// out takes a piece out of a text.
func (p piece) out(text string) string {
	mark := "[redacted: " + p.rule + "]"
	if rest, ok := strings.CutPrefix(text, p.text); ok && p.begins {
		return mark + rest
	}
	line := strings.TrimSuffix(text, "\n")
	if rest, ok := strings.CutSuffix(line, p.text); ok && !p.begins {
		return rest + mark + text[len(line):]
	}
	return text
}

func newSpread(s *scan.Scanner) *spread {
	return &spread{s, map[string]*stream{}, map[place][]piece{}}
}

// read goes on with an event; events come in order.
func (s *spread) read(d store.Disclosure, learn func(at place, text, rule string)) {
	for _, name := range spoken[d.Kind] {
		for _, f := range d.Fields {
			if f.Name == name && len(f.Value) > 2 && f.Value[0] == '"' {
				s.join(d.Kind+" "+name, place{d.Seq, name}, f.Value, learn)
			}
		}
	}
}

func (s *spread) join(key string, at place, value []byte, learn func(at place, text, rule string)) {
	st := s.streams[key]
	if st == nil {
		st = &stream{}
		s.streams[key] = st
	}
	head, tail, whole := ends(value)
	trimmed := strings.TrimSuffix(st.text, "\n")
	cut := len(trimmed) < len(st.text)
	met := meets(trimmed, head, cut)
	if met {
		st.lines = st.lines || cut
		glue := ""
		if strings.IndexByte(":=", trimmed[len(trimmed)-1]) >= 0 {
			glue = " "
		}
		seam := len(trimmed) + len(glue)
		for _, f := range s.scan.Find(trimmed + glue + head) {
			if f.End <= seam || f.Start >= seam && glue == "" || f.Kind == scan.Own || st.lines && f.Kind == scan.Personal { // of any two numbers one could be made
				continue
			}
			if f.Start < seam && s.whole(trimmed, f.Start, seam) || s.whole(head, 0, f.End-seam) {
				continue
			}
			s.tear(st, f, trimmed+glue+head, seam, at)
			learn(at, (trimmed + glue + head)[f.Start:f.End], f.Rule)
			for _, p := range st.parts {
				learn(p.place, "", "")
			}
		}
	}
	if met && whole && !strings.ContainsAny(strings.TrimSuffix(head, "\n"), " \n") && len(trimmed)+len(head) <= 4*reach {
		st.parts = append(st.parts, part{at, len(trimmed)})
		st.text = trimmed + head
		return
	}
	st.text, st.parts, st.lines = tail, []part{{at, 0}}, false
}

// whole says whether one side of a seam is something by itself: what is beside
// it is another matter then.
func (s *spread) whole(text string, from, to int) bool {
	return slices.ContainsFunc(s.scan.Find(text), func(f scan.Finding) bool { return f.Start == from && f.End == to })
}

// tear remembers the parts of a finding that are in each event.
//
// Places in st's texts are those in text, but for what was trimmed at the seam.
func (s *spread) tear(st *stream, f scan.Finding, text string, seam int, at place) {
	add := func(p place, from, to int) {
		begin := from
		if from = max(from, f.Start); from < min(to, f.End) {
			s.torn[p] = append(s.torn[p], piece{text[from:min(to, f.End)], f.Rule, p == at || from == begin})
		}
	}
	for i, p := range st.parts {
		end := seam
		if i+1 < len(st.parts) {
			end = st.parts[i+1].start
		}
		add(p.place, p.start, end)
	}
	add(at, seam, len(text))
}

// ends are the beginning and the end of a text that stands in JSON, as far as
// they matter; whole: that is all of it.
func ends(value []byte) (head, tail string, whole bool) {
	if len(value) <= reach {
		text := unquote(value)
		return text, text, true
	}
	inside := value[1 : len(value)-1]
	h, t := inside[:reach], inside[len(inside)-reach:]
	for i := len(h) - 1; i >= reach-6; i-- { // not through an escape
		if h[i] == '\\' {
			h = h[:i]
		}
	}
	switch at := bytes.IndexByte(t, ' '); { // no escape goes through a space
	case at >= 0 && at < reach/2:
		t = t[at:]
	case bytes.IndexByte(inside[max(0, len(inside)-reach-6):], '\\') >= 0:
		all := unquote(value)
		return unquote(quoted(h)), all[max(0, len(all)-reach):], false
	}
	return unquote(quoted(h)), unquote(quoted(t)), false
}

func quoted(inside []byte) []byte { return append(append([]byte{'"'}, inside...), '"') }

// meets says whether a text may go on in the next: no space is between them.
// Where a line's end was, the line before it is one word, or asks for a value.
func meets(before, after string, cut bool) bool {
	if before == "" || after == "" || before[len(before)-1] <= ' ' || after[0] <= ' ' {
		return false
	}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return !cut || strings.IndexByte(":=", before[len(before)-1]) >= 0 || len(line) > 3 && !strings.ContainsAny(line, " \t")
}
