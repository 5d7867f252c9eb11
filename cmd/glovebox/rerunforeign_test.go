package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
)

// handOn gives a session to somebody else, in a bundle. It returns what import says.
func (h *home) handOn(id string, to *home) (said string) {
	h.t.Helper()
	bundle := filepath.Join(h.dir, id+".gbx")
	h.ok("export", id, "-o", bundle)
	return to.ok("import", bundle)
}

// A session from elsewhere with something taken out: what cannot be compared is
// not known, the rest is compared.
func TestRerunOfAnImportedSession(t *testing.T) {
	t.Parallel() // its log, its home and its boxes are its own
	needEngine(t)
	h := newHome(t)
	id := h.recordedSession(shells("echo mail me at jane.roe@acme-widgets.com", `printf jane.%s%bacme-widgets.%s roe "\0100" com`, "echo plain"))
	there := newHome(t)
	if out := h.handOn(id, there); strings.Contains(out, "image") {
		t.Errorf("the image is here: %s", out)
	}
	// Whoever has the bundle sees the same.
	third := newHome(t)
	if one, other := h.handOn(id, third), there.ok("sessions", "show", id); !strings.Contains(one, id) || other != third.ok("sessions", "show", id) {
		t.Errorf("%s%s", one, other)
	}
	said := func(h *home) string {
		_, all := h.rerun(exitNo, id)
		for i := range all {
			all[i].Session = ""
		}
		return fmt.Sprintf("%+v", all)
	}
	if one, other := said(there), said(third); one != other {
		t.Errorf("two who have it see\n%s\n%s", one, other)
	}
	there.file("glovebox.toml", "[box]\nmemory = '256MiB'\n")
	differ, all := there.rerun(exitNo, id)
	if texts(differ) != "limits true, call unknown, stdout unknown" || len(all) != 7 {
		t.Errorf("%s of %s", texts(differ), texts(all))
	}
	if out, errOut, _ := there.run("rerun", id); strings.Contains(out, "jane.roe@") || !strings.Contains(errOut, "memory 512MiB then, 256MiB now") {
		t.Errorf("%s%s", out, errOut)
	}
	if differ, _ := h.rerun(exitDone, id); len(differ) > 0 {
		t.Errorf("at home: %+v", differ)
	}

	// It takes no more time than a session here may.
	slow := h.recordedWaiting(shells("echo first", untilGo))
	h.handOn(slow, there)
	there.file("glovebox.toml", "[limits]\nwall = '5s'\n")
	if out, errOut, code := there.run("rerun", slow); code != exitLimit || !strings.Contains(errOut, "after 1 of 2 calls, a limit as recorded: ") || strings.Contains(out, "drift") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
}

// A file whose name was taken out is known by its content.
func TestRerunWithANamelessFile(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	in := h.file("jane.roe@acme-widgets.com.csv", "a,b\n")
	id := h.recordedSession(shells("cat *.csv"), "--file", in)
	there := newHome(t)
	if out := h.handOn(id, there); !matches(`to rerun it: the file \[redacted: [a-z-]+\] was brought into it, which no bundle holds`, out) {
		t.Error(out)
	}
	if _, errOut, code := there.run("rerun", id); code != exitUsage || !strings.Contains(errOut, "(4 bytes, SHA-256 ") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if differ, _ := there.rerun(exitDone, id, "--file", there.file("mine.csv", "a,b\n")); len(differ) > 0 {
		t.Errorf("%+v", differ)
	}
}

