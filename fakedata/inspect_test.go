package fakedata

import (
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInspect(t *testing.T) {
	s := load(t, "shop")
	db, path := generate(t, s, recipe(2000))
	profiles, err := Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != len(s.Tables) {
		t.Fatalf("%d tables, want %d", len(profiles), len(s.Tables))
	}
	for _, p := range profiles {
		if want := one(t, db, "SELECT count(*) FROM "+quote(p.Table)); p.Rows != want {
			t.Errorf("%s: %d rows, want %d", p.Table, p.Rows, want)
		}
		for _, c := range p.Columns {
			if want := one(t, db, "SELECT count(DISTINCT "+quote(c.Column)+") FROM "+quote(p.Table)); c.Distinct != want {
				t.Errorf("%s.%s: %d distinct, want %d", p.Table, c.Column, c.Distinct, want)
			}
			sum := c.Nulls
			for _, n := range append(slices.Clone(c.Histogram), c.Counts...) {
				sum += n
			}
			if (c.Histogram != nil || c.Values != nil) && sum != p.Rows {
				t.Errorf("%s.%s: %d of %d rows are drawn", p.Table, c.Column, sum, p.Rows)
			}
		}
		i := slices.IndexFunc(p.Columns, func(c ColumnProfile) bool { return c.Column == "created_at" })
		if i >= 0 && len(p.Columns[i].Histogram) != buckets {
			t.Errorf("%s.created_at has no histogram: %+v", p.Table, p.Columns[i])
		}
	}
	if _, err := Inspect(t.Context(), "inspect.go"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a source file was inspected: %v", err)
	}
	if got := Bars([]int64{0, 1, 50, 100}); got != " ▁▄█" {
		t.Errorf("bars: %q", got)
	}
}

// Rows that point to nothing are not counted among those that have a parent.
func TestInspectOrphans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orphans.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a_id INTEGER REFERENCES a (id));
		INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1), (1), (8), (9), (NULL)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	tables, err := Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tables[1].Relations, []string{"a_id → a.id: 1 of 2 have 2 to 2, 2 rows point to none"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
