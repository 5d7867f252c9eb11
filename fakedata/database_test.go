package fakedata

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"glovebox/fakedata/dialect"
)

// publicSchemas are those of Debian's packages, see testdata/databases.
func publicSchemas() []string {
	return []string{
		"pdns-backend-pgsql/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql",
		"pdns-backend-mysql/usr/share/pdns-backend-mysql/schema/schema.mysql.sql",
		"pdns-backend-sqlite3/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql",
		"roundcube-core/usr/share/roundcube/SQL/postgres.initial.sql",
		"roundcube-core/usr/share/roundcube/SQL/mysql.initial.sql",
		"roundcube-core/usr/share/roundcube/SQL/sqlite.initial.sql",
		"mediawiki/usr/share/mediawiki/maintenance/postgres/tables-generated.sql",
		"mediawiki/usr/share/mediawiki/maintenance/tables-generated.sql",
		"mediawiki/usr/share/mediawiki/maintenance/sqlite/tables-generated.sql",
		"icingadb/usr/share/icingadb/schema/pgsql/schema.sql",
		"icingadb/usr/share/icingadb/schema/mysql/schema.sql",
		"icinga2-ido-pgsql/usr/share/icinga2-ido-pgsql/schema/pgsql.sql",
		"phpmyadmin/usr/share/phpmyadmin/sql/create_tables.sql",
	}
}

// databases is the folder of public schemas; the test is left out where `make
// data-test` has not named it.
func databases(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FAKEDATA_DATABASES")
	if dir == "" {
		t.Skip("real databases: make data-test")
	}
	return dir
}

// server is a database server of the test's own, on a Unix socket.
type server struct {
	t      *testing.T
	dir    string
	as     *syscall.SysProcAttr // an unprivileged account
	client []string             // reads SQL on its standard input
}

func newServer(t *testing.T, account string) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "fakedata-db-") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{t: t, dir: dir}
	if os.Getuid() != 0 {
		return s
	}
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return s
}

