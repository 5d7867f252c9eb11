package scan

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An identity is a number that a state, a bank or a telephone company gave
// somebody, and that looks like any other but for the word before it. Its check
// digits, where it has any, are looked at without its separators.
type identity struct {
	id     string
	words  string // alternatives, longer ones first
	value  string
	checks func(s string) bool
}

var labelled = []identity{
	{"us-ssn", `ssn|social security`, `\d{3}[- ]?\d\d[- ]?\d{4}`, func(s string) bool { return s[:3] != "000" && s[:3] != "666" && s[3:5] != "00" && s[5:] != "0000" }},
	{"us-ein", `ein|employer id|itin|tin`, `\d\d-\d{7}|9\d\d-\d\d-\d{4}`, nil},
	{"canadian-sin", `sin|social insurance`, `\d{3}[- ]?\d{3}[- ]?\d{3}`, luhn},
	{"uk-nhs", `nhs`, `\d{3}[- ]?\d{3}[- ]?\d{4}`, weighted(11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
	{"german-tax-id", `steuer-id|steuerid|steueridentifikationsnummer|steuernummer|idnr|tin`, `\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}`, nil},
	{"german-id-card", `personalausweis|ausweisnummer|ausweis-nr`, `[CFGHJKLMNPRTVWXYZ0-9]{9,10}`, hasDigits},
	{"dutch-bsn", `bsn|burgerservicenummer`, `\d{8,9}`, bsn},
	{"polish-pesel", `pesel`, `\d{11}`, weighted(10, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)},
	{"indian-aadhaar", `aadhaar|aadhar`, `\d{4}[- ]?\d{4}[- ]?\d{4}`, nil},
	{"indian-pan", `pan`, `[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]`, nil},
	{"australian-tfn", `tfn|tax file`, `\d{3} ?\d{3} ?\d{3}`, weighted(11, 1, 4, 3, 7, 5, 8, 6, 9, 10)},
	{"danish-cpr", `cpr`, `[0-3]\d[01]\d{3}[- ]?\d{4}`, nil},
	{"norwegian-id", `fødselsnummer|fodselsnummer|fnr`, `[0-7]\d[0-5]\d{3} ?\d{5}`, nil},
	{"swedish-id", `personnummer`, `(?:\d\d)?\d{6}[-+]?\d{4}`, nil},
	{"portuguese-nif", `nif|contribuinte`, `[125-9]\d{2} ?\d{3} ?\d{3}`, weighted(11, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
	{"brazilian-cpf", `cpf`, `\d{3}\.?\d{3}\.?\d{3}-?\d\d`, func(s string) bool { return cpf([]byte(s)) }},
	{"turkish-id", `tckn|kimlik|tc no`, `[1-9]\d{10}`, nil},
	{"korean-id", `주민등록번호|rrn`, `\d{6}[- ]?[1-8]\d{6}`, nil},
	{"chinese-id", `身份证号码|身份证号|身份证`, `\d{17}[\dXx]`, nil},
	{"japanese-id", `マイナンバー|my number|個人番号`, `\d{4}[- ]?\d{4}[- ]?\d{4}`, nil},
	{"croatian-oib", `oib`, `\d{11}`, nil},
	{"romanian-cnp", `cnp`, `[1-9]\d{12}`, nil},
	{"bulgarian-egn", `egn|егн`, `\d{10}`, nil},
	{"czech-id", `rodné číslo|rodne cislo`, `\d{6}/?\d{3,4}`, nil},
	{"baltic-id", `isikukood|asmens kodas|personas kods`, `\d{6}-?\d{5}`, nil},
	{"irish-pps", `pps|ppsn`, `\d{7}[A-W][A-IW]?`, nil},
	{"greek-amka", `amka|αμκα`, `[0-3]\d[01]\d{8}`, nil},
	{"south-african-id", `rsa id|sa id|id number`, `\d{2}[01]\d[0-3]\d{5}[01]\d\d`, luhn},
	{"finnish-id", `henkilötunnus|hetu`, `\d{6}[-+A]\d{3}[0-9A-Y]`, nil},
	{"hong-kong-id", `hkid`, `[A-Z]{1,2}\d{6}\([0-9A]\)`, nil},
	{"driving-licence", `driver's license|drivers license|driver license|driver's licence|driver licence|driving licence|driving license|führerschein|permis de conduire`, `[A-Z0-9][A-Z0-9-]{5,18}`, hasDigits},
	{"device-number", `imei`, `\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d`, luhn},
	{"vehicle-number", `vin|vehicle identification|fahrgestellnummer`, `[A-HJ-NPR-Z0-9]{17}`, hasDigits},
	{"bank-account", `account|acct|kontonummer|konto-nr|routing|aba|sort code|sort-code`, `\d{2}-\d{2}-\d{2}|\d{3}-?\d{5,14}`, nil},
	{"payment-card", `card|kreditkarte|carte bancaire|tarjeta`, `\d(?:[ -]?\d){11,18}`, func(s string) bool { return luhn(s) && !testCards()[s] }},
	{"iban", `iban`, `[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}`, func(s string) bool { return mod97([]byte(strings.ToUpper(s))) }},
	{"phone", `tel|telefon|telephone|téléphone|teléfono|phone|mobile|mobil|handy|fax|cell|whatsapp|celular`, `(?:\+|00)?\(?\d(?:[ ()./-]{0,3}\d){6,14}`, nil},
	{"date-of-birth", `birth|birthday|dob|born|geboren|geburtsdatum|geburtstag|née|né|naissance|nacimiento|nacido|nascita|nascimento|geboortedatum|urodzenia`, `\d{4}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-]\d{2,4}|\d\d?\.? (?i:` + month + `)[a-zé]*\.? \d{4}|(?i:` + month + `)[a-z]*\.? \d\d?(?:st|nd|rd|th)?,? \d{4}`, nil},
	{"passport", `passport|passeport|pasaporte|reisepass|passnummer`, `[A-Z0-9]{6,9}`, hasDigits},
}

const month = `jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|juin|juil|août|déc|ene|abr|ago|dic`

// identities are the rules that follow, and those of what its form gives away.
func identities() []rule {
	var rules []rule
	for _, i := range labelled {
		check, key := i.checks, "|id"
		if i.id == "bank-account" || i.id == "phone" {
			key = "" // account_id is the key of a row
		}
		r := rule{
			id: i.id, kind: Personal, reach: 80, group: 1, anchored: true, apart: true, hasDigit: true,
			re: regexp.MustCompile(`^(?i:` + i.words + `)(?i:[ _-]?(?:security|insurance` + key + `|identification|card|account|of[ _-]birth|de|di|data|da(?:te|y)|file))?(?i:[ _-]?(?:number|nummer|numéro|número|code|no|nr|num` + key + `|on|am|le|el|il))?\.?\\?["']?(?i: is| was| am| on| le| el| il)?\s{0,3}[:=#|]?\s{0,3}\\?["']?(` + i.value + `)(?:[^\w]|$)`),
		}
		r.valid = func(s string) bool { return check == nil || check(bare(s)) }
		if i.id == "phone" {
			r.valid = dialled
		}
		for word := range strings.SplitSeq(i.words, "|") {
			r.keywords = append(r.keywords, word)
		}
		rules = append(rules, r)
	}
	return append(
		rules,
		rule{id: "passport", kind: Personal, keywords: []string{"p<"}, reach: 60, anchored: true, apart: true, re: regexp.MustCompile(`^P<[A-Z]{3}[A-Z<]{30,39}`)},
		rule{id: "passport", kind: Personal, keywords: []string{"<<<<"}, reach: 40, re: regexp.MustCompile(`\b[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{14,16}`)},
	)
}

// byForm names the states' numbers that groups and check digits give away.
func byForm(d []byte, groups []int, seps string) string {
	s := string(d)
	dated := func(at int) bool { // year, month, day
		month, day := s[at+2:at+4], s[at+4:at+6]
		return month >= "01" && month <= "12" && day >= "01" && day <= "31"
	}
	var shape strings.Builder
	for i, n := range groups {
		shape.WriteByte(byte('0' + n%10))
		if i < len(seps) {
			shape.WriteByte(seps[i])
		}
	}
	switch shape.String() {
	case "2-8-1":
		if weighted(11, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)(s) && slices.Contains([]string{"20", "23", "24", "27", "30", "33", "34"}, s[:2]) {
			return "argentine-cuit"
		}
	case "2.3.3-1", "1.3.3-1":
		if s = "0" + s; weighted(11, 3, 2, 7, 6, 5, 4, 3, 2, 1)(s[len(s)-9:]) {
			return "chilean-rut"
		}
	case "2.3.3/4-2":
		if cnpj(d) {
			return "brazilian-cnpj"
		}
	case "2.2.2-3.2":
		if v, _ := strconv.Atoi(s[:9]); dated(0) && (97-v%97 == number2(s[9:]) || 97-(2_000_000_000+v)%97 == number2(s[9:])) {
			return "belgian-id"
		}
	case "6/4":
		v, _ := strconv.Atoi(s)
		if month := number2(s[2:4]) % 50; v%11 == 0 && month >= 1 && month <= 12 && s[4:6] >= "01" && s[4:6] <= "31" {
			return "czech-id"
		}
	case "6-7":
		if dated(0) && s[6] >= '1' && s[6] <= '8' {
			return "korean-id"
		}
	case "8":
		if len(s) == 18 && (s[6:8] == "19" || s[6:8] == "20") && dated(8) && weighted(11, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1)(s) {
			return "chinese-id"
		}
	}
	return ""
}

func number2(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// cnpj checks the two digits of a Brazilian company's number.
func cnpj(d []byte) bool {
	for n := 12; n < 14; n++ {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (2 + (n-1-i)%8)
		}
		if (11-sum%11)%11%10 != int(d[n]-'0') {
			return false
		}
	}
	return true
}

// capital reads a number between two capital letters: of Singapore, and of a
// foreigner in Spain.
func capital(s string) string {
	v := 0
	for i := 1; i < 8; i++ {
		v = v*10 + int(s[i]-'0')
	}
	if i := strings.IndexByte("XYZ", s[0]); i >= 0 && "TRWAGMYFPDXBNJZSQVHLCKE"[(i*10_000_000+v)%23] == s[8] {
		return "spanish-nie"
	}
	sum := 0
	for i, w := range []int{2, 7, 6, 5, 4, 3, 2} {
		sum += int(s[i+1]-'0') * w
	}
	letters := map[byte]string{'S': "JZIHGFEDCBA", 'T': "JZIHGFEDCBA", 'F': "XWUTRQPNMLK", 'G': "XWUTRQPNMLK"}[s[0]]
	if s[0] == 'T' || s[0] == 'G' {
		sum += 4
	}
	if letters != "" && letters[sum%11] == s[8] {
		return "singapore-nric"
	}
	return ""
}

// bare leaves out what stands between letters and digits.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && alnum(byte(r)) {
			return r
		}
		return -1
	}, s)
}

func hasDigits(s string) bool {
	n := 0
	for i := range len(s) {
		if digit(s[i]) {
			n++
		}
	}
	return n >= 3
}

// luhn checks the digit of cards and of several states' numbers.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		v := int(s[i] - '0')
		if (len(s)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// weighted checks that the digits, each times its weight, are a multiple of m.
func weighted(m int, weights ...int) func(string) bool {
	return func(s string) bool {
		sum := 0
		for i := range min(len(s), len(weights)) {
			sum += int(s[i]-'0') * weights[i]
		}
		return len(s) == len(weights) && sum%m == 0
	}
}

// bsn is the Dutch test of eleven: the last digit counts less than nothing.
func bsn(s string) bool {
	sum := 0
	for i := range len(s) - 1 {
		sum += int(s[i]-'0') * (len(s) - i)
	}
	return (sum-int(s[len(s)-1]-'0'))%11 == 0
}

// dialled leaves out dates, and what is reserved for fiction.
func dialled(s string) bool {
	n := bare(s)
	return len(n) >= 7 && (len(n) != 8 || !strings.HasPrefix(n, "19") && !strings.HasPrefix(n, "20")) && !fictional(s)
}
