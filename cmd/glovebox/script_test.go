package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"glovebox/store"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"glovebox": main})
}

// The scripts are the manual of the commands: what is typed, what comes out,
// the exit code. Those that need boxes are in real_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			for _, name := range []string{"DATA", "CONFIG", "STATE"} {
				env.Setenv("XDG_"+name+"_HOME", filepath.Join(env.WorkDir, "home", strings.ToLower(name)))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails": scriptFails, "record": scriptRecord, "sqlite": scriptSQLite,
		},
	})
}

// oneClearLine may have steps before it, where a slow machine took long over them.
var oneClearLine = regexp.MustCompile(`^(  [^\n]+\n)*glovebox: [^\n]+\n(try: [^\n]+\n)?$`)

var longSteps = regexp.MustCompile(`(?m)^  .*\n`)

// unhurried is what a command wrote to standard error, without the steps that
// took long: others may be preparing an image.
func unhurried(errOut string) string { return longSteps.ReplaceAllString(errOut, "") }

// fails CODE COMMAND …: the command ends with that exit code, writes nothing to
// standard output, and one clear line to standard error, perhaps with another
// that says what to try.
func scriptFails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE COMMAND …")
	}
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); !errors.As(err, &exit) || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("ended with %v, not with exit code %s", err, args[0])
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("wrote to standard output")
	}
	if !oneClearLine.MatchString(ts.ReadFile("stderr")) {
		ts.Fatalf("standard error is not one clear line")
	}
}

// record [-crashed] FILE: the events in FILE, one JSON object a line with kind
// and body, become a session of the log, as recorded by this process or by one
// that is gone. $SESSION is its ID.
func scriptRecord(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	owner := store.CurrentOwner()
	if args[0] == "-crashed" {
		args, owner.Start = args[1:], owner.Start+1
	}
	log, err := store.Open(ctx, filepath.Join(ts.Getenv("XDG_DATA_HOME"), "glovebox", "log.db"))
	ts.Check(err)
	defer log.Close()
	key, err := store.LoadKey(filepath.Join(ts.Getenv("XDG_DATA_HOME"), "glovebox", "key"))
	ts.Check(err)
	log.SignWith(key)
	var ses *store.Session
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var e store.Event
		ts.Check(json.Unmarshal([]byte(`{"at":"2026-01-01T00:00:00Z",`+line[1:]), &e))
		if started, ok := e.Body.(store.SessionStarted); ok {
			ses, err = log.Begin(ctx, started, owner)
		} else {
			_, err = ses.Append(ctx, e.Body)
		}
		ts.Check(err)
	}
	ts.Setenv("SESSION", ses.ID())
}

// sqlite FILE SQL: runs SQL on a database behind glovebox's back.
func scriptSQLite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), args[1])
	ts.Check(err)
}
