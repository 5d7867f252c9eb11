package main

import (
	"strings"
	"testing"

	"glovebox/agent/budget"
)

// An answer that does not fit its schema is sent back once; then standard
// output is the JSON, and nothing else.
func TestAnswerFitsASchema(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("s.toml", `
name = "count"
[[turn]]
text = "There are 3."
[[turn]]
text = '''{"n": 3}'''
`)
	schema := h.file("n.json", `{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`)
	out, said, code := h.run("run", "--model", "script:"+scenario, "--answer", schema, "how many?")
	if out != "{\"n\":3}\n" || code != 0 || !strings.Contains(said, "Your answer does not fit: it is not JSON") {
		t.Errorf("exit %d, %q\n%s", code, out, said)
	}
	stubborn := h.file("stubborn.toml", strings.Repeat("[[turn]]\ntext = \"no\"\n", 3)+"")
	if out, said, code = h.run("run", "--model", "script:"+stubborn, "--answer", schema, "how many?"); code != 6 || out != "" || !strings.Contains(said, "session ended: failed (the model's last answer does not fit the schema") {
		t.Errorf("exit %d, %q\n%s", code, out, said)
	}
	for _, bad := range [][]string{{"--answer", scenario}, {"--answer", "/nope"}, {"--image", schema}, {"--image", "/dev/zero"}} {
		out, said, code := h.run(append([]string{"run", "--model", "script:" + scenario, "x"}, bad...)...)
		if code != 2 || out != "" || !strings.Contains(said, bad[0]) {
			t.Errorf("%v: exit %d, %s", bad, code, said)
		}
	}
	const blind = "openai/o3-mini"
	if e, known := budget.NewCatalog().Find(blind); !known || e.Images {
		t.Fatal("the list knows a model without eyes no more; name another")
	}
	png := h.file("x.png", "\x89PNG\r\n\x1a\nrest")
	if _, said, code := h.run("run", "--model", blind, "--image", png, "look"); code != 2 || !strings.Contains(said, "takes no images") {
		t.Errorf("exit %d: %s", code, said)
	}
}
