package scan

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// passwords are the words for one, in the languages that most people have.
var passwords = []string{
	"password", "passwd", "pwd", "passphrase", "passcode", "_pass", "passwort", "kennwort", "contraseña", "mot de passe", "wachtwoord", "senha", "lösenord", "hasło", "пароль", "密码", "パスワード",
}

// keys are words for what programs show each other. A value of theirs is a secret
// only in quotes, and where it does not look like a name.
var keys = []string{"client_secret", "clientsecret", "secret_key", "secretkey", "api_secret", "app_secret", "shared_secret", "jwt_secret", "session_secret", "auth_token", "access_token", "api_key", "apikey"}

// An assignment says how a name is followed by its value.
type assignment struct {
	start, end int  // of the value
	quoted     bool // it has quotes of its own
	tight      bool // NAME=value
	colon      bool // name: value
	sign       int  // where the sign is
}

// assign reads what is assigned to the name that ends at text[at]. Quotes may
// have been escaped, as often as JSON stood in JSON.
func assign(text string, at int) (a assignment, ok bool) {
	i := at
	for n := 0; i < len(text) && digit(text[i]) && n < 3; n++ { // DB_PASSWORD_2, password1
		i++
	}
	named := i
	i = quote(text, i)
	if i < len(text) && (text[i] == ']' || text[i] == ')') {
		i++
	}
	for n := 0; i < len(text) && (text[i] == ' ' || text[i] == '\t') && n < 12; n++ {
		i++
	}
	a.sign = i
	switch {
	case strings.HasPrefix(text[i:], "=>"), strings.HasPrefix(text[i:], ":="), strings.HasPrefix(text[i:], "=="):
		i += 2
	case i < len(text) && (text[i] == '=' || text[i] == ':'):
		a.colon = text[i] == ':'
		a.tight = i == named && text[i] == '='
		i++
	case strings.HasPrefix(text[i:], "："):
		a.colon = true
		i += len("：")
	default:
		return a, false
	}
	spaces := i
	for n := 0; i < len(text) && (text[i] == ' ' || text[i] == '\t') && n < 40; n++ {
		i++
	}
	a.tight = a.tight && i == spaces
	a.start = quote(text, i)
	if a.quoted = a.start > i; !a.quoted {
		for a.end = i; a.end < len(text) && a.end-i < 100 && strings.IndexByte(" \t\r\n\"'`,;&<>(){}\\", text[a.end]) < 0; a.end++ {
		}
		return a, a.end > i
	}
	mark, escaped := text[a.start-1], text[i:a.start-1]
	for a.end = a.start; ; a.end++ {
		if a.end >= len(text) || a.end-a.start > 200 || text[a.end] == '\n' {
			return a, false
		}
		if text[a.end] == mark && strings.HasSuffix(text[a.start:a.end], escaped) && !strings.HasSuffix(text[a.start:a.end], escaped+`\`) {
			a.end -= len(escaped)
			return a, a.end > a.start
		}
	}
}

// quote is where a quote at text[i] ends, with the backslashes before it; i: there is none.
func quote(text string, i int) int {
	at := i
	for at < len(text) && text[at] == '\\' && at-i < 7 {
		at++
	}
	if at < len(text) && strings.IndexByte("\"'`", text[at]) >= 0 {
		return at + 1
	}
	return i
}

// passwordAt reads the password that is given to the name text[start:end].
func passwordAt(text string, start, end int) (from, to int) {
	if text[start:end] == "PWD" && (start == 0 || text[start-1] != '_' && !alnum(text[start-1]) || strings.HasSuffix(text[:start], "OLD")) { // the working directory
		return 0, 0
	}
	a, ok := assign(text, end)
	if !ok {
		return passwordSaid(text, start, end)
	}
	s := text[a.start:a.end]
	switch {
	case a.quoted && (phrase(s) || numbered(s)) && !strings.HasPrefix(text[a.end:], "`+"):
	case !a.quoted && numbered(s) && !code(s, text[a.end:]):
	case !a.quoted && settled(text, start, a) && word(s):
	default:
		return 0, 0
	}
	return a.start, a.end
}

// settled says of a value without quotes and digits whether what is around it
// makes it a setting, and not a piece of a program or a sentence.
func settled(text string, start int, a assignment) bool {
	line := start
	for line > 0 && text[line-1] != '\n' && start-line < 80 {
		line--
	}
	before := strings.TrimLeft(text[line:start], " \t+-#│|>")
	rest := text[a.end:min(len(text), a.end+200)]
	if nl := strings.IndexByte(rest, '\n'); nl >= 0 {
		rest = rest[:nl]
	}
	rest = strings.TrimRight(rest, " \t\r")
	for _, lead := range []string{"export ", "set ", "ENV ", "declare -x ", "readonly "} {
		before = strings.TrimPrefix(before, lead)
	}
	name := strings.TrimFunc(before, func(r rune) bool { return r < 0x80 && (alnum(byte(r)) || strings.ContainsRune("_.-", r)) || r >= 0x80 })
	shouts := strings.ToUpper(text[start:a.sign]) == text[start:a.sign] && strings.ToLower(text[start:a.sign]) != text[start:a.sign]
	last := byte(0)
	if before != "" {
		last = before[len(before)-1]
	}
	switch {
	case a.tight && shouts: // DB_PASSWORD=letmein psql
		return rest == "" || strings.IndexByte(" ;&|\"'`", rest[0]) >= 0
	case a.tight && (last == '&' || last == '?'): // ?user=bob&password=letmein
		return true
	case a.tight && rest != "" && rest[0] == '&':
		return true
	case a.tight && flagBefore.MatchString(before): // -F password=letmein, --from-literal=password=letmein
		return true
	case name == "" && rest == "": // password: letmein, alone on its line
		return a.colon || a.tight || !strings.ContainsAny(before, ".") && indented(text[line:start]) == 0
	case a.tight && (last == ' ' || last == ';' || last == '"' || last == '\''): // host=db password=letmein dbname=shop
		return pair.MatchString(rest) || pairBefore.MatchString(before) && (rest == "" || strings.IndexByte(";\"'`", rest[0]) >= 0)
	}
	return false
}

var flagBefore = regexp.MustCompile(`(?:^|\s)(?:-[a-zA-Z] |--[a-z-]+[ =])["']?$`)

var pair, pairBefore = regexp.MustCompile(`^[ ;]\w+=[^=]`), regexp.MustCompile(`(?:^|[ ;"'])\w+=[^\s=]+[ ;]$`)

func indented(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// said is how a sentence tells a password.
var said = regexp.MustCompile("^(?:(?:[ \\t]+(?:for|of|to|on|in|für|von|pour|de|para)(?:[ \\t]+[\\w.@-]{1,40}){1,3}?)?(?:[ \\t]+(?:is|was|ist|war|lautet|est|es|era|è|é|är|to)[ \\t]*:?|:)[ \\t]+|[ \\t]+)(?:[\"'`]([^\"'`\\n]{4,60})[\"'`]|([^\\s\"'`,;<>(){}$]{4,60}))")

// passwordSaid reads the password in "the password is …", "[sudo] password for
// bob: …", "IDENTIFIED BY PASSWORD '…'".
func passwordSaid(text string, start, end int) (from, to int) {
	if start > 0 && (alnum(text[start-1]) || text[start-1] == '_') || end >= len(text) || text[end] != ' ' && text[end] != ':' {
		return 0, 0
	}
	m := said.FindStringSubmatchIndex(text[end:min(len(text), end+160)])
	if m == nil {
		return 0, 0
	}
	between := text[end : end+max(m[2], m[4])]
	if m[2] >= 0 {
		between = strings.TrimRight(between, "\"'`")
		told := strings.TrimSpace(between) != "" || upper(text[start]) && text[start:end] == strings.ToUpper(text[start:end])
		if s := text[end+m[2] : end+m[3]]; told && phrase(s) {
			return end + m[2], end + m[3]
		}
		return 0, 0
	}
	from, to = end+m[4], end+m[5]
	to = from + len(strings.TrimRight(text[from:to], ".!?:"))
	s := text[from:to]
	switch {
	case len(s) >= 8 && random(s) && s[0] != '*' && s[0] != '&' && !adjective(s) && strings.Contains(strings.ToLower(text[start:end]), "pass") && end-start > len("passwd"):
	case strings.TrimSpace(between) != "" && len(s) >= 8 && numbered(s) && letters(s) && !adjective(s) && !nothing()[strings.ToLower(s)]:
	case between[0] == ' ' && strings.Contains(between, ":") && word(s): // sudo's, with what was typed
		if to < len(text) && strings.IndexByte("\r\n.!?\"\\", text[to]) < 0 {
			return 0, 0
		}
	case strings.TrimSpace(between) != "" && !strings.HasSuffix(strings.TrimSpace(between), "to") && hyphened(s) && word(s):
	default:
		return 0, 0
	}
	return from, to
}

// hyphened says of a word whether it is of several that do not make an adjective:
// tulip-garden, not case-sensitive.
func hyphened(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if len(p) < 3 || strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return false
		}
	}
	return !adjective(s)
}

