package dialect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals
)

// my collects what a script of MySQL creates.
type my struct {
	tables []*table
	parser *parser.Parser
	script *Script
}

func fromMySQL(text string) (*Script, error) {
	m := &my{parser: parser.New(), script: &Script{Dialect: MySQL}}
	for _, st := range splitMySQL(text) {
		if err := m.statement(st); err != nil {
			return nil, err
		}
	}
	m.script.DDL = ddl(m.tables)
	return m.script, nil
}

func (m *my) note(format string, args ...any) {
	m.script.Notes = append(m.script.Notes, fmt.Sprintf(format, args...))
}

func (m *my) statement(st piece) error {
	words := st.words(4)
	switch first := words[0]; {
	case slices.Contains([]string{"INSERT", "REPLACE", "LOCK", "UNLOCK", "UPDATE", "DELETE", "START", "BEGIN", "COMMIT", "DROP", "USE", "GRANT", "FLUSH", "SET", "SELECT", "TRUNCATE", "LOAD", "ANALYZE"}, first):
		return nil // data and settings: no structure
	case first == "CREATE" && (words[1] == "DATABASE" || words[1] == "SCHEMA"):
		return nil
	case first == "CREATE" && slices.ContainsFunc(words[1:], func(w string) bool {
		return w == "TRIGGER" || w == "PROCEDURE" || w == "FUNCTION" || w == "EVENT"
	}), first == "CREATE" && strings.Contains(strings.ToUpper(st.text[:min(len(st.text), 200)]), " TRIGGER "):
		m.script.After = append(m.script.After, "DELIMITER ;;\n"+st.text+";;\nDELIMITER ;")
		return nil
	case first == "CREATE" && (words[1] == "VIEW" || strings.Contains(strings.ToUpper(st.text[:min(len(st.text), 300)]), " VIEW ")):
		m.script.After = append(m.script.After, st.text)
		return nil
	}
	readable, geometric := spatial(st.text)
	nodes, _, err := m.parser.Parse(readable, "", "")
	if err != nil {
		return fmt.Errorf("line %d does not parse as MySQL: %s", st.line, oneLine(err.Error()))
	}
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.CreateTableStmt:
			if err := m.create(n); err != nil {
				return err
			}
			m.place(n.Table.Name.O, geometric)
			m.script.Before = append(m.script.Before, st.text)
		case *ast.AlterTableStmt:
			m.alter(n)
			m.script.Before = append(m.script.Before, st.text)
		case *ast.CreateIndexStmt:
			if t := m.table(n.Table.Name.O); t != nil && n.KeyType == ast.IndexKeyTypeUnique {
				m.unique(t, n.IndexPartSpecifications)
			}
			m.script.Before = append(m.script.Before, st.text)
		default:
			m.note("line %d is left out: %s", st.line, oneLine(st.text))
		}
	}
	return nil
}

func (m *my) table(name string) *table {
	i := slices.IndexFunc(m.tables, func(t *table) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return nil
	}
	return m.tables[i]
}

func (m *my) create(s *ast.CreateTableStmt) error {
	t := &table{name: s.Table.Name.O}
	switch {
	case m.table(t.name) != nil && s.IfNotExists:
		return nil
	case m.table(t.name) != nil:
		return fmt.Errorf("table %q is there twice: keep one", t.name)
	case s.ReferTable != nil || s.Select != nil:
		return fmt.Errorf("table %q is made from another (LIKE, SELECT): write its columns out", t.name)
	}
	m.tables = append(m.tables, t)
	for _, d := range s.Cols {
		m.column(t, d)
	}
	for _, k := range s.Constraints {
		m.constraint(t, k)
	}
	return nil
}

func (m *my) column(t *table, d *ast.ColumnDef) {
	c := &col{name: d.Name.Name.O}
	t.cols = append(t.cols, c)
	m.setType(c, d)
	for _, o := range d.Options {
		switch o.Tp {
		case ast.ColumnOptionNotNull, ast.ColumnOptionAutoIncrement:
			c.notNull = true
		case ast.ColumnOptionPrimaryKey:
			t.primary, c.notNull = []string{c.name}, true
		case ast.ColumnOptionUniqKey:
			t.uniques = append(t.uniques, []string{c.name})
		case ast.ColumnOptionDefaultValue:
			c.hasValue = true
		case ast.ColumnOptionGenerated:
			c.computed = true
		case ast.ColumnOptionReference:
			m.note("%s.%s: MySQL itself ignores this REFERENCES", t.name, c.name)
		case ast.ColumnOptionCheck:
			m.check(t, o.Expr)
		}
	}
}

// place says of a table's columns which are geometric.
func (m *my) place(name string, kinds map[string]string) {
	t := m.table(name)
	for _, c := range t.cols {
		if kind := kinds[strings.ToLower(c.name)]; kind != "" {
			c.typ = "GEOMETRY"
			c.checks = append(c.checks, oneOf(c.name, shapes(kind)))
			m.note("%s.%s: it gets one of a few shapes", t.name, c.name)
		}
	}
}

