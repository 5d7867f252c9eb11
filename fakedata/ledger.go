package fakedata

import (
	"slices"
	"strings"
)

// A ledger is a table whose rows are the movements of an account: amounts that
// add up to a balance. The rows of one account follow each other in time; the
// balance never goes below nothing.
type ledger struct {
	t             *table
	amount, after *column // after: the balance that a movement leaves behind, or nil
	kind          *column // says in words which way the money goes, or nil
	credit, debit []any   // values of kind
	unsigned      bool    // amounts are positive both ways
	scale         int

	owner   int64 // whose entries are in memory
	known   bool
	entries []entry
}

// entry is one movement, in units of the ledger's scale.
type entry struct {
	kind          any
	amount, after int64
}

// ledgerOf finds out whether t is one.
func (t *table) ledgerOf() *ledger {
	if t.owner == nil || t.owner.nullable || t.owner.follows {
		return nil
	}
	l := &ledger{t: t, amount: t.money("amount"), after: t.money("balance")}
	if l.amount == nil || l.after == nil && t.owner.parent.money("balance") == nil || l.amount.unique {
		return nil
	}
	for _, c := range t.cols {
		if l.kind != nil || c.dom.enum == nil || c.link != nil || !c.hasWord("type", "kind", "direction", "category", "method") {
			continue
		}
		l.credit, l.debit = nil, nil
		for _, v := range c.dom.enum {
			word, _ := v.(string)
			if incoming(word) {
				l.credit = append(l.credit, v)
			} else {
				l.debit = append(l.debit, v)
			}
		}
		if len(l.credit) > 0 && len(l.debit) > 0 {
			l.kind = c
		}
	}
	l.unsigned = l.amount.dom.lo != nil && *l.amount.dom.lo >= 0
	if l.amount.class != classInt {
		if _, l.scale = typeSize(l.amount.Type); l.scale == 0 {
			l.scale = 2
		}
	}
	return l
}

func incoming(word string) bool {
	return slices.ContainsFunc([]string{"deposit", "credit", "salary", "interest", "refund", "transfer_in", "incoming", "top", "receipt"},
		func(w string) bool { return strings.Contains(strings.ToLower(word), w) }) || strings.EqualFold(word, "in")
}

// of returns the entries of one account.
func (l *ledger) of(owner int64) []entry {
	if l.known && l.owner == owner {
		return l.entries
	}
	lo, hi := l.t.owner.fan.children(owner)
	l.entries = l.entries[:0]
	balance := int64(0)
	for i := lo; i < hi; i++ {
		s := l.amount.key.at(i)
		e := entry{amount: priceLike(&s, 500+s.skew(120_000))}
		in := i == lo || s.chance(35)
		if !in && balance < 2_000 {
			in = true
		}
		if l.kind != nil {
			list := l.debit
			if in {
				list = l.credit
			}
			e.kind = list[min(s.n(int64(len(list))), s.n(int64(len(list))))]
		}
		word, _ := e.kind.(string)
		word = strings.ToLower(word)
		switch {
		case in && strings.Contains(word, "salary"):
			e.amount = 180_000 + (s.n(300_000)+s.n(300_000))/200*100
		case strings.Contains(word, "interest") && in:
			e.amount = 10 + s.n(2_500)
		case strings.Contains(word, "fee"):
			e.amount = -min(priceLike(&s, 100+s.n(1_400)), balance)
		case i == lo:
			e.amount = 20_000 + s.n(380_000)/100*100
		case in:
			e.amount = 10_000 + s.skew(400_000)
		default:
			e.amount = -min(e.amount, balance)
		}
		balance += e.amount
		if e.after = balance; l.unsigned && e.amount < 0 {
			e.amount = -e.amount
		}
		l.entries = append(l.entries, e)
	}
	l.known, l.owner = true, owner
	return l.entries
}

func priceLike(s *stream, x int64) int64 {
	if s.chance(50) {
		return x - x%100 + 99
	}
	return x
}

func (l *ledger) entry(i int64) entry {
	owner := l.t.owner.fan.parent(i)
	lo, _ := l.t.owner.fan.children(owner)
	return l.of(owner)[i-lo]
}

// balance is what the movements of one account come to.
func (l *ledger) balance(owner int64) int64 {
	if es := l.of(owner); len(es) > 0 {
		return es[len(es)-1].after
	}
	return 0
}

// ledgerBelow is the ledger whose movements make t's balances, or nil.
func (t *table) ledgerBelow() *ledger {
	for _, u := range t.p.tables {
		if u.ledger != nil && u.owner.parent == t {
			return u.ledger
		}
	}
	return nil
}
