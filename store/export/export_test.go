package export_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/export"
	"glovebox/store/redact"
	"glovebox/store/scan/planted"

	"github.com/yuin/goldmark"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// record makes a session of bodies and loads it as it would leave.
func record(t testing.TB, r *redact.Redactor, bodies ...store.Body) export.Source {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ses, err := s.Begin(ctx, store.SessionStarted{Program: "1", Model: "openai/gpt-5-mini", System: "Be careful.", Rigor: "standard"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		if _, err := ses.Append(ctx, body); err != nil {
			t.Fatal(err)
		}
	}
	src, err := export.Load(ctx, s, ses.ID(), r)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func exit(n int) *int { return &n }

// aSession has a bit of everything.
func aSession() []store.Body {
	return []store.Body{
		store.Prompt{Text: "Which customers came back?"},
		store.ModelRequest{Turn: 1, Model: "openai/gpt-5-mini", Through: 2},
		store.ModelResponse{Turn: 1, Model: "gpt-5-mini-2026", Text: "I look.", FinishReason: "tool_calls", Usage: &store.Usage{Input: 100, Output: 20}, DurationMS: 1200, ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: `{"command":"ls"}`}}},
		store.Decision{CallID: "a", Tool: "shell", Verdict: "allow", By: "policy"},
		store.ToolCall{CallID: "a", Tool: "shell", Arguments: json.RawMessage(`{"command":"ls"}`)},
		store.ToolResult{CallID: "a", Tool: "shell", Exit: exit(2), Stdout: "``` fence\n<b>not bold</b>\n", Stderr: "no", DurationMS: 12},
		store.ModelRequest{Turn: 2, Model: "openai/gpt-5-mini", Through: 7},
		store.ModelResponse{Turn: 2, Text: "Nobody.", FinishReason: "stop", Usage: &store.Usage{Input: 150, Output: 5}, DurationMS: 300},
		store.SessionEnded{Status: "done"},
		store.Note{By: "ada", Tags: []string{"odd"}},
	}
}

func formats() map[string]func(io.Writer, export.Source) error {
	return map[string]func(io.Writer, export.Source) error{
		"html": export.HTML, "md": export.Markdown, "jsonl": export.JSONL, "otel": export.OTLP,
		"cast":  func(w io.Writer, src export.Source) error { return export.Cast(w, src, 3) },
		"cast2": func(w io.Writer, src export.Source) error { return export.Cast(w, src, 2) },
	}
}

// inHex are the IDs that OTLP writes in hex, and protobuf's JSON in base64.
var inHex = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":"([0-9a-f]+)"`)

// The published schema has every field that is written, of that type.
func TestOTLPSchema(t *testing.T) {
	var b bytes.Buffer
	if err := export.OTLP(&b, record(t, nil, aSession()...)); err != nil {
		t.Fatal(err)
	}
	data := inHex.ReplaceAllFunc(b.Bytes(), func(found []byte) []byte {
		m := inHex.FindSubmatch(found)
		id, err := hex.DecodeString(string(m[2]))
		if want := map[bool]int{true: 16, false: 8}[string(m[1]) == "traceId"]; err != nil || len(id) != want {
			t.Errorf("%s: %v", found, err)
		}
		return fmt.Appendf(nil, `"%s":"%s"`, m[1], base64.StdEncoding.EncodeToString(id))
	})
	var req tracepb.TracesData
	if err := protojson.Unmarshal(data, &req); err != nil { // what it does not know is an error
		t.Error(err)
	}
}

