package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"glovebox/agent/drift"
	"glovebox/agent/policy"
	"glovebox/runner"
	"glovebox/store"
)

// past is a recorded session that is run again: what must be known of it first.
type past struct {
	sum     store.Summary
	started store.SessionStarted
	foreign bool // it was imported
	box     *store.Event
	puts    []store.Event // files that glovebox put into the box; at most maxPuts
	diff    *store.Event
	calls   int // that ran, or were refused
	more    int // boxes, and lists of changed files, beyond the one of each that a session has

	inert map[string]bool // stub tools whose answers somebody else wrote

	gone map[int64][]string // fields that were taken out before it came here

	ref     string // of an image to use instead; "": the recorded one
	network bool   // it had a way out
	say     func(string)
	own     config // the person's
}

// maxPuts is more files than a session is begun with.
const maxPuts = 1000

// recallSession reads what a rerun of session ref needs to know.
func recallSession(ctx context.Context, s *store.Store, ref string) (*past, error) {
	r := &past{gone: map[int64][]string{}}
	var err error
	if r.sum, err = s.Session(ctx, ref); err != nil {
		return nil, err
	}
	log, _, err := s.Origin(ctx, r.sum.ID)
	if r.foreign = log != ""; err == nil && r.foreign {
		err = r.redacted(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	for e, err := range s.Events(ctx, r.sum.ID, 0) {
		if err != nil {
			return nil, err
		}
		switch b := e.Body.(type) {
		case store.SessionStarted:
			r.started = b
		case store.BoxCreated:
			if r.box == nil {
				r.box = &e
			} else {
				r.more++
			}
		case store.FilePut:
			if len(r.puts) < maxPuts {
				r.puts = append(r.puts, e)
			}
		case store.Decision:
			if b.Verdict != "allow" && b.Verdict != "ask" {
				r.calls++
			}
		case store.ToolCall:
			r.calls++
		case store.BoxDiff:
			if r.diff != nil {
				r.more++
			}
			r.diff = &e
		}
	}
	return r, nil
}

// redacted finds the fields that are not as they were recorded.
func (r *past) redacted(ctx context.Context, s *store.Store) error {
	for d, err := range s.Disclose(ctx, r.sum.ID) {
		if err != nil {
			return err
		}
		if !slices.Contains([]string{"box.created", "file.put", "tool.call", "tool.result", "box.diff"}, d.Kind) {
			continue // nothing of it is compared
		}
		for i, f := range d.Fields {
			if d.Proofs[i].Salt == nil {
				r.gone[d.Seq] = append(r.gone[d.Seq], f.Name)
			}
		}
	}
	return nil
}

func (r *past) withheld(seq int64, field string) bool { return slices.Contains(r.gone[seq], field) }

func (r *past) of(seq int64) drift.Withheld {
	return func(field string) bool { return r.withheld(seq, field) }
}

// repeatable says why a session cannot be run again.
func (r *past) repeatable() error {
	switch {
	case r.sum.Status == "running":
		return usageError("session "+r.sum.ID+" is still running", "glovebox sessions")
	case r.started.Model == verifyModel:
		return usageError("session "+r.sum.ID+" is a verification, not an agent's", "glovebox verify")
	case r.started.Model == boxModel:
		return usageError("session "+r.sum.ID+" is a command in a box, not an agent's", "glovebox box run -- "+store.CleanLine(r.sum.Title))
	case len(r.puts) == maxPuts:
		return usageError("session "+r.sum.ID+" says that more files were put into its box than are taken", "glovebox replay "+r.sum.ID)
	case r.calls == 0:
		return usageError("session "+r.sum.ID+" has no tool calls: there is nothing to run again", "glovebox replay "+r.sum.ID)
	}
	return nil
}

// wasBrought says whether a file was brought in by a person: it is then in /work,
// if its name is still there; glovebox's own files are in /data.
func wasBrought(put store.FilePut) bool { return path.Dir(put.Path) != "/data" }

// files are the ones that were brought into the session, out of what was given.
// Their content is not in the log: without them there is no rerun.
func (r *past) files(given []brought) (in []brought, err error) {
	var missing []string
	for _, e := range r.puts {
		put := e.Body.(store.FilePut)
		if !wasBrought(put) {
			continue
		}
		nameless := r.withheld(e.Seq, "path")
		at := slices.IndexFunc(given, func(b brought) bool {
			sum := sha256.Sum256(b.data)
			return b.name == path.Base(put.Path) && !nameless || hex.EncodeToString(sum[:]) == put.SHA256
		})
		if at < 0 {
			missing = append(missing, fmt.Sprintf("%s (%d bytes, SHA-256 %s)", path.Base(put.Path), put.Bytes, put.SHA256))
			continue
		}
		b := given[at]
		if !nameless {
			b.name = path.Base(put.Path)
		}
		in, given = append(in, b), slices.Delete(slices.Clone(given), at, at+1)
	}
	switch {
	case len(missing) > 0:
		return nil, usageError("the session had files brought in, which no log holds: "+strings.Join(missing, ", "), "glovebox rerun "+r.sum.ID+" --file FILE")
	case len(given) > 0:
		return nil, usageError("--file "+given[0].name+": the session had no such file", "glovebox rerun "+r.sum.ID+", with the files that it had")
	}
	return in, nil
}

// sameAgain makes the configuration that of the recorded session.
func (d *desk) sameAgain(ctx context.Context, o again, r *past) error {
	r.own = d.cfg
	c, err := r.settings()
	if err != nil {
		return err
	}
	if o.rigor != "" {
		c.Rigor = o.rigor
	}
	c.Data.Schema = r.own.Data.Schema // where a masked file may be now
	d.cfg, d.again, d.resume = c, r, &r.started
	if err := d.sameData(ctx, r.sum.ID, r.started); err != nil {
		return err
	}
	if o.seed != nil {
		d.cfg.Data.Seed = *o.seed
	}
	if from := r.started.Resumes; from != nil {
		_, err := d.loadHistory(ctx, from.Session, maxLineage)
		switch {
		case errors.Is(err, store.ErrNotFound):
			d.history = nil
			r.say(fmt.Sprintf("session %s, from which this one went on, is not here: what that one spent does not count against its limits", from.Session))
		case err != nil:
			return err
		}
	}
	return nil
}

// settings are the recorded ones. What a session from elsewhere asks for beyond
// the person's own it does not get.
func (r *past) settings() (config, error) {
	c := defaultConfig()
	if r.foreign && len(r.started.Config)+len(r.started.Policy) > mostSettings {
		return c, usageError(fmt.Sprintf("the settings of session %s are longer than %d bytes: those of a session from elsewhere may not be", r.sum.ID, mostSettings), "glovebox replay "+r.sum.ID)
	}
	dec := json.NewDecoder(bytes.NewReader(r.started.Config))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, usageError(fmt.Sprintf("the settings of session %s are not ones of this glovebox (it is %s, that was %s): %v", r.sum.ID, version, r.started.Program, err), "glovebox replay "+r.sum.ID+", which runs nothing")
	}
	c.Model, c.Prices, c.Rates = "", nil, ratesConfig{} // nobody is asked, and nobody is to be spared
	c.Limits.Day = dayConfig{}
	if r.network = len(c.Network.Allow) > 0; r.network {
		r.say("the session had a way out to " + strings.Join(c.Network.Allow, ", ") + "; a rerun has none")
		c.Network = defaultConfig().Network
	}
	if r.foreign {
		for _, cut := range c.within(r.own) {
			r.say("for a session from elsewhere this configuration is the most: " + cut)
		}
		r.disarm(&c)
	}
	return c, nil
}

// mostSettings is how many bytes of settings, policy included, are taken from
// elsewhere: each rule is held against each call, here and not in a box.
const mostSettings = 256 << 10

// disarm takes out of a configuration from elsewhere what would work outside of
// the box, and may work for hours: templates of stub tools and their schemas,
// patterns of filters. What the person's own says, too, stays.
func (r *past) disarm(c *config) {
	form := func(s stubConfig) string {
		text, _ := json.Marshal(s) // what came from JSON or TOML: what cannot be written equals nothing
		return string(text)
	}
	own := map[string]bool{}
	for _, s := range r.own.Stubs {
		own[form(s)] = true
	}
	r.inert = map[string]bool{}
	for i, s := range c.Stubs {
		if !own[form(s)] {
			r.inert[s.Name] = true
			c.Stubs[i].Parameters, c.Stubs[i].Answer = map[string]any{"type": "object"}, ""
		}
	}
	if !slices.Equal(c.Filters.Patterns, r.own.Filters.Patterns) {
		r.say("for a session from elsewhere filters look for the patterns of this configuration, not for its own")
		c.Filters.Patterns = r.own.Filters.Patterns
	}
}

// within lowers what is more than own has, and says what.
func (c *config) within(own config) (cut []string) {
	lower := func(name string, more bool, then, is any, set func()) {
		if more {
			cut = append(cut, fmt.Sprintf("%s %v then, %v now", name, then, is))
			set()
		}
	}
	b, o := &c.Box, own.Box
	lower("cpus", b.CPUs > o.CPUs, b.CPUs, o.CPUs, func() { b.CPUs = o.CPUs })
	lower("memory", b.Memory > o.Memory, b.Memory, o.Memory, func() { b.Memory = o.Memory })
	lower("pids", b.PIDs > o.PIDs, b.PIDs, o.PIDs, func() { b.PIDs = o.PIDs })
	lower("disk", b.Disk > o.Disk, b.Disk, o.Disk, func() { b.Disk = o.Disk })
	lower("exec_timeout", b.ExecTimeout > o.ExecTimeout, time.Duration(b.ExecTimeout), time.Duration(o.ExecTimeout), func() { b.ExecTimeout = o.ExecTimeout })
	l, m := &c.Limits, own.Limits
	lower("wall", m.Wall > 0 && (l.Wall == 0 || l.Wall > m.Wall), time.Duration(l.Wall), time.Duration(m.Wall), func() { l.Wall = m.Wall })
	lower("working", m.Working > 0 && (l.Working == 0 || l.Working > m.Working), time.Duration(l.Working), time.Duration(m.Working), func() { l.Working = m.Working })
	lower("tool_calls", m.ToolCalls > 0 && (l.ToolCalls == 0 || l.ToolCalls > m.ToolCalls), l.ToolCalls, m.ToolCalls, func() { l.ToolCalls = m.ToolCalls })
	lower("output_bytes", m.OutputBytes > 0 && (l.OutputBytes == 0 || l.OutputBytes > m.OutputBytes), l.OutputBytes, m.OutputBytes, func() { l.OutputBytes = m.OutputBytes })
	if by := runner.Rigors(); slices.Index(by, c.Rigor) < slices.Index(by, own.Rigor) { // no limit: nothing is told
		c.Rigor = own.Rigor
	}
	b.Runtime = o.Runtime
	return cut
}

// uid is the user that the recorded session's commands ran as; it shows in what
// they print. Another box may have it by now.
func (r *past) uid() int {
	if r.box == nil {
		return 0
	}
	return r.box.Body.(store.BoxCreated).UID
}

// planTools is plan.planTools, with the policy as it was recorded.
func (r *past) planTools(p *plan, c config) error {
	if err := p.planTools(c); err != nil {
		return err
	}
	if r.network {
		p.tools.Fetch = fetchCommand // it is offered as it was; no rerun runs it
	}
	var then struct {
		Default string
		Rules   []policy.Rule
	}
	if err := json.Unmarshal(r.started.Policy, &then); err != nil {
		return usageError(fmt.Sprintf("the policy of session %s cannot be read: %v", r.sum.ID, err), "glovebox check "+r.sum.ID)
	}
	if then.Default == "" {
		return nil // a log of old: the settings have it all
	}
	was, err := policy.New(then.Rules, c.toolNames(), then.Default)
	if err != nil {
		return usageError(fmt.Sprintf("the policy of session %s is none of this glovebox: %v", r.sum.ID, err), "glovebox replay "+r.sum.ID+", which runs nothing")
	}
	p.tools.Policy = was
	return nil
}

// image is the recorded one, or what there is here in its place: that is told.
// Nothing is pulled for a session from elsewhere, and it sees this machine's /usr
// only where the person has said so.
func (r *past) image(ctx context.Context, e *runner.Engine, tell func(runner.Progress)) (runner.Image, error) {
	if r.ref != "" {
		return e.Image(ctx, r.ref, tell)
	}
	if r.box == nil {
		return runner.Image{}, usageError("which image session "+r.sum.ID+" had was not recorded", "glovebox rerun "+r.sum.ID+" --image auto")
	}
	box := r.box.Body.(store.BoxCreated)
	img, ok, err := r.prepared(ctx, e, box)
	switch {
	case err != nil:
		return img, err
	case r.foreign && r.own.Box.Image != "host" && (ok && img.HostUsr() || box.Image == "host"):
		return runner.Image{}, usageError("session "+r.sum.ID+" had another machine's /usr in its box; this one's is shown only if you say so", "glovebox rerun "+r.sum.ID+" --image host, or --image auto")
	case ok:
		return img, nil
	case !r.foreign || box.Image == "auto":
		return e.Image(ctx, box.Image, tell)
	}
	return runner.Image{}, usageError(fmt.Sprintf("the image %s of session %s is not here (%s), and a rerun pulls nothing for a session from elsewhere", box.Image, r.sum.ID, box.ImageDigest),
		fmt.Sprintf("glovebox image prepare %s, or glovebox rerun %s --image auto", box.Image, r.sum.ID))
}

// prepared is the recorded image if it is here, else what its reference means here.
func (r *past) prepared(ctx context.Context, e *runner.Engine, box store.BoxCreated) (runner.Image, bool, error) {
	if box.Base != nil {
		if img, ok, err := e.PreparedFrom(ctx, box.Image, box.Base.Digest, box.Base.Root); err != nil || ok {
			return img, ok, err
		}
	}
	return e.Prepared(ctx, box.Image)
}
