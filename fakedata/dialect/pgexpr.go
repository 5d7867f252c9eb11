package dialect

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// expression says a condition of PostgreSQL in SQLite's words; false where it
// has something that SQLite does not.
func expression(n *pg.Node, rename func(string) string) (string, bool) {
	sub := func(n *pg.Node) (string, bool) { return expression(n, rename) }
	switch {
	case n.GetColumnRef() != nil:
		fields := n.GetColumnRef().GetFields()
		name := last(fields)
		if name == "" {
			return "", false
		}
		return quote(rename(name)), true
	case n.GetAConst() != nil:
		return constant(n.GetAConst())
	case n.GetTypeCast() != nil:
		return sub(n.GetTypeCast().GetArg())
	case n.GetNullTest() != nil:
		arg, ok := sub(n.GetNullTest().GetArg())
		if n.GetNullTest().GetNulltesttype() == pg.NullTestType_IS_NULL {
			return arg + " IS NULL", ok
		}
		return arg + " IS NOT NULL", ok
	case n.GetBoolExpr() != nil:
		return boolean(n.GetBoolExpr(), rename)
	case n.GetFuncCall() != nil:
		return call(n.GetFuncCall(), rename)
	case n.GetAExpr() != nil:
		return operator(n.GetAExpr(), rename)
	case n.GetBooleanTest() != nil:
		arg, ok := sub(n.GetBooleanTest().GetArg())
		return arg, ok && n.GetBooleanTest().GetBooltesttype() == pg.BoolTestType_IS_TRUE
	}
	return "", false
}

func constant(c *pg.A_Const) (string, bool) {
	switch {
	case c.GetIsnull():
		return "NULL", true
	case c.GetSval() != nil:
		return literal(c.GetSval().GetSval()), true
	case c.GetFval() != nil:
		return c.GetFval().GetFval(), true
	case c.GetBoolval() != nil:
		if c.GetBoolval().GetBoolval() {
			return "1", true
		}
		return "0", true
	case c.GetBsval() != nil:
		return "", false
	}
	return fmt.Sprint(c.GetIval().GetIval()), true
}

func boolean(b *pg.BoolExpr, rename func(string) string) (string, bool) {
	var parts []string
	for _, a := range b.GetArgs() {
		part, ok := expression(a, rename)
		if !ok {
			return "", false
		}
		parts = append(parts, "("+part+")")
	}
	switch b.GetBoolop() {
	case pg.BoolExprType_AND_EXPR:
		return strings.Join(parts, " AND "), true
	case pg.BoolExprType_OR_EXPR:
		return strings.Join(parts, " OR "), true
	}
	return "NOT " + parts[0], true
}

func call(f *pg.FuncCall, rename func(string) string) (string, bool) {
	name := map[string]string{
		"length": "length", "char_length": "length", "character_length": "length", "lower": "lower", "upper": "upper", "btrim": "trim",
		"abs": "abs", "coalesce": "coalesce", "octet_length": "length",
	}[last(f.GetFuncname())]
	var args []string
	for _, a := range f.GetArgs() {
		arg, ok := expression(a, rename)
		if !ok {
			return "", false
		}
		args = append(args, arg)
	}
	return name + "(" + strings.Join(args, ", ") + ")", name != "" && len(args) > 0
}

func operator(e *pg.A_Expr, rename func(string) string) (string, bool) {
	left, ok := expression(e.GetLexpr(), rename)
	if e.GetLexpr() != nil && !ok {
		return "", false
	}
	op := last(e.GetName())
	items := func(n *pg.Node) (out []string, ok bool) {
		nodes := n.GetList().GetItems()
		if array := n; array.GetTypeCast() != nil {
			n = array.GetTypeCast().GetArg()
		}
		if a := n.GetAArrayExpr(); a != nil {
			nodes = a.GetElements()
		}
		for _, item := range nodes {
			text, ok := expression(item, rename)
			if !ok {
				return nil, false
			}
			out = append(out, text)
		}
		return out, len(out) > 0
	}
	switch e.GetKind() {
	case pg.A_Expr_Kind_AEXPR_IN, pg.A_Expr_Kind_AEXPR_OP_ANY:
		list, ok := items(e.GetRexpr())
		if op == "<>" {
			return left + " NOT IN (" + strings.Join(list, ", ") + ")", ok
		}
		return left + " IN (" + strings.Join(list, ", ") + ")", ok && op == "="
	case pg.A_Expr_Kind_AEXPR_BETWEEN:
		list, ok := items(e.GetRexpr())
		if !ok || len(list) != 2 {
			return "", false
		}
		return left + " BETWEEN " + list[0] + " AND " + list[1], true
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE:
		right, ok := expression(e.GetRexpr(), rename)
		if strings.HasPrefix(op, "!") {
			return left + " NOT LIKE " + right, ok
		}
		return left + " LIKE " + right, ok
	case pg.A_Expr_Kind_AEXPR_OP:
		right, ok := expression(e.GetRexpr(), rename)
		switch op {
		case "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||":
			return "(" + left + " " + op + " " + right + ")", ok && left != ""
		case "~~":
			return left + " LIKE " + right, ok
		case "!~~":
			return left + " NOT LIKE " + right, ok
		}
	}
	return "", false
}

// mentioned lists the columns that an expression names.
func mentioned(n *pg.Node) []string {
	var out []string
	if _, ok := expression(n, func(name string) string { out = append(out, name); return name }); !ok {
		return nil
	}
	return out
}