// adjective says of a word with hyphens whether it ends like one.
func adjective(s string) bool {
	at := strings.LastIndexByte(s, '-')
	if at < 0 {
		return false
	}
	last := strings.ToLower(s[at+1:])
	for _, end := range []string{"ed", "ive", "ing", "able", "ible", "less", "free", "only", "safe", "like", "ent", "ant", "specific", "known", "wide", "based", "bit", "ly", "al", "ic", "text", "file", "in", "out", "up", "hash", "set", "up", "level"} {
		if strings.HasSuffix(last, end) {
			return true
		}
	}
	return false
}

// word says whether a value in one piece may be a password: no placeholder, no
// type, no piece of a program.
func word(s string) bool {
	if len(s) < 4 || strings.IndexByte("$<{%*[(@!?~|/\\^.#-_=:", s[0]) >= 0 || strings.ContainsAny(s, "()[]{}<>$|") || strings.Contains(s, "::") || !utf8.ValidString(s) {
		return false
	}
	lower := strings.ToLower(s)
	if nothing()[strings.Trim(lower, `.,:;!?`)] || strings.Trim(s, s[:1]) == "" {
		return false
	}
	for _, part := range []string{"pass", "pwd", "secret", "example", "your", "dummy", "placeholder", "redacted", "kennwort"} {
		if strings.Contains(lower, part) {
			return false
		}
	}
	return !member.MatchString(s)
}

