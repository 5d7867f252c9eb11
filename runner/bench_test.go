package runner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/api/handlers"
	"github.com/containers/podman/v5/pkg/bindings/containers"
	dockerContainer "github.com/docker/docker/api/types/container"
)

// BenchmarkExec runs `true` in one box in three ways, in turn, so that all see
// the same machine: by the port, by the API's exec, by the podman command.
func BenchmarkExec(b *testing.B) {
	box := benchBox(b)
	ways := []struct {
		name string
		run  func() error
	}{
		{"port", func() error {
			r, err := box.Exec(b.Context(), Command{Argv: []string{"true"}})
			if err == nil && (r.Exit == nil || *r.Exit != 0) {
				err = fmt.Errorf("%v", r)
			}
			return err
		}},
		{"api-exec", func() error { return apiExec(b.Context(), box, "/bin/true") }},
		{"podman-exec", func() error { return podmanExec(b.Context(), box, "/bin/true") }},
	}
	const rounds = 30
	times := make([][]time.Duration, len(ways))
	for b.Loop() {
		for round := range rounds + 3 {
			for i, way := range ways {
				began := time.Now()
				if err := way.run(); err != nil {
					b.Fatalf("%s: %v", way.name, err)
				}
				if round >= 3 { // the first ones warm up
					times[i] = append(times[i], time.Since(began))
				}
			}
		}
	}
	for i, way := range ways {
		b.ReportMetric(float64(median(times[i]).Microseconds())/1000, way.name+"-ms")
	}
	ratio := float64(median(times[1])) / float64(median(times[0]))
	b.ReportMetric(ratio, "api-exec/port")
	b.ReportMetric(0, "ns/op")
	if ratio < 25 {
		b.Errorf("the API's exec takes %.1f times the port's, at least 25 are promised", ratio)
	}
}

// BenchmarkBox is a cold box from nothing to the first command's end, seal
// included, in turn with `podman run --rm` of the same image.
func BenchmarkBox(b *testing.B) {
	e, img := testEngine(b), testImage(b)
	ways := []struct {
		name string
		run  func() error
	}{
		{"box", func() error {
			box, err := e.NewBox(b.Context(), BoxOptions{Image: img})
			if err != nil {
				return err
			}
			_, err = box.Exec(b.Context(), Command{Argv: []string{"true"}})
			if cerr := box.Close(context.Background()); err == nil {
				err = cerr
			}
			return err
		}},
		{"podman-run", func() error {
			return podman(b.Context(), e, "run", "--rm", "--network", "none", "--entrypoint", "true", "--log-driver", "none", img.ID)
		}},
	}
	times := make([][]time.Duration, len(ways))
	for b.Loop() {
		for range 15 {
			for i, way := range ways {
				began := time.Now()
				if err := way.run(); err != nil {
					b.Fatalf("%s: %v", way.name, err)
				}
				times[i] = append(times[i], time.Since(began))
			}
		}
	}
	for i, way := range ways {
		b.ReportMetric(float64(median(times[i]).Microseconds())/1000, way.name+"-ms")
	}
	b.ReportMetric(float64(median(times[0]))/float64(median(times[1])), "box/podman-run")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOutput is how fast a command's output arrives.
func BenchmarkOutput(b *testing.B) {
	box := benchBox(b)
	const size = 500 << 20
	b.SetBytes(size)
	for b.Loop() {
		var got int64
		_, err := box.Exec(b.Context(), Command{
			Argv:      []string{"head", "-c", fmt.Sprint(size), "/dev/zero"},
			MaxOutput: -1,
			Output:    func(_ bool, p []byte) { got += int64(len(p)) },
		})
		if err != nil || got != size {
			b.Fatalf("%d of %d bytes: %v", got, size, err)
		}
	}
}

func benchBox(b *testing.B) *Box {
	b.Helper()
	box, err := testEngine(b).NewBox(b.Context(), BoxOptions{Image: testImage(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := box.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return box
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func apiExec(ctx context.Context, box *Box, argv ...string) error {
	ctx = box.engine.with(ctx)
	id, err := containers.ExecCreate(ctx, box.info.Container, &handlers.ExecCreateConfig{
		ExecOptions: dockerContainer.ExecOptions{Cmd: argv, AttachStdout: true, AttachStderr: true},
	})
	if err != nil {
		return err
	}
	out := io.Discard
	err = containers.ExecStartAndAttach(ctx, id, new(containers.ExecStartAndAttachOptions).
		WithAttachOutput(true).WithAttachError(true).WithOutputStream(out).WithErrorStream(out))
	if err != nil {
		return err
	}
	s, err := containers.ExecInspect(ctx, id, nil)
	if err == nil && s.ExitCode != 0 {
		err = fmt.Errorf("exit %d", s.ExitCode)
	}
	return err
}

func podmanExec(ctx context.Context, box *Box, argv ...string) error {
	return podman(ctx, box.engine, append([]string{"exec", box.info.Container}, argv...)...)
}

// podman runs the command line program as the account of the boxes.
func podman(ctx context.Context, e *Engine, args ...string) error {
	cmd := e.acct.command(ctx, "podman", append(e.flags(), args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("podman %v: %w: %s", args, err, out)
	}
	return nil
}
