// Package redact takes secrets, personal data, home paths, host and user names
// out of sessions that leave this machine.
//
// A session is read twice: what was found anywhere by the words around it
// (password = …) is then taken out wherever it stands, words or not. Every text
// in every field is looked at, the names of JSON members included, and so is
// what it says to who decodes it (see view.go).
//
// A digest of a text that was taken out would give a short one away to who tries
// them all, so it goes with it. So does one of a text that is not there to be
// looked at, unless it was looked at when it was recorded, and nothing else in
// the session hints at what may be in it; see digests.go.
package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/scan"
)

// A Removal says what was taken out, and where; never the text itself.
type Removal struct {
	Seq   int64  `json:"seq"`
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Times int    `json:"times"`
}

// A Redactor takes out of one session what is not to leave. Not safe for
// concurrent use.
type Redactor struct {
	scan    *scan.Scanner
	learnt  map[string]string // text → rule
	words   map[string]string // the same, of what is looked for as a word only
	spread  *spread
	where   map[place]bool // fields in which something was found
	doubt   bool           // texts that are not there may hold what is to be taken out
	replace *strings.Replacer
	tears   tears
	list    []Removal
}

// A place is a field of an event.
type place struct {
	seq  int64
	name string
}

// New makes a Redactor. Patterns are the user's own regular expressions.
func New(patterns ...string) (*Redactor, error) {
	s, err := scan.New(scan.Secrets|scan.Personal|scan.Own, patterns...)
	if err != nil {
		return nil, err
	}
	if home, err := os.UserHomeDir(); err == nil && len(home) > len("/root") {
		s.AddName("home", filepath.Clean(home))
	}
	if host, err := os.Hostname(); err == nil && !generic(host) {
		s.AddName("host", host)
		short, _, _ := strings.Cut(host, ".")
		if !generic(short) {
			s.AddName("host", short)
		}
	}
	if u, err := user.Current(); err == nil && !generic(u.Username) {
		s.AddName("user", u.Username)
	}
	return newRedactor(s, len(patterns) > 0), nil
}

func newRedactor(s *scan.Scanner, doubt bool) *Redactor {
	return &Redactor{scan: s, learnt: map[string]string{}, words: map[string]string{}, where: map[place]bool{}, spread: newSpread(s), doubt: doubt}
}

// generic names are nobody's, and would tear holes into every text.
func generic(name string) bool {
	return len(name) < 3 || slices.Contains([]string{
		"root", "user", "admin", "test", "runner", "build", "builder", "debian", "ubuntu", "vagrant", "docker", "glovebox", "nobody", "agent",
		"localhost", "localdomain", "host", "vm", "dev", "work", "box", "main", "shell", "data",
	}, strings.ToLower(name))
}

// Learn reads a session the first time, with as many goroutines as there are
// processors. It must be done before anything is redacted.
func (r *Redactor) Learn(events iter.Seq2[store.Disclosure, error]) error {
	pieces := make(chan []store.Disclosure, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for piece := range pieces {
				for _, d := range piece {
					r.read(&mu, d)
				}
			}
		})
	}
	var failed error
	var piece []store.Disclosure
	for d, err := range events {
		if failed = err; err != nil {
			break
		}
		r.spread.read(d, func(p place, text, rule string) {
			mu.Lock()
			defer mu.Unlock()
			r.where[p], r.doubt = true, true
			r.learn(text, rule)
		})
		if piece = append(piece, d); len(piece) == 64 {
			pieces <- piece
			piece = nil
		}
	}
	pieces <- piece
	close(pieces)
	wg.Wait()
	return failed
}

// read learns one event.
func (r *Redactor) read(mu *sync.Mutex, d store.Disclosure) {
	for _, field := range d.Fields {
		eachText(field.Value, nesting, func(name, text string) {
			if found := r.scan.Named(name, text); len(found) > 0 {
				mu.Lock()
				r.found(d, field.Name, text, found)
				mu.Unlock()
			}
			eachView(text, encodings, func(text string) {
				found := r.scan.All(text)
				if len(found) == 0 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				r.found(d, field.Name, text, found)
			})
		})
	}
}

