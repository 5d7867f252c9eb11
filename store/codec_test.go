package store_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"glovebox/store"

	"github.com/google/go-cmp/cmp"
)

// kinds reads the vocabulary from its source, so that a new entry cannot be
// forgotten here.
func kinds(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "Kind" {
			kind, err := strconv.Unquote(fn.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, kind)
		}
	}
	if len(found) < 14 {
		t.Fatalf("found only %v", found)
	}
	return found
}

func TestEveryKindIsRead(t *testing.T) {
	for _, kind := range kinds(t) {
		var e store.Event
		if err := json.Unmarshal([]byte(`{"seq":1,"session":"s","at":"2026-11-23T13:05:07.000001Z","kind":"`+kind+`"}`), &e); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if e.Body.Kind() != kind {
			t.Errorf("%s was read as %s", kind, e.Body.Kind())
		}
		body := reflect.TypeOf(e.Body)
		for i := range body.NumField() {
			name, _, _ := strings.Cut(body.Field(i).Tag.Get("json"), ",")
			if name == "" || slices.Contains([]string{"seq", "session", "at", "kind"}, name) {
				t.Errorf("%s: field %s cannot have the name %q", kind, body.Field(i).Name, name)
			}
		}
	}
}

func TestEventJSON(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range eventful() {
		seen[e.Body.Kind()] = true
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var again store.Event
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		once, _ := json.Marshal(again)
		if string(once) != string(data) || again.At != e.At || again.Seq != e.Seq || again.Session != e.Session {
			t.Errorf("%s\ncame back as\n%s", data, once)
		}
	}
	for _, kind := range kinds(t) {
		if !seen[kind] {
			t.Errorf("eventful() has no %s", kind)
		}
	}
	exit := 0
	got, err := json.Marshal(store.Event{
		Session: "abc", Seq: 7, At: time.Date(2026, 11, 23, 15, 0, 0, 5000, time.FixedZone("", 7200)),
		Body: store.ToolResult{CallID: "1", Tool: "sql", Exit: &exit, DurationMS: 1.5},
	})
	want := `{"seq":7,"session":"abc","at":"2026-11-23T13:00:00.000005Z","kind":"tool.result","call_id":"1","tool":"sql","exit":0,"duration_ms":1.5}`
	if string(got) != want {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

func TestUnknownKindIsNamed(t *testing.T) {
	var e store.Event
	err := json.Unmarshal([]byte(`{"seq":3,"session":"s","at":"2026-11-23T13:05:07Z","kind":"telepathy"}`), &e)
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), `event 3: kind "telepathy"`) {
		t.Error(err)
	}
}

func FuzzEventJSON(f *testing.F) {
	for _, e := range eventful() {
		data, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"seq":1e99,"at":"2026","kind":"prompt","text":5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second, third store.Event
		if json.Unmarshal(data, &first) != nil {
			return
		}
		once, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if err := json.Unmarshal(once, &second); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := json.Marshal(second)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(twice, &third); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(second, third); diff != "" {
			t.Error(diff)
		}
		if err := store.WriteText(new(strings.Builder), first); err != nil {
			t.Error(err)
		}
	})
}
