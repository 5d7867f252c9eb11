package mask

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"glovebox/fakedata"
)

// A column's values are few if there are at most fewValues of them, and rare
// ones are those that stand in fewer than rareRows rows.
const (
	fewValues = 50
	rareRows  = 5
	fewKeys   = 500 // names in JSON objects that are counted
)

// surveyed is what one look through the source tells of it.
type surveyed struct {
	tables    []*tableSurvey
	originals *bloom
	values    int64      // distinct originals, as good as can be told
	telling   [512]int64 // of them, by how many bits they tell; shorter than a window: 0
	exempt    map[string]bool
}

type tableSurvey struct {
	rows int64
	cols []*columnSurvey
}

type columnSurvey struct {
	filled, ints, reals, texts, blobs            int64
	wholes, decimals, dates, days, objects, long int64 // of the texts; days are dates without a time
	least, most                                  float64
	counts                                       map[string]int64 // of each value; nil: there are too many
	keys                                         map[string]int64 // rows that have this name in their JSON
}

func survey(ctx context.Context, src *source, progress func(string, int64, int64)) (*surveyed, error) {
	sv := &surveyed{}
	for i := range src.schema.Tables {
		t := &src.schema.Tables[i]
		ts := &tableSurvey{}
		for range t.Columns {
			ts.cols = append(ts.cols, &columnSurvey{least: math.Inf(1), most: math.Inf(-1), counts: map[string]int64{}, keys: map[string]int64{}})
		}
		sv.tables = append(sv.tables, ts)
		err := src.each(ctx, i, "", "", func(row []any) error {
			for c, v := range row {
				ts.cols[c].see(v)
			}
			if ts.rows++; ts.rows%8192 == 0 {
				progress("looking through "+t.Name, ts.rows, 0)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if src.db == nil {
		sv.typeColumns(src)
	}
	return sv, nil
}

// typeColumns gives the columns of a CSV file the types that their values
// suggest, and draws the conclusions anew.
func (sv *surveyed) typeColumns(src *source) {
	t := &src.schema.Tables[0]
	for c, cs := range sv.tables[0].cols {
		switch {
		case cs.filled == 0:
		case cs.wholes == cs.filled:
			t.Columns[c].Type = "INTEGER"
		case cs.wholes+cs.decimals == cs.filled:
			t.Columns[c].Type = "REAL"
		case cs.days == cs.filled:
			t.Columns[c].Type = "DATE"
		case cs.dates == cs.filled:
			t.Columns[c].Type = "DATETIME"
		default:
			t.Columns[c].Type = "TEXT"
		}
	}
	src.facts, src.themes = src.schema.Facts()
}

func (c *columnSurvey) see(v any) {
	text := ""
	switch v := v.(type) {
	case nil:
		return
	case int64:
		c.ints++
		c.number(float64(v))
		text = strconv.FormatInt(v, 10)
	case float64:
		c.reals++
		c.number(v)
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		c.blobs++
		text = string(v[:min(len(v), 64)])
	case string:
		if v == "" {
			return
		}
		text = v
		c.texts++
		c.text(v)
	default:
		return
	}
	c.filled++
	if c.counts == nil {
		return
	}
	if len(text) > 64 {
		c.counts = nil
		return
	}
	if c.counts[text]++; len(c.counts) > fewValues {
		c.counts = nil
	}
}

func (c *columnSurvey) number(f float64) {
	if !math.IsInf(f, 0) && !math.IsNaN(f) {
		c.least, c.most = min(c.least, f), max(c.most, f)
	}
}

func (c *columnSurvey) text(v string) {
	switch {
	case wholeNumber(v):
		c.wholes++
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			c.number(f)
		}
	case decimalNumber(v):
		c.decimals++
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			c.number(f)
		}
	case isObject(v):
		c.objects++
		for k := range keysOf(v) {
			if _, there := c.keys[k]; there || len(c.keys) < fewKeys {
				c.keys[k]++
			}
		}
	default:
		if m, ok := readMoment(v); ok {
			c.dates++
			if !m.clock {
				c.days++
			}
		}
		if isLong(v) {
			c.long++
		}
	}
}

// few says that the values are few and none of them rare.
func (c *columnSurvey) few() bool {
	if c.counts == nil || c.filled == 0 {
		return false
	}
	for _, n := range c.counts {
		if n < rareRows {
			return false
		}
	}
	return true
}

// wholeNumber says that s is an integer as SQLite would write it.
func wholeNumber(s string) bool {
	d := strings.TrimPrefix(s, "-")
	if d == "" || len(d) > 18 || d[0] == '0' && s != "0" {
		return false
	}
	return strings.Trim(d, "0123456789") == ""
}

func decimalNumber(s string) bool {
	d := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	whole, part, found := strings.Cut(d, ".")
	return found && whole != "" && part != "" && len(d) < 24 && strings.Trim(whole, "0123456789") == "" && strings.Trim(part, "0123456789") == ""
}

func isObject(s string) bool {
	t := strings.TrimSpace(s)
	return len(t) > 1 && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(s))
}

// isLong says that s is more of a text than a name.
func isLong(s string) bool { return len(s) > 80 || len(strings.Fields(s)) > 6 }

// remember goes through the values that must not survive.
func (sv *surveyed) remember(ctx context.Context, src *source, pl *plan, progress func(string, int64, int64)) error {
	members := int64(0)
	for _, t := range sv.tables {
		for _, c := range t.cols {
			members += 4 * (c.filled + 4*c.texts) // values, their words, and their windows
		}
	}
	sv.originals = newBloom(members)
	sv.exempt = map[string]bool{}
	for _, w := range pl.public {
		sv.exempt[foldText(w)] = true
	}
	for _, o := range src.schema.Objects() {
		for _, w := range fakedata.Words(o.SQL) {
			sv.exempt[foldText(w)] = true
		}
	}
	for i, t := range pl.tables {
		for c, col := range t.cols {
			if col.method != methodKeep || !col.harmless {
				continue
			}
			for v := range sv.tables[i].cols[c].counts {
				sv.exempt[foldText(v)] = true
			}
		}
	}
	return sv.eachOriginal(ctx, src, pl, "remembering", progress, func(_ *column, text string) error {
		if sv.originals.add(fingerprint(text)) {
			sv.values++
			b := 0
			if len(text) >= window {
				b = min(int(tells(text)), len(sv.telling)-1)
			}
			sv.telling[b]++
		}
		if len(text) >= window {
			for _, at := range windows(text) {
				sv.originals.add(windowPrint(text[at:]))
			}
		}
		switch { // as their pseudonyms are drawn: without what stands between the digits
		case isPhone(text) || cardForm.MatchString(text):
			sv.originals.add(fingerprint(digits(text)))
		case ibanForm.MatchString(text):
			sv.originals.add(fingerprint(strings.ReplaceAll(text, " ", "")))
		}
		return nil
	})
}

// eachOriginal calls fn for every value, folded, that must not survive.
func (sv *surveyed) eachOriginal(ctx context.Context, src *source, pl *plan, step string, progress func(string, int64, int64), fn func(c *column, text string) error) error {
	for i, t := range pl.tables {
		n := int64(0)
		err := src.each(ctx, i, "", "", func(row []any) error {
			if n++; n%8192 == 0 {
				progress(fmt.Sprint(step, " ", t.Name), n, sv.tables[i].rows)
			}
			for c, v := range row {
				var err error
				originalsOf(t.cols[c], v, func(text string) {
					text = foldText(text)
					if err == nil && telling(text) && !sv.exempt[text] {
						err = fn(t.cols[c], text)
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
