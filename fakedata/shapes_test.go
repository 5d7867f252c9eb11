package fakedata

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
)

// planned is the table of that name in a plan for rows rows.
func planned(t *testing.T, s *Schema, rows int, name string) *table {
	t.Helper()
	p, err := newPlan(s, recipe(rows))
	if err != nil {
		t.Fatal(err)
	}
	return p.tables[s.table(name)]
}

// values evaluates one column of a table.
func values(t *testing.T, u *table, name string) []any {
	t.Helper()
	c := u.cols[u.column(name)]
	out := make([]any, u.rows)
	for i := range u.rows {
		out[i] = c.cell(i)
	}
	return out
}

func floats(t *testing.T, u *table, name string) []float64 {
	t.Helper()
	var out []float64
	for _, v := range values(t, u, name) {
		f, ok := toFloat(v)
		if !ok {
			t.Fatalf("%s.%s holds %v", u.Name, name, v)
		}
		out = append(out, f)
	}
	return out
}

// spearman is the correlation of ranks.
func spearman(a, b []float64) float64 {
	rank := func(x []float64) []float64 {
		order := make([]int, len(x))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
		out := make([]float64, len(x))
		for k := 0; k < len(order); {
			end := k
			for end < len(order) && x[order[end]] == x[order[k]] {
				end++
			}
			for ; k < end; k++ {
				out[order[k]] = float64(end)
			}
		}
		return out
	}
	ra, rb := rank(a), rank(b)
	n := float64(len(a))
	var ma, mb, sab, saa, sbb float64
	for i := range ra {
		ma, mb = ma+ra[i]/n, mb+rb[i]/n
	}
	for i := range ra {
		sab += (ra[i] - ma) * (rb[i] - mb)
		saa += (ra[i] - ma) * (ra[i] - ma)
		sbb += (rb[i] - mb) * (rb[i] - mb)
	}
	return sab / math.Sqrt(saa*sbb)
}

func TestCorrelations(t *testing.T) {
	hr, clinic := planned(t, load(t, "hr"), 40_000, "people"), planned(t, load(t, "clinic"), 40_000, "patients")
	ages, heights := floats(t, clinic, "age"), floats(t, clinic, "height_cm")
	var adult, tall []float64
	for i, age := range ages {
		if age >= 18 {
			adult, tall = append(adult, age), append(tall, heights[i])
		}
	}
	for what, c := range map[string]struct {
		a, b   []float64
		lo, hi float64
	}{
		"age and salary":    {floats(t, hr, "age"), floats(t, hr, "salary_cents"), 0.25, 0.75},
		"height and weight": {heights, floats(t, clinic, "weight_kg"), 0.6, 0.95},
		"age and height":    {adult, tall, -0.05, 0.05},
		"with children":     {ages, heights, 0.2, 0.6},
	} {
		if r := spearman(c.a, c.b); r < c.lo || r > c.hi {
			t.Errorf("%s: Spearman's ρ is %.3f, want it in [%g, %g]", what, r, c.lo, c.hi)
		}
	}
}

// TestZipf fits the exponent of popularity: the k-th most popular parent has
// about 1/k of the first one's children.
func TestZipf(t *testing.T) {
	lines := planned(t, load(t, "shop"), 100_000, "order_items")
	count := map[any]float64{}
	for _, v := range values(t, lines, "product_id") {
		count[v]++
	}
	var sizes []float64
	for _, n := range count {
		sizes = append(sizes, n)
	}
	slices.SortFunc(sizes, func(a, b float64) int { return cmp.Compare(b, a) })
	var x, y []float64
	for k := range min(300, len(sizes)) {
		x, y = append(x, math.Log(float64(k+1))), append(y, math.Log(sizes[k]))
	}
	if s := slope(x, y); s > -0.6 || s < -1.3 {
		t.Errorf("popularity falls with exponent %.2f, want about -1", s)
	}
}

func slope(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my, a, b float64
	for i := range x {
		mx, my = mx+x[i]/n, my+y[i]/n
	}
	for i := range x {
		a += (x[i] - mx) * (y[i] - my)
		b += (x[i] - mx) * (x[i] - mx)
	}
	return a / b
}

// chiSquare compares counts with what even ones would be.
func chiSquare(counts []float64) float64 {
	sum := 0.0
	for _, n := range counts {
		sum += n
	}
	want, x := sum/float64(len(counts)), 0.0
	for _, n := range counts {
		x += (n - want) * (n - want) / want
	}
	return x
}

