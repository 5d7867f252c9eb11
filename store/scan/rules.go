package scan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	gitleaks "github.com/zricethezav/gitleaks/v8/config"
)

// A rule applies near any of its keywords.
type rule struct {
	id       string
	kind     Kind
	re       *regexp.Regexp
	group    int     // that is the secret; whichever: the first that matched
	entropy  float64 // bits per byte that the secret has at least
	keywords []string
	allowed  []*regexp.Regexp // of the secret
	near     []*regexp.Regexp // of the whole match: not a secret
	stop     []string         // words in the secret: not one
	reach    int              // bytes after the keyword that a match may need
	hasDigit bool             // a secret has one
	assigned bool             // a sign of assignment comes after the keyword
	anchored bool             // re begins with ^, and applies where a keyword begins
	apart    bool             // no letter or digit stands before the keyword
	valid    func(string) bool
	read     func(text string, start, end int) []span // instead of re, where the keyword is text[start:end]
}

const whichever = -1

// source is gitleaks' file of rules, as far as it matters here.
type source struct {
	Allowlist allowlist
	Rules     []struct {
		ID          string
		Regex       string
		SecretGroup int
		Entropy     float64
		Keywords    []string
		Allowlists  []allowlist
	}
}

type allowlist struct {
	Regexes     []string
	RegexTarget string
	Condition   string
	StopWords   []string
}

// tighter are keywords that stand for ones so short that they are everywhere.
var tighter = map[string]string{"ey": "eyj"}

// Where gitleaks expects a secret to end, as in a file of code, and where it may
// end in an answer or an output.
const (
	nameBefore = `(?i)[\w.-]{0,50}?`
	endInCode  = `(?:[\x60'"\s;]|\\[nr]|$)`
	endInProse = `(?:[^\w+/=-]|$)`
)

// checksum is what go.sum has, and the names of shared libraries.
var checksum = regexp.MustCompile(`\bh1:[\w+/]{43}=|\.so\.\d`)

func loadRules(kinds Kind) ([]rule, error) {
	var rules []rule
	for _, r := range slices.Concat(more, commands, places, spelled, tokens(), identities()) {
		if r.kind&kinds != 0 {
			rules = append(rules, r)
		}
	}
	if kinds&Secrets == 0 {
		return rules, nil
	}
	var src source
	if _, err := toml.Decode(gitleaks.DefaultConfig, &src); err != nil {
		return nil, fmt.Errorf("gitleaks' rules: %w", err)
	}
	global, err := compile(src.Allowlist.Regexes)
	if err != nil {
		return nil, err
	}
	for _, from := range src.Rules {
		if from.Regex == "" || len(from.Keywords) == 0 {
			continue // a file name
		}
		// What precedes a keyword costs most of the time, and is looked at by secret.
		tail, anchored := strings.CutPrefix(from.Regex, nameBefore)
		if anchored {
			tail = "^(?i)" + tail
		}
		// A bound of 150 makes the expression too large for the quick way to match
		// it, and a longer secret is one, too.
		tail = strings.ReplaceAll(strings.ReplaceAll(tail, endInCode, endInProse), "{10,150}", "{10,}")
		re, err := regexp.Compile(tail)
		if err != nil {
			return nil, fmt.Errorf("gitleaks' rule %s: %w", from.ID, err)
		}
		r := rule{id: from.ID, kind: Secrets, re: re, group: from.SecretGroup, entropy: from.Entropy, allowed: global, reach: 300, anchored: anchored, assigned: anchored}
		if r.group == 0 {
			r.group = min(1, re.NumSubexp())
		}
		for _, word := range from.Keywords {
			if t, ok := tighter[word]; ok {
				word = t
			}
			r.keywords = append(r.keywords, word)
		}
		switch from.ID {
		case "private-key":
			r.reach = 16 << 10
		case "generic-api-key":
			r.hasDigit = true
			r.near = []*regexp.Regexp{checksum}
			err = r.allow(from.Allowlists)
		case "vault-service-token", "hashicorp-tf-password": // s.aNameOfAMethod, "encodePassword"
			r.hasDigit = true
		case "curl-auth-header", "curl-auth-user":
			r.reach = 1000
		case "kubernetes-secret-yaml":
			r.keywords, r.reach = []string{"kind:"}, 1000 // "secret" is everywhere
		}
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// allow takes over what says that a match is none; where that depends on a
// file's name, it is left out.
func (r *rule) allow(lists []allowlist) error {
	for _, l := range lists {
		res, err := compile(l.Regexes)
		if err != nil {
			return err
		}
		switch {
		case l.Condition == "AND":
			continue
		case l.RegexTarget == "":
			r.allowed = append(slices.Clone(r.allowed), res...)
		default:
			r.near = append(r.near, res...)
		}
		r.stop = append(r.stop, l.StopWords...)
	}
	return nil
}

func compile(patterns []string) (res []*regexp.Regexp, err error) {
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("gitleaks' allowlist: %w", err)
		}
		res = append(res, re)
	}
	return res, nil
}

