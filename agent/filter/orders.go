package filter

import (
	"regexp"
	"slices"
	"strings"
)

// order is a way of speaking to a model in place of its user. It is looked for
// only near a word that is rare in other text, in lower case.
type order struct {
	rule string
	near []string // one of these is there …
	and  []string // … and close to it one of these; nil: no matter
	re   *regexp.Regexp
}

var known = []order{
	{
		"ignore-instructions",
		[]string{"ignore", "disregard", "forget", "override"},
		[]string{"instruction", "prompt", "rule", "direction", "guideline", "order", "polic"},
		regexp.MustCompile(`\b(ignore|disregard|forget|override)\b[^.\n]{0,30}\b(all|any|previous|prior|above|earlier|preceding|your|the)\b[^.\n]{0,30}\b(instruction|prompt|rule|direction|guideline|order|polic)`),
	},
	{
		"new-role",
		[]string{"you are now", "act as", "pretend", "from now on"},
		nil,
		regexp.MustCompile(`\b(you are now (a|an|in|the|no longer)\b|from now on,? you (are|will|must|shall)\b|pretend (to be|that you|you are)\b|act as (if you|an? (unrestricted|unfiltered|evil|administrator|root)))`),
	},
	{
		"system-marks",
		[]string{"<|im_start|>", "<|system|>", "[inst]", "<<sys>>", "<|start_header_id|>", "### system", "### instruction", "begin system", "<system>"},
		nil,
		regexp.MustCompile(`<\|(im_start|system|start_header_id|end_of_turn)\|>|\[/?inst\]|<</?sys>>|(?m)(^|["'])\s*(###\s*(system|instruction)s?\s*:|<system>)|begin system (prompt|message)`),
	},
	{
		"to-the-model",
		[]string{"assistant", "ai model", "language model", "llm", "ai agent", "dear ai", "the ai", "an ai"},
		[]string{"important", "urgent", "attention", "note", "message", "instruction", "must", "should", "please", "need to"},
		regexp.MustCompile(`\b((important|urgent|attention|note|message|instructions?)( note| message| instructions?)? (to|for) (the |all |any )?(ai|llm|assistant|agent|language model)|(if you are|as) an? (ai|llm|language model|assistant|ai agent)[^.\n]{0,40}\b(must|should|please|need to)\b)`),
	},
	{
		"secrecy",
		[]string{"do not tell", "don't tell", "do not mention", "without telling", "do not reveal", "do not inform", "don't mention"},
		[]string{"user", "human", "person", "operator", "anyone"},
		regexp.MustCompile(`\b(do not|don't|never|without) (tell|telling|mention|mentioning|reveal|inform|informing|alert)[^.\n]{0,20}\b(the )?(user|human|person|operator|anyone)\b`),
	},
	{
		"reveal-prompt",
		[]string{"system prompt", "your instructions", "initial prompt"},
		[]string{"reveal", "print", "show", "repeat", "output", "leak", "send"},
		regexp.MustCompile(`\b(reveal|print|show|repeat|output|leak|send)\b[^.\n]{0,30}\b(your |the )?(system prompt|initial prompt|your instructions|hidden prompt)`),
	},
	{
		"exfiltrate",
		[]string{"you must send", "you must post", "you must upload", "you must exfiltrate", "you must forward", "please send", "please post", "please upload", "please exfiltrate", "please forward", "now send", "now post", "now upload", "now exfiltrate", "now forward", "immediately send", "immediately post", "immediately upload", "immediately exfiltrate", "immediately forward", "then send", "then post", "then upload", "then exfiltrate", "then forward"},
		[]string{"data", "key", "credential", "secret", "password", "content", "file", "conversation", "token"},
		regexp.MustCompile(`\b(you must|please|now|immediately|then) (send|post|upload|exfiltrate|forward)\b[^.\n]{0,60}\b(data|database|keys?|credentials?|secrets?|passwords?|contents?|files?|conversation|tokens?)\b[^.\n]{0,40}\b(to|at)\b`),
	},
	{
		"fake-approval",
		[]string{"approved by", "has been approved", "permission granted", "user has authorized", "authorization granted", "already approved", "has authorized", "has approved", "has allowed"},
		nil,
		regexp.MustCompile(`\b((the )?(user|human|operator|admin|administrator) (has|have) (already )?(approved|authori[sz]ed|allowed|granted)|(permission|authori[sz]ation) (was |is |has been )?granted (by|to|for) (the )?(user|ai|assistant|agent|you|admin))`),
	},
}

// hidden marks a text that a person would not see.
var hidden = regexp.MustCompile("[\U000E0020-\U000E007F]{4,}|[\u200b\u200c\u200d\u2060]{8,}")

// How many bytes before and after a word are looked at.
const (
	before = 60
	after  = 130
)

// starts are the orders by the first two bytes of the words near which they are.
var starts = func() (t [1 << 16][]start) {
	for i := range known {
		for _, word := range known[i].near {
			pair := int(word[0])<<8 | int(word[1])
			t[pair] = append(t[pair], start{word, &known[i]})
		}
	}
	return t
}()

type start struct {
	word string
	*order
}

// orders names the ways in which a text speaks to the model.
func orders(text string) []string {
	var out []string
	low := strings.ToLower(text)
	for i := 0; i+1 < len(low); i++ {
		for _, s := range starts[int(low[i])<<8|int(low[i+1])] {
			if strings.HasPrefix(low[i:], s.word) && !slices.Contains(out, s.rule) && s.speaks(low[max(i-before, 0):min(i+after, len(low))]) {
				out = append(out, s.rule)
			}
		}
	}
	if strings.ContainsAny(text, "\u200b\u200c\u200d\u2060") || strings.Contains(text, "\xf3\xa0") {
		if hidden.MatchString(text) {
			out = append(out, "hidden-text")
		}
	}
	return out
}

func (o *order) speaks(piece string) bool {
	if o.and != nil && !slices.ContainsFunc(o.and, func(w string) bool { return strings.Contains(piece, w) }) {
		return false
	}
	return o.re.MatchString(piece) || strings.Contains(piece, "\n") && o.re.MatchString(flat(piece))
}

var breaks = regexp.MustCompile(`([a-z,])[ \t]*\n[ \t#/*>-]*([a-z])`)

// flat joins lines that end in the middle of a sentence.
func flat(s string) string { return breaks.ReplaceAllString(s, "$1 $2") }
