package fakedata

// domain is what CHECK constraints say about the values of one column.
type domain struct {
	enum           []any    // the only values allowed; nil: no such list
	patterns       []string // LIKE patterns of which one must match; nil: none
	glob           bool     // patterns are GLOB patterns
	lo, hi         *float64 // bounds of a number
	loOpen, hiOpen bool     // the bound itself is outside
	minLen, maxLen int      // characters; maxLen 0: no bound
	notNull        bool     // IS NOT NULL
	casing         string   // "LOWER" or "UPPER": text is in such letters; "": in any
}

// compare narrows d by one comparison with a literal.
func (d *domain) compare(op string, lit []token, length bool) bool {
	v, ok := literal(lit)
	if !ok {
		return false
	}
	f, isNumber := toFloat(v)
	switch {
	case length:
		return isNumber && d.compareLength(op, int(f))
	case op == "=" || op == "==":
		d.enum = []any{v}
		return true
	case !isNumber:
		return false
	}
	switch op {
	case "<", "<=":
		d.hi, d.hiOpen = &f, op == "<"
	case ">", ">=":
		d.lo, d.loOpen = &f, op == ">"
	default:
		return false
	}
	return true
}

func (d *domain) compareLength(op string, n int) bool {
	switch op {
	case "=", "==":
		d.minLen, d.maxLen = n, n
	case "<":
		d.maxLen = n - 1
	case "<=":
		d.maxLen = n
	case ">":
		d.minLen = n + 1
	case ">=":
		d.minLen = n
	default:
		return false
	}
	return true
}

// narrow adds what o says to d.
func (d *domain) narrow(o domain) {
	if o.enum != nil {
		d.enum = o.enum
	}
	if o.patterns != nil {
		d.patterns, d.glob = o.patterns, o.glob
	}
	if o.lo != nil && (d.lo == nil || *o.lo > *d.lo || *o.lo == *d.lo && o.loOpen) {
		d.lo, d.loOpen = o.lo, o.loOpen
	}
	if o.hi != nil && (d.hi == nil || *o.hi < *d.hi || *o.hi == *d.hi && o.hiOpen) {
		d.hi, d.hiOpen = o.hi, o.hiOpen
	}
	d.minLen = max(d.minLen, o.minLen)
	if o.maxLen > 0 && (d.maxLen == 0 || o.maxLen < d.maxLen) {
		d.maxLen = o.maxLen
	}
	d.notNull = d.notNull || o.notNull
	if o.casing != "" {
		d.casing = o.casing
	}
}
