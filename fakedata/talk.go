package fakedata

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

//go:embed talk.txt
var talkText string

// talk is what people write in a dataset: by section of talk.txt, alternatives.
type talk struct {
	lists  map[string][]string
	topics map[string][]topic // "shop", "software"
}

// topic is what a ticket is about: what is said about it on both sides.
type topic struct {
	subject    string
	ask, reply []string
}

// newTalk reads talk.txt.
func newTalk() *talk {
	w := &talk{lists: map[string][]string{}, topics: map[string][]topic{}}
	section := ""
	for line := range strings.Lines(talkText) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(strings.TrimSuffix(rest, "]"), ":")
			continue
		}
		if f := strings.Split(line, ";"); len(f) == 3 {
			w.topics[section] = append(w.topics[section], topic{f[0], strings.Split(f[1], "|"), strings.Split(f[2], "|")})
		} else if section != "" {
			w.lists[section] = strings.Split(line, "|")
		}
	}
	return w
}

// say draws one of a section's alternatives, and fills it in.
func (w *talk) say(s *stream, section string) string {
	return filled(s, choose(s, w.lists[section]), "")
}

// some draws up to n different ones of list.
func some(s *stream, list []string, n int64, thing string) string {
	n = min(n, int64(len(list)))
	first, step := s.n(int64(len(list))), int64(1)
	if len(list) > 4 {
		step = choose(s, []int64{1, 3, 5})
	}
	var out []string
	for k := range n {
		if text := filled(s, list[(first+k*step)%int64(len(list))], thing); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " ")
}

// filled puts words in the places of a text.
func filled(s *stream, text, thing string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	if thing == "" {
		thing = "product"
	}
	days := []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	return strings.NewReplacer("{day}", choose(s, days), "{n}", strconv.FormatInt(2+s.n(8), 10), "{thing}", strings.ToLower(thing)).Replace(text)
}

// topic is what row i is about, if its table is of tickets or hangs on one.
func (t *table) topic(i int64) (topic, bool) {
	if t.theme == "ticket" {
		of := "software"
		if slices.ContainsFunc(t.p.tables, func(u *table) bool { return u.theme == "product" || u.last() == "order" }) {
			of = "shop"
		}
		list := t.p.talk.topics[of]
		s := t.latents.title.at(i)
		return list[min(s.n(int64(len(list))), s.n(int64(len(list))))], true
	}
	if t.talks() {
		return t.owner.parent.topic(t.owner.fan.parent(i))
	}
	return topic{}, false
}

// talks reports whether t's rows are the messages of a conversation about a ticket.
func (t *table) talks() bool {
	return t.theme != "ticket" && t.owner != nil && t.owner.parent.theme == "ticket"
}

// fromStaff reports whether message i of a conversation is an answer: they take
// turns, and the customer writes first.
func (t *table) fromStaff(i int64) bool { return t.place(i)%2 == 1 }

// message is what somebody writes about a ticket: the ticket itself, or one of
// the messages below it.
func (t *table) message(s *stream, i int64, about topic) string {
	w := t.p.talk
	switch {
	case t.theme != "ticket" && t.fromStaff(i):
		return joined(w.say(s, "reply"), filled(s, about.reply[t.place(i)/2%int64(len(about.reply))], ""), w.say(s, "closing"))
	case t.theme != "ticket" && t.place(i) > 0:
		return joined(some(s, w.lists["again"], 1, ""))
	}
	who := t
	row := i
	if t.theme != "ticket" {
		who, row = t.owner.parent, t.owner.fan.parent(i)
	}
	closing := w.say(s, "closing")
	if closing != "" && who.whoVia != nil {
		closing += ", " + who.who(row).first.own
	}
	return joined(w.say(s, "opening"), some(s, about.ask, 1+s.n(3), ""), closing)
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}
