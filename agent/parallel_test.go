package agent

import (
	"encoding/json"
	"testing"
	"time"

	"glovebox/store"
)

// Two calls that only read wait for each other here: they end only when they
// run at the same time. What is recorded keeps their order, though the second
// is done first.
func TestReadsRunAtTheSameTime(t *testing.T) {
	srv := newServer(t, calls(
		"shell", `{"command":"mkfifo one two"}`,
		"sql", `{"query":"select 1"}`,
		"sql", `{"query":"select 2"}`,
		"sql", `{"query":"select 3"}`,
		"sql", `{"query":"select 3"}`,
		"shell", `{"command":"echo last"}`,
	), says("ok"))
	b := newBench(t, srv, func(c *Config) {
		c.Tools.SQL = func(query string) Command {
			script := map[string]string{
				"select 1": "cat one; echo first", "select 2": "echo from the second >one; echo second",
			}[query]
			return Command{Argv: []string{"/bin/sh", "-c", script + "\necho done"}, Timeout: time.Minute}
		}
	})
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	events := b.events()[1:]
	want := "model.request model.response decision tool.call tool.result" + // shell
		" decision tool.call decision tool.call decision tool.call tool.result tool.result tool.result" + // the reads
		" decision tool.call tool.result" + // the same again
		" decision tool.call tool.result model.request model.response"
	if got := kinds(events); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	results := pick[store.ToolResult](events)
	if results[1].Stdout != "from the second\nfirst\ndone\n" || results[2].Stdout != "second\ndone\n" {
		t.Errorf("%+v", results)
	}
	for i, r := range results {
		if r.CallID != pick[store.ModelResponse](events)[0].ToolCalls[i].ID {
			t.Errorf("result %d is of %s", i, r.CallID)
		}
	}
}

func TestOnlySelects(t *testing.T) {
	for query, want := range map[string]bool{
		"select * from a": true, " SELECT 1; select 2;\n": true, "with a as (select 1) select case when 1 then 2 end from a": true,
		"explain query plan select 1": true, "values (1)": true, "select replace(a, 'x', 'y'), updated_at from t": true,
		"": true, "delete from a": false, "select 1; drop table a": false, "with a as (select 1) delete from b": false,
		"WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a": false, "select writefile('/work/x', 'y')": false,
		"select 1;\n.shell rm -rf /work": false, ".read x": false, "pragma journal_mode=delete": false, "select edit('x')": false,
		"begin; select 1; commit": false, "vacuum into 'x'": false, "select load_extension('x')": false, "/* x */ select 1": false,
	} {
		if onlySelects(query) != want {
			t.Errorf("%q: want %v", query, want)
		}
	}
}

// A limit in the middle leaves those that had begun with their results.
func TestLimitAmongReads(t *testing.T) {
	srv := newServer(t, calls("sql", `{"query":"select 1"}`, "sql", `{"query":"select 2"}`, "sql", `{"query":"select 3"}`), says("ok"))
	b := newBench(t, srv, func(c *Config) {
		c.Limits.ToolCalls = 2
		c.Tools.SQL = func(query string) Command { return Command{Argv: []string{"/bin/echo", query}, Timeout: time.Minute} }
	})
	if _, ok := b.Prompt(t.Context(), "go").(*LimitError); !ok { //nolint:errorlint // it is not wrapped
		t.Fatal("no limit")
	}
	results := pick[store.ToolResult](b.events())
	if len(results) != 2 || results[0].Stdout != "select 1\n" || results[1].Stdout != "select 2\n" {
		t.Errorf("%+v", results)
	}
	if n := b.box.runs; n != 2 {
		t.Errorf("%d ran", n)
	}
}

// What SQLite's shell could do past the rules is no SQL.
func TestDotCommands(t *testing.T) {
	tools := Toolbox{SQL: func(string) Command { return Command{} }}
	for query, want := range map[string]string{
		".tables": "allow", "select 1;\n.schema customers": "allow", "select .5": "allow",
		".shell id": "invalid", ".tables\n .system id": "invalid", "select 1;\n.import '|id' x": "invalid", ".she id": "invalid", ". shell id": "invalid", `."shell" id`: "invalid", "select 1;\n.'system' id": "invalid", "\t.output /work/x": "invalid",
	} {
		args, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		if d := tools.Decide(store.CallSpec{Name: "sql", Arguments: string(args)}); d.Verdict != want {
			t.Errorf("%q: %s, %s", query, d.Verdict, d.Reason)
		}
	}
}
