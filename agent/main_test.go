package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"glovebox/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// localBox runs processes in a directory of this machine. It is a real Box
// without the walls; the walls have tests of their own.
type localBox struct {
	dir  string
	lost error // what Exec says, where set
	mu   sync.Mutex
	runs int

	quiet bool // an interruption is told as the signal that killed the command
}

func newLocalBox(t *testing.T) *localBox { return &localBox{dir: t.TempDir()} }

func (b *localBox) path(p string) string {
	rest, ok := strings.CutPrefix(p, "/work")
	if !ok {
		return p
	}
	return filepath.Join(b.dir, rest)
}

func (b *localBox) Exec(ctx context.Context, c Command, onOutput func(bool, []byte)) (Result, error) {
	b.mu.Lock()
	b.runs++
	b.mu.Unlock()
	if b.lost != nil {
		return Result{}, fmt.Errorf("running %s: %w", c.Argv[0], b.lost)
	}
	timed, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(timed, c.Argv[0], c.Argv[1:]...)
	cmd.Dir = b.path(c.Dir)
	if c.Dir == "" {
		cmd.Dir = b.dir
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var mu sync.Mutex
	var out, errs bytes.Buffer
	cmd.Stdout = writer(func(p []byte) { mu.Lock(); defer mu.Unlock(); out.Write(p); onOutput(false, p) })
	cmd.Stderr = writer(func(p []byte) { mu.Lock(); defer mu.Unlock(); errs.Write(p); onOutput(true, p) })
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, err
	}
	if ctx.Err() != nil && !b.quiet {
		return Result{}, ctx.Err()
	}
	res := Result{Stdout: out.Bytes(), Stderr: errs.Bytes(), TimedOut: timed.Err() != nil && ctx.Err() == nil}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		res.Exit = &code
	} else if !res.TimedOut {
		res.Signal = "SIG" + cmd.ProcessState.Sys().(syscall.WaitStatus).Signal().String()
	}
	return res, nil
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func (b *localBox) ReadFile(_ context.Context, path string, offset, limit int64) ([]byte, int64, error) {
	data, err := os.ReadFile(b.path(path))
	if err != nil {
		return nil, 0, err
	}
	size := int64(len(data))
	offset = min(offset, size)
	return data[offset:min(size, offset+limit)], size, nil
}

func (b *localBox) WriteFile(_ context.Context, path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(b.path(path)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(b.path(path), data, 0o600)
}

// newLog begins a session in a real log.
func newLog(t *testing.T) (*store.Session, func() []store.Event) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := db.Begin(t.Context(), store.SessionStarted{Model: "test"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	return s, func() []store.Event {
		var out []store.Event
		for e, err := range db.Events(context.Background(), s.ID(), 1) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
}

// server serves handlers, one request each, the last one for all that follow,
// and keeps the requests.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []map[string]any
	headers  []http.Header
}

func newServer(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		data, err := io.ReadAll(r.Body)
		if err = errors.Join(err, json.Unmarshal(data, &body)); err != nil {
			t.Errorf("request is not JSON: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		s.mu.Lock()
		n := min(len(s.requests), len(handlers)-1)
		s.requests = append(s.requests, body)
		s.headers = append(s.headers, r.Header.Clone())
		s.mu.Unlock()
		handlers[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// sse answers with these events, each flushed, and ends the body properly.
func sse(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			fmt.Fprintf(w, "%s\n\n", e)
			w.(http.Flusher).Flush()
		}
	}
}

// says answers with text and stops.
func says(text string) http.HandlerFunc {
	return sse(delta(fmt.Sprintf(`{"content":%q}`, text)), finish("stop"), "data: [DONE]")
}

// calls answers with tool calls: name, arguments, name, arguments, …
func calls(pairs ...string) http.HandlerFunc {
	var events []string
	for i := 0; i < len(pairs); i += 2 {
		name, _ := json.Marshal(pairs[i])
		args, _ := json.Marshal(pairs[i+1])
		events = append(events, delta(fmt.Sprintf(
			`{"tool_calls":[{"index":%d,"id":"id%d","function":{"name":%s,"arguments":%s}}]}`, i/2, i/2, name, args)))
	}
	return sse(append(events, finish("tool_calls"), "data: [DONE]")...)
}

func delta(d string) string {
	return fmt.Sprintf(`data: {"model":"m-1","choices":[{"index":0,"delta":%s,"finish_reason":null}]}`, d)
}

func finish(reason string) string {
	return fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{},"finish_reason":%q}]}`, reason)
}

func newModel(t *testing.T, base string, change ...func(*OpenAIConfig)) *OpenAI {
	t.Helper()
	cfg := OpenAIConfig{BaseURL: base + "/v1", APIKey: "sk-secret-key", Model: "m", IdleTimeout: 10 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	m, err := NewOpenAI(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.firstWait = time.Millisecond
	t.Cleanup(m.Close)
	return m
}

func kinds(events []store.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Body.Kind())
	}
	return strings.Join(out, " ")
}

// pick gives the bodies of one type.
func pick[T store.Body](events []store.Event) []T {
	var out []T
	for _, e := range events {
		if b, ok := e.Body.(T); ok {
			out = append(out, b)
		}
	}
	return out
}
