package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
)

// Who allowed what, then: it is served again, and recorded as that. What nobody
// allowed does not run.
func TestRerunServesApprovals(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[[rule]]\ntool = 'shell'\nmatch = 'rm *'\ndecision = 'ask'\nreason = 'it deletes'\n")
	scenario := shells("touch x; rm -v x")
	allowed := h.recordedSession(scenario, "--yes")
	asked := h.recordedSession(scenario)
	_, all := h.rerun(exitDone, allowed)
	if log := h.ok("replay", "--json", all[0].Session); !strings.Contains(log, `"verdict":"ask"`) || !strings.Contains(log, `"verdict":"allow","rule":"shell \"rm *\"","reason":"it deletes","by":"recording"`) ||
		!strings.Contains(log, `"stdout":"removed 'x'\n"`) {
		t.Error(log)
	}
	_, all = h.rerun(exitDone, asked, "--yes")
	if log := h.ok("replay", "--json", all[0].Session); !strings.Contains(log, `"verdict":"deny"`) || strings.Contains(log, "removed 'x'") {
		t.Error(log)
	}
}

// What a person made of a call is what runs again, whether policy would ask about
// the model's own or not; never the model's own.
func TestRerunRunsWhatAPersonChanged(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	for _, rule := range []string{"", "[[rule]]\ntool = 'shell'\nmatch = 'echo *'\ndecision = 'ask'\n"} {
		h.file("glovebox.toml", rule)
		h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
		id := h.forged(func(*store.BoxCreated) {},
			`{"kind":"model.response","turn":1,"tool_calls":[{"id":"1","name":"shell","arguments":"{\"command\":\"echo model\"}"}]}`,
			`{"kind":"decision","call_id":"1","tool":"shell","verdict":"ask","by":"policy"}`,
			`{"kind":"decision","call_id":"1","tool":"shell","verdict":"allow","by":"user","who":"alice","scope":"once","edited":true}`,
			`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo person"},"edited":true}`,
			`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"person\n"}`,
		)
		differ, all := h.rerun(exitNo, id)
		if texts(differ) != "data true, data true, file unknown" { // none was recorded
			t.Errorf("rule %q: %+v", rule, differ)
		}
		log := h.ok("replay", "--json", all[0].Session)
		if strings.Contains(log, `"command":"echo model"`) || strings.Contains(log, "alice") || rule != "" && (!strings.Contains(log, `"by":"recording"`) || !strings.Contains(log, `"edited":true`)) {
			t.Errorf("rule %q: what ran is not as it was recorded", rule)
		}
	}
}

// A file that was brought in is in no log: it is asked for, and compared.
func TestRerunWantsWhatWasBroughtIn(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	in := h.file("list.csv", "a,b\n1,2\n")
	id := h.recordedSession(shells("cat list.csv"), "--file", in)
	if out, errOut, code := h.run("rerun", id); code != exitUsage || out != "" || !oneClearLine.MatchString(errOut) || !strings.Contains(errOut, "list.csv (8 bytes, SHA-256 ") {
		t.Errorf("without it: exit %d: %s%s", code, out, errOut)
	}
	h.rerun(exitDone, id, "--file", in)
	h.file("list.csv", "a,b\n1,3\n")
	if differ, _ := h.rerun(exitNo, id, "--file", in); texts(differ) != "data true, stdout true numbers" {
		t.Errorf("%+v", differ)
	}
	other := h.file("other.csv", "x\n")
	if _, errOut, code := h.run("rerun", id, "--file", in, "--file", other); code != exitUsage || !strings.Contains(errOut, "the session had no such file") {
		t.Errorf("one too many: exit %d: %s", code, errOut)
	}
}

// What was asked of another machine is not asked twice, and not taken for the same.
func TestRerunHasNoNetwork(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[network]\nallow = ['nowhere.invalid:80']\n")
	id := h.recordedSession(`
[[turn]]
[[turn.call]]
tool = "fetch"
args = { url = "http://nowhere.invalid/" }
[[turn.call]]
tool = "shell"
args = { command = "echo ${http_proxy:-none}" }
[[turn]]
text = "Done."
`)
	differ, all := h.rerun(exitNo, id)
	if texts(differ) != "call unknown, stdout true" || !strings.Contains(differ[0].Detail, "not asked twice") || !strings.Contains(differ[1].Detail, "\n+ none") {
		t.Errorf("%+v", differ)
	}
	if log := h.ok("replay", "--json", all[0].Session); strings.Contains(log, `"kind":"egress"`) {
		t.Error(log)
	}
}

// Sessions on a masked file are run again on that file, wherever it is now.
func TestRerunOnAMaskedFile(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	real, twin := filepath.Join(h.dir, "real.db"), filepath.Join(h.dir, "twin.db")
	h.ok("data", "generate", "clinic", "--rows", "50", "-o", real)
	h.ok("data", "mask", real, "--key-file", filepath.Join(h.dir, "mask.key"), "--new-key", "-o", twin)
	h.file("glovebox.toml", "[data]\nschema = \"masked:"+twin+"\"\n")
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'sql'\nargs = { query = 'SELECT count(*) FROM patients' }\n[[turn]]\ntext = 'Done.'\n")
	h.file("glovebox.toml", "")
	h.rerun(exitDone, id)
	for _, end := range []string{"", ".mask.json"} {
		if err := os.Rename(strings.TrimSuffix(twin, ".db")+".db"+end, filepath.Join(h.dir, "moved.db"+end)); err != nil && end == "" {
			t.Fatal(err)
		}
	}
	if _, errOut, code := h.run("rerun", id); code != exitUsage || !strings.Contains(errOut, "masked:FILE") {
		t.Errorf("no file: exit %d: %s", code, errOut)
	}
}
