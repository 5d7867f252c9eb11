package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"glovebox/runner/port"
	"glovebox/runner/probe"

	"github.com/containers/podman/v5/pkg/specgen"
)

// probeTimeout is for one probe. The slowest computes for two seconds; on an
// emulated machine that is busy, too, for twenty.
const probeTimeout = 60 * time.Second

// VerifyOptions say what box is tried, and how.
type VerifyOptions struct {
	Box        BoxOptions // as a session would have it
	Production []string   // hosts that no box may reach: "name" or "name:port"
	Control    bool       // try each probe also in a box that is weak where it looks
	FirstFail  bool       // end with the first FAIL
	// Furnish puts into the box what a session would: the dataset. Nil: nothing.
	Furnish func(context.Context, *Box) error
	// Observe is told of each result as it is there, one at a time. Nil: nobody is.
	Observe func(Verified)
}

// Verified is what one probe found.
type Verified struct {
	probe.Probe
	probe.Finding
	Control *probe.Finding // in the weak box; nil: not tried
}

// Proven says that the control, if there was one, shows that the probe can fail.
func (v Verified) Proven() bool {
	return v.Control == nil || v.Control.Verdict == port.Fail
}

// Verify makes boxes as sessions have them, and tries the whole battery of
// probes in them. Nothing that it does leaves the machine, whatever the boxes
// are like: see package probe. An error means that the battery could not be
// tried to its end; the results before it are returned.
func (e *Engine) Verify(ctx context.Context, o VerifyOptions) ([]Verified, error) {
	if o.Observe == nil {
		o.Observe = func(Verified) {}
	}
	l, err := e.openLab(ctx, o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	results, err := l.battery(ctx)
	return results, errors.Join(err, context.Cause(ctx))
}

// battery tries every probe, and right after it its control. One that could not
// be tried gets a second time in the end.
func (l *lab) battery(ctx context.Context) (results []Verified, err error) {
	sealed, err := l.box(ctx, l.o.Box, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sealed.Close(ctx)) }()
	if l.o.Furnish != nil {
		if err := l.o.Furnish(ctx, sealed); err != nil {
			return nil, err
		}
	}
	side := l.o.Box
	side.Egress, side.CPUs = true, l.targets.CPUs
	beside, err := l.box(ctx, side, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, beside.Close(ctx)) }()
	beside.ServeEgress(l.proxy())
	tell := func(v Verified) (enough bool) {
		results = append(results, v)
		l.o.Observe(v)
		return l.o.FirstFail && v.Verdict == port.Fail
	}
	for _, v := range sealed.unlisted() {
		if tell(v) {
			return results, nil
		}
	}
	boxFor := func(p probe.Probe) *Box {
		if p.Control == probe.OpenProxy || p.Name == "processor" {
			return beside
		}
		return sealed
	}
	var after []probe.Probe
	var again []Verified // what could not be tried, perhaps because the machine or the box was busy
	for _, p := range probe.Battery(l.targets.HostUsr) {
		if ctx.Err() != nil {
			return results, nil
		}
		if p.After {
			after = append(after, p)
			continue
		}
		v := Verified{Probe: p, Finding: l.try(ctx, boxFor(p), p, nil)}
		if v.Control, err = l.control(ctx, p); err != nil {
			return results, err
		}
		if v.Verdict == port.Inconclusive && !v.Moot {
			again = append(again, v)
		} else if tell(v) {
			return results, nil
		}
	}
	for _, v := range again {
		if v.Finding = l.try(ctx, boxFor(v.Probe), v.Probe, nil); tell(v) || ctx.Err() != nil {
			return results, nil
		}
	}
	left, err := l.leave(ctx, sealed, after)
	return append(results, left...), err
}

// try runs one probe as a command of the box.
func (l *lab) try(ctx context.Context, b *Box, p probe.Probe, w *weakness) probe.Finding {
	unsure := func(format string, args ...any) probe.Finding {
		return probe.Finding{Verdict: port.Inconclusive, Evidence: fmt.Sprintf(format, args...)}
	}
	targets := l.targets
	if w != nil && w.production != nil {
		targets.Production = w.production
	}
	in, err := json.Marshal(targets)
	if err != nil {
		return unsure("%v", err)
	}
	argv := []string{initPath, "probe", p.Name}
	if w != nil && w.leak {
		argv = []string{initPath, "probe", "leak", p.Name}
	}
	cmd := Command{Argv: argv, Stdin: bytes.NewReader(in), Timeout: probeTimeout, MaxOutput: l.targets.Output}
	if w != nil {
		cmd.Env, cmd.MaxOutput = w.env, -1
	}
	r, err := b.Exec(ctx, cmd)
	if p.Spends == probe.OfNames && err == nil {
		_, err = b.Exec(ctx, Command{Argv: []string{initPath, "probe", "tidy"}, Timeout: probeTimeout})
	}
	ended := map[probe.Limit]bool{probe.OfMemory: r.OverMem, probe.OfPids: r.OverPids, probe.OfNames: r.OverNames, probe.OfOutput: r.OverOutput}
	switch {
	case errors.Is(err, ErrBoxLost):
		return probe.Finding{Verdict: port.Fail, Evidence: "the box did not survive it: " + err.Error()}
	case err != nil:
		return unsure("%v", err)
	case p.Spends != "" && ended[p.Spends] && !r.TimedOut:
		return probe.Finding{Verdict: port.Pass, Evidence: "ended for it: " + r.why()}
	}
	var f probe.Finding
	if err := json.Unmarshal(r.Stdout, &f); err != nil || r.Exit == nil || *r.Exit != 0 {
		return unsure("the probe did not report (%s): %.200s%.200s", r.why(), r.Stdout, r.Stderr)
	}
	return f
}

// why says how a command ended.
func (r Result) why() string {
	switch {
	case r.OverMem:
		return "over the memory limit"
	case r.OverPids:
		return "over the limit of processes"
	case r.OverNames:
		return "over the limit of files in a place"
	case r.OverOutput:
		return "over the limit of output"
	case r.TimedOut:
		return "it took too long"
	case r.Exit == nil:
		return r.Signal
	}
	return fmt.Sprint("exit status ", *r.Exit)
}

// box makes a box that is not judged: what its seal says is for the report.
func (l *lab) box(ctx context.Context, o BoxOptions, w *weakness) (*Box, error) {
	o.Session, o.unjudged = "verify", true
	weaken := func(*specgen.SpecGenerator) {}
	if w != nil {
		o.weak = true
		if w.spec != nil {
			weaken = w.spec
		}
	}
	return l.engine.newBox(ctx, o, weaken)
}

// unlisted is what only the seal knows: what its own process found beside the
// battery's probes, and limits that nothing keeps.
func (b *Box) unlisted() (found []Verified) {
	for _, p := range b.info.Seal {
		if p.Verdict != port.Pass && !slices.ContainsFunc(probe.Battery(true), func(known probe.Probe) bool { return known.Name == p.Probe }) {
			found = append(found, Verified{Probe: probe.Probe{Name: p.Probe, Layer: p.Layer}, Finding: probe.Finding{Verdict: p.Verdict, Evidence: p.Evidence}})
		}
	}
	if err := requireLimits(b.info.Limits); err != nil {
		found = append(found, Verified{Probe: probe.Probe{Name: "limits", Layer: "execution"}, Finding: probe.Finding{Verdict: port.Fail, Evidence: strings.TrimPrefix(err.Error(), ErrNoSeal.Error()+": ")}})
	}
	return found
}