// found learns what was found in a text of a field.
func (r *Redactor) found(d store.Disclosure, field, text string, found []scan.Finding) {
	r.where[place{d.Seq, field}] = true
	for _, f := range found {
		if f.Kind != scan.Own {
			r.learn(text[f.Start:f.End], f.Rule)
		}
		r.doubt = r.doubt || f.Kind != scan.Own || inBox(d.Kind)
	}
}

// learn remembers a text, and those parts of it that may turn up alone: the
// lines of a key, the password after a user's name; each also as JSON and
// addresses have it.
func (r *Redactor) learn(text, rule string) {
	if len(text) < 6 || scan.Everybodys(text) { // it would tear holes into every text
		return
	}
	if rule == "password" && plainWord(text) {
		if was, known := r.words[text]; !known || rule < was {
			r.words[text] = rule
		}
		return
	}
	remember := func(text string) {
		for _, form := range forms(text) {
			if was, known := r.learnt[form]; !known || rule < was { // the same name, whoever came first
				r.learnt[form] = rule
			}
		}
	}
	remember(text)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
			remember(line)
		}
	}
	if _, password, ok := strings.Cut(text, ":"); ok && strings.HasPrefix(rule, "curl-") {
		if password = strings.Trim(password, `"'`); len(password) >= 6 && !scan.Everybodys(password) {
			remember(password)
		}
	}
}

