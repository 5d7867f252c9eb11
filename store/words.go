package store

import (
	"cmp"
	"fmt"
)

// Outcome says in a few words how a call ended: "done" and "exit 0" are well.
func (v ToolResult) Outcome() string {
	switch {
	case v.TimedOut:
		return "timed out" + optional(" (%s)", v.Signal)
	case v.Signal != "":
		return "ended by " + v.Signal
	case v.Exit != nil:
		return fmt.Sprintf("exit %d", *v.Exit)
	case v.Error != "":
		return "no result"
	}
	return "done"
}

// String says what was found where, and, where Action is known, what became of it.
func (v Filtered) String() string {
	did := map[string]string{"flag": ", let through", "redact": ", redacted", "block": ", held back"}
	return fmt.Sprintf("filter: %s in the %s: %s (%d)%s", v.What, v.Where, v.Rule, v.Count, did[v.Action])
}

// String says what was on its way where, and, where Action is known, what became of it.
func (v Tripwire) String() string {
	what := map[string]string{"canary": "a canary", "value": "a value"}[v.What]
	where := map[string]string{"network": "a request to the network", "stub": "a stub tool's arguments", "path": "a path outside the box's own places"}[v.Where]
	did := map[string]string{"flag": ", flagged", "stop": ", stopped"}
	where = cmp.Or(where, v.Where)
	s := fmt.Sprintf("tripwire: %s of %s.%s in %s", cmp.Or(what, v.What), v.Table, v.Column, where)
	if v.What == "unseen" {
		s = "tripwire: more is packed than can be looked through in " + where
	}
	if v.Part != "" {
		s += " (" + v.Part + ")"
	}
	if v.As != "" {
		s += ", " + v.As
	}
	return s + did[v.Action]
}

// String says which limit was reached, and by how much.
func (v LimitReached) String() string {
	s := fmt.Sprintf("%s %v of %v", v.Limit, v.Value, v.Max)
	if v.Needs > 0 {
		s += fmt.Sprintf("; the next call may need %v more", v.Needs)
	}
	if v.Of != "" {
		s += " (of the " + v.Of + ")"
	}
	return s
}

func optional(format, s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(format, s)
}
