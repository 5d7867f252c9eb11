package mask

import (
	"encoding/binary"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var (
	emailForm = regexp.MustCompile(`^[^\s@<>"(),:;]+@([\pL\d-]+(?:\.[\pL\d-]+)+)$`)
	urlForm   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+)(:\d+)?([/?#].*)?$`)
	uuidForm  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	macForm   = regexp.MustCompile(`^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$`)
	ssnForm   = regexp.MustCompile(`^\d{3}-\d{2}-\d{4}$`)
	cardForm  = regexp.MustCompile(`^[3-6]\d{3}[ -]?\d{4,6}[ -]?\d{4,5}([ -]?\d{4})?$`)
	ibanForm  = regexp.MustCompile(`^[A-Za-z]{2}\d{2}( ?[A-Za-z0-9]){11,30}$`)
	phoneForm = regexp.MustCompile(`^[+(]?[0-9][0-9 ()./-]*( ?(x|ext\.?) ?\d+)?$`)
)

// byLook gives a pseudonym to what has a look of its own, whatever column it
// is in: so an e-mail address in a column of contacts is that of the customer.
func (m *masker) byLook(v string) (out string, ok bool, err error) {
	if len(v) > 2000 {
		return "", false, nil
	}
	low := strings.ToLower(v)
	switch {
	case emailForm.MatchString(v):
		out, err = m.email(v)
	case urlForm.MatchString(v):
		out, err = m.url(v)
	case uuidForm.MatchString(low), macForm.MatchString(low), ssnForm.MatchString(v):
		out, err = m.cased("code", v, drawNumbered)
	case cardForm.MatchString(v) && luhn(digits(v)) == 0 && len(digits(v)) >= 13:
		out, err = m.card(v)
	case ibanForm.MatchString(v) && mod97(v) == 1:
		out, err = m.iban(v)
	default:
		if a, bad := netip.ParseAddr(v); bad == nil && a.Zone() == "" {
			out, err = m.ip(v, a)
			break
		}
		return "", false, nil
	}
	return out, true, err
}

// email keeps the form of the local part; the domain is one below .test.
func (m *masker) email(v string) (string, error) {
	at := strings.LastIndexByte(v, '@')
	host, err := m.host(v[at+1:])
	if err != nil {
		return "", err
	}
	local := []rune(v[:at])
	out, err := m.cased("email", v, func(s *stream, low []rune, grow int) string {
		return drawWordy(s, low[:len(local)], grow) + "@" + host
	})
	return out, err
}

// drawWordy draws words for the words in low and keeps what is between them.
func drawWordy(s *stream, low []rune, grow int) string {
	var b strings.Builder
	start := -1
	for i := 0; i <= len(low); i++ {
		in := i < len(low) && hidden(low[i])
		switch {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			b.WriteString(drawWord(s, low[start:i], grow))
			start, grow = -1, 0
		}
		if i < len(low) && !in {
			b.WriteRune(low[i])
		}
	}
	return b.String()
}

// host is a name that can never be one on the Internet (RFC 2606), the same
// for the same host.
func (m *masker) host(v string) (string, error) {
	if a, err := netip.ParseAddr(v); err == nil {
		return m.ip(v, a)
	}
	name := strings.ToLower(v)
	if k := strings.LastIndexByte(name, '.'); k > 0 {
		name = name[:k]
	}
	return m.pick("host", strings.ToLower(v), func(s *stream, grow int) string {
		return drawWordy(s, []rune(name), grow) + ".test"
	})
}

func (m *masker) url(v string) (string, error) {
	parts := urlForm.FindStringSubmatch(v)
	host, err := m.host(parts[2])
	if err != nil {
		return "", err
	}
	scheme := parts[1]
	if low := strings.ToLower(scheme); low != "http" && low != "https" {
		scheme = "https"
	}
	rest := []rune(parts[4])
	return m.pick("url", v, func(s *stream, grow int) string {
		return scheme + "://" + host + drawShape(s, []rune(strings.ToLower(string(rest))), grow)
	})
}

// drawNumbered draws numbers that have marks of their own: the version of a
// UUID stays, a MAC address is a local one, a US social security number is of
// a range that is never given out.
func drawNumbered(s *stream, low []rune, grow int) string {
	out := []rune(drawShape(s, low, grow))
	switch text := string(low); {
	case uuidForm.MatchString(text):
		for i := range 36 {
			if out[i] != '-' {
				out[i] = rune("0123456789abcdef"[s.n(16)])
			}
		}
		out[14], out[19] = low[14], rune("89ab"[s.n(4)])
	case macForm.MatchString(text):
		for i := range 17 {
			if i%3 != 2 {
				out[i] = rune("0123456789abcdef"[s.n(16)])
			}
		}
		out[1] = '2'
	default:
		copy(out, []rune([]string{"000", "666"}[grow%2]))
	}
	return string(out)
}

func digits(v string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
}

// into puts new digits where v has some (with letters: new ones of either for
// either), and any that are left at the end.
func into(v, fresh string, letters bool) string {
	var b strings.Builder
	k := 0
	for _, r := range v {
		switch old := r >= '0' && r <= '9' || letters && hidden(r); {
		case old && k < len(fresh):
			b.WriteByte(fresh[k])
			k++
		case !old:
			b.WriteRune(r)
		}
	}
	return b.String() + fresh[k:]
}

func drawDigits(s *stream, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + s.n(10))
	}
	return string(b)
}