// member is a name in a program: args.password, self.pw, Config.Auth.
var member = regexp.MustCompile(`^[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+$`)

// code says of a value without quotes whether it is a piece of a program: a
// call, an element, a member.
func code(s, after string) bool {
	return after != "" && (after[0] == '(' || after[0] == '{') || element.MatchString(s) || member.MatchString(s)
}

var element = regexp.MustCompile(`^[A-Za-z_][\w.]*(?:\[[^\]]*\]?|::\w+|->\w+)(?:\[[^\]]*\]?|::\w+|->\w+|\.[A-Za-z_]\w*)*$`)

// phrase is word for what stands in quotes: it may be several, if they are no sentence.
func phrase(s string) bool {
	if !strings.ContainsAny(s, " \t") {
		return word(s) && !strings.HasSuffix(s, ":") && !strings.Contains(s, ".") && !short(s)
	}
	words := strings.Fields(s)
	if len(words) < 2 || strings.ContainsAny(s[len(s)-1:], ":?.!…") || strings.ContainsAny(s, "%{}<>()") {
		return false
	}
	for _, w := range words {
		w = strings.ToLower(strings.Trim(w, ".,:;!?'\"`()"))
		if prose()[w] || strings.Contains(w, "pass") {
			return false
		}
	}
	return !strings.ContainsAny(s[:1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// short says of a word whether it has few letters and nothing else, as labels,
// names of fields and types in quotes do.
func short(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && len(s) < 6
}

// set is of words.
func set(words string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		all := map[string]bool{}
		for w := range strings.FieldsSeq(words) {
			all[w] = true
		}
		return all
	})
}

// nothing are values that stand for one, say of which type or in what state it
// is, or are what everybody's is before it is changed.
var nothing = set(`true false null none nil undefined empty blank unset string strings str text varchar char bytes byte bool boolean number integer int int32 int64 object array any optional required
	mandatory hidden masked invalid valid wrong correct incorrect missing expired changed change disabled enabled never always unknown unlocked locked default prompt input value values field fields
	stdin interactive files compat systemd sssd ldap nis winbind token auth authentication credential credentials user username login admin administrator root guest test tests testing foobar
	postgres mysql mariadb mongo redis rabbitmq minio minioadmin elastic oracle tomcat docker vagrant changeme changeit ubuntu hello encrypted plain plaintext hashed cleartext base64 bcrypt scrypt argon2 pbkdf2
	sha256 sha512 aes utf-8 ascii json yaml this that with from into about have been must should will which when where what there here they them then than also only just used using uses note notes todo
	error fail failed failure success okay done sent saved stored updated reset resets forgot forgotten confirm confirmation verify verified strength policy manager generator rotated rotation
	needed given none. asked again below above follows same like each every some more most other another config configuration settings setting option options type name names file path env environ environment
	keyring keychain vault the and for not are was were has had but its our his her can may all one two new old set get put use see out off yes maybe x-password self`)

// Everybodys says of what stands where a secret does whether it is a word that
// many texts have: postgres, string, password.
func Everybodys(s string) bool {
	s = strings.ToLower(s)
	return nothing()[s] || slices.Contains(passwords, s)
}

// prose are words of which sentences are made, and no pass phrase.
var prose = set(`the a an is are was be been must should will to of and or for from in on at by with without not no your you please enter type this that it if than then can cannot must may has have had
	do does did as so but use used using min max least more less minimum maximum characters character length field required invalid incorrect wrong again new old confirm repeat forgot reset change
	missing expired username email login account value values
	select insert where into values update delete create user file key der die das ist und oder ein eine bitte geben sie le la les un une est et ou entrez votre el los es y o su por`)

// keyAt reads the secret that is given to a key of a program's.
func keyAt(text string, _, end int) (from, to int) {
	a, ok := assign(text, end)
	if s := text[a.start:a.end]; ok && a.quoted && len(s) >= 12 && word(s) && spread(s) && !strings.ContainsAny(s, " ./") && !slices.Contains(keys, strings.ToLower(s)) && !strings.Contains(s, "_") {
		return a.start, a.end
	}
	return 0, 0
}

// pin is a number that somebody keeps in mind.
var pin = regexp.MustCompile(`^(?i)pin(?:[ _-]?(?:code|number|no|nummer))?\\*["'` + "`" + `]?(?:[ \t]*(?:[:=]|=>|is|was|ist|lautet|est)\\*["'` + "`" + `]?)?[ \t]*\\*["'` + "`" + `]?(\d{4,8})(?:[^\w.:%/-]|[.!?:]?(?:[\s"'\\<]|$))`)

func pinAt(text string, start, _ int) (from, to int) {
	if start > 0 && alnum(text[start-1]) {
		return 0, 0
	}
	if m := pin.FindStringSubmatchIndex(text[start:min(len(text), start+60)]); m != nil {
		return start + m[2], start + m[3]
	}
	return 0, 0
}