func TestSeasons(t *testing.T) {
	events := planned(t, load(t, "saas"), 60_000, "events")
	var week, hours, months, years [24]float64
	perDay := map[string]float64{}
	for _, v := range values(t, events, "occurred_at") {
		at, err := time.Parse(time.DateTime, v.(string))
		if err != nil {
			t.Fatal(err)
		}
		week[at.Weekday()]++
		hours[at.Hour()]++
		years[(at.Unix()-(clock.Unix()-window))/(365*day)]++
		perDay[v.(string)[:10]]++
		if at.After(clock.AddDate(-1, 0, 0)) { // one year, so that growth weighs each month alike enough
			months[at.Month()-1]++
		}
	}
	// The 99.9 % points of chi square with 6 and 23 degrees of freedom.
	if x := chiSquare(week[:7]); x < 22.5 {
		t.Errorf("the days of the week are alike: chi square %.1f", x)
	}
	if x := chiSquare(hours[:]); x < 49.7 {
		t.Errorf("the hours of the day are alike: chi square %.1f", x)
	}
	if r := (week[0] + week[6]) / 2 / ((week[1] + week[2] + week[3] + week[4] + week[5]) / 5); r < 0.6 || r > 0.9 {
		t.Errorf("a weekend day has %.2f of a working day", r)
	}
	if r := hours[3] / hours[11]; r > 0.1 {
		t.Errorf("at three in the night there is %.2f of what there is at eleven", r)
	}
	if months[11] < 1.2*months[1] {
		t.Errorf("December has %g, February %g", months[11], months[1])
	}
	if !(years[0] < years[1] && years[1] < years[2]) || years[2] < 1.3*years[0] {
		t.Errorf("no growth: %v", years[:3])
	}
	most, all := 0.0, 0.0
	for _, n := range perDay {
		most, all = max(most, n), all+n
	}
	if r := most / (all / float64(len(perDay))); r < 2.5 {
		t.Errorf("no burst: the busiest day has %.1f of the mean", r)
	}
}

func TestUniqueness(t *testing.T) {
	users := planned(t, load(t, "saas"), 200_000, "users")
	for _, name := range []string{"id", "email"} {
		seen := map[any]bool{}
		for _, v := range values(t, users, name) {
			if seen[v] {
				t.Fatalf("%s: %v twice", name, v)
			}
			seen[v] = true
		}
	}
	if n := len(distinctOf(values(t, users, "full_name"))); n < 8_000 {
		t.Errorf("only %d names among %d people", n, users.rows)
	}
}

func distinctOf(vs []any) map[any]bool {
	out := map[any]bool{}
	for _, v := range vs {
		out[v] = true
	}
	return out
}

// TestLocales: people of each country are as many as its weight says, and their
// names are written as there.
func TestLocales(t *testing.T) {
	r := recipe(40_000)
	r.Plan = "[locales]\nUS = 4\nDE = 1\nFR = 1\nES = 1\nPT = 1\nJP = 1\nCN = 1\nEG = 1\nIN = 1\nRU = 2\n"
	s := parse(t, "CREATE TABLE users (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, city TEXT, country_code TEXT, email TEXT, street TEXT)")
	db, _ := generate(t, s, r)
	weights := map[string]int64{"US": 4, "DE": 1, "FR": 1, "ES": 1, "PT": 1, "JP": 1, "CN": 1, "EG": 1, "IN": 1, "RU": 2}
	chi := 0.0
	for code, w := range weights {
		n, want := float64(one(t, db, "SELECT count(*) FROM users WHERE country_code = '"+code+"'")), float64(40_000*w)/14
		chi += (n - want) * (n - want) / want
	}
	if chi > 27.9 { // 99.9 %, 9 degrees of freedom
		t.Errorf("the countries are not as their weights say: chi square %.1f", chi)
	}
	for code, glob := range map[string]string{
		"JP": "[一-龯]*", "CN": "[一-龯]*", "EG": "[ء-ي]*", "IN": "[ऀ-ॿ]*", "RU": "[А-я]*",
	} {
		if n := one(t, db, "SELECT count(*) FROM users WHERE country_code = '"+code+"' AND (last_name NOT GLOB '"+glob+"' OR city NOT GLOB '"+glob+"')"); n > 0 {
			t.Errorf("%s: %d names or cities in other letters", code, n)
		}
	}
	if n := one(t, db, "SELECT count(*) FROM users WHERE email GLOB '*[^a-z0-9.@+]*'"); n > 0 {
		t.Errorf("%d e-mail addresses with other letters", n)
	}
}
