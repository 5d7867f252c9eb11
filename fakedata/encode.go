package fakedata

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"glovebox/fakedata/dialect"
)

// A Format is how a dataset is written.
type Format string

// The formats. A dataset of CSV or JSONL is a directory with a file for each
// table; the others are one file.
const (
	FormatSQLite    Format = "sqlite"
	FormatCSV       Format = "csv"
	FormatJSONL     Format = "jsonl"
	FormatSQLiteSQL Format = "sql"
	FormatPostgres  Format = "postgres"
	FormatMySQL     Format = "mysql"
)

// Formats lists them.
func Formats() []Format {
	return []Format{FormatSQLite, FormatCSV, FormatJSONL, FormatSQLiteSQL, FormatPostgres, FormatMySQL}
}

// encoder writes rows of one table as text. It keeps nothing from row to row
// but what is in first, so that parts of a table can be encoded apart.
type encoder struct {
	t      *table
	format Format
	cols   []*column // that are written
	heads  []string  // the columns' names
	names  [][]byte  // the same, as JSONL begins them
	tail   []byte    // ends each row of CSV and JSONL
	from   int64     // the first of the rows
	n      int64     // how many there are
	insert string    // begins an INSERT
}

// rowsPerInsert is how many rows share one INSERT statement.
const rowsPerInsert = 200

func newEncoder(t *table, f Format) *encoder {
	e := &encoder{t: t, format: f, n: t.written()}
	var names []string
	for _, c := range t.cols {
		if c.Generated {
			continue
		}
		lead := ","
		if len(e.cols) == 0 {
			lead = "{"
		}
		e.cols, e.heads = append(e.cols, c), append(e.heads, c.Name)
		e.names = append(e.names, append(appendJSON([]byte(lead), c.Name), ':'))
		names = append(names, f.quote(c.Name))
	}
	override := ""
	if f == FormatPostgres {
		override = " OVERRIDING SYSTEM VALUE" // the numbers are ours also where the database would count
	}
	e.insert = "INSERT INTO " + f.quote(t.Name) + " (" + strings.Join(names, ", ") + ")" + override + " VALUES\n"
	return e
}

// quote makes an identifier.
func (f Format) quote(name string) string {
	if f == FormatMySQL {
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	}
	return quote(name)
}

// header is what a table's file begins with.
func (e *encoder) header(dst []byte) []byte {
	if e.format != FormatCSV {
		return dst
	}
	for i, name := range e.heads {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCSV(dst, name)
	}
	return append(dst, '\n')
}

// row appends one row; at says which of an INSERT's rows it is, last whether
// the INSERT ends with it.
func (e *encoder) row(dst []byte, values []any, at int, last bool) []byte {
	switch e.format {
	case FormatCSV:
		for i, v := range values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCSVValue(dst, v, e.cols[i])
		}
		return append(append(dst, e.tail...), '\n')
	case FormatJSONL:
		for i, v := range values {
			dst = append(dst, e.names[i]...)
			dst = appendJSONValue(dst, v, e.cols[i])
		}
		return append(append(dst, e.tail...), "}\n"...)
	}
	if at == 0 {
		dst = append(dst, e.insert...)
	}
	dst = append(dst, '(')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.appendSQL(dst, v, e.cols[i])
	}
	if last {
		return append(dst, ");\n"...)
	}
	return append(dst, "),\n"...)
}

func appendCSVValue(dst []byte, v any, c *column) []byte {
	switch v := v.(type) {
	case string:
		return appendCSV(dst, v)
	case int64:
		if c.class == classBool {
			return strconv.AppendBool(dst, v != 0)
		}
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case []byte:
		return hex.AppendEncode(append(dst, `\x`...), v)
	}
	return dst // NULL is nothing, the empty text is ""
}

