package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/fakedata"
	"glovebox/runner"
	"glovebox/runner/port"
	"glovebox/store"

	"golang.org/x/sys/unix"
)

// verifyModel stands where a session has its model.
const verifyModel = "verify"

// verifiedFor is how long a result will do, if nothing that it is about changes.
const verifiedFor = 7 * 24 * time.Hour

// A verification is one battery as it was recorded.
type verification struct {
	store.Verified
	session         string
	at              time.Time
	proven, without int // with --control: probes that failed as they must, and that have none
}

func (v verification) total() int { return v.Passed + len(v.Failed) + len(v.Inconclusive) }

// err is nil if everything held.
func (v verification) err() error {
	var said []string
	if len(v.Failed) > 0 {
		said = append(said, "FAIL: "+strings.Join(v.Failed, ", "))
	}
	if len(v.Unproven) > 0 {
		said = append(said, "did not fail in their control: "+strings.Join(v.Unproven, ", "))
	}
	if len(v.Untried) > 0 {
		said = append(said, "could not be tried: "+strings.Join(v.Untried, ", "))
	}
	if v.Passed == 0 {
		said = append(said, "nothing was tried")
	}
	if len(said) == 0 {
		return nil
	}
	if len(v.Failed) == 0 {
		return &exitError{code: exitNo, msg: "the box is not proven to be closed: " + strings.Join(said, "; "), hint: "glovebox doctor"}
	}
	return &exitError{code: exitNo, msg: "the box is not closed: " + strings.Join(said, "; "), hint: "glovebox doctor"}
}

// verify tries the battery and records it as a session of its own.
func (d *desk) verify(ctx context.Context, p *plan, control, firstFail bool, observe func(runner.Verified)) (v verification, err error) {
	log, err := d.store.Begin(ctx, store.SessionStarted{
		Program: version, Model: verifyModel, Config: d.cfg.json(), Policy: json.RawMessage("{}"), Recipe: p.recorded(), Rigor: d.cfg.Rigor,
	}, store.CurrentOwner())
	if err != nil {
		return v, err
	}
	began := time.Now()
	v.session, v.at, v.Of = log.ID(), log.Started().At, d.facts(p)
	record := func(b store.Body) {
		if _, failed := log.Append(context.WithoutCancel(ctx), b); err == nil {
			err = failed
		}
	}
	title := "glovebox verify"
	if control {
		title += " --control"
	}
	record(store.Prompt{Text: title})
	_, tried := p.engine.Verify(ctx, runner.VerifyOptions{
		Box: d.boxOptions(p.image), Production: d.cfg.Network.Production, Control: control, FirstFail: firstFail, Furnish: p.furnishProbe,
		Observe: func(r runner.Verified) {
			v.count(r, control)
			record(probed(r))
			observe(r)
		},
	})
	v.DurationMS = float64(time.Since(began).Microseconds()) / 1000
	ended := store.SessionEnded{Status: "done"}
	switch {
	case ctx.Err() != nil:
		record(store.Interrupted{By: "signal"})
		ended = store.SessionEnded{Status: "interrupted"}
	case tried != nil:
		record(store.Failure{Code: failureCode(tried), Message: tried.Error()})
		ended = store.SessionEnded{Status: "failed", Reason: tried.Error()}
	default:
		record(v.Verified)
		if no := v.err(); no != nil {
			ended = store.SessionEnded{Status: "failed", Reason: no.Error()}
		}
	}
	record(ended)
	return v, errors.Join(tried, err)
}

// count adds one result.
func (v *verification) count(r runner.Verified, control bool) {
	switch r.Verdict {
	case port.Pass:
		v.Passed++
	case port.Fail:
		v.Failed = append(v.Failed, r.Name)
	default:
		v.Inconclusive = append(v.Inconclusive, r.Name)
		if !r.Moot {
			v.Untried = append(v.Untried, r.Name)
		}
	}
	switch {
	case !control:
	case r.Control == nil:
		v.without++
	case r.Proven():
		v.proven++
	default:
		v.Unproven = append(v.Unproven, r.Name)
	}
}

// probed is the result as the log keeps it.
func probed(r runner.Verified) store.Probed {
	e := store.Probed{Probe: r.Name, Layer: r.Layer, Verdict: string(r.Verdict), Evidence: r.Evidence, Gain: r.Gain, Tries: r.Tries}
	if r.Control != nil {
		e.Control = &store.Proof{Probe: string(r.Probe.Control), Layer: r.Layer, Verdict: string(r.Control.Verdict), Evidence: r.Control.Evidence}
	}
	return e
}

