package fakedata

import (
	"strings"
	"time"
)

// dateText is what time.Format makes of time.DateOnly or time.DateTime, sooner.
func dateText(unix int64, withTime bool) string {
	days := (unix - ((unix%day)+day)%day) / day
	z := days + 719_468 // since 1 March of the year 0; after Howard Hinnant's days_from_civil
	era := (z - ((z%146_097)+146_097)%146_097) / 146_097
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d, m, y := doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	if y < 0 || y > 9999 {
		layout := time.DateOnly
		if withTime {
			layout = time.DateTime
		}
		return time.Unix(unix, 0).UTC().Format(layout)
	}
	s := unix - days*day
	var b [19]byte
	two := func(at int, n int64) { b[at], b[at+1] = byte('0'+n/10), byte('0'+n%10) }
	two(0, y/100)
	two(2, y%100)
	two(5, m)
	two(8, d)
	b[4], b[7] = '-', '-'
	if !withTime {
		return string(b[:10])
	}
	two(11, s/3600)
	two(14, s/60%60)
	two(17, s%60)
	b[10], b[13], b[16] = ' ', ':', ':'
	return string(b[:])
}

// timeFormat writes moments as the type and the name of a column ask for.
func timeFormat(c *column) func(unix int64) any {
	text := func(layout string) func(int64) any {
		if layout != time.TimeOnly {
			return func(unix int64) any { return dateText(unix, layout == time.DateTime) }
		}
		return func(unix int64) any { return time.Unix(unix, 0).UTC().Format(layout) }
	}
	last := ""
	if len(c.words) > 0 {
		last = c.words[len(c.words)-1]
	}
	upper := strings.ToUpper(c.Type)
	switch {
	case c.class == classInt || c.class == classReal:
		if last == "ms" || last == "millis" {
			return func(unix int64) any { return unix * 1000 }
		}
		return func(unix int64) any { return unix }
	case c.class == classDate:
		return text(time.DateOnly)
	case c.class == classTime:
		return text(time.DateTime)
	case upper == "TIME" || last == "time" && len(c.words) == 1:
		return text(time.TimeOnly)
	case last == "date" || last == "on" || c.words[0] == "date":
		return text(time.DateOnly)
	}
	return text(time.DateTime)
}
