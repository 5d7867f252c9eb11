package runner

import (
	"testing"
	"time"
)

func TestImageAutoIsPreparedOnce(t *testing.T) {
	e := testEngine(t)
	t0 := time.Now()
	img, err := e.Image(t.Context(), "auto", func(p Progress) { t.Logf("%+v", p) })
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0), img)
}
