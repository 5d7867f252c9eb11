package agent

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"glovebox/store"
)

func TestForm(t *testing.T) {
	f, err := NewForm([]byte(`{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]string{
		`{"n": 1}`: `{"n":1}`, "```json\n{\"n\":\n 2}\n```": `{"n":2}`, `{"n":"x"}`: "n: got string, want integer", `{}`: "missing property",
		"Here it is: {\"n\":1}": "not JSON", "": "not JSON", `{"n":1} {"n":2}`: "not JSON",
	} {
		got, err := f.Fit(answer)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", answer, got, want)
		}
	}
	for _, bad := range []string{"", "[]", `{"type":"objekt"}`, `{"$ref":"file:///etc/passwd"}`, `{"$ref":"http://127.0.0.1/x"}`} {
		if _, err := NewForm([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// What a prompt and the configuration bring is sent as servers expect it, and
// what a server does not know is left out.
func TestFormImagesAndSampling(t *testing.T) {
	f, err := NewForm([]byte(`{"type": "object"}`))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":{"message":"Unknown parameter: response_format"}}`)) //nolint:errcheck // a test's server
	}
	srv := newServer(t, refuse, says("{}"), says("{}"))
	seed, cold := int64(7), 0.0
	b := newBench(t, srv, func(c *Config) { c.Seed, c.Heat, c.Form = &seed, &cold, f })
	image := store.Image{Name: "x.png", Type: "image/png", Data: "aGVsbG8="}
	if err := b.Prompt(t.Context(), "look", image); err != nil {
		t.Fatal(err)
	}
	if err := b.Prompt(t.Context(), "again"); err != nil {
		t.Fatal(err)
	}
	seen := srv.seen()
	if len(seen) != 3 {
		t.Fatalf("%d requests", len(seen))
	}
	if _, sent := seen[0]["response_format"]; !sent {
		t.Error("no response_format")
	}
	for i, r := range seen[1:] {
		if _, sent := r["response_format"]; sent {
			t.Errorf("request %d has what the server refused", i+2)
		}
		if r["seed"] != float64(7) || r["temperature"] == nil || r["temperature"].(float64) > 1e-6 {
			t.Errorf("seed %v, temperature %v", r["seed"], r["temperature"])
		}
		first, err := json.Marshal(r["messages"].([]any)[1])
		want := `{"content":[{"text":"look","type":"text"},{"image_url":{"url":"data:image/png;base64,aGVsbG8="},"type":"image_url"}],"role":"user"}`
		if err != nil || string(first) != want {
			t.Errorf("%s", first)
		}
	}
	if p := pick[store.Prompt](b.events())[0]; len(p.Images) != 1 || p.Images[0] != image {
		t.Errorf("%+v", p)
	}
}
