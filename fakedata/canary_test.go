package fakedata

import "testing"

func TestCanaries(t *testing.T) {
	for _, name := range append(Builtins(), "sakila") {
		s := load(t, name)
		for _, mess := range []float64{0, 0.4} {
			r := recipe(300)
			r.Mess = mess
			list, err := Canaries(s, r)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				t.Errorf("%s has no canary", name)
			}
			db, _ := generate(t, s, r)
			for _, c := range list {
				n := one(t, db, "SELECT count(*) FROM "+quote(c.Table)+" WHERE instr("+quote(c.Column)+", '"+c.Value+"')")
				if n < 1 || n > 1 && mess == 0 {
					t.Errorf("%s.%s: canary %s is there %d times", c.Table, c.Column, c.Value, n)
				}
			}
			other := r
			other.Seed++
			if moved, _ := Canaries(s, other); len(moved) > 0 && moved[0].Value == list[0].Value {
				t.Error("another seed has the same canaries")
			}
		}
	}
}