// plainWord says of a password whether it is letters only: such is a part of others.
func plainWord(text string) bool {
	for i := range len(text) {
		if c := text[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// forms are how a text stands in other texts: as it is, in JSON, in an address.
func forms(text string) []string {
	all := []string{text}
	if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 || strings.ContainsRune("\"\\/&<>%+ \n\t;=?#$@:,", r) }) < 0 {
		return all
	}
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	enc.Encode(text)                //nolint:errcheck // a text can be written
	marked, _ := json.Marshal(text) // with \u0026 and the like
	for _, quoted := range []string{strings.TrimSpace(plain.String()), string(marked), strconv.QuoteToASCII(text)} {
		inside := quoted[1 : len(quoted)-1]
		all = append(all, inside, strings.ReplaceAll(inside, "/", `\/`))
	}
	return append(all, url.QueryEscape(text), url.PathEscape(text))
}

// Field returns a field without what is not to leave; the same slice where
// there is nothing. It is for after everything has been learnt.
func (r *Redactor) Field(seq int64, name string, value []byte) []byte {
	if len(r.learnt)+len(r.words) == 0 && !r.where[place{seq, name}] {
		return value
	}
	return r.json(seq, name, value, nesting)
}

// nesting is how many times JSON in a text in JSON is looked into.
const nesting = 3

func (r *Redactor) json(seq int64, name string, value []byte, deep int) []byte {
	out := []byte(nil)
	at := 0
	look := r.where[place{seq, name}]
	texts(value, func(member []byte, start, end int) {
		text := unquote(value[start:end])
		clean := text
		if look {
			found := r.scan.Named(called(member), text)
			for _, f := range found {
				r.note(seq, name, f.Rule)
			}
			clean = scan.Replace(text, found)
		}
		if deep > 0 && clean == text && isJSON(text) {
			clean = string(r.json(seq, name, []byte(clean), deep-1))
		}
		clean = r.text(seq, name, clean)
		if clean == text {
			return
		}
		quoted, _ := json.Marshal(clean)
		if value[start] != '"' {
			quoted = []byte("0") // a number stays one
		}
		out = append(append(out, value[at:start]...), quoted...)
		at = end
	})
	if out == nil {
		return value
	}
	return append(out, value[at:]...)
}

func (r *Redactor) text(seq int64, name, text string) string {
	if len(r.learnt) > 0 && r.replace == nil {
		r.replace, r.tears = r.replacer(), newTears(r.learnt)
	}
	out := text
	for _, p := range r.spread.torn[place{seq, name}] {
		out = p.out(out)
	}
	out = r.views(out, r.where[place{seq, name}], encodings)
	if out == text {
		return text
	}
	was := map[string]int{}
	for _, m := range mark.FindAllStringSubmatch(text, -1) {
		was[m[1]]++
	}
	for _, m := range mark.FindAllStringSubmatch(out, -1) {
		if was[m[1]]--; was[m[1]] < 0 { // a mark that a filter left when it was recorded is not one of ours
			r.note(seq, name, m[1])
		}
	}
	return out
}

// replacer takes out what was learnt.
func (r *Redactor) replacer() *strings.Replacer {
	all := make([]string, 0, len(r.learnt))
	for s := range r.learnt {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	var pairs []string
	for _, s := range all {
		pairs = append(pairs, s, "[redacted: "+r.learnt[s]+"]")
	}
	return strings.NewReplacer(pairs...)
}

// clean takes out of a text what is found in it as it stands (look), and what was learnt.
func (r *Redactor) clean(text string, look bool) string {
	if look {
		text, _ = r.scan.Redact(text)
	}
	if r.replace != nil {
		text = r.tears.mend(r.replace.Replace(text))
	}
	if len(r.words) > 0 {
		text = r.withoutWords(text)
	}
	return text
}

// withoutWords takes words out where they stand alone.
func (r *Redactor) withoutWords(text string) string {
	var b strings.Builder
	from := 0
	for at := 0; at < len(text); at++ {
		if !letter(text[at]) {
			continue
		}
		start := at
		for at < len(text) && letter(text[at]) {
			at++
		}
		if rule, ok := r.words[text[start:at]]; ok && !strings.HasSuffix(text[:start], "[redacted: ") {
			b.WriteString(text[from:start])
			b.WriteString("[redacted: " + rule + "]")
			from = at
		}
	}
	return b.String() + text[from:]
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80 }

var mark = regexp.MustCompile(`\[redacted: ([a-z0-9-]+)\]`)

func (r *Redactor) note(seq int64, field, rule string) {
	for i := range slices.Backward(r.list) {
		l := &r.list[i]
		if l.Seq != seq {
			break
		}
		if l.Field == field && l.Rule == rule {
			l.Times++
			return
		}
	}
	r.list = append(r.list, Removal{seq, field, rule, 1})
}

// Removals lists what was taken out so far, in the order of the session.
func (r *Redactor) Removals() []Removal { return r.list }

// Fields redacts the fields of an event and says which differ.
func (r *Redactor) Fields(seq int64, fields []proof.Field) (out []proof.Field, changed []bool) {
	out = slices.Clone(fields)
	changed = make([]bool, len(fields))
	for i, f := range fields {
		if f.Name == "status" && slices.Contains(results, string(f.Value)) {
			continue // without it the event would not be valid, whatever was learnt
		}
		out[i].Value = r.digests(seq, f, r.Field(seq, f.Name, r.images(seq, f)))
		if f.Name == "tags" || f.Name == "untags" {
			out[i].Value = tags(out[i].Value)
		}
		changed[i] = !bytes.Equal(out[i].Value, f.Value)
		if n := len(r.list); changed[i] && (n == 0 || r.list[n-1].Seq != seq || r.list[n-1].Field != f.Name) {
			r.note(seq, f.Name, "text") // nothing goes unsaid: what was taken out held a mark already
		}
	}
	return out, changed
}

// results are how a session can end.
var results = []string{`"done"`, `"limited"`, `"denied"`, `"failed"`, `"interrupted"`}

// tags makes words of marks: what is no tag would make the event invalid.
func tags(value []byte) []byte {
	var all []string
	if !bytes.Contains(value, []byte("[redacted: ")) || json.Unmarshal(value, &all) != nil {
		return value
	}
	for i, tag := range all {
		if m := mark.FindStringSubmatch(tag); m != nil {
			all[i] = "redacted:" + m[1][:min(len(m[1]), 30)]
		}
	}
	value, _ = json.Marshal(all) // of texts: it cannot fail
	return value
}

// images withholds pictures: nobody can read here what is on them. What cannot
// be taken for a list of pictures is withheld whole: they may be anywhere in it.
func (r *Redactor) images(seq int64, f proof.Field) []byte {
	if f.Name != "images" {
		return f.Value
	}
	var all []store.Image
	if json.Unmarshal(f.Value, &all) != nil {
		r.note(seq, f.Name, "image")
		return []byte("[]")
	}
	for i := range all {
		if all[i].Data != "" {
			all[i].Data = ""
			r.note(seq, f.Name, "image")
		}
	}
	value, _ := json.Marshal(all) // of texts: it cannot fail
	return value
}
