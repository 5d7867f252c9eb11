package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Where nothing works the doctor still says everything, and exits 1.
func TestDoctorWithoutAnEngine(t *testing.T) {
	t.Setenv("CONTAINER_HOST", "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_BASE_URL", "")
	var out, errOut bytes.Buffer
	args := []string{"doctor", "--json", "--db", filepath.Join(t.TempDir(), "a", "b", "log.db")}
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errOut); code != exitNo || errOut.Len() > 0 {
		t.Errorf("exit %d, and on standard error %q", code, &errOut)
	}
	states, fixes := map[string]string{}, map[string]string{}
	dec := json.NewDecoder(&out)
	for dec.More() {
		var c struct{ Check, State, Detail, Fix string }
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		if c.Detail == "" {
			t.Errorf("%s has no detail", c.Check)
		}
		states[c.Check], fixes[c.Check] = c.State, c.Fix
	}
	for name, want := range map[string]string{"engine": "fail", "image": "fail", "model endpoint": "warn", "configuration": "ok", "data": "ok"} {
		if states[name] != want {
			t.Errorf("%s is %q, want %q", name, states[name], want)
		}
	}
	if fixes["engine"] != "unset CONTAINER_HOST" {
		t.Errorf("the engine's fix is %q", fixes["engine"])
	}
}

func TestImageCommandsWithoutAnEngine(t *testing.T) {
	t.Setenv("CONTAINER_HOST", "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	for _, args := range [][]string{{"image", "list"}, {"image", "prepare"}} {
		var out, errOut bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(""), &out, &errOut)
		if code != exitEngine || out.Len() > 0 || !strings.HasPrefix(errOut.String(), "glovebox: no Podman engine: CONTAINER_HOST is set to ") {
			t.Errorf("%v: exit %d, %q, %q", args, code, &out, &errOut)
		}
	}
}
