package policy

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// value says whether one argument matches, in the form in which it counts. Of
// several statements, an allow rule must match each, the others any.
func (r compiled) value(tool string, args map[string]any) bool {
	name := cmp.Or(r.Argument, MainArgument(tool))
	v, ok := args[name]
	if !ok {
		return false
	}
	text := fmt.Sprint(v)
	switch name {
	case "query":
		pattern := strings.ToLower(strings.Join(r.words, " "))
		all := statements(text)
		matches := func(s string) bool {
			return glob(pattern, s) || r.Decision != Allow && glob(pattern, behindWith(s))
		}
		if r.Decision == Allow {
			return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !matches(s) })
		}
		return slices.ContainsFunc(all, matches)
	case "path":
		if !path.IsAbs(text) {
			text = path.Join("/work", text)
		}
		text = path.Clean(text)
	case "method":
		return glob(strings.ToUpper(r.Match), strings.ToUpper(text))
	case "url":
		return glob(r.Match, canonical(text)) || r.Decision != Allow && glob(r.Match, text)
	}
	return glob(r.Match, text)
}

// behindWith is the statement that a WITH leads up to, and that an EXPLAIN is
// about; another statement as it is.
func behindWith(s string) string {
	if !strings.HasPrefix(s, "with ") && !strings.HasPrefix(s, "explain ") {
		return s
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '\'', '"', '`', '[':
			end := strings.IndexByte(s[i+1:], closes(s[i]))
			if end < 0 {
				return s
			}
			i += end + 1
		}
		if depth != 0 || i == 0 || s[i-1] != ' ' && s[i-1] != ')' {
			continue
		}
		for _, verb := range []string{"select", "insert", "update", "delete", "replace", "values"} {
			if rest := s[i:]; strings.HasPrefix(rest, verb+" ") {
				return rest
			}
		}
	}
	return s
}

// canonical is a URL as servers understand it: host and scheme in lower case,
// no user, no port that goes without saying, no dots in the path.
func canonical(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Scheme, u.User, u.RawPath = strings.ToLower(u.Scheme), nil, ""
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), strings.TrimLeft(u.Port(), "0")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	u.Host = host
	if clean := path.Clean("/" + u.Path); u.Path != "" {
		if strings.HasSuffix(u.Path, "/") && clean != "/" {
			clean += "/"
		}
		u.Path = clean
	}
	return u.String()
}
