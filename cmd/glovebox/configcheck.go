package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/agent/filter"
	"glovebox/agent/policy"
	"glovebox/fakedata"
	"glovebox/runner"
	"glovebox/runner/egress"
)

// wrong returns the first key whose value cannot be, and why; "" if there is none.
func (c config) wrong() (key, why string) {
	for _, check := range []func() (string, string){
		c.wrongData, c.wrongBox, c.wrongLimits, c.wrongTools, c.wrongNetwork, c.wrongFilters, c.wrongRules,
	} {
		if key, why := check(); key != "" {
			return key, why
		}
	}
	return "", ""
}

func (c config) wrongData() (string, string) {
	if why := oneOf(c.Rigor, runner.Rigors()...); why != "" {
		return "rigor", "rigor " + why
	}
	d := c.Data
	switch t := c.Sample.Temperature; {
	case t != nil && !(*t >= 0 && *t <= 2):
		return "sampling.temperature", fmt.Sprintf("sampling.temperature is %g; it must be from 0 to 2", *t)
	case d.Schema == "":
		return "data.schema", "data.schema is empty; name a built-in schema or a file"
	case d.Rows < 1 || d.Rows > fakedata.MaxRows:
		return "data.rows", fmt.Sprintf("data.rows is %d; it must be from 1 to %d", d.Rows, fakedata.MaxRows)
	case !(d.Mess >= 0 && d.Mess <= 0.5):
		return "data.mess", fmt.Sprintf("data.mess is %g; it must be from 0 to 0.5", d.Mess)
	}
	return "", ""
}

func (c config) wrongBox() (string, string) {
	b := c.Box
	switch {
	case b.Image == "":
		return "box.image", `box.image is empty; "auto" lets glovebox choose`
	case runner.CheckRef(b.Image) != nil:
		return "box.image", "box.image: " + runner.CheckRef(b.Image).Error()
	case b.Image == "host" && c.Rigor == "strict":
		return "box.image", `box.image "host" shows the box this machine's /usr, which rigor "strict" does not allow; use "auto"`
	case b.Runtime == "":
		return "box.runtime", `box.runtime is empty; "auto" lets glovebox choose`
	case !(b.CPUs >= 0.05 && b.CPUs <= 1024):
		return "box.cpus", fmt.Sprintf("box.cpus is %g; it must be from 0.05 to 1024", b.CPUs)
	case b.Memory < 16<<20:
		return "box.memory", fmt.Sprintf("box.memory is %s; a box needs at least 16MiB", b.Memory)
	case b.Pool < 0 || b.Pool > 64:
		return "box.pool", fmt.Sprintf("box.pool is %d; it must be from 0 to 64", b.Pool)
	case b.PIDs < 8 || b.PIDs > 1<<22:
		return "box.pids", fmt.Sprintf("box.pids is %d; it must be from 8 to %d", b.PIDs, 1<<22)
	case b.Disk < 1<<20:
		return "box.disk", fmt.Sprintf("box.disk is %s; a box needs at least 1MiB", b.Disk)
	case time.Duration(b.ExecTimeout) < time.Second:
		return "box.exec_timeout", fmt.Sprintf("box.exec_timeout is %s; it must be at least 1s", time.Duration(b.ExecTimeout))
	}
	return "", ""
}

func (c config) wrongLimits() (string, string) {
	l, r := c.Limits, c.Rates
	for _, limit := range []struct {
		key   string
		value float64
	}{
		{"limits.turns", float64(l.Turns)},
		{"limits.tool_calls", float64(l.ToolCalls)},
		{"limits.tokens", float64(l.Tokens)},
		{"limits.cost_usd", l.CostUSD},
		{"limits.tokens_in", float64(l.TokensIn)},
		{"limits.tokens_out", float64(l.TokensOut)},
		{"limits.repeats", float64(l.Repeats)},
		{"limits.wall", float64(l.Wall)},
		{"limits.working", float64(l.Working)},
		{"limits.output_bytes", float64(l.OutputBytes)},
		{"limits.day.turns", float64(l.Day.Turns)},
		{"limits.day.tokens", float64(l.Day.Tokens)},
		{"limits.day.cost_usd", l.Day.CostUSD},
		{"rates.model_calls_per_minute", float64(r.ModelCalls)},
		{"rates.tool_calls_per_minute", float64(r.ToolCalls)},
	} {
		if !(limit.value >= 0) {
			return limit.key, limit.key + " is negative; 0 means no limit"
		}
	}
	for key, usd := range map[string]float64{"limits.cost_usd": l.CostUSD, "limits.day.cost_usd": l.Day.CostUSD} {
		if usd > 1e6 {
			return key, key + " is more than a million dollars"
		}
	}
	return c.wrongPrices()
}

