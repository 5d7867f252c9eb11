package main

import (
	"strings"
	"testing"
)

// What an agent would have done with tools of the outside world stands in the
// outbox, on every way to look at a session.
func TestStubToolsAndOutbox(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("refund.toml", `
name = "refund"
[[turn]]
text = "I refund it."
[[turn.call]]
tool = "refund"
args = { order_id = 7, amount = 12.5 }
[[turn.call]]
tool = "refund"
args = { order_id = "seven" }
[[turn]]
text = "Done."
[[turn.expect]]
call = 1
contains = ["ok, 7 gets 12.5"]
`)
	h.file("glovebox.toml", `model = 'script:`+scenario+`'
[[tool]]
name = "refund"
about = "Refund an order."
answer = "ok, {{.order_id}} gets {{.amount}} ({{fake \"uuid\"}})"
[tool.parameters]
type = "object"
required = ["order_id", "amount"]
[tool.parameters.properties]
order_id = { type = "integer" }
amount = { type = "number" }
`)
	out := h.ok("run", "refund order 7")
	if !strings.Contains(out, "to the outbox: refund (amount 12.5, order_id 7)") {
		t.Errorf("%s", out)
	}
	out = h.ok("sessions", "show", "last")
	if !strings.Contains(out, "outbox: nothing of this was really done\n  1. refund {\"amount\":12.5,\"order_id\":7}\n\n") {
		t.Errorf("%s", out)
	}
	if out = h.ok("policy", "check", "refund", `{"order_id":7,"amount":1}`); !strings.HasPrefix(out, "allow\n") {
		t.Errorf("%s", out)
	}
}
