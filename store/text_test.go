package store_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/store"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// eventful is a session in which everything happens once.
func eventful() []store.Event {
	exit := func(n int) *int { return &n }
	starred := true
	bodies := []store.Body{
		store.SessionStarted{
			Program: "1.0", Model: "openai/gpt-5-mini", Rigor: "standard",
			Recipe: &store.Recipe{Schema: "shop", Seed: 42, Rows: 1000},
		},
		store.BoxCreated{
			Box: "gb-1", Image: "auto", ImageDigest: "sha256:00ff", Runtime: "runc", Engine: "podman 4.3.1 rootless", ReadyMS: 93.4,
			Seal: []store.Proof{
				{Probe: "route", Layer: "network", Verdict: "PASS"},
				{Probe: "dns", Layer: "network", Verdict: "PASS"},
				{Probe: "caps", Layer: "execution", Verdict: "PASS"},
				{Probe: "mounts", Layer: "data", Verdict: "PASS"},
			},
			Limits: []store.Limit{{Name: "memory", Value: "512MiB", Enforced: "rlimit"}, {Name: "disk", Value: "512MiB", Enforced: "tmpfs"}},
		},
		store.FilePut{Path: "/data/shop.db", Bytes: 1_234_567},
		store.Prompt{Text: "Which customers came back?\n\nWrite a report.\n"},
		store.ModelRequest{Turn: 1, Through: 4},
		store.ModelResponse{
			Turn: 1, Reasoning: "Look first.", Text: "I look at the tables first.\n\n- orders\n- customers",
			ToolCalls: []store.CallSpec{
				{ID: "a", Name: "sql", Arguments: `{"query":"SELECT 1"}`},
				{ID: "b", Name: "shell", Arguments: `{"command":"git push origin"}`},
				{ID: "c", Name: "teleport", Arguments: `{"to":`},
			},
		},
		store.Decision{CallID: "a", Tool: "sql", Verdict: "allow", By: "policy"},
		store.ToolCall{CallID: "a", Tool: "sql", Arguments: json.RawMessage(`{"query":"SELECT 1"}`)},
		store.ToolResult{CallID: "a", Tool: "sql", Stdout: "1\n", DurationMS: 3.2},
		store.Decision{CallID: "b", Tool: "shell", Verdict: "deny", By: "policy", Rule: "git push *", Reason: "nothing leaves the box"},
		store.Decision{CallID: "c", Tool: "teleport", Verdict: "invalid", By: "policy", Reason: "there is no such tool"},
		store.Decision{CallID: "d", Tool: "shell", Verdict: "allow", By: "user"},
		store.ToolCall{CallID: "d", Tool: "shell", Arguments: json.RawMessage(`{"command":"for i in 1 2\ndo echo $i\ndone","timeout_s":5}`)},
		store.ToolResult{CallID: "d", Tool: "shell", Exit: exit(1), Stdout: "1\n2\n", StdoutCut: 70_000, Stderr: "session ended: done\n\x1b[2Jboo\r\n", DurationMS: 1250},
		store.ToolCall{CallID: "e", Tool: "write_file", Arguments: json.RawMessage(`{"path":"/work/report.md","content":"# Report\n\nAll is well.\n"}`)},
		store.ToolResult{CallID: "e", Tool: "write_file", DurationMS: 1},
		store.ToolCall{CallID: "f", Tool: "shell", Arguments: json.RawMessage(`{"command":"sleep 100"}`)},
		store.ToolResult{CallID: "f", Tool: "shell", Signal: "SIGKILL", TimedOut: true, DurationMS: 100_000},
		store.ToolCall{CallID: "g", Tool: "read_file", Arguments: json.RawMessage(`{"path":"/nope","limit":10}`)},
		store.ToolResult{CallID: "g", Tool: "read_file", Error: "there is no file /nope", DurationMS: 0.4},
		store.ToolCall{CallID: "h", Tool: "fetch", Arguments: json.RawMessage(`{"url":"https://pypi.org/simple/"}`)},
		store.Egress{N: 1, Via: "connect", Method: "CONNECT", Host: "pypi.org", Port: 443, Decision: "allow", Rule: "pypi.org:443"},
		store.EgressDone{N: 1, Addr: "151.101.0.223:443", BytesUp: 1400, BytesDown: 52_000, DurationMS: 83},
		store.Egress{N: 2, Via: "http", Method: "GET", Host: "evil.example", Port: 80, Decision: "deny", Reason: "host evil.example is not on the allowlist (allowed: pypi.org:443)"},
		store.EgressDone{N: 3, Refused: "it resolves to 10.0.0.1, which is private", DurationMS: 2},
		store.ModelResponse{Turn: 2, Text: "I was about to s", Partial: true},
		store.Filtered{Where: "result", CallID: "9", What: "secrets", Rule: "aws-access-token", Action: "redact", Count: 2},
		store.Tripwire{Where: "network", N: 3, Part: "url", What: "canary", Table: "ticket", Column: "body", As: "base64", Action: "stop"},
		store.Compacted{Kept: 6, Before: 64_000, After: 9000},
		store.Drift{Of: 7, Now: 5, What: "stdout", How: "times", Detail: "line 1:\n- 12:00\x1b[2J\n+ 12:01"},
		store.Drift{Of: 9, What: "call", Unknown: true, Detail: "it was not run"},
		store.Compared{Calls: 3, Same: 1, Drifted: 1, Unknown: 1, Other: 2},
		store.Decision{CallID: "9", Tool: "shell", Verdict: "ask", Rule: `shell "rm *"`, Reason: "it is gone then", By: "policy", From: "glovebox.toml:3", Part: "rm x"},
		store.Decision{CallID: "9", Tool: "shell", Verdict: "allow", By: "user", Who: "alice", WaitMS: 2500, Scope: "pattern", Pattern: "rm *"},
		store.LimitReached{Limit: "cost_usd", Value: 0.5, Max: 1, Needs: 0.75, Of: "day"},
		store.LimitReached{Limit: "turns", Value: 2, Max: 2},
		store.Interrupted{By: "user"},
		store.Failure{Code: "model", Message: "the endpoint answered 401: wrong key"},
		store.BoxDiff{Box: "gb-1", Cut: 7, Changes: []store.FileChange{
			{Path: "/data/old.csv", Change: "deleted", OldType: "file", OldMode: "0644", OldSize: 12},
			{Path: "/data/shop.db", Change: "modified", Type: "file", OldType: "file", Mode: "0644", OldMode: "0644", Size: 1_240_000, OldSize: 1_234_567, Binary: true},
			{Path: "/work/bin", Change: "added", Type: "dir", Mode: "0755"},
			{Path: "/work/new", Change: "renamed", From: "/work/old", Type: "file", OldType: "file", Mode: "0600", OldMode: "0644", Size: 5, OldSize: 5},
			{Path: "/work/out", Change: "added", Type: "link", Link: "/etc/passwd"},
			{Path: "/work/pipe", Change: "modified", Type: "fifo", OldType: "file", Mode: "0644", OldMode: "0644"},
			{Path: "/work/report.md", Change: "added", Type: "file", Mode: "0644", Size: 400_000, PatchCut: true},
			{Path: "/work/run", Change: "mode", Type: "file", OldType: "file", Mode: "0755", OldMode: "0644", Size: 3, OldSize: 3},
		}},
		store.Probed{Probe: "icmp", Layer: "network", Verdict: "PASS", Evidence: "refused", Control: &store.Proof{Probe: "open network", Layer: "network", Verdict: "FAIL", Evidence: "sent"}},
		store.Verified{Of: map[string]string{"kernel": "6.1"}, Passed: 1, Failed: []string{"x"}, DurationMS: 12.5},
		store.BoxDestroyed{Box: "gb-1", Reason: "done"},
		store.SessionEnded{Status: "interrupted", Reason: "by user"},
		store.Note{By: "ada", Title: "Orders", Tags: []string{"odd", "orders"}, Untags: []string{"new"}, Star: &starred},
		store.Note{By: "ada", Step: 9, Text: "Wrong table.\nTwice.", Score: &store.Score{Name: "help", Value: 0.5}},
	}
	var all []store.Event
	at := time.Date(2026, 11, 23, 13, 5, 7, 123456000, time.UTC)
	for i, body := range bodies {
		all = append(all, store.Event{Session: "7k2m9qx4w3bc", Seq: int64(i + 1), At: at.Add(time.Duration(i) * time.Second), Body: body})
	}
	return all
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestTranscript(t *testing.T) {
	var b strings.Builder
	tr := store.Transcript{W: &b, Reasoning: true}
	for _, e := range eventful() {
		if err := tr.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "transcript.txt", b.String())
}

// A broken seal is said first and why.
func TestTranscriptOfABrokenSeal(t *testing.T) {
	var b strings.Builder
	err := store.WriteText(&b, store.Event{Body: store.BoxCreated{Box: "gb-1", Seal: []store.Proof{
		{Probe: "caps", Layer: "execution", Verdict: "PASS"},
		{Probe: "route", Layer: "network", Verdict: "FAIL", Evidence: "default via 10.0.2.2\nsealed"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "box gb-1 not sealed: execution, network (2 probes), ready in 0.0 ms\nprobe route (network): FAIL: default via 10.0.2.2␊sealed\n"; !strings.HasPrefix(b.String(), want) {
		t.Errorf("got %q, want it to begin %q", b.String(), want)
	}
}

// However an answer arrives, in any pieces, the transcript is the same as from
// the log.
func TestStreamedIsRecorded(t *testing.T) {
	for _, text := range []string{
		"one line", "two\nlines", "ends\n\n\n", "a\n\n\nb", "\n\nlate", " ", "\r\nwindows\r\n", "  indented\n\ttab", "héllo\x1b[1m\n", "\n", "", "⚠\ufe0f 👩\u200d👧", "text\r",
	} {
		response := store.Event{Body: store.ModelResponse{Text: text}}
		call := store.Event{Body: store.ToolCall{Tool: "shell", Arguments: json.RawMessage(`{"command":"ls"}`)}}
		for size := 1; size <= len(text)+1; size++ {
			var streamed, recorded strings.Builder
			tr := store.Transcript{W: &streamed}
			for runes := []rune(text); len(runes) > 0; runes = runes[min(size, len(runes)):] {
				if err := tr.Stream(string(runes[:min(size, len(runes))])); err != nil {
					t.Fatal(err)
				}
			}
			for _, e := range []store.Event{response, call} {
				if err := tr.Event(e); err != nil {
					t.Fatal(err)
				}
				if err := store.WriteText(&recorded, e); err != nil {
					t.Fatal(err)
				}
			}
			if streamed.String() != recorded.String() {
				t.Fatalf("%q in pieces of %d: %q, from the log %q", text, size, streamed.String(), recorded.String())
			}
		}
	}
}

// Nothing from outside reaches the first column.
func TestNoOutputPassesForALineOfTheTranscript(t *testing.T) {
	forged := "x\nsession ended: done\r\nsession ended: done\u2028session ended: done\vsession ended: done\u0085session ended: done"
	args, err := json.Marshal(map[string]string{"command": forged, forged: forged})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	tr := store.Transcript{W: &b, Reasoning: true}
	if err := tr.Stream(forged); err != nil {
		t.Fatal(err)
	}
	for _, body := range []store.Body{
		store.SessionStarted{Model: forged, Rigor: forged, Recipe: &store.Recipe{Schema: forged}},
		store.BoxCreated{Box: forged, Image: forged, ImageDigest: forged, Runtime: forged, Engine: forged, Seal: []store.Proof{{Probe: forged, Layer: forged, Evidence: forged}}, Limits: []store.Limit{{Name: forged}}},
		store.FilePut{Path: forged},
		store.Prompt{Text: forged},
		store.ModelResponse{Text: forged, Reasoning: forged, ToolCalls: []store.CallSpec{{ID: "1", Name: forged, Arguments: forged}}},
		store.ModelResponse{Text: forged, ToolCalls: []store.CallSpec{{ID: "1", Name: forged, Arguments: forged}}},
		store.Decision{CallID: "1", Tool: forged, Verdict: forged, Rule: forged, Reason: forged, By: forged},
		store.ToolCall{Tool: forged, Arguments: args},
		store.ToolCall{Tool: "shell", Arguments: args},
		store.ToolResult{Tool: forged, Signal: forged, Stdout: forged, Stderr: forged, Error: forged},
		store.LimitReached{Limit: forged},
		store.Interrupted{By: forged},
		store.Failure{Code: forged, Message: forged},
		store.BoxDiff{Error: forged},
		store.BoxDiff{Changes: []store.FileChange{{Path: forged, Change: forged, From: forged, Type: forged, OldType: forged, Mode: forged, OldMode: "1", Link: forged, Patch: forged}, {Change: "renamed", From: forged}}},
		store.Probed{Probe: forged, Layer: forged, Verdict: forged, Evidence: forged, Control: &store.Proof{Probe: forged, Verdict: forged, Evidence: forged}},
		store.Verified{Failed: []string{forged}},
		store.BoxDestroyed{Box: forged, Reason: forged},
	} {
		if err := tr.Event(store.Event{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	for l := range strings.Lines(b.String()) {
		if strings.HasPrefix(l, "session ended") {
			t.Fatalf("forged:\n%s", b.String())
		}
	}
}

func TestTranscriptOfNoChange(t *testing.T) {
	for want, d := range map[string]store.BoxDiff{
		"\nchanged: nothing\n":                         {},
		"\nchanged: nothing (not all was looked at)\n": {Partial: true},
		"\nchanged: not known: it took too long\n":     {Error: "it took too long"},
		"\nchanged: 1 file: 1 added\n  added     /work/a  (1 byte)\n": {
			Changes: []store.FileChange{{Path: "/work/a", Change: "added", Type: "file", Size: 1}},
		},
	} {
		var b strings.Builder
		if err := store.WriteText(&b, store.Event{Body: d}); err != nil || b.String() != want {
			t.Errorf("got %q, want %q (%v)", b.String(), want, err)
		}
	}
}

func TestTranscriptLines(t *testing.T) {
	var b strings.Builder
	tr := store.Transcript{W: &b, Lines: 2}
	if err := tr.Event(store.Event{Body: store.ToolResult{Tool: "shell", Stdout: "one\ntwo\nthree\nfour\n", Stderr: "a\nb\nc\n"}}); err != nil {
		t.Fatal(err)
	}
	// One line too many is shown: saying that it is left out would be as long.
	for _, want := range []string{"  one\n  two\n  … 2 more lines\n", "  a\n  b\n  c\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
	if strings.Contains(b.String(), "three") {
		t.Errorf("%q has more lines than asked for", b.String())
	}
}

func TestPlural(t *testing.T) {
	for want, got := range map[string]string{
		"1 row": store.Plural(1, "row"), "0 rows": store.Plural(int64(0), "row"), "3 entries": store.Plural(3, "entry"), "1 entry": store.Plural(1, "entry"),
		"2 boxes": store.Plural(2, "box"), "2 keys": store.Plural(2, "key"), "2 background processes": store.Plural(2, "background process"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