// A server built of OpenTelemetry's own parts receives the spans.
func TestOTLP(t *testing.T) {
	src := record(t, nil, aSession()...)
	var got ptrace.Traces
	var failure int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		req := ptraceotlp.NewExportRequest()
		if err = firstOf(err, func() error { return req.UnmarshalJSON(body) }); err != nil || r.URL.Path != "/v1/traces" || failure > 0 {
			http.Error(w, fmt.Sprint("no: ", err), max(failure, http.StatusBadRequest))
			return
		}
		got = req.Traces()
		w.Write([]byte("{}")) //nolint:errcheck // the client says so
	}))
	defer server.Close()
	if err := export.Send(t.Context(), server.URL, src); err != nil {
		t.Fatal(err)
	}
	spans := got.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	var names []string
	root := spans.At(0)
	for i := range spans.Len() {
		s := spans.At(i)
		names = append(names, s.Name())
		if s.TraceID() != root.TraceID() || s.TraceID().IsEmpty() || s.SpanID().IsEmpty() || i > 0 && s.ParentSpanID() != root.SpanID() || s.EndTimestamp() < s.StartTimestamp() {
			t.Errorf("span %s: %v in %v of %v, from %v to %v", s.Name(), s.SpanID(), s.ParentSpanID(), s.TraceID(), s.StartTimestamp(), s.EndTimestamp())
		}
	}
	if want := "invoke_agent glovebox, chat openai/gpt-5-mini, execute_tool shell, chat openai/gpt-5-mini"; strings.Join(names, ", ") != want {
		t.Errorf("spans %q", names)
	}
	if end := root.EndTimestamp().AsTime(); !end.Equal(*src.EndedAt) {
		t.Errorf("the session ends at %v, and its note comes after", end)
	}
	if v, _ := spans.At(1).Attributes().Get("gen_ai.usage.input_tokens"); v.Int() != 100 {
		t.Errorf("input tokens %v", v)
	}
	if spans.At(2).Status().Code() != ptrace.StatusCodeError {
		t.Error("the call that ended with 2 is no error")
	}
	failure = http.StatusServiceUnavailable
	if err := export.Send(t.Context(), server.URL, src); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a collector that refuses: %v", err)
	}
	for _, url := range []string{"file:///etc/passwd", "localhost:4318", ""} {
		if err := export.Send(t.Context(), url, src); err == nil {
			t.Errorf("%q is taken for a collector", url)
		}
	}
}

func firstOf(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// asciinema of this distribution plays version 2; version 3 has the same events.
// What is sent to one collector does not go on to another.
func TestOTLPGoesNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the session was sent on") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if err := export.Send(t.Context(), server.URL, record(t, nil, aSession()...)); err == nil || !strings.Contains(err.Error(), "307") {
		t.Error(err)
	}
}

func TestCast(t *testing.T) {
	src := record(t, nil, aSession()...)
	var two, three bytes.Buffer
	if err := export.Cast(&two, src, 2); err != nil {
		t.Fatal(err)
	}
	if err := export.Cast(&three, src, 3); err != nil {
		t.Fatal(err)
	}
	total, markers := 0.0, 0
	for i, line := range strings.Split(strings.TrimSpace(three.String()), "\n") {
		if i == 0 {
			var head struct {
				Version int
				Term    struct{ Cols, Rows int }
			}
			if err := json.Unmarshal([]byte(line), &head); err != nil || head.Version != 3 || head.Term.Cols != 100 {
				t.Errorf("%s: %v", line, err)
			}
			continue
		}
		var event []any
		if err := json.Unmarshal([]byte(line), &event); err != nil || len(event) != 3 {
			t.Fatalf("%s: %v", line, err)
		}
		total += event[0].(float64)
		if event[1] == "m" {
			markers++
		}
		if strings.Contains(event[2].(string), "\x1b") {
			t.Errorf("an escape sequence: %s", line)
		}
	}
	if markers < 7 || total > 60 {
		t.Errorf("%d markers, %.1f s", markers, total)
	}
	if _, err := exec.LookPath("asciinema"); err != nil {
		t.Skip("asciinema is not installed: glovebox setup --for-tests")
	}
	file := filepath.Join(t.TempDir(), "session.cast")
	if err := os.WriteFile(file, two.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	// It wants a terminal: script gives it one.
	cmd := exec.CommandContext(t.Context(), "script", "--quiet", "--return", "--command", "asciinema play --speed 1000 "+file, "/dev/null")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Which customers came back?") || !strings.Contains(string(out), "session ended: done") {
		t.Errorf("asciinema: %v\n%s", err, out)
	}
}

