package dialect

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// setType finds a type of SQLite's and CHECKs that keep the values within
// what the type of PostgreSQL takes.
func (p *postgres) setType(t *table, c *col, tn *pg.TypeName) {
	name := last(tn.GetNames())
	allow := func(values ...string) { c.checks = append(c.checks, oneOf(c.name, values)) }
	if len(tn.GetArrayBounds()) > 0 {
		c.typ = "TEXT"
		allow("{}")
		p.note("%s.%s: arrays are left empty", t.name, c.name)
		return
	}
	if values, ok := p.enums[name]; ok {
		c.typ = "TEXT"
		allow(values...)
		return
	}
	if d, ok := p.domains[name]; ok {
		p.setType(t, c, d.GetTypeName())
		for _, k := range d.GetConstraints() {
			switch k := k.GetConstraint(); k.GetContype() {
			case pg.ConstrType_CONSTR_NOTNULL:
				c.notNull = true
			case pg.ConstrType_CONSTR_CHECK:
				p.check(t, c, k, func(string) string { return c.name })
			}
		}
		return
	}
	c.typ = p.simpleType(t, c, name, tn, allow)
}

func (p *postgres) simpleType(t *table, c *col, name string, tn *pg.TypeName, allow func(...string)) string {
	size := func() string {
		var out []string
		for _, m := range tn.GetTypmods() {
			out = append(out, fmt.Sprint(m.GetAConst().GetIval().GetIval()))
		}
		if len(out) == 0 {
			return ""
		}
		return "(" + strings.Join(out, ",") + ")"
	}
	limits := func(hi string) { c.checks = append(c.checks, quote(c.name)+" BETWEEN 0 AND "+hi) }
	switch name {
	case "serial", "serial4", "serial2", "smallserial", "bigserial", "serial8":
		c.notNull = true
		return "INTEGER"
	case "int2", "smallint":
		limits("32767")
		return "INTEGER"
	case "int4", "integer", "int":
		limits("2147483647")
		return "INTEGER"
	case "int8", "bigint", "oid":
		return "INTEGER"
	case "bool", "boolean":
		return "BOOLEAN"
	case "numeric", "decimal":
		return "NUMERIC" + size()
	case "float4", "float8", "real":
		return "REAL"
	case "money":
		return "NUMERIC(10,2)"
	case "varchar", "bpchar", "char", "character":
		if name == "bpchar" && size() == "" {
			return "CHAR(1)"
		}
		return "VARCHAR" + size()
	case "text", "citext", "name":
		return "TEXT"
	case "bytea":
		return "BLOB"
	case "date":
		return "DATE"
	case "timestamp", "timestamptz":
		return "TIMESTAMP"
	case "time", "timetz":
		return "TIME"
	case "uuid":
		return "UUID"
	case "json", "jsonb":
		return "JSON"
	case "inet":
		allow("192.0.2.1", "192.0.2.77", "198.51.100.4", "203.0.113.9", "2001:db8::1")
	case "cidr":
		allow("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
	case "macaddr":
		allow("00:00:5e:00:53:01", "00:00:5e:00:53:7f")
	case "interval":
		allow("1 day", "3 days", "1 week", "01:30:00", "30 days")
	case "tsvector":
		allow("harbour letter", "bridge garden", "lantern river")
	case "point":
		allow("(13.40,52.52)", "(2.35,48.85)", "(-0.13,51.51)")
	case "xml":
		allow("<a/>", "<a>text</a>")
	case "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange":
		allow("empty")
	case "bit", "varbit":
		n := 1
		if m := tn.GetTypmods(); len(m) > 0 {
			n = min(4096, max(1, int(m[0].GetAConst().GetIval().GetIval())))
		}
		allow(strings.Repeat("0", n), strings.Repeat("1", n))
	default:
		p.note("%s.%s: type %s is not known; it gets plain text", t.name, c.name, name)
	}
	return "TEXT"
}