// appendCSV writes text as RFC 4180 has it.
func appendCSV(dst []byte, s string) []byte {
	plain := s != "" && s[0] != ' ' && s[len(s)-1] != ' '
	for i := 0; plain && i < len(s); i++ {
		b := s[i]
		plain = b != ',' && b != '"' && b != '\r' && b != '\n'
	}
	if plain {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func appendJSONValue(dst []byte, v any, c *column) []byte {
	switch v := v.(type) {
	case string:
		return appendJSON(dst, v)
	case int64, float64:
		return appendCSVValue(dst, v, c)
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
	}
	return append(dst, "null"...)
}

func appendJSON(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		b := s[i]
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		case b >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				dst = append(dst, "\ufffd"...)
			case r == '\u2028' || r == '\u2029':
				dst = fmt.Appendf(dst, `\u%04x`, r)
			default:
				dst = append(dst, s[i:i+n]...)
			}
			i += n
			continue
		default:
			dst = append(dst, b)
		}
		i++
	}
	return append(dst, '"')
}

// appendSQL writes a literal.
func (e *encoder) appendSQL(dst []byte, v any, c *column) []byte {
	switch v := v.(type) {
	case string:
		return e.appendText(dst, v, c)
	case int64:
		if c.class == classBool && e.format == FormatPostgres {
			return strconv.AppendBool(dst, v != 0)
		}
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case []byte:
		if e.format == FormatPostgres {
			return append(hex.AppendEncode(append(dst, `'\x`...), v), '\'')
		}
		return append(hex.AppendEncode(append(dst, "X'"...), v), '\'')
	}
	return append(dst, "NULL"...)
}

func (e *encoder) appendText(dst []byte, s string, c *column) []byte {
	geometry := e.format == FormatMySQL && strings.EqualFold(c.Type, "GEOMETRY")
	if geometry {
		dst = append(dst, "ST_GeomFromText("...)
	}
	dst = append(dst, '\'')
	for i := range len(s) {
		switch b := s[i]; {
		case b == '\'':
			dst = append(dst, '\'', '\'')
		case b == '\\' && e.format == FormatMySQL:
			dst = append(dst, '\\', '\\')
		case b == 0: // no database takes it in text
		default:
			dst = append(dst, b)
		}
	}
	dst = append(dst, '\'')
	if geometry {
		dst = append(dst, ')')
	}
	return dst
}

// script is what an SQL file holds around its rows.
func (p *plan) script(s *Schema, f Format) (before, after []string) {
	switch {
	case f == FormatSQLiteSQL:
		for _, o := range s.objects {
			if o.kind == "table" {
				before = append(before, o.sql)
			} else {
				after = append(after, o.sql)
			}
		}
		return append([]string{"PRAGMA foreign_keys=OFF", "BEGIN"}, before...), append(after, "COMMIT")
	case f == FormatPostgres && s.Dialect == dialect.Postgres, f == FormatMySQL && s.Dialect == dialect.MySQL:
		before, after = s.script.Before, s.script.After
	default:
		before, after = s.translated(f)
	}
	if f == FormatMySQL {
		before = append([]string{"SET NAMES utf8mb4", "SET time_zone='+00:00'", "SET FOREIGN_KEY_CHECKS=0", "SET UNIQUE_CHECKS=0"}, before...)
		return before, append(after, "SET FOREIGN_KEY_CHECKS=1", "SET UNIQUE_CHECKS=1")
	}
	path := "SET search_path=public"
	if s.script != nil {
		for _, in := range s.script.Schemas {
			path += ", " + quote(in)
		}
	}
	before = append([]string{"SET client_encoding='UTF8'", "SET standard_conforming_strings=on", path}, before...)
	for _, t := range p.tables {
		for _, c := range t.cols {
			if c.class == classInt && c.link == nil && !c.Generated && c.unique {
				after = append(after, fmt.Sprintf("SELECT setval(q.seq, q.top) FROM (SELECT pg_get_serial_sequence(%s, %s) AS seq, (SELECT max(%s) FROM %s) AS top) q WHERE q.seq IS NOT NULL",
					sqlText(quote(t.Name)), sqlText(c.Name), quote(c.Name), quote(t.Name)))
			}
		}
	}
	return before, after
}
