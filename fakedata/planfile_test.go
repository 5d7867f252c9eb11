package fakedata

import (
	"regexp"
	"strings"
	"testing"
)

func writePlan(t *testing.T, s *Schema, r Recipe) string {
	t.Helper()
	text, err := WritePlan(s, r, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPlanAsWrittenChangesNothing: a plan says what would have happened anyway.
func TestPlanAsWrittenChangesNothing(t *testing.T) {
	for _, name := range append(Builtins(), "chinook", "sakila") {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			_, without := generate(t, s, recipe(300))
			planned := recipe(300)
			planned.Plan = writePlan(t, s, recipe(300))
			_, with := generate(t, s, planned)
			if fingerprint(t, with) != fingerprint(t, without) {
				t.Error("the dataset of the plan is another one")
			}
			if again := writePlan(t, s, planned); strings.Count(again, "\n") != strings.Count(planned.Plan, "\n") {
				t.Errorf("the plan of the plan is another one:\n%s", again)
			}
		})
	}
}

func TestPlanShowsEachColumnAndWhy(t *testing.T) {
	text := writePlan(t, load(t, "shop"), recipe(1000))
	for _, want := range []string{
		"schema = \"shop\"\n", "seed = 42\n", "\nUS = 20 # United States\n", "[table.customers]\nrows = 100 # a share",
		`id = { generator = "counter" } # primary key`, `first_name = { generator = "first" } # name`,
		`customer_id = { generator = "reference" } # foreign key to customers.id, long-tailed`,
		`total_cents = { generator = "money" } # the sum of order_items`, `quantity = { generator = "quantity", from = 1, to = 12, shape = "tailed" } # name`,
		`priority = { generator = "priority", values = ["low", "normal", "high", "urgent"] } # CHECK`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
}

func TestEditedPlan(t *testing.T) {
	s := load(t, "shop")
	r := recipe(2000)
	r.Plan = `
[locales]
DE = 1
[table.reviews]
rows = 123
[table.customers.columns]
phone = { nulls = 0.5 }
[table.products.columns]
price_cents = { from = 5000, to = 5100, shape = "even" }
[table.tickets.columns]
priority = { values = ["low", "high"], weights = [3, 1] }
subject = { generator = "color" }
`
	db, _ := generate(t, s, r)
	sound(t, db)
	none(t, db, map[string]string{
		"someone lives elsewhere":     "SELECT count(*) FROM addresses WHERE country <> 'Germany'",
		"reviews are not as planned":  "SELECT count(*) <> 123 FROM reviews",
		"price out of the range":      "SELECT count(*) FROM products WHERE price_cents NOT BETWEEN 5000 AND 5100",
		"priority not in the list":    "SELECT count(*) FROM tickets WHERE priority NOT IN ('low', 'high')",
		"weights do not count":        "SELECT avg(priority = 'low') NOT BETWEEN 0.68 AND 0.82 FROM tickets",
		"nulls are not half":          "SELECT avg(phone IS NULL) NOT BETWEEN 0.4 AND 0.6 FROM customers",
		"a subject that is no colour": "SELECT count(*) FROM tickets WHERE subject NOT IN ('black','white','grey','blue','red','green','brown','yellow','navy','beige')",
	})
	plain, planned := rowsOf(t, s, recipe(2000), "orders", "id", "customer_id", "created_at"), rowsOf(t, s, r, "orders", "id", "customer_id", "created_at")
	if strings.Join(plain, "\n") != strings.Join(planned, "\n") {
		t.Error("orders changed, of which the plan says nothing")
	}
}

func TestPlanRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"rows = ":                        "line 1",
		"row = 3":                        "means nothing: row",
		"[table.order]\nrows = 3":        `no table "order"`,
		"[table.orders]\nrows = 0":       "rows is 0",
		"[table.payments]\nrows = 90000": "leave room for",
		"[table.orders.columns]\nx = { generator = \"first\" }":                  `no column "x"`,
		"[table.orders.columns]\nstatus = { generator = \"fisrt\" }":             "did you mean first?",
		"[table.orders.columns]\nstatus = { values = [\"lost\"] }":               "not one that the CHECK constraint allows",
		"[table.orders.columns]\nstatus = { values = [] }":                       "values is empty",
		"[table.orders.columns]\nstatus = { values = [\"paid\"], weights = [] }": "",
		"[table.orders.columns]\nstatus = { nulls = 0.5 }":                       "must not be NULL",
		"[table.orders.columns]\ntotal_cents = { generator = \"email\" }":        "does not fit",
		"[table.orders.columns]\ntotal_cents = { from = 5, to = 4 }":             "from is 5 and to is 4",
		"[locales]\nXX = 3":             `no country "XX"`,
		"[locales]\nUS = 0":             "no country has a weight",
		"[table.orders]\nmess = \"no\"": "",
		"# fine":                        "",
	} {
		r := recipe(10)
		r.Plan = text
		_, err := newPlan(load(t, "shop"), r)
		if want == "" && strings.Contains(text, "mess") {
			want = "does not parse"
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%q: error %v, want one line with %q", text, err, want)
		}
	}
}

// TestNothingLeftToItsType: what a person recognises, this package must too.
func TestNothingLeftToItsType(t *testing.T) {
	for _, name := range append(Builtins(), "chinook", "sakila") {
		left, err := Plain(load(t, name), recipe(100))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			t.Errorf("%s: left to their type: %v", name, left)
		}
	}
	left, err := Plain(parse(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT, frobnication INT, bleem TEXT)"), recipe(1))
	if err != nil || strings.Join(left, " ") != "t.frobnication t.bleem" {
		t.Errorf("left to their type: %v, %v", left, err)
	}
}

func TestPlanOfStrangeNames(t *testing.T) {
	s := parse(t, "CREATE TABLE \"a\nb\" (\"x \"\"y\" INTEGER PRIMARY KEY, \"名前\" TEXT, \"\" TEXT, \"\x07\" TEXT)")
	text := writePlan(t, s, recipe(3))
	if regexp.MustCompile(`[\x00-\x09\x0b-\x1f]`).MatchString(text) {
		t.Errorf("a name got through unchanged: %q", text)
	}
	r := recipe(3)
	r.Plan = text
	if _, err := newPlan(s, r); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
