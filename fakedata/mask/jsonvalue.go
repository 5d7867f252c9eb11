package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"glovebox/fakedata"
)

// maxDepth bounds how deep JSON may go; what goes deeper is no JSON here.
const maxDepth = 200

// json masks each value in a JSON text by the name that it stands under. Names
// that stand in few rows might be values themselves, and are masked.
func (m *masker) json(c *column, v, owner string) (string, error) {
	dec := json.NewDecoder(strings.NewReader(v))
	dec.UseNumber()
	w := jsonWriter{m: m, c: c, owner: owner}
	if err := w.value(dec, "", 0); err != nil {
		if errors.Is(err, errDeep) {
			return m.prose(v)
		}
		return "", err
	}
	return w.out.String(), nil
}

var errDeep = errors.New("too deep")

type jsonWriter struct {
	m     *masker
	c     *column
	owner string
	out   bytes.Buffer
}

func (w *jsonWriter) value(dec *json.Decoder, name string, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		w.out.WriteByte(byte(t))
		for n := 0; dec.More(); n++ {
			if n > 0 {
				w.out.WriteByte(',')
			}
			inner := name
			if t == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				inner, _ = key.(string)
				if err := w.name(inner); err != nil {
					return err
				}
			}
			if err := w.value(dec, inner, depth+1); err != nil {
				return err
			}
		}
		end, err := dec.Token()
		if err != nil {
			return err
		}
		w.out.WriteByte(byte(end.(json.Delim)))
		return nil
	case string:
		if t == "" {
			return w.write(t)
		}
		text, err := w.m.text(w.column(name, false), t, w.owner)
		if err != nil {
			return err
		}
		return w.write(text)
	case json.Number:
		return w.number(name, t.String())
	}
	return w.write(token)
}

func (w *jsonWriter) name(key string) error {
	if !w.c.keys[key] && key != "" {
		masked, err := w.m.code(key)
		if err != nil {
			return err
		}
		key = masked
	}
	if err := w.write(key); err != nil {
		return err
	}
	return w.out.WriteByte(':')
}

func (w *jsonWriter) number(name, text string) error {
	c := w.column(name, true)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		v, err := w.m.whole(c, n, w.owner)
		if err != nil {
			return err
		}
		return w.write(v)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil { // beyond all floats
		w.out.WriteByte('0')
		return nil
	}
	v, err := w.m.real(&column{Column: c.Column, table: w.c.table, method: methodNumber, least: 1, most: 0}, f, w.owner)
	if err != nil {
		return err
	}
	return w.write(v)
}

// column is what the value under a name would be as a column of its own.
func (w *jsonWriter) column(name string, number bool) *column {
	kind, known := w.m.kinds[name]
	if !known {
		kind = fakedata.KindOfName(name)
		if w.m.kinds == nil || len(w.m.kinds) > 10*fewKeys {
			w.m.kinds = map[string]string{}
		}
		w.m.kinds[name] = kind
	}
	c := &column{Column: w.c.Column, table: w.c.table, kind: kind, least: 1, most: 0, keys: w.c.keys}
	switch {
	case kind == "time" || kind == "birth":
		c.method = methodDate
	case number && isKind(countKinds, kind):
		c.method = methodNumber
	case number:
		c.method = methodKey
	case isKind(proseKinds, kind):
		c.method = methodText
	default:
		c.method = c.textMethod(kind)
	}
	return c
}

func (w *jsonWriter) write(v any) error {
	enc := json.NewEncoder(&w.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.out.Truncate(w.out.Len() - 1) // the line's end
	return nil
}

// keysOf is the set of names in a JSON text.
func keysOf(v string) map[string]bool {
	out := map[string]bool{}
	_ = walkJSON(v, func(key bool, text string) {
		if key {
			out[text] = true
		}
	})
	return out
}

// walkJSON calls fn for every name and every text or number in v.
func walkJSON(v string, fn func(key bool, text string)) error {
	dec := json.NewDecoder(strings.NewReader(v))
	dec.UseNumber()
	type level struct{ object, name bool }
	var stack []level
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		key := len(stack) > 0 && stack[len(stack)-1].name
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				stack = append(stack, level{object: t == '{', name: t == '{'})
				continue
			}
			stack = stack[:len(stack)-1]
			key = false
		case string:
			fn(key, t)
		case json.Number:
			fn(false, t.String())
		}
		if len(stack) > 0 && stack[len(stack)-1].object {
			stack[len(stack)-1].name = !key
		}
	}
}
