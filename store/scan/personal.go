package scan

import (
	"slices"
	"strings"
)

// personal finds what its form and its check digits give away.
func personal(text string) []Finding {
	var found []Finding
	add := func(rule string, start, end int) {
		if rule != "" {
			found = append(found, Finding{start, end, Personal, rule})
		}
	}
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			break
		}
		at += i
		if start, end, ok := email(text, at); ok {
			add("email", start, end)
			at = end
			continue
		}
		at++
	}
	var n number
	var pesels pesels
	for i := 0; i < len(text); i++ {
		c := text[i]
		if i > 0 && (alnum(text[i-1]) || text[i-1] == '_') {
			continue
		}
		switch {
		case digit(c) || c == '+' || c == '(':
			n.read(text, i)
			if len(n.digits) == 11 && len(n.groups) == 1 && !n.plus {
				pesels.read(n.digits, i)
			}
			if rule, length := n.rule(fraction(text, i)); rule != "" {
				add(rule, i, i+length)
				i += length
				continue
			}
			if rule, end := address(text, i); rule != "" {
				add(rule, i, end)
				i = end
			} else if end := couple(text, i); end > 0 {
				add("coordinates", i, end)
				i = end
			}
		case c == '-' && (i == 0 || text[i-1] != '-'):
			if end := couple(text, i); end > 0 {
				add("coordinates", i, end)
				i = end
			}
		case upper(c):
			if rule, end := lettered(text, i); rule != "" {
				add(rule, i, end)
				i = end
			}
		case 'a' <= c && c <= 'z':
			if end := iban(text, i); end > 0 {
				add("iban", i, end)
				i = end
				continue
			}
			if c > 'f' {
				continue
			}
			if rule, end := address(text, i); rule != "" {
				add(rule, i, end)
				i = end
			}
		}
	}
	return append(found, pesels.found...)
}

// fraction says of digits at text[i] whether they follow a point, or a minus
// with nothing before it.
func fraction(text string, i int) bool {
	return i > 0 && (text[i-1] == '.' || text[i-1] == '-' && (i == 1 || !alnum(text[i-2])))
}

// email reads the address around the @ at text[at].
func email(text string, at int) (start, end int, ok bool) {
	start, end = at, at+1
	for start > 0 && at-start < 64 && (alnum(text[start-1]) || strings.IndexByte(".!#$%&'*+/=?^_`{|}~-", text[start-1]) >= 0) {
		start--
	}
	for start < at && !alnum(text[start]) {
		start++
	}
	for end < len(text) && end-at < 254 && (alnum(text[end]) || text[end] == '-' || text[end] == '.') {
		end++
	}
	for end > at && !alnum(text[end-1]) {
		end--
	}
	if start == at || end <= at+1 {
		return 0, 0, false
	}
	domain := strings.ToLower(text[at+1 : end])
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || len(domain)-dot < 3 || strings.ContainsAny(domain[dot:], "0123456789") || strings.Contains(domain, "..") {
		return 0, 0, false
	}
	local := text[start:at]
	return start, end, !reserved(domain) && local != "git" && local != "noreply" && local != "no-reply"
}

// reserved says whether a domain is nobody's (RFC 2606, RFC 6761).
func reserved(domain string) bool {
	labels := strings.Split(domain, ".")
	switch labels[len(labels)-1] {
	case "example", "test", "invalid", "localhost", "local", "internal":
		return true
	}
	return len(labels) >= 2 && labels[len(labels)-2] == "example"
}

// A number is digits as people write them, with single separators between.
type number struct {
	text   string
	digits []byte
	groups []int  // lengths
	seps   []byte // between the groups
	plus   bool
	listed bool // more groups like these are beside it

	digitsIn [200]byte // no allocation: numbers are everywhere
	groupsIn [8]int
	sepsIn   [9]byte
}

