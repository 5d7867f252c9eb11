package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"glovebox/agent"
	"glovebox/store"
)

// drifting is one line of `rerun --json`.
type drifting struct {
	Seq     int64  `json:"seq"`           // event of the session that is run again
	Drift   *bool  `json:"drift"`         // null: it cannot be told
	What    string `json:"what"`          // what was compared, where it is the same; else what differs
	How     string `json:"how,omitempty"` // order, times, names, numbers: where all of the difference is
	Detail  string `json:"detail,omitempty"`
	Now     int64  `json:"now,omitempty"` // event of the rerun
	Session string `json:"session"`       // the rerun
}

// printComparison writes comparisons as they are made.
func (a *app) printComparison(session string) func(agent.Comparison, string) error {
	return func(c agent.Comparison, what string) error {
		if a.flags.json {
			return a.printDrift(c, what, session)
		}
		_, err := io.WriteString(a.out, strings.Join(comparisonTold(c, what), "\n")+"\n")
		return err
	}
}

// comparisonTold is a comparison in lines for a person.
func comparisonTold(c agent.Comparison, what string) (lines []string) {
	head := c.Tool
	if c.Arguments != "" {
		head += ": " + brief(c.Tool, c.Arguments)
	}
	tell := func(verdict, text string) {
		lines = append(lines, fmt.Sprintf("%-10s %5d  %s", verdict, c.Of, store.CleanLine(text)))
	}
	if len(c.Drift) == 0 {
		tell("same", head)
		return lines
	}
	if head += ": "; what != "result" { // then what differs says it all
		head = ""
	}
	for _, d := range c.Drift {
		verdict := "drift"
		if d.Unknown {
			verdict = "not known"
		}
		how := ""
		if d.How != "" {
			how = ", in nothing but " + d.How
		}
		first, rest, _ := strings.Cut(d.Detail, "\n")
		tell(verdict, head+d.What+how+": "+first)
		for line := range strings.Lines(rest) {
			lines = append(lines, strings.Repeat(" ", 20)+store.CleanLine(strings.TrimSuffix(line, "\n")))
		}
	}
	return lines
}

func (a *app) printDrift(c agent.Comparison, what, session string) error {
	no := false
	if len(c.Drift) == 0 {
		return a.printJSON(drifting{Seq: c.Of, Drift: &no, What: what, Now: c.Now, Session: session})
	}
	for _, d := range c.Drift {
		l := drifting{Seq: c.Of, What: d.What, How: d.How, Detail: d.Detail, Now: c.Now, Session: session}
		if yes := true; !d.Unknown {
			l.Drift = &yes
		}
		if err := a.printJSON(l); err != nil {
			return err
		}
	}
	return nil
}

// brief is the argument that a call is about, on one line.
func brief(tool, arguments string) string {
	var args map[string]any
	if err := json.Unmarshal([]byte(arguments), &args); err == nil {
		if main, ok := args[agent.MainArgument(tool)].(string); ok {
			arguments = main
		}
	}
	arguments = strings.Join(strings.Fields(arguments), " ")
	if line := []rune(arguments); len(line) > 80 {
		arguments = string(line[:79]) + "…"
	}
	return arguments
}
