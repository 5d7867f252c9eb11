package fakedata

import (
	"hash/maphash"
	"os"
	"strings"
	"testing"
)

// Whatever leaves with one of a dataset's own values in it is recognised, in
// other clothes too; other text is not.
func TestMarks(t *testing.T) {
	s := load(t, "bank")
	r := recipe(1000)
	db, path := generate(t, s, r)
	marks, err := NewMarks(t.Context(), s, r, path)
	if err != nil {
		t.Fatal(err)
	}
	canaries, err := Canaries(s, r)
	if err != nil || len(canaries) == 0 {
		t.Fatalf("canaries %v, %v", canaries, err)
	}
	for _, c := range canaries {
		if m, ok := marks.Find("prefix" + strings.ToUpper(c.Value) + "suffix"); !ok || !m.Canary || m.Column != c.Column {
			t.Errorf("canary %s: found %v, %v", c.Value, m, ok)
		}
	}
	for _, id := range []int{1, 7, 80} {
		for column, frame := range map[string]string{"email": "to=%s&x=1", "phone": `{"tel":"%s"}`} {
			var value string
			if err := db.QueryRowContext(t.Context(), "SELECT "+column+" FROM customers WHERE id = ?", id).Scan(&value); err != nil {
				t.Fatal(err)
			}
			for _, v := range []string{value, strings.ToUpper(value), strings.ReplaceAll(value, "-", " ")} {
				if m, ok := marks.Find(strings.ReplaceAll(frame, "%s", v)); !ok || m.Column != column || m.Table != "customers" {
					t.Errorf("%s %q: found %v, %v", column, v, m, ok)
				}
			}
			if m, ok := marks.Find("x9" + value + "9x"); ok {
				t.Errorf("%s %q: a part of a longer word was found: %v", column, value, m)
			}
		}
	}
	for _, other := range []string{"", "active", "somebody@example.com", "United States", "2025-01-01 10:00:00", strings.Repeat("0", 1000)} {
		if m, ok := marks.Find(other); ok {
			t.Errorf("%q passes for a value of %v", other, m)
		}
	}
	for _, file := range []string{"marks.go", "world.txt"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := marks.Find(string(source)); ok {
			t.Errorf("%s holds a value of %v", file, m)
		}
	}
}

func FuzzMarks(f *testing.F) {
	f.Add("emily@example.com", "a", "b")
	f.Fuzz(func(t *testing.T, value, before, after string) {
		m := &Marks{seed: maphash.MakeSeed(), lengths: map[uint64]uint64{}, columns: map[uint64]int32{}, places: []Mark{{}}}
		letters, _ := bare(value)
		m.add(letters, 0)
		if _, ok := m.Find(before + " " + value + " " + after); len(letters) >= markWindow && !ok {
			t.Errorf("%q is not found between %q and %q", value, before, after)
		}
	})
}
