package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Form is what a final answer must look like.
type Form struct {
	schema   json.RawMessage
	compiled *jsonschema.Schema
}

// NewForm makes a form of a JSON Schema. Nothing outside of it is read.
func NewForm(schema json.RawMessage) (*Form, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %s", clip(err.Error(), 300))
	}
	if _, ok := doc.(map[string]any); !ok {
		return nil, errors.New("it is not a JSON object")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource("answer.json", doc); err != nil {
		return nil, errors.New(clip(err.Error(), 300))
	}
	compiled, err := c.Compile("answer.json")
	if err != nil {
		return nil, fmt.Errorf("it is no JSON Schema: %s", clip(err.Error(), 300))
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, schema); err != nil {
		return nil, err
	}
	return &Form{flat.Bytes(), compiled}, nil
}

// Note is what the model is told of the form, for servers that have no other way.
func (f *Form) Note() string {
	return "Your last answer must be JSON and nothing else: no words around it, no Markdown. It must fit this JSON Schema:\n" + string(f.schema)
}

// Fit takes an answer, also one that stands in a Markdown fence, and returns
// its JSON. The error tells the model what does not fit.
func (f *Form) Fit(answer string) (string, error) {
	text := strings.TrimSpace(answer)
	if rest, ok := strings.CutPrefix(text, "```"); ok {
		_, rest, _ = strings.Cut(rest, "\n")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "```"))
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return "", fmt.Errorf("it is not JSON: %s", clip(err.Error(), 200))
	}
	if err := f.compiled.Validate(doc); err != nil {
		return "", misfit(err)
	}
	var flat bytes.Buffer
	err = json.Compact(&flat, []byte(text))
	return flat.String(), err
}

// misfit says in one line where a document does not fit its schema.
func misfit(err error) error {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err
	}
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	text := v.Error()
	if _, rest, ok := strings.Cut(text, "at '"); ok {
		_, text, _ = strings.Cut(rest, ": ")
	}
	return errors.New(strings.TrimPrefix(clip(strings.Join(v.InstanceLocation, ".")+": "+text, 300), ": "))
}
