package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"glovebox/store"
)

const (
	maxAnswer = 4 << 20 // bytes of text, reasoning and arguments in one answer
	maxCalls  = 128     // tool calls in one answer
	maxCallID = 128     // bytes; longer ones are replaced
)

// answer is a model's answer while it is put together from chunks. Servers
// differ in what they leave out; chunk says what is understood.
type answer struct {
	onDelta func(Delta)
	start   time.Time
	first   time.Duration // 0: nothing has come yet
	taken   map[string]bool
	number  int // for IDs that the server leaves out

	resp            store.ModelResponse
	text, reasoning strings.Builder
	calls           []*growing
	size            int
}

// growing is a tool call while it streams.
type growing struct {
	id, name string
	index    int // -1: the server gives none
	args     strings.Builder
}

// goesOn says whether a piece that repeats name may still belong to the call.
func (g *growing) goesOn(name string) bool {
	if g.name != "" && g.name != name {
		return false
	}
	return g.args.Len() > 64<<10 || !json.Valid([]byte(g.args.String())) // checked while it is cheap
}

// chunk is one event of a stream. A server that does not stream sends message
// in place of delta.
type chunk struct {
	Error   json.RawMessage `json:"error"`
	Model   string          `json:"model"`
	Usage   *wireUsage      `json:"usage"`
	Choices []struct {
		Index        int             `json:"index"`
		Delta        piece           `json:"delta"`
		Message      *piece          `json:"message"`
		FinishReason string          `json:"finish_reason"`
		Error        json.RawMessage `json:"error"`
	} `json:"choices"`
}