// card draws a number of the ranges that payment providers keep for tests; its
// check digit is right.
func (m *masker) card(v string) (string, error) {
	old := digits(v)
	prefix := map[byte]string{'3': "378282", '4': "424242", '5': "555555", '6': "601111"}[old[0]]
	fresh, err := m.pick("card", old, func(s *stream, _ int) string {
		n := prefix + drawDigits(s, len(old)-len(prefix)-1)
		return n + strconv.Itoa((10-luhn(n+"0"))%10)
	})
	return into(v, fresh, false), err
}

// luhn is 0 if the last digit is the right check digit.
func luhn(n string) int {
	sum := 0
	for i := range len(n) {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum % 10
}

// iban draws an account in a country that there is not (XX); its check digits
// are right.
func (m *masker) iban(v string) (string, error) {
	old := strings.ToLower(strings.ReplaceAll(v, " ", ""))
	fresh, err := m.pick("iban", old, func(s *stream, grow int) string {
		account := strings.ToUpper(drawShape(s, []rune(old[4:]), grow))
		check := 98 - mod97("XX00"+account)
		return "XX" + string(rune('0'+check/10)) + string(rune('0'+check%10)) + account
	})
	return into(v, fresh, true), err
}

func mod97(v string) int {
	v = strings.ToUpper(strings.ReplaceAll(v, " ", ""))
	n := 0
	for _, r := range v[4:] + v[:4] {
		if r >= 'A' {
			n = (n*100 + int(r-'A') + 10) % 97
		} else {
			n = (n*10 + int(r-'0')) % 97
		}
	}
	return n
}

// ip draws from the ranges for documentation (RFC 5737, 3849); where they are
// used up, from those for measurements (RFC 2544) and for the future (class E).
func (m *masker) ip(v string, a netip.Addr) (string, error) {
	return m.pick("ip", v, func(s *stream, grow int) string {
		var b [4]byte
		switch {
		case !a.Is4():
			six := [16]byte{0x20, 0x01, 0x0d, 0xb8}
			s.fill(six[4:])
			return netip.AddrFrom16(six).String()
		case grow == 0:
			copy(b[:], choose(s, [][]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}))
			b[3] = byte(1 + s.n(254))
		case grow == 1:
			binary.BigEndian.PutUint32(b[:], 198<<24|18<<16|uint32(s.n(1<<17)))
		default:
			binary.BigEndian.PutUint32(b[:], 0xf0000000|uint32(s.n(1<<28)))
		}
		return netip.AddrFrom4(b).String()
	})
}

func isPhone(v string) bool {
	n := len(digits(v))
	return phoneForm.MatchString(v) && n >= 7 && n <= 20
}

// phone draws a number that is nobody's. A North American one gets the 555-01xx
// of fiction; where they are used up, and where another country has no such
// range that is large enough, it gets the country code 999, which is not given out.
func (m *masker) phone(v string) (string, error) {
	old := digits(v)
	national := strings.TrimPrefix(old, "1")
	american := len(national) == 10 && national[0] > '1' && (len(old) == 10 || old[0] == '1') && (v[0] != '+' || len(old) == 11)
	fresh, err := m.pick("phone", v[:1]+old, func(s *stream, grow int) string {
		if american && grow == 0 {
			area := string(rune('2'+s.n(8))) + drawDigits(s, 2)
			return old[:len(old)-10] + area + "55501" + drawDigits(s, 2)
		}
		return "+999" + drawDigits(s, len(old)-3+grow)
	})
	out := into(v, strings.TrimPrefix(fresh, "+"), false)
	if strings.HasPrefix(fresh, "+") && v[0] != '+' {
		out = "+" + out
	}
	return out, err
}

// articleNumber says that low is an EAN, UPC or ISBN-13 with a right check digit.
func articleNumber(low []rune) bool {
	n := make([]rune, 0, 14)
	for _, r := range low {
		switch {
		case r >= '0' && r <= '9':
			n = append(n, r)
		case r != '-' && r != ' ':
			return false
		}
		if len(n) > 14 {
			return false
		}
	}
	return (len(n) == 8 || len(n) == 12 || len(n) == 13 || len(n) == 14) && n[len(n)-1] == articleCheck(n)
}

func articleCheck(n []rune) rune {
	sum := 0
	for i := range len(n) - 1 {
		w := 1
		if (len(n)-1-i)%2 == 1 {
			w = 3
		}
		sum += w * int(n[i]-'0')
	}
	return rune('0' + (10-sum%10)%10)
}

func fixArticle(out []rune) {
	n := make([]rune, 0, 14)
	for _, r := range out {
		if r >= '0' && r <= '9' {
			n = append(n, r)
		}
	}
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] >= '0' && out[i] <= '9' {
			out[i] = articleCheck(n)
			return
		}
	}
}