// find appends what the rule finds in text[from:to].
func (r *rule) find(found []Finding, text string, from, to int) []Finding {
	part := text[from:to]
	times := -1
	if r.anchored {
		times = 1
	}
	for _, m := range r.re.FindAllStringSubmatchIndex(part, times) {
		group := r.group
		if group == whichever {
			for group = 1; m[2*group] < 0 && 2*group+2 < len(m); group++ {
			}
		}
		start, end := m[2*group], m[2*group+1]
		if start < 0 {
			start, end = m[0], m[1]
		}
		whole := from + m[0]
		for n := 0; r.anchored && n < 50 && whole > 0 && (alnum(text[whole-1]) || strings.IndexByte("_.-", text[whole-1]) >= 0); n++ {
			whole--
		}
		if start < end && r.secret(part[start:end], text[whole:from+m[1]]) {
			found = append(found, Finding{from + start, from + end, r.kind, r.id})
		}
	}
	return found
}

// plain is the entropy up to which a word in a secret means that it is a name;
// in longer random ones words turn up by chance.
const plain = 4.0

func (r *rule) secret(s, match string) bool {
	if r.entropy > 0 && entropy(s) <= r.entropy || r.hasDigit && !strings.ContainsAny(s, "0123456789") || r.valid != nil && !r.valid(s) {
		return false
	}
	for _, re := range r.allowed {
		if re.MatchString(s) {
			return false
		}
	}
	for _, re := range r.near {
		if re.MatchString(match) {
			return false
		}
	}
	if len(r.stop) == 0 || entropy(s) > plain && strings.ContainsAny(s, "0123456789") {
		return true
	}
	lower := strings.ToLower(s)
	return !slices.ContainsFunc(r.stop, func(word string) bool { return strings.Contains(lower, word) })
}

