package fakedata

import (
	"slices"
	"strings"
)

const (
	day    = int64(24 * 60 * 60)
	window = 3 * 365 * day // how far back a dataset reaches
)

// stage is a step in the life of a row: order → pay → ship → deliver → return.
type stage byte

const (
	created stage = iota
	confirmed
	sent
	done
	undone // returned, refunded: only some rows come here
	cancelled
	updated // after everything that has happened
	due     // promised; may lie in the future
)

func (s stage) String() string {
	return [...]string{"created", "confirmed", "sent", "done", "undone", "cancelled", "updated", "due"}[s]
}

// stageOf reads a stage from one word of a column name or a status value.
func stageOf(word string) (stage, bool) {
	for s, list := range map[stage]string{
		created: "created new open opened pending draft placed requested queued submitted ordered registered joined start started " +
			"begin issued posted scheduled unpaid order invoice rental purchase signup added since hire hired received_at todo backlog waiting",
		confirmed: "paid confirmed approved processing authorized accepted active verified assigned activated payment progress " +
			"in_progress picked reserved billed charged ready acknowledged published doing checked running",
		sent: "paid_out shipped sent dispatched transit in_transit packed ship shipping dispatch departed partially_shipped out_for_delivery departure review",
		done: "delivered completed complete closed resolved fulfilled captured settled succeeded success finished done solved return " +
			"delivery end ended arrival arrived received completion finish resolution close checkout merged",
		undone: "returned refunded refund reopened reversed chargeback",
		cancelled: "cancelled canceled failed rejected declined void voided abandoned deleted archived terminated removed blocked " +
			"inactive suspended banned disabled left quit resigned lost expired closed_lost error",
		updated: "updated modified update changed login seen last activity edited accessed refreshed synced",
		due:     "due expires expiry expire valid_until deadline renewal until estimated promised target required",
	} {
		if slices.Contains(strings.Fields(list), word) {
			return s, true
		}
	}
	return created, false
}

// stageFor chooses the stage of a time column.
func stageFor(t *table, c *column) stage {
	for _, w := range c.words {
		s, ok := stageOf(w)
		if ok && (s == updated || s == due) {
			return s
		}
	}
	for _, w := range c.words {
		if s, ok := stageOf(w); ok {
			if s == undone && slices.Contains([]string{"rental", "loan", "booking", "checkout", "lending"}, t.last()) {
				return done
			}
			if s <= sent && t.inOrder() {
				return created // so that the order of the rows shows
			}
			return s
		}
	}
	return created
}

// planTime chooses the references that a row must be younger than. Following
// all of them could take exponentially long in a hostile schema, hence a budget.
func (t *table) planTime() {
	cost := 1
	for _, l := range t.links {
		if l.parent.index >= t.index || finite(l.parent.theme) {
			continue
		}
		if cost += l.parent.timeCost(); cost > 300 {
			break
		}
		t.elders = append(t.elders, l)
	}
}

func (t *table) timeCost() int {
	n := 1
	for _, l := range t.elders {
		n += l.parent.timeCost()
	}
	return n
}

// born is when row i came to be, in Unix seconds: after its parents, before
// the recipe's clock.
func (t *table) born(i int64) int64 {
	start := t.p.now - window
	s := t.latent(t.latents.born, i)
	if finite(t.theme) {
		return start - s.n(30*day)
	}
	lo := start
	if t.root || len(t.elders) > 0 {
		lo -= headStart
	}
	for _, l := range t.elders {
		if row, ok := l.pick(i); ok {
			lo = max(lo, l.parent.born(row))
		}
	}
	left := t.p.now - lo
	switch {
	case t.flows:
		if at := t.flow(i); at >= lo {
			return at
		}
		return lo + min(s.n(5*day), s.n(5*day), left)
	case t.theme == "address" && len(t.elders) > 0:
		return lo // who comes lives somewhere
	case t.settles() != nil:
		return lo + min(60+s.n(3*3600), left)
	case t.inOrder():
		return t.bornInOrder(s, i, lo)
	case t.small() || t.theme == "store":
		return start - s.n(2*365*day)
	case t.owner != nil && (len(t.owner.parent.words) < len(t.words) || t.possession() && s.chance(60)):
		return lo + min(s.n(5*day), s.n(5*day), left)
	case t.early: // leave time for what refers to this row
		return t.p.season.between(s, lo, t.p.now, 3)
	}
	return t.p.season.between(s, lo, t.p.now, 1)
}

