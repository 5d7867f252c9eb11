package agent

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glovebox/agent/tripwire"
	"glovebox/store"
)

const canary = "q7hm3xkd9vtw"

func wires() *tripwire.Wires {
	return tripwire.New(
		slices.Values([]tripwire.Value{{Table: "tickets", Column: "body", Text: canary}}),
		slices.Values([]tripwire.Value{{Table: "customers", Column: "email", Text: "ada.lovelace@example.org"}}),
	)
}

func TestTripwires(t *testing.T) {
	hidden := base64.StdEncoding.EncodeToString([]byte("note: " + canary))
	canaryIn := func(where, part, as, action string) store.Tripwire {
		return store.Tripwire{Where: where, CallID: "id0", Part: part, What: "canary", Table: "tickets", Column: "body", As: as, Action: action}
	}
	stop := Tripwires{Network: TripStop, Stubs: TripStop, Paths: TripStop, Values: TripFlag}
	for name, c := range map[string]struct {
		tool, args string
		policy     Tripwires
		want       []store.Tripwire
		stops      bool
	}{
		"stub":           {"refund", `{"order_id":1,"amount":2,"note":"` + canary + `"}`, stop, []store.Tripwire{canaryIn("stub", "refund", "", "stop")}, true},
		"flagged":        {"refund", `{"order_id":1,"amount":2,"note":"` + canary + `"}`, Tripwires{Stubs: TripFlag, Values: TripFlag}, []store.Tripwire{canaryIn("stub", "refund", "", "flag")}, false},
		"off":            {"refund", `{"order_id":1,"amount":2,"note":"` + canary + `"}`, Tripwires{Stubs: TripOff, Values: TripFlag}, nil, false},
		"value":          {"refund", `{"order_id":1,"amount":2,"note":"ADA.Lovelace@"}`, stop, nil, false},
		"cut up":         {"send", `{"to":"x@example.org","a":["q7hm-3x","kd9vtw"],"body":"hello"}`, stop, []store.Tripwire{canaryIn("stub", "send", "", "stop")}, true},
		"value flagged":  {"send", `{"to":"Ada.Lovelace@example.org","body":"hello"}`, stop, []store.Tripwire{{Where: "stub", CallID: "id0", Part: "send", What: "value", Table: "customers", Column: "email", Action: "flag"}}, false},
		"path":           {"write_file", `{"path":"/mnt/` + canary + `","content":"x"}`, stop, []store.Tripwire{canaryIn("path", "write_file", "", "stop")}, true},
		"content":        {"write_file", `{"path":"../etc/cron.d/x","content":"` + hidden + `"}`, stop, []store.Tripwire{canaryIn("path", "write_file", "base64", "stop")}, true},
		"own place":      {"write_file", `{"path":"/work/x","content":"` + hidden + `"}`, stop, nil, false},
		"shell":          {"shell", `{"command":"cp x /mnt/share/` + canary + `.txt"}`, stop, []store.Tripwire{canaryIn("path", "shell", "", "stop")}, true},
		"shell redirect": {"shell", `{"command":"true; echo hi > /mnt/Q7HM-3XKD-9VTW || true"}`, stop, []store.Tripwire{canaryIn("path", "shell", "", "stop")}, true},
		"shell own":      {"shell", `{"command":"grep ` + canary + ` /work/../data/x; true"}`, stop, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			send, err := NewStub("send", "Send a mail.", []byte(`{"type":"object"}`), "sent")
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, newServer(t, calls(c.tool, c.args), says("ok")), func(cfg *Config) {
				cfg.Tools.Stubs = []Stub{refund(t, "done"), send}
				cfg.Tripwires = c.policy
				cfg.Tripwires.Wires = wires()
			})
			err = b.Prompt(t.Context(), "go")
			var denied *PolicyError
			if errors.As(err, &denied) != c.stops || !c.stops && err != nil {
				t.Fatal(err)
			}
			events := b.events()
			if diff := cmp.Diff(c.want, pick[store.Tripwire](events)); diff != "" {
				t.Error(diff)
			}
			ran := len(pick[store.ToolCall](events))
			if (ran == 0) != c.stops {
				t.Errorf("%s", kinds(events))
			}
			if c.stops {
				if got := kinds(events[len(events)-4:]); got != "tripwire decision tool.result error" {
					t.Errorf("it ends with %s", got)
				}
				if o := Outcome(err); o.Status != "denied" {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

// A halt from elsewhere ends a command that runs, and is told; one between
// prompts ends the next.
func TestHalt(t *testing.T) {
	var b *bench
	why := &PolicyError{Message: "a tripwire stopped it"}
	b = newBench(t, newServer(t, calls("shell", `{"command":"echo begun; sleep 1000"}`), says("ok")), func(c *Config) {
		observe := c.Observe
		c.Observe = func(u Update) {
			observe(u)
			if u.Output != nil && strings.Contains(u.Output.Chunk, "begun") {
				b.Halt(why)
			}
		}
	})
	if err := b.Prompt(t.Context(), "go"); !errors.Is(err, error(why)) {
		t.Fatal(err)
	}
	events := b.events()
	if r := pick[store.ToolResult](events)[0]; r.Error != why.Message || r.Stdout != "begun\n" {
		t.Errorf("%+v", r)
	}
	if f := pick[store.Failure](events); len(f) != 1 || f[0].Code != "policy" {
		t.Errorf("%+v", f)
	}
	b.Halt(why)
	if err := b.Prompt(t.Context(), "go on"); !errors.Is(err, error(why)) || len(pick[store.Prompt](b.events())) != 1 {
		t.Fatal(err)
	}
	if err := b.Prompt(t.Context(), "and again"); err != nil {
		t.Fatal(err)
	}
}
