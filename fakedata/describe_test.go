package fakedata

import (
	"strings"
	"testing"
)

// DATA.md tells what columns hold, how tables hang together and what is odd
// about such data, and nothing of the defects.
func TestDescribeTellsWhatColumnsMean(t *testing.T) {
	s := load(t, "shop")
	r := recipe(1000)
	clean := Describe(s, r)
	for _, want := range []string{
		"- total_cents INTEGER, hundredths of the currency, the sum of order_items\n", "- customer_id INTEGER, → customers.id\n",
		"- line_no INTEGER, 1, 2, 3 … within one row of orders\n", "- delivered_at TEXT, may be NULL, NULL until then\n",
		"## Good to know\n", "- orders that were cancelled stay", "- categories is a tree",
	} {
		if !strings.Contains(clean, want) {
			t.Errorf("there is no %q in\n%s", want, clean)
		}
	}
	r.Mess = 0.2
	_, known, _ := strings.Cut(clean, "## Good")
	if messy := Describe(s, r); !strings.HasSuffix(messy, known) {
		t.Errorf("mess shows in\n%s", messy)
	}
	for _, word := range append(Defects(), "defect", "answer") {
		if strings.Contains(clean, " "+word+" ") && word != "null" && word != "late" && word != "case" && word != "unit" {
			t.Errorf("it speaks of %s", word)
		}
	}
	if got := Describe(s, Recipe{}); !strings.HasPrefix(got, "No dataset: rows is 0") {
		t.Errorf("of no dataset it says %q", got)
	}
}

// TestWordsAreWhole reads all of talk.txt and catalogue.txt.
func TestWordsAreWhole(t *testing.T) {
	w := newTalk()
	for _, section := range []string{
		"opening", "closing", "reply", "again", "review good", "review bad", "title good", "title bad", "appraisal good", "appraisal bad", "visit", "notes", "bill", "key", "tag help",
	} {
		if len(w.lists[section]) < 5 {
			t.Errorf("section %q has %d texts", section, len(w.lists[section]))
		}
	}
	for _, of := range []string{"shop", "software"} {
		if len(w.topics[of]) < 10 || w.lists[of] != nil {
			t.Errorf("%d topics of %s", len(w.topics[of]), of)
		}
	}
	s := newKey(1, "words").at(0)
	for _, text := range append(strings.Split(talkText, "|"), strings.Split(talkText, ";")...) {
		if strings.HasPrefix(text, "#") {
			continue
		}
		if strings.ContainsAny(filled(&s, text, "Kettle"), "{}") {
			t.Errorf("a place is left open in %q", filled(&s, text, "Kettle"))
		}
	}
	names := map[string]bool{"": true}
	for _, s := range newCatalogue() {
		if names[s.name] || !names[s.above] || len(s.things) < 4 {
			t.Errorf("category %q: twice, below %q, or with %d things", s.name, s.above, len(s.things))
		}
		names[s.name] = true
		for _, what := range s.things {
			if what.name == "" || what.lo < 100 || what.hi <= what.lo {
				t.Errorf("%s: %v", s.name, what)
			}
		}
	}
}
