package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"glovebox/store"
)

const (
	maxStubArgs   = 256 << 10 // bytes of arguments
	maxStubAnswer = 64 << 10
)

// Stub is a tool that does nothing: a call is recorded, and answered from a
// template. What the agent would have sent, refunded or deleted is in the
// session's outbox.
type Stub struct {
	spec   store.ToolSpec
	schema *jsonschema.Schema
	answer *template.Template
}

var (
	stubName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	fakeCall = regexp.MustCompile(`\bfake\s+"([^"]*)"`)
	// They read the clock: the same seed would give another answer tomorrow.
	clocked = []string{"date", "pastdate", "futuredate", "creditcard", "creditcardexp", "person"}
)

// NewStub makes a stub tool. parameters is a JSON Schema of an object; answer a
// text/template over the arguments, with fake "NAME" for a value of gofakeit.
func NewStub(name, about string, parameters json.RawMessage, answer string) (Stub, error) {
	bad := func(format string, a ...any) (Stub, error) {
		return Stub{}, fmt.Errorf("the tool %q: %s", name, fmt.Sprintf(format, a...))
	}
	switch {
	case !stubName.MatchString(name):
		return bad("its name must be lower-case letters, digits and _, at most 64")
	case slices.Contains(ToolNames(), name):
		return bad("there is a built-in tool of this name")
	case about == "":
		return bad("it needs a description: the model knows it by nothing else")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(parameters))
	if err != nil {
		return bad("parameters: %s", err)
	}
	if object, ok := doc.(map[string]any); !ok || object["type"] != "object" {
		return bad(`parameters must be a JSON Schema with type = "object"`)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource("stub.json", doc); err != nil {
		return bad("parameters: %s", err)
	}
	s := Stub{spec: store.ToolSpec{Name: name, Description: about, Parameters: parameters}}
	if s.schema, err = c.Compile("stub.json"); err != nil {
		return bad("parameters are no JSON Schema: %s", clip(err.Error(), 300))
	}
	for _, m := range fakeCall.FindAllStringSubmatch(answer, -1) {
		f, _, _ := strings.Cut(m[1], ":")
		switch {
		case slices.Contains(clocked, strings.ToLower(f)):
			return bad("answer: %q reads the clock, so that its answer would change from day to day", f)
		case gofakeit.GetFuncLookup(f) == nil:
			return bad("answer: gofakeit has no function %q", f)
		}
	}
	s.answer, err = template.New(name).Option("missingkey=zero").Funcs(template.FuncMap{"float": float, "fake": func(string) string { return "" }}).Parse(answer)
	if err != nil {
		return bad("answer: %s", clip(err.Error(), 300))
	}
	return s, nil
}

// Name is the tool's name.
func (s Stub) Name() string { return s.spec.Name }

// noLoader keeps schemas from reading files and opening connections.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s lies outside of the schema", url)
}

// decode checks what a model wrote as arguments; the error tells the model what to mend.
func (s Stub) decode(raw string) (values, error) {
	if len(raw) > maxStubArgs {
		return nil, fmt.Errorf("the arguments have %d bytes; at most %d are taken", len(raw), maxStubArgs)
	}
	if strings.TrimSpace(raw) == "" {
		raw = "{}"
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(valid(raw)))
	if err != nil {
		return nil, fmt.Errorf("the arguments are not valid JSON: %s", clip(err.Error(), 200))
	}
	if err := s.schema.Validate(doc); err != nil {
		return nil, fmt.Errorf("the arguments do not fit: %w", misfit(err))
	}
	object, ok := numbers(doc).(map[string]any)
	if !ok {
		return nil, errors.New("the arguments must be a JSON object")
	}
	return object, nil
}

// numbers makes int64 of whole numbers and float64 of the others, so that a
// template shows them as they were written.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	}
	return v
}

// float is for templates that want a number's form: {{printf "%.2f" (float .amount)}}.
func float(v any) (float64, error) { return strconv.ParseFloat(fmt.Sprint(v), 64) }

// tool is the stub as one entry of the toolbox.
func (s Stub) tool() tool {
	return tool{name: s.spec.Name, about: s.spec.Description, stub: &s, run: s.run}
}

// run answers. The same arguments in the same session's seed get the same answer.
func (s Stub) run(_ context.Context, r *run, args values) (store.ToolResult, error) {
	data, err := json.Marshal(args)
	if err != nil {
		return store.ToolResult{}, err
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", r.tools.Seed, s.spec.Name, data))
	faker := gofakeit.New(binary.LittleEndian.Uint64(h[:]) | 1)
	t, err := s.answer.Clone()
	if err != nil {
		return store.ToolResult{}, err
	}
	t.Funcs(template.FuncMap{"fake": func(what string) (string, error) { return faker.Generate("{" + what + "}") }})
	out := &capped{left: maxStubAnswer}
	if err := t.Execute(out, map[string]any(args)); err != nil && out.left > 0 {
		return told("the stub's answer failed: %s", clip(err.Error(), 300)), nil
	}
	return store.ToolResult{Stdout: valid(out.String())}, nil
}

// capped is a buffer with an end.
type capped struct {
	bytes.Buffer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if len(p) > c.left {
		p, c.left = p[:c.left], 0
		c.Buffer.Write(p)
		return len(p), errors.New("the answer is too long")
	}
	c.left -= len(p)
	return c.Buffer.Write(p)
}
