package runner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"glovebox/runner/port"
	"glovebox/runner/probe"

	"github.com/containers/podman/v5/pkg/bindings/containers"
)

// leave has probes leave something in the box, destroys it and looks for what
// is left. The control looks without destroying.
func (l *lab) leave(ctx context.Context, b *Box, probes []probe.Probe) ([]Verified, error) {
	var results []Verified
	for _, p := range probes {
		results = append(results, Verified{Probe: p, Finding: l.try(ctx, b, p, nil)})
	}
	// On a busy host the process may not have its name yet: execve(2) lets its
	// parent go on before that.
	seen := l.left() != ""
	for began := time.Now(); !seen && time.Since(began) < 2*time.Second; seen = l.left() != "" {
		time.Sleep(10 * time.Millisecond)
	}
	dirs, err := b.storage(ctx)
	if err != nil {
		return nil, err
	}
	if l.o.Control {
		for i := range results {
			f := l.remains(ctx, b, results[i].Probe, dirs)
			results[i].Control = &f
		}
	}
	err = b.Close(ctx)
	for i, v := range results {
		switch {
		case v.Verdict != port.Pass:
		case v.Name == "process-left" && !seen:
			results[i].Finding = probe.Finding{
				Verdict: port.Inconclusive, Moot: l.targets.OwnKernel,
				Evidence: "the processes of a box cannot be seen from here, so that one that is left could not either",
			}
		default:
			results[i].Finding = l.remains(ctx, b, v.Probe, dirs)
		}
		l.o.Observe(results[i])
	}
	return results, err
}

// remains looks on the host for what the probe left.
func (l *lab) remains(ctx context.Context, b *Box, p probe.Probe, dirs []string) probe.Finding {
	if p.Name == "process-left" {
		if pid := l.left(); pid != "" {
			return probe.Finding{Verdict: port.Fail, Evidence: "process " + pid + " of the host is it"}
		}
		return probe.Finding{Verdict: port.Pass, Evidence: "no process of the host is it"}
	}
	there, err := containers.Exists(b.engine.with(ctx), b.info.Container, nil)
	switch {
	case err != nil:
		return probe.Finding{Verdict: port.Inconclusive, Evidence: err.Error()}
	case there:
		return probe.Finding{Verdict: port.Fail, Evidence: "the container is still there, with its files"}
	}
	for _, dir := range dirs {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return probe.Finding{Verdict: port.Fail, Evidence: "its directory " + dir + " is still there"}
		}
	}
	return probe.Finding{Verdict: port.Pass, Evidence: "the container and its directories are gone"}
}

// storage is where the engine keeps what is the box's alone.
func (b *Box) storage(ctx context.Context) ([]string, error) {
	data, err := containers.Inspect(b.engine.with(ctx), b.info.Container, nil)
	if err != nil {
		return nil, err
	}
	var dirs []string
	if data.GraphDriver != nil {
		for _, key := range []string{"UpperDir", "WorkDir"} {
			dirs = append(dirs, filepath.Dir(data.GraphDriver.Data[key]))
		}
	}
	dirs = append(dirs, data.StaticDir)
	return slices.DeleteFunc(slices.Compact(dirs), func(d string) bool { return !filepath.IsAbs(d) }), nil
}
