package fakedata

import (
	"slices"
	"strings"
	"unicode"
)

// class is what values a column holds, told from its declared type.
type class byte

const (
	classText class = iota
	classInt
	classReal // NUMERIC, DECIMAL and the floating types
	classBlob
	classBool
	classDate // date only
	classTime // date and time
)

func classOf(typ string) class {
	u := strings.ToUpper(typ)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(u, p) })
	}
	switch {
	case has("BOOL"):
		return classBool
	case has("DATETIME", "TIMESTAMP"):
		return classTime
	case u == "DATE":
		return classDate
	case has("INT", "SERIAL") || u == "YEAR":
		return classInt
	case has("CHAR", "CLOB", "TEXT", "STRING", "UUID", "JSON", "ENUM", "TIME"):
		return classText
	case has("BLOB", "BINARY", "BYTEA"):
		return classBlob
	case has("REAL", "FLOA", "DOUBLE", "DEC", "NUM", "MONEY"):
		return classReal
	}
	return classText
}

// typeSize reads the numbers of VARCHAR(45) or DECIMAL(5,2); 0 where none.
func typeSize(typ string) (size, scale int) {
	open := strings.IndexByte(typ, '(')
	if open < 0 {
		return 0, 0
	}
	into := &size
	for _, r := range typ[open+1:] {
		switch {
		case r >= '0' && r <= '9' && *into < 1<<20:
			*into = *into*10 + int(r-'0')
		case r == ',':
			into = &scale
		case r == ')':
			return size, scale
		}
	}
	return size, scale
}

// words splits a name in snake, camel, Pascal or kebab case into lower-case
// words, and spells common abbreviations out. There is at least one.
func words(name string) []string {
	var out []string
	var cur []rune
	flush := func() {
		if len(cur) > 0 {
			out = append(out, strings.ToLower(string(cur)))
			cur = cur[:0]
		}
	}
	rs := []rune(name)
	for i, r := range rs {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if i > 0 {
			prev := rs[i-1]
			hump := unicode.IsUpper(r) && (unicode.IsLower(prev) || unicode.IsUpper(prev) && i+1 < len(rs) && unicode.IsLower(rs[i+1]))
			if hump || unicode.IsDigit(r) != unicode.IsDigit(prev) && unicode.IsLetter(prev) != unicode.IsLetter(r) {
				flush()
			}
		}
		cur = append(cur, r)
	}
	flush()
	if len(out) == 0 {
		out = []string{name} // nothing but signs: still one word
	}
	for i, w := range out {
		if long, ok := abbreviation(w); ok {
			out[i] = long
		}
	}
	return out
}

func abbreviation(w string) (string, bool) {
	long, ok := map[string]string{
		"addr": "address", "qty": "quantity", "amt": "amount", "desc": "description", "descr": "description",
		"num": "number", "nr": "number", "no": "number", "tel": "phone", "telephone": "phone", "mobile": "phone",
		"cell": "phone", "cust": "customer", "emp": "employee", "dept": "department", "prod": "product",
		"cat": "category", "org": "organization", "organisation": "organization", "acct": "account",
		"pct": "percent", "percentage": "percent", "lang": "language", "img": "image", "pic": "picture",
		"pwd": "password", "passwd": "password", "lat": "latitude", "lng": "longitude", "lon": "longitude",
		"long": "longitude", "zip": "postcode", "zipcode": "postcode", "postal": "postcode", "plz": "postcode",
		"colour": "color", "ts": "timestamp", "dt": "date", "msg": "message", "usr": "user", "yr": "year",
		"fname": "firstname", "lname": "lastname", "surname": "lastname", "forename": "firstname", "ctry": "country",
		"manuf": "manufacturer", "mfr": "manufacturer", "seq": "sequence", "temp": "temperature", "wt": "weight",
	}[w]
	return long, ok
}

// singular turns a table's words into the singular of its last one.
func singular(ws []string) []string {
	if len(ws) == 0 {
		return ws
	}
	out := slices.Clone(ws)
	last := &out[len(out)-1]
	irregular := map[string]string{
		"people": "person", "children": "child", "men": "man", "women": "woman", "staff": "staff", "status": "status",
		"address": "address", "addresses": "address", "statuses": "status", "boxes": "box", "movies": "movie",
		"news": "news", "series": "series", "media": "media", "data": "data", "analyses": "analysis", "bus": "bus",
	}
	switch s := *last; {
	case irregular[s] != "":
		*last = irregular[s]
	case strings.HasSuffix(s, "ies") && len(s) > 4:
		*last = s[:len(s)-3] + "y"
	case strings.HasSuffix(s, "sses") || strings.HasSuffix(s, "ches") || strings.HasSuffix(s, "shes") || strings.HasSuffix(s, "xes"):
		*last = s[:len(s)-2]
	case strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss") && !strings.HasSuffix(s, "us") && len(s) > 3:
		*last = s[:len(s)-1]
	}
	return out
}

func (t *table) last() string {
	if len(t.words) == 0 {
		return ""
	}
	return t.words[len(t.words)-1]
}
