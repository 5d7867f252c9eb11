package mask

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})(.*)$`)
	yearLast  = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{4})(.*)$`)
	compact   = regexp.MustCompile(`^(\d{4})()(\d{2})()(\d{2})()$`)
	clockForm = regexp.MustCompile(`^([T ]+)(\d{2}):(\d{2})(?::(\d{2})(?:([.,])(\d{1,9}))?)?((?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}|[AaPp][Mm]))?)$`)
)

// moment is a date, perhaps with a time of day, and how it was written.
type moment struct {
	t       time.Time
	clock   bool // has a time of day
	zero    bool // all of it
	half    bool // of a clock with AM and PM
	seconds bool
	order   string    // of year, month and day
	widths  [3]int    // of what is written, in that order
	seps    [3]string // between them, and before the time
	point   string    // before the parts of a second
	places  int       // of them
	tail    string
	text    string // as it was; what stands for "never" stays so
}

// readMoment reads dates of digits: year first, or last with the month first
// where the separator is a slash and it can be one, else the day.
func readMoment(s string) (moment, bool) {
	if len(s) < 8 || len(s) > 40 {
		return moment{}, false
	}
	d := moment{order: "ymd", text: s}
	f := yearFirst.FindStringSubmatch(s)
	if f == nil {
		f = compact.FindStringSubmatch(s)
	}
	if f == nil {
		if f = yearLast.FindStringSubmatch(s); f == nil {
			return d, false
		}
		d.order = "dmy"
		if month, _ := strconv.Atoi(f[1]); f[2] == "/" && month <= 12 {
			d.order = "mdy"
		}
	}
	part := map[byte]int{}
	for i := range 3 {
		n, _ := strconv.Atoi(f[1+2*i])
		part[d.order[i]], d.widths[i] = n, len(f[1+2*i])
	}
	d.seps[0], d.seps[1] = f[2], f[4]
	var clock [3]int
	nanos := 0
	if rest := f[6]; rest != "" {
		c := clockForm.FindStringSubmatch(rest)
		if c == nil {
			return d, false
		}
		for i := range 3 {
			clock[i], _ = strconv.Atoi(c[2+i])
		}
		d.clock, d.seconds, d.seps[2], d.point, d.places, d.tail = true, c[4] != "", c[1], c[5], len(c[6]), c[7]
		nanos, _ = strconv.Atoi((c[6] + "000000000")[:9])
		d.half = strings.HasSuffix(strings.ToLower(d.tail), "m")
	}
	y, m, day := part['y'], part['m'], part['d']
	d.t = time.Date(y, time.Month(m), day, clock[0], clock[1], clock[2], nanos, time.UTC)
	d.zero = y == 0 && m == 0 && day == 0 && clock == [3]int{}
	return d, d.zero || d.t.Day() == day && int(d.t.Month()) == m && clock[0] < 24 && clock[1] < 60 && clock[2] < 60
}

// shift is by how much the moments of one owner move: days, never 0, and within
// the day, where no bare day can be compared with them.
func (m *masker) shift(t *table, owner string) (days int64, clock time.Duration) {
	s := m.key.stream("date", owner)
	if days = int64(s.n(uint64(2*m.plan.days))) - m.plan.days; days >= 0 {
		days++
	}
	if t.clocks {
		clock = time.Duration(s.n(uint64(24 * time.Hour)))
	}
	return days, clock
}

// never says that a moment stands for "never".
func (d moment) never() bool {
	midnight := d.t.Hour() == 0 && d.t.Minute() == 0 && d.t.Second() == 0
	last := d.t.Hour() == 23 && d.t.Minute() == 59
	return d.zero || d.t.Year() == 9999 && d.t.YearDay() == 365 && (midnight || last)
}

// moved moves a moment. "Never", as the first and the last of all days say it,
// stays.
func (m *masker) moved(t *table, d moment, owner string) moment {
	if d.never() {
		return d
	}
	days, clock := m.shift(t, owner)
	if !d.clock || d.half {
		clock = 0
	}
	switch by := max(days, -days); { // years have four digits
	case d.t.Year() >= 9989:
		days, clock = -by, 0
	case d.t.Year() <= 10:
		days, clock = by, 0
	}
	d.t, d.text = d.t.AddDate(0, 0, int(days)).Add(clock), ""
	return d
}

// String writes the moment as it was written.
func (d moment) String() string {
	if d.text != "" {
		return d.text
	}
	var b strings.Builder
	for i := range 3 {
		n := map[byte]int{'y': d.t.Year(), 'm': int(d.t.Month()), 'd': d.t.Day()}[d.order[i]]
		fmt.Fprintf(&b, "%0*d", d.widths[i], n)
		if i < 2 {
			b.WriteString(d.seps[i])
		}
	}
	if d.clock {
		fmt.Fprintf(&b, "%s%02d:%02d", d.seps[2], d.t.Hour(), d.t.Minute())
		if d.seconds {
			fmt.Fprintf(&b, ":%02d%s", d.t.Second(), d.point)
			b.WriteString(fmt.Sprintf("%09d", d.t.Nanosecond())[:d.places])
		}
	}
	return b.String() + d.tail
}

// movedEpoch moves seconds, milliseconds, microseconds or nanoseconds since
// 1970, days of eight digits, and years.
func (m *masker) movedEpoch(t *table, v int64, owner string) (int64, bool) {
	days, clock := m.shift(t, owner)
	by := time.Duration(days)*24*time.Hour + clock
	switch {
	case v >= 1800 && v <= 2200: // a year: by one, or not
		return v + days%2, true
	case v >= 18000000 && v <= 22009999:
		d, ok := readMoment(strconv.FormatInt(v, 10))
		if !ok {
			return 0, false
		}
		n, err := strconv.ParseInt(m.moved(t, d, owner).String(), 10, 64)
		return n, err == nil
	case v >= 1e8 && v < 1e11:
		return time.Unix(v, 0).Add(by).Unix(), true
	case v >= 1e11 && v < 1e14:
		return time.UnixMilli(v).Add(by).UnixMilli(), true
	case v >= 1e14 && v < 1e17:
		return time.UnixMicro(v).Add(by).UnixMicro(), true
	case v >= 1e17 && v < 8e18:
		return v + int64(by), true
	}
	return 0, false
}