// setType finds a type of SQLite's and CHECKs that keep the values within
// what the type of MySQL takes.
func (m *my) setType(c *col, d *ast.ColumnDef) {
	f := d.Tp
	limits := func(signed, unsigned string) {
		if mysql.HasUnsignedFlag(f.GetFlag()) {
			signed = unsigned
		}
		c.checks = append(c.checks, quote(c.name)+" BETWEEN 0 AND "+signed)
	}
	c.typ = "INTEGER"
	switch f.GetType() {
	case mysql.TypeTiny:
		if f.GetFlen() == 1 {
			c.typ = "BOOLEAN"
		} else {
			limits("127", "255")
		}
	case mysql.TypeShort:
		limits("32767", "65535")
	case mysql.TypeInt24:
		limits("8388607", "16777215")
	case mysql.TypeLong:
		limits("2147483647", "4294967295")
	case mysql.TypeLonglong:
	case mysql.TypeYear:
		c.typ = "YEAR"
		c.checks = append(c.checks, quote(c.name)+" BETWEEN 1901 AND 2155")
	case mysql.TypeFloat, mysql.TypeDouble:
		c.typ = "REAL"
	case mysql.TypeNewDecimal:
		c.typ = fmt.Sprintf("DECIMAL(%d,%d)", max(f.GetFlen(), 1), max(f.GetDecimal(), 0))
	case mysql.TypeDate:
		c.typ = "DATE"
	case mysql.TypeDatetime, mysql.TypeTimestamp:
		c.typ = "DATETIME"
	case mysql.TypeDuration:
		c.typ = "TIME"
	case mysql.TypeEnum, mysql.TypeSet:
		c.typ = "TEXT"
		c.checks = append(c.checks, oneOf(c.name, f.GetElems()))
	case mysql.TypeJSON:
		c.typ = "JSON"
	case mysql.TypeBit:
		c.checks = append(c.checks, quote(c.name)+" IN (0, 1)")
	default:
		c.typ = "TEXT"
		switch binary := f.GetCharset() == "binary"; {
		case binary:
			if c.typ = "VARBINARY"; f.GetFlen() > 0 {
				c.typ = fmt.Sprintf("VARBINARY(%d)", f.GetFlen())
			}
			if f.GetFlen() > 0 && f.GetFlen() < 16 {
				c.checks = append(c.checks, oneOf(c.name, []string{strings.Repeat("a", f.GetFlen()), strings.Repeat("b", f.GetFlen())}))
				c.typ = "TEXT"
			}
		case f.GetFlen() > 0:
			c.typ = fmt.Sprintf("VARCHAR(%d)", f.GetFlen())
		}
	}
}

func (m *my) constraint(t *table, k *ast.Constraint) {
	names := func(parts []*ast.IndexPartSpecification) []string {
		var out []string
		for _, p := range parts {
			if p.Column != nil {
				out = append(out, p.Column.Name.O)
			}
		}
		return out
	}
	switch k.Tp {
	case ast.ConstraintPrimaryKey:
		t.primary = names(k.Keys)
		for _, n := range t.primary {
			if c := t.column(n); c != nil {
				c.notNull = true
			}
		}
	case ast.ConstraintUniq, ast.ConstraintUniqKey, ast.ConstraintUniqIndex:
		m.unique(t, k.Keys)
	case ast.ConstraintForeignKey:
		t.fks = append(t.fks, foreignKey{names(k.Keys), names(k.Refer.IndexPartSpecifications), k.Refer.Table.Name.O})
	case ast.ConstraintCheck:
		m.check(t, k.Expr)
	}
}

func (m *my) unique(t *table, parts []*ast.IndexPartSpecification) {
	var cols []string
	for _, p := range parts {
		if p.Column == nil {
			m.note("table %s: a unique index is on an expression: rows may break it", t.name)
			return
		}
		cols = append(cols, p.Column.Name.O)
	}
	t.uniques = append(t.uniques, cols)
}

func (m *my) check(t *table, expr ast.ExprNode) {
	var b strings.Builder
	flags := format.RestoreStringSingleQuotes | format.RestoreKeyWordUppercase | format.RestoreNameDoubleQuotes | format.RestoreStringWithoutCharset
	if err := expr.Restore(format.NewRestoreCtx(flags, &b)); err != nil || strings.Contains(b.String(), "REGEXP") || strings.Contains(b.String(), "JSON_") {
		m.note("table %s: a CHECK is not understood: rows may break it", t.name)
		return
	}
	t.checks = append(t.checks, strings.ReplaceAll(b.String(), "CHAR_LENGTH(", "LENGTH("))
}

func (m *my) alter(s *ast.AlterTableStmt) {
	t := m.table(s.Table.Name.O)
	if t == nil {
		return
	}
	for _, spec := range s.Specs {
		switch spec.Tp {
		case ast.AlterTableAddConstraint:
			m.constraint(t, spec.Constraint)
		case ast.AlterTableAddColumns:
			for _, d := range spec.NewColumns {
				m.column(t, d)
			}
		case ast.AlterTableModifyColumn:
			for _, d := range spec.NewColumns {
				if c := t.column(d.Name.Name.O); c != nil {
					i := slices.Index(t.cols, c)
					m.column(t, d)
					t.cols[i] = t.cols[len(t.cols)-1]
					t.cols = t.cols[:len(t.cols)-1]
				}
			}
		case ast.AlterTableOption, ast.AlterTableEnableKeys, ast.AlterTableDisableKeys:
		default:
			m.note("ALTER TABLE %s: not all of it is understood", t.name)
		}
	}
}
