package policy

import "testing"

func TestValues(t *testing.T) {
	rules := func(r ...Rule) []Rule { return r }
	for _, c := range []struct {
		rules          []Rule
		byDefault      string
		tool, argument string
		value          string
		want           string
	}{
		// An allow rule vouches for every statement, not for one of them.
		{rules(Rule{Tool: "sql", Match: "select *", Decision: Allow}), Deny, "sql", "query", "select 1; SELECT 2", Allow},
		{rules(Rule{Tool: "sql", Match: "select *", Decision: Allow}), Deny, "sql", "query", "select 1; drop table a", Deny},
		{rules(Rule{Tool: "sql", Match: "select *", Decision: Allow}), Deny, "sql", "query", "with x as (select 1) delete from a", Deny},
		{rules(Rule{Tool: "sql", Match: "select *", Decision: Allow}), Deny, "sql", "query", "-- nothing", Deny},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "select 1; DELETE\n/**/ FROM a", Deny},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "WITH x AS (SELECT 'delete from b', \"(\"), y(a) AS (select 1)DELETE FROM a", Deny},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "explain query plan delete from a", Deny},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "with x as (select 1) select 'delete from a'", Allow},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "select 1 as [']; delete from a --'", Deny},
		{rules(Rule{Tool: "sql", Match: "delete from *", Decision: Deny}), Allow, "sql", "query", "with [(] as (select 1) delete from a", Deny},
		{rules(Rule{Tool: "fetch", Match: "http://x.example/*", Decision: Deny}), Allow, "fetch", "url", "http://x.example:080/a", Deny},
		{rules(Rule{Tool: "fetch", Match: "http://x.example/*", Decision: Deny}), Allow, "fetch", "url", "http://x.example:/a", Deny},
		{rules(Rule{Tool: "sql", Match: ".shell *", Decision: Deny}), Allow, "sql", "query", "select 1;\n.shell id", Deny},
		{rules(Rule{Tool: "fetch", Argument: "method", Match: "POST", Decision: Ask}), Allow, "fetch", "method", "post", Ask},
		{rules(Rule{Tool: "fetch", Argument: "method", Match: "post", Decision: Ask}), Allow, "fetch", "method", "POST", Ask},
		{rules(Rule{Tool: "fetch", Match: "https://x.example/admin/*", Decision: Deny}), Allow, "fetch", "url", "HTTPS://u:p@X.example.:443/a/../%61dmin//x", Deny},
		{rules(Rule{Tool: "fetch", Match: "https://x.example/admin/*", Decision: Deny}), Allow, "fetch", "url", "https://x.example/public", Allow},
		{rules(Rule{Tool: "fetch", Match: "https://x.example/public/*", Decision: Allow}), Deny, "fetch", "url", "https://x.example/public/../admin", Deny},
		{rules(Rule{Tool: "fetch", Match: "http://[::1]:8080/*", Decision: Deny}), Allow, "fetch", "url", "http://[::1]:8080/x", Deny},
		{rules(Rule{Tool: "write_file", Match: "/data/*", Decision: Deny}), Allow, "write_file", "path", "x/../../data//a", Deny},
	} {
		p, err := New(c.rules, []string{"sql", "fetch", "write_file"}, c.byDefault)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Judge(c.tool, map[string]any{c.argument: c.value}).Decision; got != c.want {
			t.Errorf("%s with %v: %s, want %s", c.value, c.rules, got, c.want)
		}
	}
}
