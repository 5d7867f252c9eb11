package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"glovebox/store"
)

// started takes in what a session was set up with, in the order in which a
// person wants to know it.
func (e *event) started(b store.SessionStarted) {
	set := &e.s.setup
	e.fact(set, "program", b.Program)
	e.fact(set, "model", b.Model)
	if !strings.HasPrefix(b.Model, "script:") { // its port is drawn anew each time
		e.fact(set, "endpoint", b.Endpoint)
	}
	if b.Seed != nil || e.hidden("seed") {
		text := ""
		if b.Seed != nil {
			text = fmt.Sprint(*b.Seed)
		}
		e.fact(set, "sampling.seed", text, "seed")
	}
	if p := b.Price; p != nil {
		text := fmt.Sprintf("$%g in, $%g cached, $%g out a million tokens (%s)", float64(p.Input)/1e6, float64(p.Cached)/1e6, float64(p.Output)/1e6, p.Source)
		if p.Notional {
			text += ", paid by nobody"
		}
		e.exact(set, "price", text, p)
	}
	e.fact(set, "rigor", b.Rigor)
	if r := b.Resumes; r != nil {
		e.exact(set, "resumes", fmt.Sprintf("session %s through event %d", r.Session, r.Through), r)
	}
	if r := b.Reruns; r != nil {
		e.exact(set, "reruns", fmt.Sprintf("session %s through event %d", r.Session, r.Through), r)
	}
	if r := b.Recipe; r != nil {
		for _, f := range []struct{ name, text string }{
			{"schema", r.Schema},
			{"seed", fmt.Sprint(r.Seed)},
			{"rows", fmt.Sprint(r.Rows)},
			{"mess", fmt.Sprint(r.Mess)},
			{"clock", r.Clock},
			{"generator", r.Generator},
			{"ddl", r.DDL},
			{"plan", r.Plan},
		} {
			e.fact(set, "data."+f.name, f.text, "recipe")
		}
	}
	for _, t := range b.Tools {
		e.exact(set, "tool "+t.Name, strings.TrimSpace(t.Description+"\n"+laidOut(t.Parameters)), []string{t.Description, canonical(string(t.Parameters))}, "tools")
	}
	e.fact(set, "system prompt", b.System, "system")
	e.fact(set, "policy", laidOut(b.Policy))
	e.configured("", b.Config, 0)
}

// configured takes in a configuration key by key.
func (e *event) configured(prefix string, raw json.RawMessage, depth int) {
	var keys map[string]json.RawMessage
	if depth < 6 && json.Unmarshal(raw, &keys) == nil && len(keys) > 0 {
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			name := k
			if k == "" || strings.ContainsAny(k, ".\" ") {
				name = strconv.Quote(k)
			}
			e.configured(strings.TrimPrefix(prefix+"."+name, "."), keys[k], depth+1)
		}
		return
	}
	if len(raw) > 0 && (prefix != "" || string(raw) != "null" || e.hidden("config")) {
		e.fact(&e.s.setup, cmp.Or(prefix, "config"), canonical(string(raw)), "config")
		e.s.setup[len(e.s.setup)-1].again = true
	}
}

func (e *event) box(b store.BoxCreated) {
	set := &e.s.setup
	e.fact(set, "image", b.Image)
	base := cmp.Or(b.Base, &store.BaseImage{})
	usr := ""
	if base.HostUsr {
		usr = ", with this machine's /usr"
	}
	// An image is what is in it. Its digest, which is also of who made it and when,
	// stands for that only beside one of which no more is known.
	e.named(set, "image base", base.Root, base.Digest, usr, "base")
	if base.Init != "" {
		e.named(set, "image with init", "glovebox-init "+base.Init, b.ImageDigest, "", "base")
	} else {
		e.named(set, "image with init", b.ImageDigest, "", "", "image_digest")
	}
	e.fact(set, "runtime", b.Runtime)
	e.fact(set, "engine", b.Engine)
	for _, l := range b.Limits {
		e.exact(set, "limit "+l.Name, l.Value+" by "+l.Enforced, l, "limits")
	}
	var seal strings.Builder
	proofs := slices.Clone(b.Seal)
	for i, p := range proofs {
		fmt.Fprintf(&seal, "%s: %s %s\n", p.Layer, p.Probe, p.Verdict)
		proofs[i].Evidence = "" // has numbers of the box in it
	}
	e.exact(set, "seal", seal.String(), proofs)
}

// named is a fact that has two names: the same where either is.
func (e *event) named(facts *[]fact, name, by, or, more string, fields ...string) {
	if by == "" {
		by, or = or, ""
	}
	if by == "" && !e.hidden(fields...) {
		return
	}
	v := e.s.value(by+more, e.hidden(fields...))
	if or != "" {
		v.or = or + more
	}
	*facts = append(*facts, fact{name: name, value: v})
}

// canonical is JSON with sorted keys and nothing between; what is no JSON stays.
func canonical(text string) string {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return text
	}
	if _, err := dec.Token(); err != io.EOF {
		return text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return text
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// laidOut is canonical JSON with a line for each member.
func laidOut(raw json.RawMessage) string {
	var b bytes.Buffer
	text := canonical(string(raw))
	if deep(text) || json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// deep says of JSON whether there would be more margin than text if it were
// laid out. Brackets in texts count, too.
func deep(text string) bool {
	at := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			if at++; at > 40 {
				return true
			}
		case '}', ']':
			at--
		}
	}
	return false
}

// layOut is canonical arguments as a person reads them: texts as they are.
func layOut(text string) string {
	var args map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &args) != nil {
		return text
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(args)) {
		value := string(args[name])
		json.Unmarshal(args[name], &value) //nolint:errcheck // what is no text stays JSON
		if strings.Contains(value, "\n") {
			value = "\n" + value
		} else {
			value = " " + value
		}
		fmt.Fprintf(&b, "%s:%s\n", name, value)
	}
	return b.String()
}
