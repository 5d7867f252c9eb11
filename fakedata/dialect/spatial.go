package dialect

import (
	"regexp"
	"strings"
)

// spatial finds the columns of a geometric type in a CREATE TABLE statement of
// MySQL. TiDB's parser does not know such types, so it gets LONGBLOB to read.
func spatial(text string) (readable string, kinds map[string]string) {
	kinds = map[string]string{}
	if !regexp.MustCompile(`(?i)\b(geometry|point|linestring|polygon)\b`).MatchString(text) {
		return text, kinds
	}
	column := regexp.MustCompile("(?i)([(,]\\s*)(`(?:[^`]|``)+`|\\w+)(\\s+)(geometry|point|linestring|polygon)\\b")
	text = column.ReplaceAllStringFunc(text, func(found string) string {
		m := column.FindStringSubmatch(found)
		name := m[2]
		if strings.HasPrefix(name, "`") {
			name = strings.ReplaceAll(strings.Trim(name, "`"), "``", "`")
		}
		kinds[strings.ToLower(name)] = strings.ToUpper(m[4])
		return m[1] + m[2] + m[3] + "LONGBLOB"
	})
	text = regexp.MustCompile(`(?i)/\*!\d* SRID \d+ \*/`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?i)\bSPATIAL (KEY|INDEX)\b`).ReplaceAllString(text, "$1")
	return text, kinds
}

// shapes are the values that a geometric column gets.
func shapes(kind string) []string {
	switch kind {
	case "LINESTRING":
		return []string{"LINESTRING(0 0,1 1)", "LINESTRING(13 52,2 48)"}
	case "POLYGON":
		return []string{"POLYGON((0 0,1 0,1 1,0 0))"}
	}
	return []string{"POINT(13.40 52.52)", "POINT(2.35 48.85)", "POINT(-0.13 51.51)"}
}
