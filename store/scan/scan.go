// Package scan finds secrets and personal data in text.
//
// Secrets are found by gitleaks' rules, personal data by form and check digit.
// Values that are reserved for examples and tests (example.org, 555-01xx,
// 192.0.2.1) are nobody's and are left alone: synthetic data is made of them.
// It promises speed (one pass over the text finds where a rule can apply at
// all), and not that it knows every secret there is.
package scan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Kind is a reason to look.
type Kind int

// What a Scanner can look for.
const (
	Secrets  Kind = 1 << iota // keys, tokens, passwords
	Personal                  // e-mail addresses, phone numbers, account numbers, …
	Own                       // the caller's patterns and names, and the names in paths of home directories
)

// A Finding is one place in a text.
type Finding struct {
	Start, End int // bytes
	Kind       Kind
	Rule       string // e.g. aws-access-token, email
}

// A Scanner looks for what it was made for. It is safe for concurrent use.
type Scanner struct {
	kinds Kind
	rules []rule
	words automaton
	own   []rule
	names []name
}

// A name is a text that is found where it stands alone.
type name struct{ rule, text string }

// New makes a Scanner for some kinds. Patterns are regular expressions of the
// caller's own; where one has a group, that is what is found.
func New(kinds Kind, patterns ...string) (*Scanner, error) {
	s := &Scanner{kinds: kinds}
	for i, p := range patterns {
		if err := s.AddPattern(fmt.Sprintf("pattern-%d", i+1), p); err != nil {
			return nil, err
		}
	}
	rules, err := loadRules(kinds)
	if err != nil {
		return nil, err
	}
	s.rules = rules
	s.words = newAutomaton(rules)
	return s, nil
}

// AddPattern makes s find what a regular expression matches, as well; where it
// has a group, what that matches. Call it before the first Find.
func (s *Scanner) AddPattern(rule, pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", rule, err)
	}
	s.own = append(s.own, own(rule, re))
	return nil
}

func own(id string, re *regexp.Regexp) rule {
	return rule{id: id, re: re, group: min(1, re.NumSubexp()), kind: Own}
}

// AddName makes s find a text as well, where no letter or digit touches it.
// Call it before the first Find. Texts of less than three bytes are left out.
func (s *Scanner) AddName(rule, text string) {
	if len(text) >= 3 {
		s.names = append(s.names, name{rule, text})
	}
}

// Find returns what is found in text, in order; places do not overlap.
func (s *Scanner) Find(text string) []Finding { return disjoint(s.All(text)) }

// All returns what is found in text by each rule, in no order; places may overlap.
func (s *Scanner) All(text string) []Finding {
	var found []Finding
	if len(s.rules) > 0 {
		found = s.byRules(text)
	}
	if s.kinds&Personal != 0 {
		found = append(found, personal(text)...)
	}
	for _, r := range s.own {
		found = r.find(found, text, 0, len(text))
	}
	for _, n := range s.names {
		for at := 0; ; {
			i := strings.Index(text[at:], n.text)
			if i < 0 {
				break
			}
			start, end := at+i, at+i+len(n.text)
			if (start == 0 || !alnum(text[start-1]) || !alnum(text[start])) && (end == len(text) || !alnum(text[end])) {
				found = append(found, Finding{start, end, Own, n.rule})
			}
			at = end
		}
	}
	return found
}

// Named returns what is found in a text by the name that it stands under, as a
// member of an object does, and by what else is in it; nil where the name says nothing.
func (s *Scanner) Named(name, text string) []Finding {
	if name == "" || len(name) > 64 || len(text) > 1000 || !s.tells(name) {
		return nil
	}
	head := `"` + name + `": "`
	var found []Finding
	// Signs that would end the text take as many bytes as what stands for them.
	for _, f := range s.All(head + strings.NewReplacer(`"`, "_", `\`, "_", "\n", "_").Replace(text) + `"`) {
		if f.Start == len(head) && f.End <= len(head)+len(text) {
			found = append(found, Finding{0, f.End - len(head), f.Kind, f.Rule})
		}
	}
	if found == nil {
		return nil
	}
	return disjoint(append(found, s.All(text)...))
}

// tells says whether any rule goes by a word that is in a name.
func (s *Scanner) tells(name string) (yes bool) {
	s.words.scan(name, func(int, int, int) { yes = true })
	return yes
}

// disjoint sorts findings and joins those that overlap, under the name of the
// first; of those that begin alike, the longest.
func disjoint(found []Finding) []Finding {
	if len(found) < 2 {
		return found
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	out := found[:1]
	for _, f := range found[1:] {
		if last := &out[len(out)-1]; f.Start < last.End {
			last.End = max(last.End, f.End)
			continue
		}
		out = append(out, f)
	}
	return out
}

// Redact returns text with what Find finds replaced by [redacted: RULE], and
// the findings.
func (s *Scanner) Redact(text string) (string, []Finding) {
	found := s.Find(text)
	return Replace(text, found), found
}

// Replace replaces findings by [redacted: RULE].
func Replace(text string, found []Finding) string {
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(text[at:f.Start])
		b.WriteString("[redacted: " + f.Rule + "]")
		at = f.End
	}
	b.WriteString(text[at:])
	return b.String()
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func alnum(c byte) bool { return digit(c) || upper(c) || 'a' <= c && c <= 'z' || c >= 0x80 }
