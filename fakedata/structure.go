package fakedata

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxHeader bounds the first line of a CSV file, in bytes.
const maxHeader = 64 << 10

// structureOf returns a schema script for what the file at path holds: itself,
// if it is one; the CREATE statements of a SQLite file; a table of the columns
// that a CSV file's first line names. No row of the file is read.
func structureOf(ctx context.Context, path string, f io.Reader) (string, error) {
	buf := bufio.NewReaderSize(f, maxHeader)
	head, err := buf.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case bytes.Equal(head, []byte("SQLite format 3\x00")):
		return structureOfSQLite(ctx, path)
	case ext == ".csv" || ext == ".tsv":
		name := filepath.Base(path)
		return structureOfCSV(strings.TrimSuffix(name, filepath.Ext(name)), buf)
	}
	ddl, err := io.ReadAll(io.LimitReader(buf, maxDDL+1))
	return string(ddl), err
}

// structureOfSQLite reads sqlite_schema and nothing else. Comments, in which
// anything may stand, are left out.
func structureOfSQLite(ctx context.Context, path string) (string, error) {
	db, err := openToRead(ctx, path)
	if err != nil {
		return "", err
	}
	defer db.Close()
	return Structure(ctx, db.Conn)
}

// Structure is the script of CREATE statements of an open SQLite file, without
// comments, virtual tables and, where there is such a table, triggers.
func Structure(ctx context.Context, conn *sql.Conn) (string, error) {
	rows, err := query(ctx, conn, `SELECT type, name, sql, '' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`)
	if err != nil {
		return "", err
	}
	var virtual []string
	for _, r := range rows {
		if tokens := tokenize(r[2]); len(tokens) > 1 && tokens[1].is("VIRTUAL") {
			virtual = append(virtual, r[1])
		}
	}
	shadow := func(name string) bool { // a virtual table and those it keeps its things in
		return slices.ContainsFunc(virtual, func(v string) bool { return name == v || strings.HasPrefix(name, v+"_") })
	}
	var b strings.Builder
	for _, r := range rows {
		if shadow(r[1]) || r[0] == "trigger" && len(virtual) > 0 {
			continue
		}
		b.WriteString(withoutComments(r[2]) + ";\n")
	}
	return b.String(), nil
}

// withoutComments keeps the tokens of a statement and what of the white space
// between them matters.
func withoutComments(text string) string {
	var b strings.Builder
	end := 0
	for i, t := range tokenize(text) {
		if i > 0 && t.pos > end {
			b.WriteByte(' ')
		}
		b.WriteString(text[t.pos:t.end])
		end = t.end
	}
	return b.String()
}

// structureOfCSV makes a table of the names in a CSV file's first line. A line
// that looks like data is refused: a value must not become a name.
func structureOfCSV(table string, r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("the first line is longer than %d bytes", maxHeader)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	cells := csv.NewReader(bytes.NewReader(line))
	for _, sep := range []rune{';', '\t', '|'} {
		if bytes.ContainsRune(line, sep) && bytes.Count(line, []byte(string(sep))) > bytes.Count(line, []byte{','}) {
			cells.Comma = sep
		}
	}
	names, err := cells.Read()
	if err != nil {
		return "", errors.New("the first line is no CSV header")
	}
	seen := map[string]bool{}
	var cols []string
	for i, n := range names {
		n = strings.TrimSpace(n)
		if n == "" || seen[strings.ToLower(n)] || looksLikeData(n) {
			return "", fmt.Errorf("the first line is no header: its cell %d is empty, there twice, or looks like data; "+
				"give the file a first line of column names", i+1)
		}
		seen[strings.ToLower(n)] = true
		kind := ""
		if i == 0 && strings.EqualFold(n, "id") {
			kind = " INTEGER PRIMARY KEY"
		}
		cols = append(cols, "  "+quote(n)+kind)
	}
	ddl := "CREATE TABLE " + quote(table) + " (\n" + strings.Join(cols, ",\n") + "\n);\n"
	s, err := Parse(context.Background(), table, ddl)
	if err != nil {
		return "", err
	}
	for _, c := range s.Tables[0].Columns {
		if kindNamed(&s.Tables[0], c.Name) {
			return ddl, nil
		}
	}
	return "", errors.New("the first line is no header that can be understood: not one of its cells is the name of anything known; " +
		"write a CREATE TABLE statement instead")
}

// kindNamed reports whether a generator goes by that name.
func kindNamed(t *Table, column string) bool {
	ws := words(column)
	name, last := strings.Join(ws, " "), ws[len(ws)-1]
	if last == "id" || strings.Contains(timeWords, " "+last+" ") {
		return true
	}
	for _, v := range variants(&table{Table: t, words: singular(words(t.Name))}, ws, name) {
		for _, r := range kindRules() {
			if slices.Contains(strings.Split(r.phrases, "; "), v) {
				return true
			}
		}
	}
	return false
}

// looksLikeData tells values from names.
func looksLikeData(cell string) bool {
	return strings.Contains(cell, "@") || strings.Contains(cell, "://") || len(cell) > 80 ||
		regexp.MustCompile(`^[-+ ]?[0-9]|[0-9]{4,}`).MatchString(cell)
}