// furnishProbe puts the session's dataset into the box: the data probes read it.
func (p *plan) furnishProbe(ctx context.Context, b *runner.Box) error {
	if p.schema == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "glovebox-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "dataset.db")
	clean := *p
	clean.recipe.Mess = 0 // a typo in a reserved domain looks like somebody's domain
	if err := clean.makeData(ctx, fakedata.Target{Path: file}); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := b.Put(ctx, p.database, 0o644, f); err != nil {
		return err
	}
	_, err = b.Put(ctx, "/data/DATA.md", 0o644, strings.NewReader(p.notes))
	return err
}

// facts are what a result holds for: where one changes, it is stale.
func (d *desk) facts(p *plan) map[string]string {
	var u unix.Utsname
	unix.Uname(&u) //nolint:errcheck // an empty name is a fact, too
	info := p.engine.Info()
	policy, err := json.Marshal(struct {
		Box     boxConfig
		Network networkConfig
	}{d.cfg.Box, d.cfg.Network})
	if err != nil {
		policy = []byte(err.Error())
	}
	sum := sha256.Sum256(policy)
	return map[string]string{
		"kernel":  unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:]),
		"podman":  info.Version,
		"runtime": info.Runtime + ", cgroups " + info.CgroupMode + ", " + info.RuntimeOf,
		"image":   p.image.ID,
		"program": version,
		"policy":  hex.EncodeToString(sum[:8]),
	}
}

// verifications are the batteries that were tried to their end, newest first;
// at most so many, 0: all.
func (d *desk) verifications(ctx context.Context, limit int) ([]verification, error) {
	sums, err := d.store.Sessions(ctx, store.Filter{Model: verifyModel, Limit: limit})
	if err != nil {
		return nil, err
	}
	var all []verification
	for _, sum := range sums {
		for e, err := range d.store.Events(ctx, sum.ID, 0) {
			if err != nil {
				return nil, err
			}
			if body, ok := e.Body.(store.Verified); ok {
				all = append(all, verification{Verified: body, session: sum.ID, at: e.At})
			}
		}
	}
	return all, nil
}

// stale says why the last result does not do for this plan; "" if it does.
func (d *desk) stale(ctx context.Context, p *plan) (why string, err error) {
	all, err := d.verifications(ctx, 10)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "it has not been done yet", nil
	}
	now := d.facts(p)
	// Two configurations may take turns: each has its own last result.
	i := slices.IndexFunc(all, func(v verification) bool { return v.Of["policy"] == now["policy"] && v.Of["image"] == now["image"] })
	v := all[max(i, 0)]
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if v.Of[what] != now[what] {
			return fmt.Sprintf("the %s has changed since", what), nil
		}
	}
	switch {
	case time.Since(v.at) > verifiedFor:
		return "the last time was more than a week ago", nil
	case v.err() != nil:
		return "the last time it failed", nil
	}
	return "", nil
}

// requireVerified sees to it that a box like this one has been tried, as rigor
// says: never, as long as the last result does, or every time.
func (d *desk) requireVerified(ctx context.Context, p *plan, observe func(agent.Update)) error {
	why := "rigor is strict"
	switch d.cfg.Rigor {
	case "quick":
		return nil
	case "standard":
		var err error
		if why, err = d.stale(ctx, p); err != nil || why == "" {
			return err
		}
	}
	observe(agent.Update{Delta: &agent.Delta{Notice: "verifying that the box is closed: " + why + " (a few seconds)"}})
	var failed *runner.Verified
	v, err := d.verify(ctx, p, false, true, func(r runner.Verified) {
		no := r.Verdict == port.Fail || r.Verdict == port.Inconclusive && !r.Moot
		if no && (failed == nil || failed.Verdict != port.Fail) {
			failed = &r
		}
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return fmt.Errorf("%w: probe %q (%s) says %s: %s; see glovebox verify", runner.ErrNoSeal, failed.Name, failed.Layer, failed.Verdict, failed.Evidence)
	case v.err() != nil:
		return fmt.Errorf("%w: %w", runner.ErrNoSeal, v.err())
	}
	return nil
}