// wireUsage has floats because some servers do.
type wireUsage struct {
	PromptTokens     float64 `json:"prompt_tokens"`
	CompletionTokens float64 `json:"completion_tokens"`
	PromptDetails    struct {
		CachedTokens float64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens float64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

type piece struct {
	Content          loose       `json:"content"`
	Refusal          loose       `json:"refusal"`
	ReasoningContent loose       `json:"reasoning_content"`
	Reasoning        loose       `json:"reasoning"`
	ToolCalls        []callPiece `json:"tool_calls"`
}

type callPiece struct {
	Index    *index `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments loose  `json:"arguments"`
	} `json:"function"`
}

// index is a number that some servers write as a string.
type index int

// UnmarshalJSON implements json.Unmarshaler.
func (i *index) UnmarshalJSON(b []byte) error {
	n, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*i = index(n)
	return err
}

// loose is text that some servers send as a list of parts, and arguments that
// some send as an object.
type loose string

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s *string
	if json.Unmarshal(b, &s) == nil {
		if s != nil {
			*l = loose(*s)
		}
		return nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(b, &parts) == nil {
		for _, p := range parts {
			*l += loose(p.Text)
		}
		return nil
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, b); err != nil {
		return err
	}
	*l = loose(flat.String())
	return nil
}

func newAnswer(sofar []Message, start time.Time, onDelta func(Delta)) *answer {
	a := &answer{onDelta: onDelta, start: start, taken: map[string]bool{}, number: len(sofar)}
	for _, m := range sofar {
		for _, c := range m.ToolCalls {
			a.taken[c.ID] = true
		}
	}
	return a
}

// finished says that the model has ended its answer.
func (a *answer) finished() bool { return a.resp.FinishReason != "" }

// add takes the JSON of one event.
func (a *answer) add(raw []byte) error {
	if strings.TrimSpace(string(raw)) == "" {
		return nil
	}
	var c chunk
	if err := json.Unmarshal(raw, &c); err != nil {
		return &ModelError{Code: "protocol", Message: fmt.Sprintf("the server sent something that is not a piece of an answer: %s", clip(string(raw), 200))}
	}
	if len(c.Error) > 0 && string(c.Error) != "null" {
		return &midStream{body: raw}
	}
	if c.Model != "" {
		a.resp.Model = clip(c.Model, 200)
	}
	if u := c.Usage; u != nil && u.PromptTokens+u.CompletionTokens > 0 {
		a.resp.Usage = usage(u)
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue // only one answer was asked for
		}
		p := choice.Delta
		if choice.Message != nil {
			p = *choice.Message
		}
		if err := a.take(p); err != nil {
			return err
		}
		if len(choice.Error) > 0 && string(choice.Error) != "null" {
			return &midStream{body: append(append([]byte(`{"error":`), choice.Error...), '}')}
		}
		if choice.FinishReason != "" {
			a.resp.FinishReason = clip(choice.FinishReason, 64)
		}
	}
	return nil
}

// midStream is an error object that came instead of a piece.
type midStream struct{ body []byte }

func (e *midStream) Error() string { return "error in the stream" }

// usage makes counts of what a server says; a number that cannot be one is 0
// or a hundred million: what that costs at any price can be counted.
func usage(u *wireUsage) *store.Usage {
	n := func(f float64) int { return int(min(max(f, 0), 1e8)) }
	out := &store.Usage{Input: n(u.PromptTokens), Output: n(u.CompletionTokens)}
	out.Cached = min(n(u.PromptDetails.CachedTokens), out.Input)
	out.Reasoning = n(u.CompletionDetails.ReasoningTokens)
	return out
}

func (a *answer) take(p piece) error {
	reasoning := string(p.ReasoningContent)
	if reasoning == "" { // some servers send both, with the same text
		reasoning = string(p.Reasoning)
	}
	text := string(p.Content) + string(p.Refusal)
	if a.first == 0 && (text != "" || reasoning != "" || len(p.ToolCalls) > 0) {
		a.first = max(time.Since(a.start), 1)
	}
	if err := a.grow(len(text) + len(reasoning)); err != nil {
		return err
	}
	a.text.WriteString(text)
	a.reasoning.WriteString(reasoning)
	if text != "" || reasoning != "" {
		a.onDelta(Delta{Text: text, Reasoning: reasoning})
	}
	for _, c := range p.ToolCalls {
		if err := a.takeCall(c); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) takeCall(c callPiece) error {
	if err := a.grow(len(c.Function.Name) + len(c.Function.Arguments)); err != nil {
		return err
	}
	call := a.belongs(c)
	if call == nil {
		if len(a.calls) >= maxCalls {
			return &ModelError{Code: "too_long", Message: fmt.Sprintf("the answer has more than %d tool calls", maxCalls)}
		}
		call = &growing{id: c.ID, index: -1}
		if c.Index != nil {
			call.index = int(*c.Index)
		}
		a.calls = append(a.calls, call)
	}
	if call.name == "" && c.Function.Name != "" {
		call.name = c.Function.Name
		a.onDelta(Delta{Tool: call.name})
	}
	call.args.WriteString(string(c.Function.Arguments))
	return nil
}

// belongs finds the call that a piece continues; nil: it begins a new one. A
// piece with a name begins one, unless it repeats the ID or, without an ID, the
// index and name of a call that is still incomplete.
func (a *answer) belongs(c callPiece) *growing {
	for i := len(a.calls) - 1; i >= 0; i-- {
		g := a.calls[i]
		if c.ID != "" && g.id == c.ID && (c.Index == nil || g.index < 0 || g.index == int(*c.Index)) {
			return g
		}
		if c.Index == nil || g.index != int(*c.Index) {
			continue
		}
		if c.Function.Name == "" || c.ID == "" && g.goesOn(c.Function.Name) {
			return g
		}
	}
	if c.Index == nil && c.Function.Name == "" && len(a.calls) > 0 {
		return a.calls[len(a.calls)-1]
	}
	return nil
}

func (a *answer) grow(n int) error {
	if a.size += n; a.size > maxAnswer {
		return &ModelError{Code: "too_long", Message: fmt.Sprintf("the answer is longer than %d MiB", maxAnswer>>20)}
	}
	return nil
}

// response is the answer so far.
func (a *answer) response() store.ModelResponse {
	r := a.resp
	r.Text, r.Reasoning = a.text.String(), a.reasoning.String()
	r.FirstTokenMS = ms(a.first)
	for i, g := range a.calls {
		id := g.id
		if id == "" || len(id) > maxCallID || a.taken[id] {
			id = a.freshID(i)
		}
		a.taken[id] = true
		r.ToolCalls = append(r.ToolCalls, store.CallSpec{ID: id, Name: g.name, Arguments: g.args.String()})
	}
	return r
}

// freshID makes an ID where the server sent none, or one that the conversation
// already has: results are told apart by it.
func (a *answer) freshID(i int) string {
	for n := 0; ; n++ {
		id := fmt.Sprintf("call_%d_%d", a.number, i+1+n)
		if !a.taken[id] {
			return id
		}
	}
}
