package agent

// A scenario is a scripted model: a TOML file that says what the model answers,
// turn by turn, and what it expects of the results in between. It needs no key
// and no network, and it can fail: a scenario is also a test of the box.
//
//	name = "hello"
//
//	[[turn]]
//	reasoning = "First see who I am."
//	text = "Let me look around."
//	delay_ms = 10                    # before each piece, 0 to 10000
//
//	[[turn.call]]                    # any number, run in order
//	tool = "shell"
//	args = { command = "id -u" }     # or raw = "{…" for arguments that are not JSON
//
//	[[turn]]
//	text = "Not root, as it should be."
//
//	[[turn.expect]]                  # checked before the turn is answered
//	call = 1                         # n-th tool result since the previous turn; or prompt = true
//	exit = 0                         # or fails = true
//	contains = ["1"]                 # all of them
//	not_contains = ["root"]          # none of them
//	matches = '(?m)^\d+$'            # regular expression
//
//	[[turn]]                         # faults, for tests
//	text = "…"
//	status = 429                     # answer with this HTTP status first (400 to 599) …
//	retry_after = 1                  # … and this Retry-After, in seconds
//	times = 1                        # so many times, then the turn is answered
//	cut = true                       # break the stream off half-way, times times
//
// The turn that answers a request is found by counting the assistant messages
// in it: the server remembers nothing of a conversation. After the last turn it
// answers "(end of script)".

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/agnivade/levenshtein"
)

const (
	maxScript       = 1 << 20 // bytes of a scenario file
	maxScriptTurns  = 500
	scriptErrorType = "script_expectation"
	scriptErrorText = 2000 // bytes of an expectation's message
)

//go:embed scripts/*.toml
var builtIn embed.FS

// Script is a scenario that was read and found valid. It is immutable.
type Script struct {
	Name  string
	turns []scriptTurn
}

type scriptTurn struct {
	Text       string         `toml:"text"`
	Reasoning  string         `toml:"reasoning"`
	DelayMS    int            `toml:"delay_ms"`
	Calls      []scriptCall   `toml:"call"`
	Expect     []scriptExpect `toml:"expect"`
	Status     int            `toml:"status"`
	RetryAfter *int           `toml:"retry_after"`
	Times      *int           `toml:"times"`
	Cut        bool           `toml:"cut"`
}

type scriptCall struct {
	Tool string         `toml:"tool"`
	Args map[string]any `toml:"args"`
	Raw  *string        `toml:"raw"`
	wire string         // what is sent as arguments
}

// LoadScript reads the scenario of a model named script:NAME: one that is built
// in ("demo", the tour; "redteam", an attacker), or a file.
func LoadScript(name string) (*Script, error) {
	if data, err := builtIn.ReadFile("scripts/" + name + ".toml"); err == nil {
		return ParseScript(data, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxScript+1))
	if err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	return ParseScript(data, filepath.Base(name))
}

// ParseScript reads a scenario strictly: an unknown key is an error. name says
// where data comes from, for messages.
func ParseScript(data []byte, name string) (*Script, error) {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("scenario %s: %s", name, fmt.Sprintf(format, a...))
	}
	if len(data) > maxScript {
		return nil, bad("it is larger than %d KiB", maxScript>>10)
	}
	var file struct {
		Name  string       `toml:"name"`
		Turns []scriptTurn `toml:"turn"`
	}
	meta, err := toml.Decode(string(data), &file)
	if err != nil {
		return nil, bad("%s", clip(err.Error(), errorText))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0][len(unknown[0])-1]
		return nil, bad("unknown key %q%s", clip(unknown[0].String(), 200), suggest(key))
	}
	if len(file.Turns) == 0 {
		return nil, bad("it has no [[turn]]")
	}
	if len(file.Turns) > maxScriptTurns {
		return nil, bad("it has %d turns; at most %d are allowed", len(file.Turns), maxScriptTurns)
	}
	s := &Script{Name: file.Name, turns: file.Turns}
	if s.Name == "" {
		s.Name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	for i := range s.turns {
		if err := s.check(i); err != nil {
			return nil, bad("turn %d: %v", i+1, err)
		}
	}
	return s, nil
}

// check validates one turn and prepares it.
func (s *Script) check(i int) error {
	t := &s.turns[i]
	switch {
	case t.Text == "" && len(t.Calls) == 0:
		return fmt.Errorf("it has neither text nor a call")
	case t.DelayMS < 0 || t.DelayMS > 10_000:
		return fmt.Errorf("delay_ms must be from 0 to 10000")
	case t.Status != 0 && (t.Status < 400 || t.Status > 599):
		return fmt.Errorf("status must be from 400 to 599")
	case t.RetryAfter != nil && (t.Status == 0 || *t.RetryAfter < 0 || *t.RetryAfter > 86_400):
		return fmt.Errorf("retry_after needs a status and must be from 0 to 86400 seconds")
	case t.Cut && t.Status != 0:
		return fmt.Errorf("cut and status exclude each other")
	case t.Times != nil && (!t.Cut && t.Status == 0 || *t.Times < 1 || *t.Times > 100):
		return fmt.Errorf("times needs a status or cut, and must be from 1 to 100")
	case len(t.Calls) > maxCalls:
		return fmt.Errorf("it has %d calls; at most %d are allowed", len(t.Calls), maxCalls)
	}
	for j := range t.Calls {
		if err := t.Calls[j].check(); err != nil {
			return fmt.Errorf("call %d: %w", j+1, err)
		}
	}
	results := 0
	if i > 0 {
		results = len(s.turns[i-1].Calls)
	}
	for j := range t.Expect {
		if err := t.Expect[j].check(results); err != nil {
			return fmt.Errorf("expect %d: %w", j+1, err)
		}
	}
	return nil
}

func (c *scriptCall) check() error {
	switch {
	case c.Tool == "":
		return fmt.Errorf("it names no tool")
	case c.Raw != nil && c.Args != nil:
		return fmt.Errorf("args and raw exclude each other")
	case c.Raw != nil:
		c.wire = *c.Raw
		return nil
	case c.Args == nil:
		c.wire = "{}"
		return nil
	}
	wire, err := json.Marshal(c.Args)
	if err != nil {
		return fmt.Errorf("args: %w", err)
	}
	c.wire = string(wire)
	return nil
}

// faults is how often the turn fails before it is answered.
func (t *scriptTurn) faults() int {
	switch {
	case t.Status == 0 && !t.Cut:
		return 0
	case t.Times == nil:
		return 1
	default:
		return *t.Times
	}
}

// suggest names the key that was probably meant.
func suggest(key string) string {
	keys := strings.Fields("name turn text reasoning delay_ms call tool args raw expect prompt contains " +
		"not_contains matches exit fails status retry_after times cut")
	best, at := "", (len(key)+2)/3+1 // one letter in three may be wrong
	for _, k := range keys {
		if d := levenshtein.ComputeDistance(key, k); d < min(at, len(k)) {
			best, at = k, d
		}
	}
	if best == "" {
		return "; known are " + strings.Join(keys, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func compile(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("matches: %w", err)
	}
	return re, nil
}