// inOrder reports whether the rows of one owner follow each other in time:
// movements of an account, messages that are numbered.
func (t *table) inOrder() bool {
	return t.owner != nil && (t.ledger != nil || slices.ContainsFunc(t.cols, func(c *column) bool { return c.ordinal && c.kind != "year" }))
}

// keeps reports whether two moments come in the right order by themselves.
func (t *table) keeps(o order) bool {
	a, b := t.cols[o.low], t.cols[o.high]
	if o.differ {
		return a.link.avoid(b.link) || b.link.avoid(a.link)
	}
	for _, c := range []*column{a, b} {
		if c.kind != "time" || c.link != nil || c.unique || c.Generated || c.dom.enum != nil || c.dom.patterns != nil {
			return false
		}
	}
	if timeFormat(a)(0) != timeFormat(b)(0) {
		return false
	}
	switch low, high := stageFor(t, a), stageFor(t, b); {
	case high == due:
		return low == created
	case o.strict || low == due:
		return false
	case high == updated || low == created:
		return true
	case high == cancelled || low == updated || low == cancelled:
		return false
	default:
		return low <= high
	}
}

// bornInOrder shares the time since lo out among an owner's rows: each gets
// its part, and lies somewhere in it.
func (t *table) bornInOrder(s *stream, i, lo int64) int64 {
	first, end := t.owner.fan.children(t.owner.fan.parent(i))
	hi := t.p.now
	if t.ledger == nil { // a conversation, the steps of one thing
		hi = min(hi, lo+(end-first)*day)
	}
	season := t.p.season
	a, b := season.weight(lo), season.weight(hi)
	if b <= a {
		part := (hi - lo) / (end - first)
		return lo + (i-first)*part + s.n(part+1)
	}
	part := (b - a) / uint64(end-first)
	return min(hi, max(lo, season.at(a+uint64(i-first)*part+uint64(s.n(int64(part)+1)))))
}

// latent is a random stream of the row itself, not of one of its columns.
func (t *table) latent(k key, i int64) *stream {
	if n := t.try(i); n > 0 {
		k = key(mix(uint64(k) + uint64(n)))
	}
	s := k.at(i)
	return &s
}

// life says how far a row has come by the recipe's clock.
type life struct {
	at      [undone + 1]int64 // when each stage is reached
	reached stage
	end     stage // done, undone or cancelled
	stopped int64 // when it was cancelled
}

func (t *table) life(i int64) life {
	n := t.try(i)
	if l := &t.lately; l.known && l.row == i && l.try == n {
		return l.life
	}
	l := t.live(i)
	t.lately.known, t.lately.row, t.lately.try, t.lately.life = true, i, n, l
	return l
}

func (t *table) live(i int64) life {
	s := t.latent(t.latents.life, i)
	if from := t.settles(); from != nil {
		if row, ok := from.pick(i); ok {
			return t.settlement(s, t.born(i), from.parent.life(row))
		}
	}
	l := life{end: done}
	switch fate := s.n(100); {
	case fate < 5:
		l.end = cancelled
	case fate < 9:
		l.end = undone
	}
	l.at[created] = t.born(i)
	l.at[confirmed] = l.at[created] + 60 + min(s.n(2*day), s.n(2*day), s.n(2*day))
	l.at[sent] = l.at[confirmed] + 3600 + min(s.n(4*day), s.n(4*day))
	l.at[done] = l.at[sent] + day/2 + min(s.n(8*day), s.n(8*day))
	if slices.Contains(lasting, t.last()) {
		l.at[done] += s.n(900 * day)
	}
	l.at[undone] = l.at[done] + day + s.n(20*day)
	last := l.end
	if last == cancelled {
		last, l.stopped = confirmed, l.at[confirmed]
		if slices.Contains(lasting, t.last()) { // it went on for a while first
			l.stopped += s.n(600 * day)
		}
		if l.stopped > t.p.now && l.at[confirmed] <= t.p.now {
			l.end = done // not cancelled yet
		}
	}
	for st := confirmed; st <= last; st++ {
		if l.at[st] <= t.p.now {
			l.reached = st
		}
	}
	return l
}

