package scan

import (
	"regexp"
	"strings"
)

// A command's argument, to the end of its quotes or of the word.
const argument = `(?:\\*"([^"\\\n]{4,100})|\\*'([^'\\\n]{4,100})|([^\s"'$\\<>(){}\[\]-][^\s"'$\\<>(){}\[\]|;&]{3,100}))`

// commands are rules for what stands in command lines and settings, where place,
// not form, makes a text a secret.
var commands = []rule{
	{id: "password-argument", kind: Secrets, keywords: []string{"--password", "--passwd", "--passphrase", "--pass", "--token", "--secret", "--api-key", "--apikey", "--auth-token", "--access-token", "--client-secret", "--secret-key"}, read: one(argumentAt)},
	{
		id: "password-argument", kind: Secrets, keywords: []string{"mysql", "mariadb", "sshpass", "docker login", "podman login", "az login", "registry login", "zip ", "7z ", "7za ", "redis-cli ", "mongo", "ldap", "sqlcmd ", "ssh-keygen "},
		reach: 200, group: whichever, anchored: true, apart: true, valid: placed,
		re: regexp.MustCompile(`^(?:(?:mysql|mariadb)[a-z-]*(?: [^\n|;&]*?)? -p|sshpass (?:-v )?-p ?|(?:docker|podman|az|registry) login (?:[^\n|;&]*? )??-p[ =]?|zip (?:[^\n|;&]*? )??-P ?|7za? (?:[^\n|;&]*? )??-p|redis-cli (?:[^\n|;&]*? )??-a |mongo[a-z]* (?:[^\n|;&]*? )??-p |ldap[a-z]+ (?:[^\n|;&]*? )??-w |sqlcmd (?:[^\n|;&]*? )??-P ?|ssh-keygen (?:[^\n|;&]*? )??-N )` + argument),
	},
	{id: "password-argument", kind: Secrets, keywords: []string{"unzip "}, reach: 200, group: whichever, anchored: true, apart: true, valid: placed, re: regexp.MustCompile(`^unzip (?:[^\n|;&]*? )??-P ?` + argument)},
	{id: "password-argument", kind: Secrets, keywords: []string{"-pass pass:", "-passin pass:", "-passout pass:"}, reach: 120, group: whichever, anchored: true, valid: placed, re: regexp.MustCompile(`^-pass(?:in|out)? pass:` + argument)},
	{id: "password-argument", kind: Secrets, keywords: []string{"chpasswd"}, reach: 1, group: 1, re: regexp.MustCompile(`(?:echo|printf) (?:-\w )?\\*["']?[\w.-]+:([^\s"'$|]{4,100}?)\\*["']? *\| *(?:sudo )?chpasswd`)},
	{id: "password-argument", kind: Secrets, keywords: []string{"sudo -s"}, reach: 1, group: 1, re: regexp.MustCompile(`(?:echo|printf) (?:-\w )?\\*["']?([^\s"'$|]{4,100}?)\\*["']? *\| *sudo -S`), valid: placed},
	{id: "password", kind: Secrets, keywords: []string{"identified "}, reach: 160, group: whichever, anchored: true, valid: placed, re: regexp.MustCompile(`^(?i)identified (?:with \w+ )?by (?:password )?` + `'([^'\\\n]{4,100})'`)},
	{id: "password", kind: Secrets, keywords: []string{"password>", "passwd>", "passphrase>", "pwd>", "passwort>"}, reach: 160, group: 1, anchored: true, valid: placed, re: regexp.MustCompile(`^(?i)[a-z]+>([^<>\s$][^<>\n]{3,100})</`)},
	{id: "password-argument", kind: Secrets, keywords: []string{"htpasswd -"}, reach: 200, group: whichever, anchored: true, valid: placed, re: regexp.MustCompile(`^htpasswd -[a-zA-Z0-9]*b[a-zA-Z0-9]* (?:-\w+ )*\S+ \S+ ` + argument)},
	{id: "password", kind: Secrets, keywords: []string{"type=\"password\"", "type=\\\"password\\\""}, reach: 300, group: 1, anchored: true, valid: placed, re: regexp.MustCompile(`^type=\\*"password\\*"[^<>]*?\svalue=\\*"([^"\\<>]{4,100})`)},
	{id: "password", kind: Secrets, keywords: []string{"convertto-securestring"}, reach: 160, group: whichever, anchored: true, valid: placed, re: regexp.MustCompile(`^(?i:convertto-securestring)(?: -(?i:string))? ` + argument)},
	{id: "authorization", kind: Secrets, keywords: []string{"auth plain "}, reach: 200, group: 1, anchored: true, apart: true, re: regexp.MustCompile(`^AUTH PLAIN ([A-Za-z0-9+/]{8,}={0,2})`)},
	{id: "private-key", kind: Secrets, keywords: []string{"private key-----", "private key block-----"}, read: one(halfKey)},
	{id: "wifi-password", kind: Secrets, keywords: []string{"wifi:"}, reach: 200, group: 1, anchored: true, re: regexp.MustCompile(`^(?i:wifi):(?:[A-Z]:[^;\n]*;)*P:((?:[^;\\\n]|\\.){4,64});`)},
	{id: "wifi-password", kind: Secrets, keywords: []string{"psk=", "wpa_passphrase="}, reach: 120, group: whichever, anchored: true, re: regexp.MustCompile(`^(?i)[a-z_]+=(?:\\*"([^"\\\n%${]{8,63})\\*"|([^\s"'\\$%{<]{8,64}))`)},
	{id: "totp-secret", kind: Secrets, keywords: []string{"otpauth://"}, reach: 300, group: 1, anchored: true, re: regexp.MustCompile(`^(?i)otpauth://[^\s"'<>]*?[?&]secret=([A-Z2-7]{8,})`)},
}