// For a session from elsewhere nothing is pulled, and this machine's /usr is not
// shown because a bundle says so, in whatever words.
func TestRerunOfAForeignImage(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[box]\nimage = 'host'\n")
	host := h.recordedSession(shells("echo hello"))
	h.rerun(exitDone, host)
	calls := []string{`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo hello"}}`, `{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"hello\n"}`}
	named := h.forged(func(b *store.BoxCreated) { b.Image = "auto"; b.Base.HostUsr = false }, calls...) // with the digest of host's
	nowhere := h.forged(func(b *store.BoxCreated) {
		b.Image, b.ImageDigest, b.Base = "registry.invalid/nothing:1", "sha256:00", nil
	}, calls...)
	there := newHome(t)
	for id, want := range map[string]string{host: "/usr in its box", named: "/usr in its box", nowhere: "registry.invalid/nothing:1 of session " + nowhere + " is not here"} {
		said := h.handOn(id, there)
		if id == nowhere && !strings.Contains(said, "to rerun it: the image registry.invalid/nothing:1 (sha256:00) is not here: glovebox image prepare registry.invalid/nothing:1") {
			t.Error(said)
		}
		out, errOut, code := there.run("rerun", id)
		if code != exitUsage || out != "" || !oneClearLine.MatchString(errOut) || !strings.Contains(errOut, want) || !strings.Contains(errOut, "--image auto") {
			t.Errorf("exit %d: %s%s", code, out, errOut)
		}
		differ, _ := there.rerun(exitNo, id, "--image", "auto")
		if !strings.HasPrefix(texts(differ), "image ") {
			t.Errorf("%s", texts(differ))
		}
	}
}

// An image that is made twice of the same is the same, whatever digest it has
// each time; one by the same name with other things in it is not.
func TestRerunInAnImageMadeElsewhere(t *testing.T) {
	needEngine(t)
	h, there := newHome(t), newHome(t)
	const name = "rerun-made-twice"
	made := func(root string) {
		t.Helper()
		h.run("image", "rm", "localhost/"+name)
		h.ok("image", "import", root, name)
	}
	defer h.run("image", "rm", "localhost/"+name)
	one, other := h.tinyRoot("one.tar", "/bin/sh"), h.tinyRoot("other.tar", "/bin/sh", "/bin/true")
	made(one)
	h.file("glovebox.toml", "[box]\nimage = 'localhost/"+name+"'\n")
	id := h.recordedSession(shells("echo hello"))
	was := h.boxCreated()
	made(one)
	if said := h.handOn(id, there); strings.Contains(said, "image") {
		t.Errorf("the image is here: %s", said)
	}
	_, all := there.rerun(exitDone, id)
	if is := there.boxCreated(); !strings.HasPrefix(texts(all), "box false") || digestOf(was) == digestOf(is) {
		t.Errorf("%s: %s, then %s", texts(all), was, is)
	}
	made(other)
	differ, _ := there.rerun(exitNo, id)
	if texts(differ) != "image true" || !strings.Contains(differ[0].Detail, "localhost/"+name+":latest: what is in it is another: sha256:") {
		t.Errorf("%+v", differ)
	}
}

// digestOf is that of the image in a line of the log, before glovebox-init was put in.
func digestOf(created string) string {
	_, base, _ := strings.Cut(created, `"base":{"digest":"`)
	digest, _, _ := strings.Cut(base, `"`)
	return digest
}

// What a session from elsewhere brings along works in the box or not at all: no
// template and no pattern of its own is run out here, and its limits are no more
// than the person's. What the person's configuration says, too, is trusted.
func TestRerunOfForeignSettings(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	stub := "[[tool]]\nname = 'send'\nabout = 'Send it.'\nanswer = 'sent {{fake \"uuid\"}}'\n[tool.parameters]\ntype = 'object'\n"
	h.file("glovebox.toml", "[filters]\nown = 'redact'\npatterns = ['h.llo']\n"+stub)
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'send'\nargs = {}\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'printf hel%s lo' }\n[[turn]]\ntext = 'Done.'\n")
	there := newHome(t)
	h.handOn(id, there)
	differ, _ := there.rerun(exitNo, id)
	if texts(differ) != "call unknown, stdout true" && texts(differ) != "call unknown, stdout unknown" || !strings.Contains(differ[0].Detail, "a template from elsewhere") {
		t.Errorf("%+v", differ)
	}
	there.file("glovebox.toml", "[filters]\npatterns = ['h.llo']\n"+stub)
	if differ, _ := there.rerun(exitDone, id); len(differ) > 0 {
		t.Errorf("with the same in one's own: %+v", differ)
	}
	there.file("glovebox.toml", "[limits]\ntool_calls = 1\n"+stub)
	if _, errOut, code := there.run("rerun", id); code != exitLimit || !strings.Contains(errOut, "tool_calls 200 then, 1 now") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
