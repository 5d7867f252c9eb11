package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"glovebox/store"
)

// param is one argument of a tool. The JSON Schema that the model sees and the
// strict decoder are both made from it, so they cannot disagree.
type param struct {
	name     string
	integer  bool // else a string
	required bool
	max      int // of a string: bytes; of an integer: larger values become max
	about    string
}

// values are decoded arguments: string or int64 by name.
type values map[string]any

func (v values) str(name string) string      { s, _ := v[name].(string); return s }
func (v values) num(name string, or int) int { return int(v.int(name, int64(or))) }

func (v values) int(name string, or int64) int64 {
	if n, ok := v[name].(int64); ok {
		return n
	}
	return or
}

func schema(params []param) json.RawMessage {
	type property struct {
		Type        string `json:"type"`
		Description string `json:"description"`
		Minimum     int    `json:"minimum,omitempty"`
	}
	s := struct {
		Type       string              `json:"type"`
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
		Additional bool                `json:"additionalProperties"`
	}{Type: "object", Properties: map[string]property{}, Required: []string{}}
	for _, p := range params {
		prop := property{Type: "string", Description: p.about}
		if p.integer {
			prop.Type, prop.Minimum = "integer", 1
		}
		s.Properties[p.name] = prop
		if p.required {
			s.Required = append(s.Required, p.name)
		}
	}
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return out
}

// decodeArgs reads what a model wrote as arguments. Errors are written for the
// model: they say exactly what to mend.
func decodeArgs(params []param, raw string) (values, error) {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	tok, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the arguments are empty; expected a JSON object with %s", names(params))
	}
	if err != nil {
		return nil, malformed(err, dec)
	}
	if tok != json.Delim('{') {
		return nil, fmt.Errorf("the arguments must be a JSON object with %s", names(params))
	}
	out := values{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, malformed(err, dec)
		}
		var val json.RawMessage
		if err := dec.Decode(&val); err != nil {
			return nil, malformed(err, dec)
		}
		if err := out.set(params, key.(string), val); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed(err, dec)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object; send one object only")
	}
	for _, p := range params {
		if _, ok := out[p.name]; p.required && !ok {
			return nil, fmt.Errorf("the argument %q is missing", p.name)
		}
	}
	return out, nil
}

func (v values) set(params []param, key string, val json.RawMessage) error {
	i := slices.IndexFunc(params, func(p param) bool { return p.name == key })
	if i < 0 {
		return fmt.Errorf("unknown argument %q; this tool takes %s", clip(key, 64), names(params))
	}
	if _, twice := v[key]; twice {
		return fmt.Errorf("the argument %q is given twice", key)
	}
	p := params[i]
	if bytes.Equal(val, []byte("null")) && !p.required {
		return nil // how many models say "left out"
	}
	var err error
	if p.integer {
		v[key], err = integer(p, val)
	} else {
		v[key], err = text(p, val)
	}
	if err != nil {
		delete(v, key)
	}
	return err
}

func text(p param, val json.RawMessage) (string, error) {
	var s string
	if val[0] != '"' || json.Unmarshal(val, &s) != nil {
		return "", fmt.Errorf("the argument %q must be a string, not %s", p.name, kind(val))
	}
	if len(s) > p.max {
		return "", fmt.Errorf("the argument %q has %d bytes; at most %d are taken", p.name, len(s), p.max)
	}
	return s, nil
}

func integer(p param, val json.RawMessage) (int64, error) {
	var f float64
	if k := kind(val); k != "a number" || json.Unmarshal(val, &f) != nil {
		return 0, fmt.Errorf("the argument %q must be an integer, not %s", p.name, k)
	}
	if f != math.Trunc(f) || f < 1 {
		return 0, fmt.Errorf("the argument %q must be an integer of at least 1, not %s", p.name, clip(string(val), 32))
	}
	return int64(min(f, float64(p.max))), nil
}

func kind(val json.RawMessage) string {
	switch val[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

func malformed(err error, dec *json.Decoder) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the arguments are not valid JSON: they end in the middle")
	}
	return fmt.Errorf("the arguments are not valid JSON: %s (near byte %d)", clip(err.Error(), 200), dec.InputOffset())
}

func names(params []param) string {
	var out []string
	for _, p := range params {
		if p.required {
			out = append(out, p.name)
		} else {
			out = append(out, p.name+" (optional)")
		}
	}
	return strings.Join(out, ", ")
}

// clip bounds text from outside for a message: about n bytes, one line, shown
// as store.CleanLine shows it.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return store.CleanLine(s)
}