func (s *server) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	cmd.Env = append(os.Environ(), "HOME="+s.dir)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (s *server) must(args ...string) {
	s.t.Helper()
	if out, err := s.run(s.t.Context(), "", args...); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func startPostgres(t *testing.T) *server {
	t.Helper()
	s := newServer(t, "postgres")
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(bins) == 0 {
		t.Fatal("no PostgreSQL here: make data-test installs it")
	}
	bin := bins[len(bins)-1]
	data := filepath.Join(s.dir, "data")
	s.must(bin+"/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
	s.must(bin+"/pg_ctl", "-D", data, "-w", "-l", filepath.Join(s.dir, "log"), "-o", "-k "+s.dir+" -c listen_addresses= -c fsync=off", "start")
	t.Cleanup(func() { _, _ = s.run(context.Background(), "", bin+"/pg_ctl", "-D", data, "-m", "immediate", "stop") })
	s.client = []string{bin + "/psql", "-h", s.dir, "-U", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At"}
	return s
}

func startMariaDB(t *testing.T) *server {
	t.Helper()
	s := newServer(t, "mysql")
	data, socket := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "s")
	s.must("mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.run(ctx, "", "mariadbd", "--no-defaults", "--datadir="+data, "--socket="+socket, "--skip-networking", "--sql-mode=STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION",
			"--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--pid-file="+filepath.Join(s.dir, "pid"))
	}()
	t.Cleanup(func() { stop(); <-ended })
	s.must("mariadb-admin", "--no-defaults", "-u", "root", "--socket="+socket, "--wait=60", "--connect-timeout=60", "ping")
	s.client = []string{"mariadb", "--no-defaults", "-u", "root", "--socket=" + socket, "-N", "-B"}
	return s
}

// load runs a script in a database of its own and counts the rows of each table.
func (s *server) load(t *testing.T, f Format, schema *Schema, script string, n int) {
	t.Helper()
	name := fmt.Sprintf("t%d", n)
	if out, err := s.run(t.Context(), "CREATE DATABASE "+name, s.client...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	client := append(append([]string{}, s.client...), name)
	if out, err := s.run(t.Context(), script, client...); err != nil {
		t.Fatalf("loading: %v\n%s", err, out[max(0, len(out)-1000):])
	}
	var counts []string
	if f == FormatPostgres {
		counts = append(counts, "SET search_path=public, hr")
	}
	for _, table := range schema.Tables {
		counts = append(counts, "SELECT count(*) FROM "+f.quote(table.Name))
	}
	out, err := s.run(t.Context(), strings.Join(counts, ";\n")+";", client...)
	if err != nil {
		t.Fatalf("counting: %v\n%.2000s", err, out)
	}
	got, want := strings.Fields(out), int64(0)
	p, err := newPlan(schema, recipe(1500))
	if err != nil {
		t.Fatal(err)
	}
	for i, table := range p.tables {
		want += table.rows
		if i >= len(got) || got[i] != strconv.FormatInt(table.rows, 10) {
			t.Errorf("%s: loaded %v rows, want %d", table.Name, got, table.rows)
		}
	}
	t.Logf("%d rows in %d tables, foreign keys and CHECKs in force", want, len(schema.Tables))
}

// TestRealDatabases: what is written for PostgreSQL loads into PostgreSQL, and
// what is written for MySQL into MariaDB; every constraint of the script is in
// force there.
func TestRealDatabases(t *testing.T) {
	dir := databases(t)
	var schemas []*Schema
	for _, name := range append(Builtins(), "chinook", "sakila") {
		schemas = append(schemas, load(t, name))
	}
	for _, path := range publicSchemas() {
		s, err := Load(t.Context(), filepath.Join(dir, path))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		s.Name = strings.SplitN(path, "/", 2)[0]
		for _, note := range s.Notes {
			t.Logf("%s: %s", s.Name, note)
		}
		schemas = append(schemas, s)
	}
	schemas = append(schemas, parse(t, `CREATE SCHEMA hr; CREATE TYPE hr.mood AS ENUM ('fine', 'it''s ok');
		CREATE TABLE hr.person (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, boss integer, mood hr.mood NOT NULL, tags text[], net inet, spent interval,
		bits bit(3), at timestamptz NOT NULL, ok boolean, doc jsonb, code uuid UNIQUE, photo bytea, "Odd ""name""" numeric(6,2) CHECK ("Odd ""name""" > 0),
		twice numeric GENERATED ALWAYS AS ("Odd ""name""" * 2) STORED, span daterange, words tsvector, place point, t time);
		ALTER TABLE hr.person ADD CONSTRAINT b FOREIGN KEY (boss) REFERENCES hr.person (id);`))
	schemas = append(schemas, parse(t, "CREATE TABLE `per``son` (`id` int(10) unsigned NOT NULL AUTO_INCREMENT, `boss` int(10) unsigned, `name` varchar(40) NOT NULL, "+
		"`mood` enum('sad','it''s \\\\ok') DEFAULT 'sad', `flags` set('a','b'), `age` tinyint(3) unsigned, `active` tinyint(1) NOT NULL DEFAULT '1', `hash` binary(20), "+
		"`doubled` int GENERATED ALWAYS AS (`age` * 2) VIRTUAL, `at` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, `born` year(4), `t` time, `doc` json, `place` geometry NOT NULL, "+
		"`b` bit(1), PRIMARY KEY (`id`), UNIQUE KEY `n` (`name`), CONSTRAINT `bo` FOREIGN KEY (`boss`) REFERENCES `per``son` (`id`), CHECK (`age` > 17)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"+
		"DELIMITER ;;\nCREATE TRIGGER g BEFORE INSERT ON `per``son` FOR EACH ROW BEGIN SET NEW.name = 'the trigger; ran'; END;;\nDELIMITER ;\n"))
	for f, start := range map[Format]func(*testing.T) *server{FormatPostgres: startPostgres, FormatMySQL: startMariaDB} {
		t.Run(string(f), func(t *testing.T) {
			db := start(t)
			for n, s := range schemas {
				if s.Dialect != dialect.SQLite && string(s.Dialect) != string(f) {
					continue
				}
				t.Run(fmt.Sprintf("%s-%s", s.Name, s.Dialect), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "x.sql")
					if err := Generate(t.Context(), s, recipe(1500), Target{Path: path, Format: f}, nil); err != nil {
						t.Fatal(err)
					}
					script, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					db.load(t, f, s, string(script), n)
				})
			}
		})
	}
}

// TestPublicSchemasInSQLite: the same ones as SQLite datasets.
func TestPublicSchemasInSQLite(t *testing.T) {
	dir := databases(t)
	for _, path := range publicSchemas() {
		t.Run(path, func(t *testing.T) {
			s, err := Load(t.Context(), filepath.Join(dir, path))
			if err != nil {
				t.Fatal(err)
			}
			db, _ := generate(t, s, recipe(10_000))
			sound(t, db)
		})
	}
}
