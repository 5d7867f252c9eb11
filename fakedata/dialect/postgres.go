package dialect

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	parser "github.com/wasilibs/go-pgquery"
)

// postgres collects what a script of PostgreSQL creates.
type postgres struct {
	tables  []*table
	enums   map[string][]string
	domains map[string]*pg.CreateDomainStmt
	script  *Script
}

func fromPostgres(text string) (*Script, error) {
	tree, err := parser.Parse(withoutData(text))
	if err != nil {
		return nil, fmt.Errorf("it does not parse as PostgreSQL: %s", oneLine(err.Error()))
	}
	text = withoutData(text)
	p := &postgres{enums: map[string][]string{}, domains: map[string]*pg.CreateDomainStmt{}, script: &Script{Dialect: Postgres}}
	for _, raw := range tree.GetStmts() {
		from, to := int(raw.GetStmtLocation()), int(raw.GetStmtLocation()+raw.GetStmtLen())
		if raw.GetStmtLen() == 0 {
			to = len(text)
		}
		source := strings.TrimSpace(text[from:to])
		if err := p.statement(raw.GetStmt(), source); err != nil {
			return nil, err
		}
	}
	p.script.DDL = ddl(p.tables)
	return p.script, nil
}

// withoutData leaves out COPY blocks and psql's own commands, which are no SQL.
func withoutData(text string) string {
	if !strings.Contains(text, "\nCOPY ") && !strings.Contains(text, "\n\\") && !strings.HasPrefix(text, "\\") {
		return text
	}
	var b strings.Builder
	copying := false
	for line := range strings.Lines(text) {
		switch trimmed := strings.TrimRight(line, "\r\n"); {
		case copying:
			copying = trimmed != `\.`
		case strings.HasPrefix(trimmed, "COPY ") && strings.Contains(strings.ToUpper(trimmed), "FROM STDIN"):
			copying = true
		case strings.HasPrefix(trimmed, `\`):
		default:
			b.WriteString(line)
			continue
		}
		b.WriteString("\n") // keeps the line numbers
	}
	return b.String()
}

func (p *postgres) note(format string, args ...any) {
	p.script.Notes = append(p.script.Notes, fmt.Sprintf(format, args...))
}

// statement takes one statement over.
func (p *postgres) statement(n *pg.Node, source string) error {
	before, after := &p.script.Before, &p.script.After
	switch {
	case n.GetCreateStmt() != nil:
		s := n.GetCreateStmt()
		if s.GetPartbound() != nil {
			p.note("partition %s is not filled by itself: its parent is", s.GetRelation().GetRelname())
		} else if err := p.create(s); err != nil {
			return err
		}
		*before = append(*before, source)
	case n.GetAlterTableStmt() != nil:
		if late, ok := p.alter(n.GetAlterTableStmt()); !ok {
			return nil
		} else if late {
			*after = append(*after, source)
		} else {
			*before = append(*before, source)
		}
	case n.GetCreateEnumStmt() != nil:
		var values []string
		for _, v := range n.GetCreateEnumStmt().GetVals() {
			values = append(values, v.GetString_().GetSval())
		}
		p.enums[last(n.GetCreateEnumStmt().GetTypeName())] = values
		*before = append(*before, source)
	case n.GetCreateDomainStmt() != nil:
		p.domains[last(n.GetCreateDomainStmt().GetDomainname())] = n.GetCreateDomainStmt()
		*before = append(*before, source)
	case n.GetIndexStmt() != nil:
		p.index(n.GetIndexStmt())
		*after = append(*after, source)
	case n.GetCreateSeqStmt() != nil, n.GetCreateSchemaStmt() != nil, n.GetCompositeTypeStmt() != nil, n.GetCreateRangeStmt() != nil,
		n.GetCreateExtensionStmt() != nil, n.GetVariableSetStmt() != nil, n.GetCreateFunctionStmt() != nil, n.GetDefineStmt() != nil,
		n.GetViewStmt() != nil, n.GetCreateCastStmt() != nil, n.GetAlterSeqStmt() != nil, n.GetCreateTableAsStmt() != nil:
		*before = append(*before, source)
	case n.GetCreateTrigStmt() != nil, n.GetRuleStmt() != nil, n.GetCommentStmt() != nil, n.GetCreateStatsStmt() != nil:
		*after = append(*after, source)
	case n.GetInsertStmt() != nil, n.GetUpdateStmt() != nil, n.GetDeleteStmt() != nil, n.GetSelectStmt() != nil, n.GetCopyStmt() != nil,
		n.GetTransactionStmt() != nil, n.GetDropStmt() != nil, n.GetGrantStmt() != nil, n.GetAlterOwnerStmt() != nil, n.GetVacuumStmt() != nil:
		// data and administration: no structure
	default:
		p.note("left out: %s", oneLine(source))
	}
	return nil
}

func (p *postgres) table(r *pg.RangeVar) *table {
	i := slices.IndexFunc(p.tables, func(t *table) bool { return t.name == r.GetRelname() })
	if i < 0 {
		return nil
	}
	return p.tables[i]
}

func (p *postgres) create(s *pg.CreateStmt) error {
	t := &table{name: s.GetRelation().GetRelname()}
	if p.table(s.GetRelation()) != nil {
		return fmt.Errorf("table %q is there twice, perhaps in two schemas: keep one", t.name)
	}
	for _, parent := range s.GetInhRelations() {
		if from := p.table(parent.GetRangeVar()); from != nil {
			for _, c := range from.cols {
				inherited := *c
				t.cols = append(t.cols, &inherited)
			}
		}
	}
	p.tables = append(p.tables, t)
	if in := s.GetRelation().GetSchemaname(); in != "" && in != "public" && !slices.Contains(p.script.Schemas, in) {
		p.script.Schemas = append(p.script.Schemas, in)
	}
	for _, e := range s.GetTableElts() {
		switch {
		case e.GetColumnDef() != nil:
			p.column(t, e.GetColumnDef())
		case e.GetConstraint() != nil:
			p.constraint(t, nil, e.GetConstraint())
		default:
			p.note("table %s: LIKE is not followed", t.name)
		}
	}
	return nil
}

func (p *postgres) column(t *table, d *pg.ColumnDef) {
	c := &col{name: d.GetColname(), notNull: d.GetIsNotNull(), hasValue: d.GetRawDefault() != nil}
	t.cols = append(t.cols, c)
	p.setType(t, c, d.GetTypeName())
	for _, k := range d.GetConstraints() {
		p.constraint(t, c, k.GetConstraint())
	}
}

func last(names []*pg.Node) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1].GetString_().GetSval()
}

func strs(nodes []*pg.Node) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.GetString_().GetSval())
	}
	return out
}

// constraint takes one constraint over; c is its column if it stands there.
// It reports whether it is a foreign key.
func (p *postgres) constraint(t *table, c *col, k *pg.Constraint) bool {
	cols := strs(k.GetKeys())
	if c != nil {
		cols = []string{c.name}
	}
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_NOTNULL:
		c.notNull = true
	case pg.ConstrType_CONSTR_DEFAULT, pg.ConstrType_CONSTR_IDENTITY:
		c.hasValue = true
	case pg.ConstrType_CONSTR_GENERATED:
		c.computed = true
	case pg.ConstrType_CONSTR_PRIMARY:
		t.primary = cols
		for _, name := range cols {
			if col := t.column(name); col != nil {
				col.notNull = true
			}
		}
	case pg.ConstrType_CONSTR_UNIQUE:
		t.uniques = append(t.uniques, cols)
	case pg.ConstrType_CONSTR_CHECK:
		p.check(t, c, k, func(name string) string { return name })
	case pg.ConstrType_CONSTR_FOREIGN:
		if c == nil {
			cols = strs(k.GetFkAttrs())
		}
		t.fks = append(t.fks, foreignKey{cols, strs(k.GetPkAttrs()), k.GetPktable().GetRelname()})
		return true
	case pg.ConstrType_CONSTR_EXCLUSION:
		p.note("table %s: an EXCLUDE constraint is not taken over: rows may break it", t.name)
	}
	return false
}

func (p *postgres) check(t *table, c *col, k *pg.Constraint, rename func(string) string) {
	expr, ok := expression(k.GetRawExpr(), rename)
	if !ok {
		p.note("table %s: CHECK %s is not understood: rows may break it", t.name, oneLine(k.GetConname()))
		return
	}
	if c != nil {
		c.checks = append(c.checks, expr)
	} else {
		t.checks = append(t.checks, expr)
	}
}

// alter takes ALTER TABLE over. late: it belongs after the rows.
func (p *postgres) alter(s *pg.AlterTableStmt) (late, keep bool) {
	t := p.table(s.GetRelation())
	for _, n := range s.GetCmds() {
		cmd := n.GetAlterTableCmd()
		switch cmd.GetSubtype() {
		case pg.AlterTableType_AT_AddConstraint:
			keep = true
			if t != nil && p.constraint(t, nil, cmd.GetDef().GetConstraint()) {
				late = true
			}
		case pg.AlterTableType_AT_AddColumn:
			keep = true
			if t != nil {
				p.column(t, cmd.GetDef().GetColumnDef())
			}
		case pg.AlterTableType_AT_ColumnDefault, pg.AlterTableType_AT_AddIdentity:
			keep = true
			if c := t.columnOf(cmd.GetName()); c != nil {
				c.hasValue = true
			}
		case pg.AlterTableType_AT_SetNotNull:
			keep = true
			if c := t.columnOf(cmd.GetName()); c != nil {
				c.notNull = true
			}
		case pg.AlterTableType_AT_ChangeOwner, pg.AlterTableType_AT_ClusterOn, pg.AlterTableType_AT_SetStatistics, pg.AlterTableType_AT_ReplicaIdentity:
		case pg.AlterTableType_AT_EnableTrig, pg.AlterTableType_AT_AttachPartition, pg.AlterTableType_AT_SetStorage, pg.AlterTableType_AT_EnableRowSecurity:
			keep = true
		default:
			keep = true
			p.note("ALTER TABLE %s: %s is kept, but not understood", s.GetRelation().GetRelname(), cmd.GetSubtype())
		}
	}
	return late, keep
}

func (t *table) columnOf(name string) *col {
	if t == nil {
		return nil
	}
	return t.column(name)
}

// index takes a unique index over.
func (p *postgres) index(s *pg.IndexStmt) {
	t := p.table(s.GetRelation())
	if t == nil || !s.GetUnique() {
		return
	}
	var cols []string
	for _, n := range s.GetIndexParams() {
		e := n.GetIndexElem()
		if e.GetName() != "" {
			cols = append(cols, e.GetName())
			continue
		}
		inside := mentioned(e.GetExpr())
		if len(inside) == 0 {
			p.note("unique index %s is on an expression: rows may break it", s.GetIdxname())
			return
		}
		cols = append(cols, inside...)
	}
	slices.Sort(cols)
	t.uniques = append(t.uniques, slices.Compact(cols))
}