// entropy is Shannon's, in bits per byte.
func entropy(s string) (bits float64) {
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// byRules runs each rule near its keywords only.
func (s *Scanner) byRules(text string) []Finding {
	type window struct{ rule, from, to int }
	var open []window // the last one of each rule
	var found []Finding
	var last []int // of each rule the index in open, plus one
	var tries []tried
	s.words.scan(text, func(id, start, end int) {
		r := &s.rules[id]
		if r.read != nil {
			for _, part := range r.read(text, start, end) {
				found = append(found, Finding{part.from, part.to, r.kind, r.id})
			}
			return
		}
		if r.assigned && !assigned(text, end) || r.apart && start > 0 && alnum(text[start-1]) {
			return
		}
		if r.anchored {
			if tries == nil { // most texts need neither
				tries = make([]tried, len(s.rules))
			}
			if to, ok := tries[id].next(text, start, end+r.reach); ok {
				n := len(found)
				found = r.find(found, text, start, to)
				if len(found) > n {
					tries[id].found = found[len(found)-1].End
				} else {
					tries[id].vain++
				}
			}
			return
		}
		from, to := max(0, end-120), tokenEnd(text, end+r.reach)
		for n := 0; from > 0 && n < 100 && !space(text[from-1]); n++ {
			from--
		}
		if last == nil {
			last = make([]int, len(s.rules))
		}
		if i := last[id] - 1; i >= 0 && open[i].to >= from {
			open[i].to = max(open[i].to, to)
			return
		}
		open = append(open, window{id, from, to})
		last[id] = len(open)
	})
	for _, w := range open {
		found = s.rules[w.rule].find(found, text, w.from, w.to)
	}
	return found
}

// tried keeps a text that repeats a keyword without end from costing the square
// of its length: what lies in a finding is found already, and where a token has
// had many tries in vain, the next ones see less of it, and then end.
type tried struct{ found, token, vain int }

// next is how far the next try may look, if there is to be one.
func (t *tried) next(text string, start, reach int) (to int, ok bool) {
	const many, little, enough = 8, 64, 256
	if start >= t.token || reach > t.token {
		t.token, t.vain = tokenEnd(text, reach), 0
	}
	to = t.token
	if t.vain > many {
		to = min(to, reach+little)
	}
	return to, start >= t.found && t.vain < enough
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// assigned says cheaply whether a value can follow a name: gitleaks' rules allow
// 20 bytes of name and 3 of space and quotes before the sign.
func assigned(text string, at int) bool {
	end := min(len(text), at+20)
	for at < end && (alnum(text[at]) || strings.IndexByte(" \t_.-", text[at]) >= 0) {
		at++
	}
	for end = min(len(text), at+4); at < end && strings.IndexByte(" \t\r\n'\"\\", text[at]) >= 0; {
		at++
	}
	return at < len(text) && strings.IndexByte("=:>,|?", text[at]) >= 0
}

// tokenEnd is where the token that reaches to at ends, so that none is cut in two.
func tokenEnd(text string, at int) int {
	at = min(len(text), at)
	for n := 0; at < len(text) && n < 8<<10 && !space(text[at]); n++ {
		at++
	}
	return at
}

// An end is that of a keyword of a rule, so many bytes long.
type end struct{ rule, length int }

// An automaton finds many words in one pass (Aho and Corasick), in any case.
type automaton struct {
	next []int32 // of state × 256
	out  [][]end // keywords that end in a state
}

func newAutomaton(rules []rule) automaton {
	a := automaton{next: make([]int32, 256), out: make([][]end, 1)}
	for id, r := range rules {
		for _, word := range r.keywords {
			state := int32(0)
			for _, c := range []byte(strings.ToLower(word)) {
				to := a.next[state<<8|int32(c)]
				if to == 0 {
					to = int32(len(a.out))
					a.next[state<<8|int32(c)] = to
					a.next = append(a.next, make([]int32, 256)...)
					a.out = append(a.out, nil)
				}
				state = to
			}
			a.out[state] = append(a.out[state], end{id, len(word)})
		}
	}
	fail := make([]int32, len(a.out))
	queue := []int32{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for c := range int32(256) {
			at := state<<8 | c
			to := a.next[at]
			if to == 0 {
				a.next[at] = a.next[fail[state]<<8|c]
				continue
			}
			if state != 0 {
				fail[to] = a.next[fail[state]<<8|c]
			}
			a.out[to] = append(a.out[to], a.out[fail[to]]...)
			queue = append(queue, to)
		}
	}
	for state := range a.out {
		for c := int32('A'); c <= 'Z'; c++ {
			a.next[int32(state)<<8|c] = a.next[int32(state)<<8|(c+'a'-'A')]
		}
	}
	return a
}

func (a *automaton) scan(text string, hit func(rule, start, end int)) {
	state := int32(0)
	for i := range len(text) {
		state = a.next[state<<8|int32(text[i])]
		if out := a.out[state]; out != nil {
			for _, e := range out {
				hit(e.rule, i+1-e.length, i+1)
			}
		}
	}
}
