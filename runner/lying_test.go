package runner

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/specgen"
)

// lying is an image whose init breaks the protocol as its argument says, and
// the engine that has it.
func lying(t *testing.T) (*Engine, Image) {
	t.Helper()
	testImage(t) // the base is there
	path := filepath.Join(t.TempDir(), "lyinginit")
	build(t, path, "./testdata/lyinginit")
	e := withInit(testEngine(t), path)
	img, err := e.Image(t.Context(), "auto", func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeImage(t, e, img.Name) })
	return e, img
}

// A dead or lying init ends the box with an error that says so; nothing is left.
func TestLyingInit(t *testing.T) {
	testImage(t)
	t.Parallel() // some of it takes the time that a box is given
	e, img := lying(t)
	box := func(t *testing.T, ctx context.Context, how string) (*Box, error) {
		t.Helper()
		t.Cleanup(func() {
			boxes, err := e.Boxes(context.Background())
			if err != nil {
				t.Error(err)
			}
			for _, b := range boxes {
				if b.Session == "lying: "+how {
					t.Errorf("%s is left", b.Name)
				}
			}
		})
		return e.newBox(ctx, BoxOptions{Image: img, Session: "lying: " + how}, func(s *specgen.SpecGenerator) { s.Command = []string{how} })
	}
	for _, tt := range []struct {
		how  string
		want error
		says string
	}{
		{"garbage", port.ErrProtocol, "frame type"},
		{"endless frame", port.ErrProtocol, "too long"},
		{"hello twice", port.ErrProtocol, "hello twice"},
		{"dies", ErrBoxLost, "my last words"},
		{"another uid", ErrNoSeal, "as uid"},
		{"proves nothing", ErrNoSeal, "nothing proves"},
		{"never says hello", context.DeadlineExceeded, "did not answer"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			if tt.want == context.DeadlineExceeded { //nolint:errorlint // it is this very value
				t.Parallel() // long enough that it is made also where that is slow
				ctx, cancel = context.WithTimeout(t.Context(), 15*time.Second)
			}
			defer cancel()
			b, err := box(t, ctx, tt.how)
			if b != nil {
				b.Close(context.Background())
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v; want %v, with %q", err, tt.want, tt.says)
			}
		})
	}
	for _, tt := range []struct {
		how, says string
		err       error
	}{
		{"speaks for another", "not open", port.ErrProtocol},
		{"opens on the host", "may not send", port.ErrProtocol},
		{"ignores the window", "window", port.ErrProtocol},
		{"ignores a kill", "did not report", nil},
		{"silent", "silent", nil},
		{"takes nothing", "takes nothing", nil},
		{"goes on after a kill", "did not report", nil},
	} {
		t.Run(tt.how, func(t *testing.T) {
			t.Parallel()
			b, err := box(t, t.Context(), tt.how)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd := Command{Argv: []string{"true"}}
			switch tt.how {
			case "ignores a kill":
				cancel()
			case "goes on after a kill":
				cmd.Output = func(bool, []byte) { cancel() }
			case "takes nothing":
				cmd.Stdin = zeros{}
				for range 31 { // windows enough to fill every pipe and socket on the way
					go b.Exec(ctx, cmd) //nolint:errcheck // the last one says it
				}
			}
			if tt.how == "ignores the window" {
				cmd.Output = func(bool, []byte) { <-b.Done() } // nobody takes it
			}
			_, err = b.Exec(ctx, cmd)
			if !errors.Is(err, ErrBoxLost) || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want a lost box and %q", err, tt.says)
			}
			if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}}); !errors.Is(err, ErrBoxLost) {
				t.Errorf("afterwards: %v", err)
			}
			if err := b.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