// settlement is the life of a row that settles another, as a payment does an
// order: quick, and it ends as the other does.
func (t *table) settlement(s *stream, born int64, of life) life {
	l := life{end: of.end, reached: of.reached}
	l.at[created] = born
	l.at[confirmed] = min(t.p.now, born+s.n(3600))
	l.at[sent], l.stopped = l.at[confirmed], l.at[confirmed]
	l.at[done] = min(t.p.now, l.at[sent]+s.n(day))
	l.at[undone] = min(t.p.now, max(l.at[done], of.at[undone])+s.n(2*day))
	if l.end != cancelled && (l.reached == confirmed || l.reached == sent) {
		l.reached = done
	}
	return l
}

// settles is the reference to what a row of t settles, or nil.
func (t *table) settles() *link {
	for _, l := range t.links {
		if l.follows {
			return l
		}
	}
	return nil
}

// moment is when row i reached a stage; false where it did not.
func (t *table) moment(i int64, st stage) (int64, bool) {
	l := t.life(i)
	switch st {
	case created:
		return l.at[created], true
	case updated:
		s := t.latent(t.latents.updated, i)
		at := l.at[l.reached]
		return at + min(s.n(20*day), s.n(20*day), s.n(20*day), s.n(max(1, t.p.now-at))), true
	case due:
		return l.at[created] + t.term(t.latent(t.latents.due, i))*day, true
	case cancelled:
		return min(t.p.now, l.stopped), l.end == cancelled && l.reached >= confirmed
	}
	return min(t.p.now, l.at[st]), l.reached >= st
}

// lasting things end after months or years, not days.
var lasting = []string{"loan", "mortgage", "subscription", "membership", "contract", "lease", "policy", "account", "enrollment", "employment"}

// term is after how many days something falls due: a bill soon, a card late.
func (t *table) term(s *stream) int64 {
	switch {
	case slices.Contains([]string{"card", "passport", "licence", "license", "certificate", "policy", "contract"}, t.last()):
		return (2 + s.n(4)) * 365
	case slices.Contains([]string{"invoice", "bill", "order", "installment", "instalment"}, t.last()):
		return choose(s, []int64{7, 14, 14, 30, 30, 30, 60})
	case slices.Contains([]string{"key", "token", "subscription", "membership"}, t.last()):
		return choose(s, []int64{30, 90, 180, 365, 365, 730})
	}
	return (s.n(12) + 1) * 30
}

// timeMaker fills a column with moments, in the form that its type and name ask for.
func (t *table) timeMaker(c *column) func(int64) any {
	st := stageFor(t, c)
	format := timeFormat(c)
	nullable := !c.mustHave()
	return func(i int64) any {
		at, ok := t.moment(i, st)
		if !ok && nullable {
			return nil
		}
		return format(at)
	}
}

// status returns the value of list that fits how far row i has come; false
// where the list does not speak of such things.
func (t *table) status(list []any) func(i int64) any {
	var at [updated][]any
	known := 0
	for _, v := range list {
		word, _ := v.(string)
		word = strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(word))
		if st, ok := stageOf(word); ok && st < updated {
			at[st] = append(at[st], v)
			known++
		}
	}
	if known*2 < len(list) || known < 2 {
		return nil
	}
	return func(i int64) any {
		l := t.life(i)
		st := l.reached
		if l.end == cancelled && l.reached >= confirmed {
			st = cancelled
		}
		for ; ; st-- {
			if len(at[st]) > 0 {
				return choose(t.latent(t.latents.status, i), at[st])
			}
			if st == created {
				break
			}
			if st == cancelled {
				st = confirmed + 1
			}
		}
		for _, vs := range at {
			if len(vs) > 0 {
				return vs[0]
			}
		}
		return list[0]
	}
}
