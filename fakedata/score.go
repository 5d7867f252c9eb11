package fakedata

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Score compares what was found or repaired with the answer key.
type Score struct {
	Defects   int         `json:"defects"`  // in the key
	Findings  int         `json:"findings"` // different places named, or changed
	Found     int         `json:"found"`    // findings that are in the key
	Repaired  int         `json:"repaired"` // of these, with the right value back; only of a repaired dataset
	Precision float64     `json:"precision"`
	Recall    float64     `json:"recall"`
	F1        float64     `json:"f1"`
	Kinds     []KindScore `json:"kinds"` // in the order of their names
}

// A KindScore is the part of a Score about one kind of defect. Precision is
// that of the findings that named this kind; -1 where none did.
type KindScore struct {
	Kind      string  `json:"kind"`
	Defects   int     `json:"defects"`
	Found     int     `json:"found"`
	Repaired  int     `json:"repaired"`
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`

	named, right int
}

// maxScoreLine bounds a line of an answer key or of findings, in bytes.
const maxScoreLine = 1 << 20

// answerKey is an answer key in memory, by place.
type answerKey struct {
	at    map[string]Answer
	alias map[string]string // of a row that another repeats: either may be named
}

// placeOf names a cell or, with column "", a row.
func placeOf(table string, key []any, column string) string {
	parts := make([]string, len(key))
	for i, k := range key {
		parts[i] = fmt.Sprint(k)
	}
	return strings.ToLower(table) + "\x00" + strings.Join(parts, "/") + "\x00" + strings.ToLower(column)
}

func readAnswers(r io.Reader) (*answerKey, error) {
	key := &answerKey{at: map[string]Answer{}, alias: map[string]string{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxScoreLine)
	n := 0
	for lines.Scan() {
		n++
		var a Answer
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&a); err != nil || a.Table == "" || a.Kind == "" {
			return nil, fmt.Errorf("the answer key's line %d is none of an answer key's", n)
		}
		place := placeOf(a.Table, a.Key, a.Column)
		key.at[place] = a
		if first, ok := a.Clean.([]any); ok && a.Column == "" {
			key.alias[placeOf(a.Table, first, "")] = place
		}
		if now, ok := a.Dirty.(string); ok && a.Kind == schemaDriftKind && now != a.Column { // either name will do
			key.alias[placeOf(a.Table, a.Key, now)] = place
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the answer key: %w", err)
	}
	return key, nil
}

// tally counts findings against a key.
type tally struct {
	key   *answerKey
	score Score
	kinds map[string]*KindScore
	seen  map[string]bool
}

func newTally(key *answerKey) *tally {
	t := &tally{key: key, kinds: map[string]*KindScore{}, seen: map[string]bool{}}
	for _, a := range key.at {
		t.kind(a.Kind).Defects++
	}
	t.score.Defects = len(key.at)
	return t
}

func (t *tally) kind(name string) *KindScore {
	k := t.kinds[name]
	if k == nil {
		k = &KindScore{Kind: name}
		t.kinds[name] = k
	}
	return k
}

// found counts one finding; a place counts once. It returns the answer there.
func (t *tally) found(place, kind string) (Answer, bool) {
	a, ok := t.key.at[place]
	if !ok {
		if other, aliased := t.key.alias[place]; aliased {
			place = other
			a, ok = t.key.at[place]
		}
	}
	if t.seen[place] {
		return Answer{}, false
	}
	t.seen[place] = true
	t.score.Findings++
	if kind != "" {
		k := t.kind(kind)
		k.named++
		k.right += boolInt(ok && a.Kind == kind)
	}
	if ok {
		t.score.Found++
		t.kind(a.Kind).Found++
	}
	return a, ok
}

func (t *tally) result() Score {
	ratio := func(a, b int) float64 {
		if b == 0 {
			return 0
		}
		return float64(a) / float64(b)
	}
	s := t.score
	s.Precision, s.Recall = ratio(s.Found, s.Findings), ratio(s.Found, s.Defects)
	if s.Precision+s.Recall > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	for _, name := range sortedKeys(t.kinds) {
		k := t.kinds[name]
		k.Recall, k.Precision = ratio(k.Found, k.Defects), -1
		if k.named > 0 {
			k.Precision = ratio(k.right, k.named)
		}
		s.Kinds = append(s.Kinds, *k)
	}
	return s
}

// ScoreFindings compares a list of findings with an answer key. Findings are
// JSON objects, one per line, or CSV with a header, with the names table, key,
// column and, if wanted, kind. A key of several columns is a JSON array, or
// has its parts joined by "/"; a row that is one too many has no column.
func ScoreFindings(answers, findings io.Reader) (Score, error) {
	key, err := readAnswers(answers)
	if err != nil {
		return Score{}, err
	}
	t := newTally(key)
	buf := bufio.NewReaderSize(findings, maxScoreLine)
	head, err := buf.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return t.result(), nil
	case err != nil:
		return Score{}, fmt.Errorf("reading the findings: %w", err)
	case head[0] == '{':
		err = t.readJSON(buf)
	default:
		err = t.readCSV(buf)
	}
	return t.result(), err
}

func (t *tally) readJSON(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxScoreLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var f struct {
			Table, Column, Kind string
			Key                 any
		}
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&f); err != nil || f.Table == "" || f.Key == nil {
			return fmt.Errorf(`line %d of the findings is not like {"table": "customers", "key": 17, "column": "email"}`, n)
		}
		parts, ok := f.Key.([]any)
		if !ok {
			parts = []any{f.Key}
		}
		t.found(placeOf(f.Table, parts, f.Column), f.Kind)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the findings: %w", err)
	}
	return nil
}

func (t *tally) readCSV(r io.Reader) error {
	records := csv.NewReader(r)
	records.ReuseRecord = true
	at := map[string]int{"table": -1, "key": -1, "column": -1, "kind": -1}
	for n := 1; ; n++ {
		f, err := records.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the findings: %w", err)
		}
		if n == 1 {
			for i, name := range f {
				if _, ok := at[strings.ToLower(strings.TrimSpace(name))]; ok {
					at[strings.ToLower(strings.TrimSpace(name))] = i
				}
			}
			if at["table"] < 0 || at["key"] < 0 || at["column"] < 0 {
				return errors.New("the findings' first line must name the columns table, key and column")
			}
			continue
		}
		kind := ""
		if at["kind"] >= 0 {
			kind = f[at["kind"]]
		}
		t.found(placeOf(f[at["table"]], []any{f[at["key"]]}, f[at["column"]]), kind)
	}
}

// ScoreRepair compares a repaired copy of a dataset with the dataset it was
// made from and with the answer key. Each cell or row that differs is a
// finding. The repaired file may be hostile: it is only read, for at most five
// minutes.
func ScoreRepair(ctx context.Context, answers io.Reader, dataset, repaired string) (Score, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	key, err := readAnswers(answers)
	if err != nil {
		return Score{}, err
	}
	db, err := openPair(ctx, dataset, repaired)
	if err != nil {
		return Score{}, err
	}
	defer db.Close()
	t := newTally(key)
	var s Schema
	if err := s.read(ctx, db.Conn); err != nil {
		return Score{}, fmt.Errorf("reading the dataset: %w", err)
	}
	for i := range s.Tables {
		if err := t.compare(ctx, db.Conn, &s.Tables[i]); err != nil {
			return Score{}, err
		}
	}
	return t.result(), nil
}

// openPair opens two SQLite files to be read, the second as "repaired".
func openPair(ctx context.Context, first, second string) (*memory, error) {
	uri := func(path string) (string, error) {
		abs, err := filepath.Abs(path)
		u := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro"}
		return u.String(), err
	}
	a, err := uri(first)
	if err != nil {
		return nil, err
	}
	b, err := uri(second)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", a)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; ATTACH "+sqlText(b)+" AS repaired")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the datasets: %s", sqliteMessage(err)), pool.Close())
	}
	return &memory{conn, pool}, nil
}

func sqlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// compare counts what differs in one table.
func (t *tally) compare(ctx context.Context, db *sql.Conn, table *Table) error {
	keys := []string{"rowid"}
	if len(table.Keys) > 0 && table.Keys[0].Primary {
		keys = nil
		for _, c := range table.Keys[0].Columns {
			keys = append(keys, quote(table.Columns[c].Name))
		}
	}
	var same, key []string
	for _, k := range keys {
		same = append(same, "d."+k+" IS r."+k)
		key = append(key, "%[1]s."+k)
	}
	keyOf := func(side string) string { return fmt.Sprintf(strings.Join(key, "||'/'||"), side) }
	pair := fmt.Sprintf("main.%[1]s d JOIN repaired.%[1]s r ON %[2]s", quote(table.Name), strings.Join(same, " AND "))
	for i, c := range table.Columns {
		if c.Generated || slices.Contains(keys, quote(c.Name)) {
			continue
		}
		_ = i
		col := quote(c.Name)
		q := fmt.Sprintf("SELECT %s, +r.%s FROM %s WHERE d.%s IS NOT r.%s", keyOf("d"), col, pair, col, col)
		if err := t.changes(ctx, db, q, table.Name, c.Name); err != nil {
			return err
		}
	}
	for _, side := range []string{"main.%[1]s d WHERE NOT EXISTS (SELECT 1 FROM repaired.%[1]s r WHERE %[2]s)", "repaired.%[1]s r WHERE NOT EXISTS (SELECT 1 FROM main.%[1]s d WHERE %[2]s)"} {
		from := fmt.Sprintf(side, quote(table.Name), strings.Join(same, " AND "))
		alias := "d"
		if strings.HasPrefix(side, "repaired") {
			alias = "r"
		}
		if err := t.changes(ctx, db, "SELECT "+keyOf(alias)+", NULL FROM "+from, table.Name, ""); err != nil {
			return err
		}
	}
	return nil
}

// changes counts the rows of a query of keys and new values.
func (t *tally) changes(ctx context.Context, db *sql.Conn, q, table, column string) error {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return fmt.Errorf("comparing table %q: %s", table, sqliteMessage(err))
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var v any
		if err := rows.Scan(&key, &v); err != nil {
			return fmt.Errorf("comparing table %q: %w", table, err)
		}
		a, ok := t.found(placeOf(table, []any{key}, column), "")
		if ok && (column == "" || sameValue(a.Clean, v)) {
			t.score.Repaired++
			t.kind(a.Kind).Repaired++
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("comparing table %q: %s", table, sqliteMessage(err))
	}
	return nil
}

// sameValue compares a value of the key with one of SQLite.
func sameValue(clean, v any) bool {
	if n, ok := clean.(json.Number); ok {
		f, err := n.Float64()
		g, isNumber := toFloat(v)
		return err == nil && isNumber && f == g
	}
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	return clean == v
}