// A renderer shows hostile text as text.
func TestMarkdownRenders(t *testing.T) {
	src := record(t, nil, append([]store.Body{store.Prompt{Text: "# <script>alert(1)</script> [x](javascript:alert(1)) `code`\n````\n"}}, aSession()...)...)
	var md, page bytes.Buffer
	if err := export.Markdown(&md, src); err != nil {
		t.Fatal(err)
	}
	if err := goldmark.Convert(md.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	out := page.String()
	for _, bad := range []string{"<script", "<b>", `href="javascript`, "<a "} {
		if strings.Contains(out, bad) {
			t.Errorf("%s\nis in\n%s", bad, out)
		}
	}
	if n := strings.Count(out, "<h2>"); n != len(src.Events) || !strings.Contains(out, "&lt;b&gt;not bold") {
		t.Errorf("%d headings for %d events\n%s", n, len(src.Events), out)
	}
}

// What is planted anywhere is in no format: half a hundred kinds of secrets and
// personal data, in prompts, answers, arguments, outputs, file names, titles.
func TestNothingRedactedIsInAnyFormat(t *testing.T) {
	values, texts := map[string]string{"pattern": "falcon-7", "home": "/home/grete"}, []string{"falcon-7", "/home/grete/x"}
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for _, kinds := range []map[string]string{planted.Secrets(random), planted.Personal()} {
		for name, text := range kinds {
			parts := strings.Split(text, "|")
			values[name] = strings.TrimSpace(strings.Split(parts[1], "\n")[0])
			texts = append(texts, strings.Join(parts, ""))
		}
	}
	slices.Sort(texts)
	s, key := openLog(t)
	ses, err := s.Begin(t.Context(), store.SessionStarted{Program: "1", Model: "m", System: strings.Join(texts, "\n")}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	add := func(body store.Body) {
		t.Helper()
		if _, err := ses.Append(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range texts {
		args, _ := json.Marshal(map[string]string{"command": text, text: "x"})
		add(store.Prompt{Text: text})
		add(store.ModelResponse{Turn: i, Text: text, Reasoning: "I see " + text, ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: string(args)}}})
		add(store.ToolCall{CallID: "a", Tool: "shell", Arguments: args})
		add(store.ToolResult{CallID: "a", Tool: "shell", Stdout: strings.Repeat("x\n", 3000) + text, Stderr: text})
		add(store.FilePut{Path: "/data/" + text})
		add(store.BoxDiff{Changes: []store.FileChange{{Path: text, Change: "added", Patch: "+" + text}}})
		add(store.Note{By: "grete", Title: text, Text: text})
	}
	add(store.ToolResult{CallID: "b", Stdout: "bare: " + strings.Join(slices.Sorted(maps.Values(values)), " , ")})
	values["image"] = base64.StdEncoding.EncodeToString([]byte("a picture of somebody"))
	add(store.Prompt{Text: "Who is this?", Images: []store.Image{{Name: "/home/grete/x.png", Type: "image/png", Data: values["image"]}}})
	add(store.SessionEnded{Status: "failed", Reason: texts[0]})
	formats, _ := everyFormat(t, s, key, ses.ID(), `falcon-\d+`)
	for format, is := range formats {
		for name, value := range values {
			// A format may write signs in its own way: then each part is looked for.
			parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("&<>\"'é$;", r) })
			for _, part := range parts {
				if at := strings.Index(is, part); at >= 0 && (len(parts) == 1 || len(part) >= 10) {
					t.Errorf("%s is in %s: …%s…", name, format, is[max(0, at-60):min(len(is), at+len(part)+20)])
				}
			}
		}
	}
}