func (n *number) read(text string, i int) {
	start, last := i, i
	n.text, n.plus, n.listed = "", false, i > 4 && text[i-1] == ' ' && hexadecimal(text[i-5:i-1])
	n.digits, n.groups, n.seps = n.digitsIn[:0], n.groupsIn[:0], n.sepsIn[:0]
	if text[i] == '+' {
		n.plus = true
		i++
	}
	for len(n.groups) < 8 {
		open := i < len(text) && text[i] == '('
		if open {
			i++
		}
		from := i
		for i < len(text) && digit(text[i]) && i-from < 24 {
			n.digits = append(n.digits, text[i])
			i++
		}
		if i == from {
			break
		}
		n.groups, last = append(n.groups, i-from), i
		if open && i < len(text) && text[i] == ')' {
			i++
			last = i
			if i < len(text) && text[i] == ' ' {
				i++
			}
			n.seps = append(n.seps, ')')
			continue
		}
		if i < len(text) && strings.IndexByte(" -./", text[i]) >= 0 && i+1 < len(text) && (digit(text[i+1]) || text[i+1] == '(') {
			n.seps = append(n.seps, text[i])
			i++
			continue
		}
		break
	}
	n.text = text[start:last]
	n.listed = len(n.groups) > 1 && (n.listed || last+5 <= len(text) && text[last] == ' ' && hexadecimal(text[last+1:last+5]))
	if last < len(text) && (alnum(text[last]) || text[last] == '_') {
		// A Spanish identity card ends in a letter; nothing else may.
		if len(n.groups) == 1 && n.groups[0] == 8 && upper(text[last]) && (last+1 == len(text) || !alnum(text[last+1])) {
			n.seps = append(n.seps[:0], text[last])
			return
		}
		n.digits = n.digits[:0]
	}
}

// hexadecimal says of a group of four whether it is of a table of such numbers.
func hexadecimal(s string) bool {
	digits := 0
	for i := range len(s) {
		if digit(s[i]) {
			digits++
		} else if c := s[i] | 0x20; c < 'a' || c > 'f' {
			return false
		}
	}
	return digits > 0
}

// rule names what a number is, and how many bytes of it; that it is what comes
// after the point of another, or less than nothing, makes it no card's.
func (n *number) rule(fraction bool) (string, int) {
	d := n.digits
	same := func(sep string) bool {
		return !slices.ContainsFunc(n.seps, func(c byte) bool { return strings.IndexByte(sep, c) < 0 })
	}
	shape := func(groups ...int) bool { return slices.Equal(n.groups, groups) }
	switch {
	case len(d) < 8:
		return "", 0
	case len(n.seps) == 1 && len(n.groups) == 1: // eight digits and a letter
		v := 0
		for _, c := range d {
			v = v*10 + int(c-'0')
		}
		if "TRWAGMYFPDXBNJZSQVHLCKE"[v%23] == n.seps[0] {
			return "spanish-dni", len(n.text) + 1
		}
		return "", 0
	case shape(3, 2, 4) && same("-") && !n.plus:
		if area := string(d[:3]); area != "000" && area != "666" && area < "900" && string(d[3:5]) != "00" && string(d[5:]) != "0000" {
			return "us-ssn", len(n.text)
		}
		return "", 0
	case shape(3, 3, 3, 2) && n.seps[0] == '.' && n.seps[1] == '.' && n.seps[2] == '-' && cpf(d):
		return "brazilian-cpf", len(n.text)
	case len(d) == 13 && string(d[:3]) == "756" && (shape(3, 4, 4, 2) && same(".") || len(n.groups) == 1) && ean(d):
		return "swiss-ahv", len(n.text)
	case len(d) == 15 && (d[0] == '1' || d[0] == '2') && same(" ") && nir(d):
		return "french-nir", len(n.text)
	case len(d) >= 13 && len(d) <= 19 && !n.plus && (same(" -") || shape(4, 4, 4, 4) && same(".")) && !fraction && !n.listed && card(n):
		return "payment-card", len(n.text)
	}
	if rule := byForm(d, n.groups, string(n.seps)); rule != "" && !n.plus {
		return rule, len(n.text)
	}
	return n.phone()
}

func (n *number) phone() (string, int) {
	d := n.digits
	separated := len(n.groups) >= 2 && !slices.Contains(n.seps, '/')
	american := !n.plus && len(d) == 10 && slices.Equal(n.groups, []int{3, 3, 4}) && d[0] >= '2' && d[3] >= '2' && n.seps[0] != ' ' &&
		(n.seps[0] == n.seps[1] || n.seps[0] == ')' && n.seps[1] == '-')
	international := n.plus && len(d) >= 9 && len(d) <= 15 && d[0] != '0' && (separated || len(n.groups) == 1)
	if !american && !international {
		return "", 0
	}
	if fictional(n.text) {
		return "", 0
	}
	return "phone", len(n.text)
}