func (c config) wrongTools() (string, string) {
	if why := oneOf(c.Tools.Default, policy.Allow, policy.Ask, policy.Deny); why != "" {
		return "tools.default", "tools.default " + why
	}
	for i, tool := range c.Tools.Allow {
		if slices.Contains(c.Tools.Allow[:i], tool) {
			return "tools.allow", fmt.Sprintf("tools.allow names %q twice", tool)
		}
		if why := oneOf(tool, c.toolNames()...); why != "" {
			return "tools.allow", "tools.allow: a tool " + why
		}
	}
	return "", ""
}

func (c config) wrongNetwork() (string, string) {
	n := c.Network
	for _, host := range n.Production {
		if name, port, err := net.SplitHostPort(host); host == "" || strings.ContainsAny(host, "*/ ") || err == nil && (name == "" || port == "") {
			return "network.production", fmt.Sprintf("network.production: %q is not a host name, address or host:port", host)
		}
	}
	for _, entry := range n.Allow {
		if _, err := egress.ParseRule(entry); err != nil {
			return "network.allow", "network.allow: " + err.Error()
		}
	}
	for _, method := range n.Methods {
		if why := oneOf(method, "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"); why != "" {
			return "network.methods", "network.methods: a method " + why
		}
	}
	switch {
	case len(n.Methods) == 0:
		return "network.methods", "network.methods is empty; without network.allow nothing leaves the box"
	case n.MaxRequests < 1 || n.MaxRequests > 1_000_000:
		return "network.max_requests", fmt.Sprintf("network.max_requests is %d; it must be from 1 to 1000000", n.MaxRequests)
	case n.MaxBytes < 1<<10:
		return "network.max_bytes", fmt.Sprintf("network.max_bytes is %s; it must be at least 1KiB", n.MaxBytes)
	}
	return "", ""
}

func (c config) wrongFilters() (string, string) {
	for _, f := range []struct{ key, value string }{
		{"filters.secrets", c.Filters.Secrets},
		{"filters.personal", c.Filters.Personal},
		{"filters.injection", c.Filters.Injection},
		{"filters.own", c.Filters.Own},
	} {
		if why := oneOf(f.value, filter.Actions()...); why != "" {
			return f.key, f.key + " " + why
		}
	}
	for _, f := range []struct{ key, value string }{
		{"tripwires.network", c.Trips.Network},
		{"tripwires.stubs", c.Trips.Stubs},
		{"tripwires.paths", c.Trips.Paths},
		{"tripwires.values", c.Trips.Values},
	} {
		if why := oneOf(f.value, agent.TripActions()...); why != "" {
			return f.key, f.key + " " + why
		}
	}
	for _, p := range c.Filters.Patterns {
		if _, err := regexp.Compile(p); err != nil {
			return "filters.patterns", fmt.Sprintf("filters.patterns: %q is not a regular expression: %s", p, err)
		}
	}
	return "", ""
}

// filter is what looks through the text that goes in and out.
func (c config) filter() (*filter.Filter, error) {
	return filter.New(filter.Config{
		Secrets: c.Filters.Secrets, Personal: c.Filters.Personal, Injection: c.Filters.Injection, Own: c.Filters.Own, Patterns: c.Filters.Patterns,
	})
}

func (c config) wrongRules() (string, string) {
	if err := c.wrongRule(); err != nil {
		return "rule", err.Why
	}
	return "", ""
}

// wrongStub finds the first stub tool that cannot be.
func (c config) wrongStub() (int, error) {
	for i, s := range c.Stubs {
		if _, err := s.stub(); err != nil {
			return i, err
		}
		if slices.ContainsFunc(c.Stubs[:i], func(o stubConfig) bool { return o.Name == s.Name }) {
			return i, fmt.Errorf("the tool %q is declared twice", s.Name)
		}
	}
	return 0, nil
}

func (s stubConfig) stub() (agent.Stub, error) {
	if s.Parameters == nil {
		s.Parameters = map[string]any{"type": "object", "properties": map[string]any{}}
	}
	data, err := json.Marshal(s.Parameters)
	if err != nil {
		return agent.Stub{}, fmt.Errorf("the tool %q: parameters: %w", s.Name, err)
	}
	return agent.NewStub(s.Name, s.About, data, s.Answer)
}

// wrongRule finds the first rule that cannot be.
func (c config) wrongRule() *policy.RuleError {
	for i, r := range c.Rules {
		if why := oneOf(r.Decision, policy.Allow, policy.Ask, policy.Deny); why != "" {
			return &policy.RuleError{Index: i, Key: "decision", Why: "a decision " + why}
		}
		if strings.ContainsAny(r.Tool, "*?") || r.Tool == "" {
			continue
		}
		if why := oneOf(r.Tool, c.toolNames()...); why != "" {
			return &policy.RuleError{Index: i, Key: "tool", Why: "a tool " + why}
		}
	}
	_, err := c.policy()
	var wrong *policy.RuleError
	if errors.As(err, &wrong) {
		return wrong
	}
	return nil
}
