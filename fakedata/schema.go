package fakedata

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glovebox/fakedata/dialect"

	"github.com/agnivade/levenshtein"
)

//go:embed schemas/*.sql
var schemaFiles embed.FS

// A Schema is the structure of a dataset. It is read-only once made and may
// be used by several goroutines.
type Schema struct {
	Name    string
	DDL     string       // as given
	Dialect dialect.Name // of the DDL
	Notes   []string     // what of the DDL could not be taken over, one line each
	Tables  []Table      // parents before children; where references form a cycle, in the script's order

	script  *dialect.Script // of the DDL where it is not SQLite's
	objects []object        // everything to create, in the script's order
}

// A Table is one table of a Schema.
type Table struct {
	Name        string
	Columns     []Column
	Keys        []Key // the primary key first, if there is one
	ForeignKeys []ForeignKey
	Checks      []Check
	sql         string // of the CREATE TABLE
	Strict      bool   // values must be of their column's type
}

// A Column is one column of a Table.
type Column struct {
	Name      string
	Type      string // as declared, may be ""
	Default   string // SQL expression, "" if there is none
	NotNull   bool
	Generated bool // computed by SQLite, never written
}

// A Key is a set of columns whose values together are unique.
type Key struct {
	Columns []int // index into Table.Columns
	Primary bool
}

// A ForeignKey says that Columns of this table refer to To of table Table.
type ForeignKey struct {
	Columns []int // index into Table.Columns
	Table   int   // index into Schema.Tables
	To      []int // index into that table's Columns
}

// A Check is one CHECK constraint.
type Check struct {
	Name string // "" if it has none
	Expr string // SQL text between the parentheses
}

// object is one entry of sqlite_schema.
type object struct{ kind, name, sql string }

// Builtins lists the names of the built-in schemas, sorted.
func Builtins() []string {
	files, err := fs.Glob(schemaFiles, "schemas/*.sql")
	if err != nil {
		return nil // the pattern is constant and well formed
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".sql")
	}
	slices.Sort(files)
	return files
}

// Builtin returns the built-in schema of that name. An unknown name is an
// error that lists the ones there are.
func Builtin(name string) (*Schema, error) {
	ddl, err := schemaFiles.ReadFile("schemas/" + name + ".sql")
	if err != nil {
		return nil, unknownSchema(name)
	}
	return Parse(context.Background(), name, string(ddl))
}

// Load returns the built-in schema of that name, or else that of the file at
// that path: a script of CREATE statements, or the bare structure of a SQLite
// or CSV file. The schema is then named after the file. The error of a name that
// is neither lists the built-in schemas and names the nearest one.
func Load(ctx context.Context, nameOrPath string) (*Schema, error) {
	if slices.Contains(Builtins(), nameOrPath) {
		return Builtin(nameOrPath)
	}
	info, err := os.Stat(nameOrPath) // before opening: a pipe would block
	isPath := strings.ContainsRune(nameOrPath, filepath.Separator) || filepath.Ext(nameOrPath) != ""
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isPath:
		return nil, unknownSchema(nameOrPath)
	case err != nil:
		return nil, fmt.Errorf("reading the schema: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("reading the schema: %s is not a regular file", nameOrPath)
	}
	f, err := os.Open(nameOrPath)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	defer f.Close()
	ddl, err := structureOf(ctx, nameOrPath, f)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %s: %w", nameOrPath, err)
	}
	base := filepath.Base(nameOrPath)
	return Parse(ctx, strings.TrimSuffix(base, filepath.Ext(base)), ddl)
}

func unknownSchema(name string) error {
	names := Builtins()
	hint := didYouMean(name, names)
	if hint == "" {
		hint = "."
	}
	return fmt.Errorf("no schema is called %q%s Built in: %s; or give the path of a .sql file",
		name, hint, strings.Join(names, ", "))
}

// didYouMean suggests the nearest of names; "" where none is near: one letter
// in three may be wrong.
func didYouMean(name string, names []string) string {
	near, best := "", (len(name)+2)/3+1
	for _, n := range names {
		if d := levenshtein.ComputeDistance(name, n); d < min(best, len(n)) {
			near, best = n, d
		}
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near)
}
