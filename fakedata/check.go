package fakedata

import (
	"slices"
	"strconv"
	"strings"
)

// findChecks returns the CHECK constraints of a CREATE TABLE statement.
func findChecks(create string) []Check {
	var out []Check
	tokens := tokenize(create)
	for i := 0; i+1 < len(tokens); i++ {
		if !tokens[i].is("CHECK") || !tokens[i+1].sym("(") {
			continue
		}
		end := closing(tokens, i+1)
		if end < 0 {
			break
		}
		c := Check{Expr: strings.TrimSpace(create[tokens[i+1].end:tokens[end].pos])}
		if i >= 2 && tokens[i-2].is("CONSTRAINT") {
			c.Name = tokens[i-1].text
		}
		out = append(out, c)
		i = end
	}
	return out
}

// closing returns the index of the parenthesis that closes the one at open.
func closing(tokens []token, open int) int {
	depth := 0
	for i := open; i < len(tokens); i++ {
		switch {
		case tokens[i].sym("("):
			depth++
		case tokens[i].sym(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// domains reads t's CHECK constraints. What it does not understand is not in
// the result; SQLite judges the rows in any case. The second result says
// whether there was any such constraint.
func (t *Table) domains() (doms []domain, orders []order, unclear []int, opaque bool) {
	r := checkReader{t: t, doms: make([]domain, len(t.Columns))}
	for _, c := range t.Checks {
		r.conjunction(tokenize(c.Expr))
	}
	return r.doms, r.orders, r.unclear, r.opaque
}

// order says that one column must not be less than another, if both are there;
// or, with differ, that they must not be equal.
type order struct {
	low, high int // columns
	strict    bool
	differ    bool
}

// order understands "column op column".
func (r *checkReader) order(tokens []token) (order, bool) {
	if len(tokens) != 3 {
		return order{}, false
	}
	a, _, _ := r.subject(tokens)
	b, _, _ := r.subject(tokens[2:])
	switch op := tokens[1].text; {
	case a < 0 || b < 0 || tokens[1].kind != tokSymbol:
		return order{}, false
	case op == "<" || op == "<=":
		return order{low: a, high: b, strict: op == "<"}, true
	case op == ">" || op == ">=":
		return order{low: b, high: a, strict: op == ">"}, true
	case op == "<>" || op == "!=":
		return order{low: a, high: b, differ: true}, true
	}
	return order{}, false
}

type checkReader struct {
	t       *Table
	doms    []domain
	orders  []order
	opaque  bool
	unclear []int // columns that an opaque part names
}

func (r *checkReader) conjunction(tokens []token) {
	tokens = unwrap(tokens)
	if alternatives := split(tokens, "OR"); len(alternatives) > 1 {
		r.disjunction(alternatives)
		return
	}
	for _, part := range split(tokens, "AND") {
		part = unwrap(part)
		if len(split(part, "AND")) > 1 || len(split(part, "OR")) > 1 {
			r.conjunction(part)
			continue
		}
		if o, ok := r.order(part); ok {
			r.orders = append(r.orders, o)
			continue
		}
		c, d, ok := r.atom(part)
		if !ok {
			r.give(part)
			continue
		}
		r.doms[c].narrow(d)
	}
}

// give leaves a condition to SQLite.
func (r *checkReader) give(tokens []token) {
	r.opaque = true
	for _, tk := range tokens {
		if tk.kind == tokWord || tk.kind == tokIdent {
			if c := r.t.column(tk.text); c >= 0 {
				r.unclear = append(r.unclear, c)
			}
		}
	}
}

// disjunction understands alternatives about one column, "IS NULL" aside.
func (r *checkReader) disjunction(alternatives [][]token) {
	col := -1
	var all domain
	n := 0
	for _, a := range alternatives {
		a = unwrap(a)
		if k := len(a); k >= 3 && a[k-1].is("NULL") && a[k-2].is("IS") {
			continue
		}
		n++
		if len(alternatives) == 2 && n == 1 && len(split(a, "AND")) > 1 {
			r.conjunction(a)
			col = -2
			continue
		}
		c, d, ok := r.atom(a)
		if !ok || col != -1 && c != col {
			r.give(slices.Concat(alternatives...))
			return
		}
		col = c
		all.enum = append(all.enum, d.enum...)
		all.patterns = append(all.patterns, d.patterns...)
		all.glob = d.glob
		if n > 1 && (d.enum == nil && d.patterns == nil || all.enum != nil && all.patterns != nil) {
			r.give(slices.Concat(alternatives...))
			return
		}
		if d.enum == nil && d.patterns == nil {
			all = d
		}
	}
	if col >= 0 {
		r.doms[col].narrow(all)
	}
}

// atom understands one comparison of a column, or of its length, with literals.
func (r *checkReader) atom(tokens []token) (int, domain, bool) {
	var d domain
	if len(tokens) < 3 {
		return 0, d, false
	}
	if c, casing := r.cased(tokens); casing != "" {
		d.casing = casing
		return c, d, true
	}
	col, rest, length := r.subject(tokens)
	if col < 0 {
		return r.mirrored(tokens)
	}
	switch {
	case len(rest) == 3 && rest[0].is("IS") && rest[1].is("NOT") && rest[2].is("NULL"):
		d.notNull = true
		return col, d, true
	case rest[0].is("IN") && !length:
		d.enum = literals(rest[1:])
		return col, d, d.enum != nil
	case rest[0].is("BETWEEN"):
		parts := split(rest[1:], "AND")
		if len(parts) != 2 {
			return 0, d, false
		}
		ok := d.compare(">=", parts[0], length) && d.compare("<=", parts[1], length)
		return col, d, ok
	case (rest[0].is("LIKE") || rest[0].is("GLOB")) && len(rest) == 2 && rest[1].kind == tokString && !length:
		d.patterns, d.glob = []string{rest[1].text}, rest[0].is("GLOB")
		return col, d, true
	case rest[0].kind == tokSymbol:
		return col, d, d.compare(rest[0].text, rest[1:], length)
	}
	return 0, d, false
}

// cased understands "column = lower(column)", either way round.
func (r *checkReader) cased(tokens []token) (col int, casing string) {
	if len(tokens) != 6 {
		return 0, ""
	}
	if tokens[4].sym("=") || tokens[4].sym("==") {
		tokens = slices.Concat(tokens[5:], tokens[4:5], tokens[:4])
	}
	a, _, _ := r.subject(tokens)
	b, _, _ := r.subject(tokens[4:])
	word := strings.ToUpper(tokens[2].text)
	if a < 0 || a != b || !tokens[1].sym("=") && !tokens[1].sym("==") || !tokens[3].sym("(") || word != "LOWER" && word != "UPPER" {
		return 0, ""
	}
	return a, word
}

// mirrored understands "literal op column".
func (r *checkReader) mirrored(tokens []token) (int, domain, bool) {
	flip := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "==": "="}
	for i, t := range tokens {
		op, ok := flip[t.text]
		if t.kind != tokSymbol || !ok || i == 0 || i+1 >= len(tokens) {
			continue
		}
		col, rest, length := r.subject(append(append([]token{}, tokens[i+1:]...), token{kind: tokSymbol, text: ";"}))
		var d domain
		if col < 0 || len(rest) != 1 {
			return 0, d, false
		}
		return col, d, d.compare(op, tokens[:i], length)
	}
	return 0, domain{}, false
}

// subject reads "column" or "length(column)" at the start.
func (r *checkReader) subject(tokens []token) (col int, rest []token, length bool) {
	name := func(t token) int {
		if t.kind != tokWord && t.kind != tokIdent {
			return -1
		}
		return r.t.column(t.text)
	}
	if len(tokens) > 4 && tokens[0].is("LENGTH") && tokens[1].sym("(") && tokens[3].sym(")") {
		return name(tokens[2]), tokens[4:], true
	}
	return name(tokens[0]), tokens[1:], false
}

// split cuts tokens at a keyword outside parentheses; the AND of a BETWEEN
// does not cut.
func split(tokens []token, word string) [][]token {
	var out [][]token
	depth, from, between := 0, 0, 0
	for i, t := range tokens {
		switch {
		case t.sym("("):
			depth++
		case t.sym(")"):
			depth--
		case depth > 0:
		case t.is("BETWEEN"):
			between++
		case t.is("AND") && between > 0:
			between--
		case t.is(word):
			out = append(out, tokens[from:i])
			from = i + 1
		}
	}
	return append(out, tokens[from:])
}

// unwrap removes parentheses around the whole.
func unwrap(tokens []token) []token {
	for len(tokens) >= 2 && tokens[0].sym("(") && closing(tokens, 0) == len(tokens)-1 {
		tokens = tokens[1 : len(tokens)-1]
	}
	return tokens
}

// literals reads "(a, b, …)".
func literals(tokens []token) []any {
	if len(tokens) < 3 || !tokens[0].sym("(") || closing(tokens, 0) != len(tokens)-1 {
		return nil
	}
	var out []any
	from := 1
	for i := 1; i < len(tokens); i++ {
		if !tokens[i].sym(",") && i != len(tokens)-1 {
			continue
		}
		v, ok := literal(tokens[from:i])
		if !ok {
			return nil
		}
		if v != nil {
			out = append(out, v)
		}
		from = i + 1
	}
	return out
}

// literal reads a number, a string or NULL.
func literal(tokens []token) (any, bool) {
	tokens = unwrap(tokens)
	sign := ""
	if len(tokens) == 2 && (tokens[0].sym("-") || tokens[0].sym("+")) && tokens[1].kind == tokNumber {
		sign = strings.TrimPrefix(tokens[0].text, "+")
		tokens = tokens[1:]
	}
	if len(tokens) != 1 {
		return nil, false
	}
	switch t := tokens[0]; {
	case t.kind == tokString:
		return t.text, true
	case t.is("NULL"):
		return nil, true
	case t.is("TRUE"):
		return int64(1), true
	case t.is("FALSE"):
		return int64(0), true
	case t.kind == tokNumber:
		if n, err := strconv.ParseInt(sign+t.text, 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(sign+t.text, 64)
		return f, err == nil
	}
	return nil, false
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
