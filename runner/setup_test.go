package runner

import (
	"strings"
	"testing"
)

func TestSetupTwice(t *testing.T) {
	e := testEngine(t)
	testImage(t)
	var out strings.Builder
	err := Setup(t.Context(), SetupOptions{Engine: e.opts, Yes: true, ForTests: true, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := Setup(t.Context(), SetupOptions{Engine: e.opts, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 1 || !strings.HasPrefix(lines[0], "everything is ready") {
		t.Errorf("the second run says %q", lines)
	}
}