// placed says of what stands where a password does whether it is one.
func placed(s string) bool {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, " \t") {
		return phrase(s)
	}
	return word(s) || numbered(s)
}

// numbered says of a value in one piece whether it may be a password for the
// digits in it, whatever signs it has.
func numbered(s string) bool {
	return len(s) >= 6 && strings.ContainsAny(s, "0123456789") && !strings.ContainsAny(s, " \t") && strings.IndexByte("$<{%[", s[0]) < 0 && !strings.Contains(s, "required") && !version.MatchString(s)
}

// argumentAt reads what follows --password or --token.
func argumentAt(text string, start, end int) (from, to int) {
	if end >= len(text) || text[end] != ' ' && text[end] != '=' {
		return 0, 0
	}
	m := argumentOf.FindStringSubmatchIndex(text[end+1 : min(len(text), end+120)])
	if m == nil {
		return 0, 0
	}
	group := 1
	for m[2*group] < 0 {
		group++
	}
	from, to = end+1+m[2*group], end+1+m[2*group+1]
	s := text[from:to]
	bare := group == 3
	switch {
	case numbered(s):
	case strings.Contains(text[start:end], "pass") && !bare && placed(s):
	case strings.Contains(text[start:end], "pass") && text[end] == '=' && word(s) && strings.ToUpper(s) != s:
	case strings.Contains(text[start:end], "pass") && len(s) >= 6 && letters(s) && word(s) && strings.ToUpper(s) != s && !prose()[strings.ToLower(s)]:
	case len(s) >= 12 && letters(s) && spread(s) && word(s) && !camel(s):
	default:
		return 0, 0
	}
	return from, to
}

var argumentOf = regexp.MustCompile(`^` + argument)

func letters(s string) bool {
	for i := range len(s) {
		if !alnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '!' {
			return false
		}
	}
	return true
}

// camel says of letters whether they are words, each with a capital.
func camel(s string) bool {
	capitals := 0
	for i := range len(s) {
		if upper(s[i]) {
			if capitals++; i > 0 && upper(s[i-1]) {
				return false
			}
		}
	}
	return capitals <= len(s)/4
}
