package fakedata

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScoreFindings(t *testing.T) {
	r := recipe(800)
	r.Mess = 0.03
	_, _, key, file := messy(t, load(t, "shop"), r)
	answers, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var asJSON, half, wrong bytes.Buffer
	asCSV := bytes.NewBufferString("kind,table,key,column\n")
	for i, a := range key {
		line, _ := json.Marshal(map[string]any{"table": a.Table, "key": a.Key, "column": a.Column, "kind": a.Kind})
		fmt.Fprintf(&asJSON, "%s\n%s\n", line, line) // naming it twice is no gain
		var parts []string
		for _, k := range a.Key {
			parts = append(parts, fmt.Sprint(k))
		}
		fmt.Fprintf(asCSV, "%s,%s,%s,%s\n", a.Kind, strings.ToUpper(a.Table), strings.Join(parts, "/"), a.Column)
		if i%2 == 0 {
			fmt.Fprintf(&half, "%s\n", line)
			fmt.Fprintf(&half, `{"table":"orders","key":%d,"column":"nothing"}`+"\n", i)
		}
		fmt.Fprintf(&wrong, `{"table":"orders","key":%d,"column":"nothing"}`+"\n", i)
	}
	for name, c := range map[string]struct {
		findings          string
		precision, recall float64
	}{
		"perfect, JSON": {asJSON.String(), 1, 1}, "perfect, CSV": {asCSV.String(), 1, 1}, "blind": {"", 0, 0},
		"half of it, half wrong": {half.String(), 0.5, 0.5}, "all wrong": {wrong.String(), 0, 0},
	} {
		s, err := ScoreFindings(bytes.NewReader(answers), strings.NewReader(c.findings))
		if err != nil {
			t.Fatal(err)
		}
		near := func(a, b float64) bool { return a-b < 0.002 && b-a < 0.002 }
		if !near(s.Precision, c.precision) || !near(s.Recall, c.recall) || s.Defects != len(key) {
			t.Errorf("%s: precision %g, recall %g of %d", name, s.Precision, s.Recall, s.Defects)
		}
		if len(s.Kinds) != len(Defects())-1 {
			t.Errorf("%s: %d kinds, want all %d", name, len(s.Kinds), len(Defects())-1)
		}
		for _, k := range s.Kinds {
			if strings.HasPrefix(name, "perfect") && (k.Recall != 1 || k.Precision != 1) || name == "blind" && k.Recall != 0 {
				t.Errorf("%s: %+v", name, k)
			}
		}
	}
	for text, want := range map[string]string{
		"{\"table\":\"x\"}\n": "line 1 of the findings", "a,b\n1,2\n": "must name the columns", "{": "line 1",
	} {
		if _, err := ScoreFindings(bytes.NewReader(answers), strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if _, err := ScoreFindings(strings.NewReader("hello"), strings.NewReader("")); err == nil {
		t.Error("a greeting passed for an answer key")
	}
}

func TestScoreRepair(t *testing.T) {
	s, r := load(t, "shop"), recipe(800)
	r.Mess = 0.03
	clean, dirty, key, file := messy(t, s, r)
	repair := func(sql string, each bool) Score {
		copied := filepath.Join(t.TempDir(), "repaired.db")
		if _, err := dirty.ExecContext(t.Context(), "VACUUM INTO ?", copied); err != nil {
			t.Fatal(err)
		}
		return scoreAfter(t.Context(), t, copied, sql, each, s, key, file)
	}
	_ = clean
	if got := repair("", true); got.Precision != 1 || got.Recall != 1 || got.Repaired != len(key) {
		t.Errorf("a perfect repair scores %+v", got)
	}
	if got := repair("", false); got.Precision != 0 || got.Recall != 0 || got.Findings != 0 {
		t.Errorf("no repair scores %+v", got)
	}
	if got := repair("UPDATE customers SET first_name = 'Nobody'; DELETE FROM payments", false); got.Precision > 0.2 || got.Repaired > got.Findings/50 {
		t.Errorf("destruction scores %+v", got)
	}
}

// scoreAfter applies the key to a dataset, if asked to, and then some SQL.
func scoreAfter(ctx context.Context, t *testing.T, path, sqlText string, perfect bool, s *Schema, key []Answer, file string) Score {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "PRAGMA synchronous=OFF; PRAGMA ignore_check_constraints=ON; BEGIN;"+sqlText); err != nil {
		t.Fatal(err)
	}
	for _, a := range key {
		if !perfect {
			break
		}
		cond, args := where(s, a)
		q := "DELETE FROM " + quote(a.Table) + " WHERE " + cond
		if a.Column != "" {
			q = "UPDATE " + quote(a.Table) + " SET " + quote(a.Column) + " = ? WHERE " + cond
			args = append([]any{answered(a.Clean)}, args...)
		}
		if _, err := db.ExecContext(ctx, q, args...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	answers, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	score, err := ScoreRepair(ctx, answers, filepath.Join(filepath.Dir(file), "dirty.db"), path)
	if err != nil {
		t.Fatal(err)
	}
	return score
}