// card knows the networks' prefixes and Luhn's digit.
func card(n *number) bool {
	d := n.digits
	two := int(d[0]-'0')*10 + int(d[1]-'0')
	four := two*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	ok := false
	switch len(d) {
	case 13:
		ok = d[0] == '4'
	case 14:
		ok = two == 36 || two == 38 || four >= 3000 && four <= 3059
	case 15:
		ok = two == 34 || two == 37
	case 16:
		ok = maestro(d) || d[0] == '4' || two >= 51 && two <= 55 || four >= 2221 && four <= 2720 || two == 35 || two == 65 || four == 6011 || four >= 6440 && four <= 6499 || two == 62
	case 19:
		ok = d[0] == '4' || two == 62
	}
	if !ok || len(n.groups) > 1 && n.groups[0] != 4 {
		return false
	}
	sum := 0
	for i, c := range d {
		v := int(c - '0')
		if (len(d)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0 && !testCards()[string(d)]
}

func cpf(d []byte) bool {
	for _, n := range []int{9, 10} {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		if sum*10%11%10 != int(d[n]-'0') {
			return false
		}
	}
	return d[0] != d[1] || d[1] != d[2] || d[2] != d[3]
}

func ean(d []byte) bool {
	sum := 0
	for i, c := range d {
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}

func nir(d []byte) bool {
	v := 0
	for _, c := range d[:13] {
		v = v*10 + int(c-'0')
	}
	month := (d[3]-'0')*10 + d[4] - '0'
	return month >= 1 && month <= 12 && 97-v%97 == int(d[13]-'0')*10+int(d[14]-'0')
}

// lettered reads what begins with capital letters: an IBAN, a British national
// insurance number, an Italian tax code.
func lettered(text string, i int) (string, int) {
	if i+9 <= len(text) && form(text[i:i+9], "A0000000A") && (i+9 == len(text) || !alnum(text[i+9])) {
		if rule := capital(text[i : i+9]); rule != "" {
			return rule, i + 9
		}
	}
	if i+9 > len(text) || !upper(text[i+1]) {
		return address(text, i)
	}
	switch {
	case digit(text[i+2]) && digit(text[i+3]):
		if end := iban(text, i); end > 0 {
			return "iban", end
		}
		if end := nino(text, i); end > 0 {
			return "uk-nino", end
		}
	case text[i+2] == ' ':
		if end := nino(text, i); end > 0 {
			return "uk-nino", end
		}
	case i+16 <= len(text) && form(text[i:i+16], "AAAAAA00A00A000A") && (i+16 == len(text) || !alnum(text[i+16])):
		return "italian-tax-code", i + 16
	case i+18 <= len(text) && form(text[i:i+16], "AAAA000000AAAAAA") && digit(text[i+17]) && strings.IndexByte("HMX", text[i+10]) >= 0 && (i+18 == len(text) || !alnum(text[i+18])):
		return "mexican-curp", i + 18
	}
	return address(text, i)
}

// form compares with a pattern of A for capitals, 0 for digits.
func form(s, pattern string) bool {
	for i := range len(pattern) {
		if pattern[i] == 'A' && !upper(s[i]) || pattern[i] == '0' && !digit(s[i]) {
			return false
		}
	}
	return true
}

func nino(text string, i int) int {
	var s []byte
	end := i
	for end < len(text) && len(s) < 9 && (text[end] == ' ' || upper(text[end]) || digit(text[end])) {
		if text[end] != ' ' {
			s = append(s, text[end])
		}
		end++
	}
	if len(s) != 9 || end < len(text) && alnum(text[end]) || !form(string(s), "AA000000A") || s[8] > 'D' {
		return 0
	}
	if strings.ContainsAny(string(s[:1]), "DFIQUV") || strings.ContainsAny(string(s[1:2]), "DFIQUVO") {
		return 0
	}
	return end
}

func mod97(s []byte) bool {
	v := 0
	for _, c := range slices.Concat(s[4:], s[:4]) {
		if upper(c) {
			v = (v*100 + int(c-'A') + 10) % 97
		} else {
			v = (v*10 + int(c-'0')) % 97
		}
	}
	return v == 1 && s[0] != 'X' // XX and the like are no country's
}
