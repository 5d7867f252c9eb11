package main

import (
	"strings"
	"testing"
)

// What was printed and is not in the log is compared all the same, at home and
// by whoever gets the session, unless something was taken out of it.
func TestRerunOfOutputsNotRecordedWhole(t *testing.T) {
	needEngine(t)
	h, there := newHome(t), newHome(t)
	steady := shells("seq 20000", "seq 20000 >&2; seq 3", `printf 'a\377\376b'`)
	id := h.recordedSession(steady)
	if log := h.ok("replay", "--json", id); strings.Count(log, `"stdout_whole":`) != 2 || strings.Count(log, `"stderr_whole":{"bytes":108894,"sha256":"`) != 1 {
		t.Error(log)
	}
	h.rerun(exitDone, id)
	h.ok("diff", id, h.recordedSession(steady))
	h.handOn(id, there)
	there.rerun(exitDone, id)

	// The middle, or a byte that is no text, is another each time.
	other := h.recordedSession(shells("seq 9000; date +%N; seq 9000", `head -c 400 /dev/urandom | LC_ALL=C tr -d '\000-\177\300-\377'`, "seq 20000"))
	differ, all := h.rerun(exitNo, other)
	if texts(differ) != "stdout true, stdout true" || !strings.Contains(differ[0].Detail, "left out of its middle differ, by their digest") || !strings.Contains(differ[1].Detail, "no UTF-8 differ, by their digest") {
		t.Errorf("%+v", differ)
	}
	whole := h.ok("replay", "--json", other) // nothing of the digests is in what is told of the difference
	_, sum, _ := strings.Cut(whole, `"stdout_whole":{"bytes":87796,"sha256":"`)
	if log := h.ok("replay", "--json", all[0].Session); len(sum) < 64 || strings.Contains(log, sum[:64]) {
		t.Errorf("%.64s is in the log of the rerun", sum)
	}

	// A digest helps to guess what it is of: it goes where anything was taken out.
	secret := h.recordedSession(shells("seq 20000; echo mail jane.roe@acme-widgets.com", "seq 20000"))
	h.rerun(exitDone, secret)
	h.handOn(secret, there)
	differ, _ = there.rerun(exitNo, secret)
	if texts(differ) != "call unknown, stdout unknown" || !strings.Contains(differ[1].Detail, "its digest was taken out of the recording") {
		t.Errorf("%+v", differ)
	}
	if log := there.ok("replay", "--json", secret); strings.Contains(log, "_whole") {
		t.Error(log)
	}
}
