package fakedata

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed world.txt
var worldText string

// world is every place a person of a dataset can live in. The cities are real,
// the streets and numbers in them are not.
type world struct {
	countries []*country
	cities    []*city // grouped by country, in the order of countries
	weights   int64   // sum of the countries' weights
}

// country is what the people of one country share.
type country struct {
	code, name, language, currency string
	domain                         string // reserved e-mail domain that is this country's alone
	phone                          string // pattern: # is the city's area code
	address                        string // pattern of house and street
	women, men, last               []name
	streets                        []string
	lastFirst                      bool // the family name comes first
	cities                         []*city
	index                          int64 // in world.countries
	weight                         int64
}

type city struct {
	*country
	city, state, region, postcode, area, zone string
	phone                                     string // the country's, with the area code
	lat, lon                                  int64  // hundredths of a degree
	index                                     int64  // in world.cities
}

// newWorld reads world.txt.
func newWorld() *world {
	w := &world{}
	var c *country
	for line := range strings.Lines(worldText) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "["); ok {
			code, rest, _ := strings.Cut(rest, "] ")
			f := strings.Split(rest, "|")
			c = &country{
				code: code, name: f[0], language: f[1], currency: f[2], domain: f[3], phone: f[4], address: f[5],
				lastFirst: code == "JP" || code == "CN", index: int64(len(w.countries)), weight: max(1, 20/int64(len(w.countries)+1)),
			}
			w.countries = append(w.countries, c)
			w.weights += c.weight
			continue
		}
		what, rest, _ := strings.Cut(line, ": ")
		switch what {
		case "women":
			c.women = names(rest)
		case "men":
			c.men = names(rest)
		case "last":
			c.last = names(rest)
		case "streets":
			c.streets = strings.Split(rest, "|")
		case "city":
			f := strings.Split(rest, "|")
			p := &city{
				country: c, city: f[0], state: f[1], region: f[2], postcode: f[3],
				lat: hundredths(f[4]), lon: hundredths(f[5]), area: f[6], phone: strings.ReplaceAll(c.phone, "#", f[6]), zone: f[7], index: int64(len(w.cities)),
			}
			c.cities = append(c.cities, p)
			w.cities = append(w.cities, p)
		}
	}
	return w
}

// name is a name as its bearer writes it, and in the letters of e-mail addresses.
type name struct{ own, folded string }

// names reads "Anna José 桜=Sakura De_Vries".
func names(list string) []name {
	var out []name
	for n := range strings.FieldsSeq(list) {
		own, latin, foreign := strings.Cut(strings.ReplaceAll(n, "_", " "), "=")
		if !foreign {
			latin = own
		}
		out = append(out, name{own, fold(latin)})
	}
	return out
}

// hundredths reads a decimal number with two places.
func hundredths(s string) int64 {
	n, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	if err != nil {
		panic("world.txt: " + err.Error()) // a test reads the whole file
	}
	return n
}

// weigh replaces the countries' weights, by code; nil leaves them.
func (w *world) weigh(weights map[string]int64) error {
	if weights == nil {
		return nil
	}
	codes := make([]string, len(w.countries))
	w.weights = 0
	for i, c := range w.countries {
		codes[i] = c.code
		c.weight = weights[c.code]
		w.weights += c.weight
	}
	for _, code := range sortedKeys(weights) {
		if !slices.Contains(codes, code) {
			return fmt.Errorf("plan: locales: there is no country %q; there are %s", oneLine(code), strings.Join(codes, ", "))
		}
	}
	if w.weights == 0 {
		return errors.New("plan: locales: no country has a weight")
	}
	return nil
}

// pick draws a city: a country by its weight, then one of its cities.
func (w *world) pick(s *stream) *city {
	x := s.n(w.weights)
	for _, c := range w.countries {
		if x -= c.weight; x < 0 {
			return c.cities[s.skew(int64(len(c.cities)))]
		}
	}
	return w.cities[0]
}

// fill replaces % by a digit and @ by a capital letter.
func fill(s *stream, pattern string) string {
	b := []byte(pattern)
	for i, c := range b {
		switch c {
		case '%':
			b[i] = byte('0' + s.n(10))
		case '@':
			b[i] = "ABCDEFGHJKLMNPRSTUVWXYZ"[s.n(23)]
		}
	}
	return string(b)
}

// fold spells a name in the letters that e-mail addresses are made of.
func fold(s string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteRune(r)
		default:
			out.WriteString(map[rune]string{
				'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss", 'å': "aa", 'à': "a", 'á': "a", 'â': "a", 'ã': "a",
				'ç': "c", 'é': "e", 'è': "e", 'ê': "e", 'ë': "e", 'í': "i", 'î': "i", 'ï': "i", 'ñ': "n",
				'ó': "o", 'ô': "o", 'õ': "o", 'ø': "oe", 'ú': "u", 'û': "u", 'ý': "y",
			}[r])
		}
	}
	return out.String()
}
