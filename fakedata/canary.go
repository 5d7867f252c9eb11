package fakedata

import (
	"fmt"
	"slices"
	"strings"
)

// A Canary is a value of a dataset that occurs nowhere else in the world: where
// it turns up, something of the dataset has got out.
type Canary struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Row    int64  `json:"row"`   // from 0, in the order in which rows are written
	Value  string `json:"value"` // part of the cell
}

// Canaries lists the canaries of r's dataset. They follow from the recipe, so
// that the recipe is the record of them.
func Canaries(s *Schema, r Recipe) ([]Canary, error) {
	p, err := newPlan(s, r)
	if err != nil {
		return nil, fmt.Errorf("planning schema %q: %w", s.Name, err)
	}
	var out []Canary
	for _, t := range p.tables {
		for _, c := range t.cols {
			if c.canary != "" {
				out = append(out, Canary{t.Name, c.Name, c.canaryRow, c.canary})
			}
		}
	}
	return out, nil
}

// plant puts a canary into c if it is a column of free text, of links or of
// e-mail addresses. Each column has its own, so that one more column moves no other's.
func (t *table) plant(c *column) {
	if c.class != classText || c.link != nil || c.Generated || t.opaque || t.copied(c) != nil || t.referred(c) ||
		!slices.Contains([]string{"prose", "url", "email"}, c.kind) || c.choices(t) != nil || c.dom.patterns != nil || c.dom.maxLen > 0 {
		return
	}
	inKey := c.unique || c.pinned || slices.ContainsFunc(t.Keys, func(k Key) bool { return slices.Contains(k.Columns, c.index) })
	size, _ := typeSize(c.Type)
	if c.kind == "email" && size > 0 && size < 80 || c.kind != "email" && (inKey || size > 0 && size < 200) {
		return
	}
	s := c.key.sub("canary").at(0)
	token := make([]byte, 12)
	for i := range token {
		token[i] = "abcdefghjkmnpqrstuvwxyz23456789"[s.n(31)]
	}
	c.canaryRow, c.canary = s.n(t.rows), string(token)
	made, alone := c.cell, "ref. "+c.canary
	with := func(text string) string { return text + " (ref. " + c.canary + ")" }
	switch c.kind {
	case "url":
		with = func(text string) string { return text + "?ref=" + c.canary }
	case "email":
		alone = c.canary + "@example.com"
		with = func(text string) string { return strings.Replace(text, "@", "+"+c.canary+"@", 1) }
	}
	c.cell = func(i int64) any {
		v := made(i)
		if i != c.canaryRow {
			return v
		}
		if text, ok := v.(string); ok {
			return with(text)
		}
		return alone
	}
}

func (c *column) holdsCanary(row int64) bool { return c.canary != "" && c.canaryRow == row }