// everyFormat is a session as it is handed on, redacted, by format; of a bundle
// what is in it, too. Own are the user's patterns.
func everyFormat(t *testing.T, s *store.Store, key *store.Key, id string, own ...string) (texts map[string]string, packed []byte) {
	t.Helper()
	redactor := func() *redact.Redactor {
		r, err := redact.New(own...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	src, err := export.Load(t.Context(), s, id, redactor())
	if err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	for format, write := range formats() {
		var b bytes.Buffer
		if err := write(&b, src); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		texts[format] = b.String()
	}
	var b, unpacked bytes.Buffer
	if _, err := bundle.Write(t.Context(), &b, s, id, key, redactor()); err != nil {
		t.Fatal(err)
	}
	if err := members(&unpacked, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	texts["gbx"] = unpacked.String() + b.String()
	return texts, b.Bytes()
}

// members writes what is in a bundle, unpacked.
func members(w io.Writer, data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func openLog(t *testing.T) (*store.Store, *store.Key) {
	t.Helper()
	dir := t.TempDir()
	key, err := store.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SignWith(key)
	return s, key
}

// What an agent writes does not become a thousand times as long by being laid out.
func TestDeepJSONStaysShort(t *testing.T) {
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	src := record(t, nil,
		store.ModelResponse{Turn: 1, DurationMS: -1, ToolCalls: []store.CallSpec{{ID: "a", Name: "x", Arguments: deep}}},
		store.ToolCall{CallID: "a", Tool: "x", Arguments: json.RawMessage(`{"command":` + deep + `}`)},
		store.ToolResult{CallID: "a", Tool: "x", DurationMS: 1e308},
		store.SessionEnded{Status: "done"})
	for format, write := range formats() {
		var b bytes.Buffer
		if err := write(&b, src); err != nil || b.Len() > 200_000 {
			t.Errorf("%s: %d bytes, %v", format, b.Len(), err)
		}
	}
}

// A chart is drawn of what is known, with its largest step named.
func TestCharts(t *testing.T) {
	page := func(charges ...*store.Charge) string {
		var bodies []store.Body
		for i, c := range charges {
			bodies = append(bodies, store.ModelResponse{Turn: i, DurationMS: float64(100 * (i + 1)), Charge: c})
		}
		var b bytes.Buffer
		if err := export.HTML(&b, record(t, nil, bodies...)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	paid := page(&store.Charge{PicoUSD: 1e9}, &store.Charge{PicoUSD: 2e10}, &store.Charge{PicoUSD: 5e9})
	for _, want := range []string{"cost by step, at most $0.0200 (step 3)", "time by step, at most model, 300 ms (step 4)", `<a href="#e3" tabindex="-1"><rect class="model" x="4" y="0.0" width="3" height="40.0">`} {
		if !strings.Contains(paid, want) {
			_, body, _ := strings.Cut(paid, "<h1>")
			t.Errorf("%s\nis not in\n%s", want, body)
		}
	}
	if free := page(&store.Charge{PicoUSD: 1e9, Notional: true}, nil); strings.Contains(free, "cost by step") {
		t.Error("money that nobody paid is drawn")
	}
}

// A clean session stays as it is, but for less than one field in a thousand.
func TestFalseAlarms(t *testing.T) {
	r, err := redact.New()
	if err != nil {
		t.Fatal(err)
	}
	var bodies []store.Body
	for i := range 400 {
		bodies = append(bodies,
			store.ModelRequest{Turn: i, Model: "openai/gpt-5-mini", Through: int64(i)},
			store.ModelResponse{Turn: i, Text: fmt.Sprintf("I look at order %d; the primary key is order_id, the token count is fine.", i*7919), ToolCalls: []store.CallSpec{{ID: fmt.Sprintf("call_%08x", i*2654435761), Name: "sql", Arguments: `{"query":"SELECT key, value FROM settings"}`}}},
			store.ToolCall{CallID: fmt.Sprintf("call_%08x", i*2654435761), Tool: "sql", Arguments: json.RawMessage(fmt.Sprintf(`{"query":"SELECT * FROM customers WHERE id = %d"}`, i*104729))},
			store.ToolResult{CallID: fmt.Sprintf("call_%08x", i*2654435761), Tool: "sql", Stdout: fmt.Sprintf("%d|Mia Berg|mia%d@briefkasten.test|+1-212-555-01%02d|2024-03-%02d 10:11:12|%d.%02d|4%07d\n", i, i, i%100, 1+i%28, i*37, i%100, i*7919)},
			store.FilePut{Path: fmt.Sprintf("/data/part-%d.csv", i), SHA256: fmt.Sprintf("%064x", i*7919)},
		)
	}
	src := record(t, r, bodies...)
	fields := 0
	for _, e := range src.Events {
		var all map[string]json.RawMessage
		data, _ := json.Marshal(e.Body)
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		fields += len(all)
	}
	if fields < 5000 || len(src.Removals)*1000 >= fields {
		t.Errorf("%d false alarms in %d fields: %v", len(src.Removals), fields, src.Removals[:min(5, len(src.Removals))])
	}
}

func TestNumbersStayNumbers(t *testing.T) {
	r, err := redact.New()
	if err != nil {
		t.Fatal(err)
	}
	src := record(t, r, store.FilePut{Path: "x", Bytes: 4539148803436467})
	if got := src.Events[1].Body.(store.FilePut).Bytes; got != 0 {
		t.Errorf("%d", got)
	}
}
