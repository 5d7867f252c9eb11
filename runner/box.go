package runner

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/specgen"
	"golang.org/x/time/rate"
)

// ErrNoSeal is wrapped by errors that mean: the isolation could not be proven.
var ErrNoSeal = errors.New("no seal")

// ErrBoxLost is wrapped by errors that mean: the box is gone, and what ran in
// it has no known outcome.
var ErrBoxLost = errors.New("the box is gone")

const (
	startTimeout   = time.Minute            // create to hello; half of it was not enough for Podman beside who kept the disk busy
	destroyTimeout = 2 * time.Minute        // longer, because what is given up then is left behind
	endTimeout     = 200 * time.Millisecond // for init to end by itself
	heartbeat      = 5 * time.Second        // between pings; three unanswered ones end the box
)

// BoxOptions says what a box may use. The zero value of a limit takes the default.
type BoxOptions struct {
	Image   Image
	Session string  // recorded in the box's labels
	CPUs    float64 // processors; default 1
	Memory  int64   // bytes; default 512 MiB
	Pids    int64   // processes and threads; default 128
	Disk    int64   // bytes of each writable place (/work, /data, /tmp); default 512 MiB
	// RequireLimits makes a limit that nothing enforces a reason for ErrNoSeal.
	RequireLimits bool
	Egress        bool // listen on the box's loopback for the clients of ServeEgress
	UID           int  // inside the box, if no other box has it; 0: any

	unjudged bool // by its seal: for a battery, which reports it
	weak     bool // on purpose, for a control: not even probed
}

func (o BoxOptions) withDefaults() BoxOptions {
	const mib = 1 << 20
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	if o.Memory == 0 {
		o.Memory = 512 * mib
	}
	if o.Pids == 0 {
		o.Pids = 128
	}
	if o.Disk == 0 {
		o.Disk = 512 * mib
	}
	return o
}

// BoxInfo is what was really made, as found from inside.
type BoxInfo struct {
	Name      string
	Container string
	Image     Image
	Runtime   string
	UID       int
	Seal      []port.Proof
	Limits    []port.Limit
	Ready     time.Duration // create to sealed
}

// Box is one sealed, running sandbox. Its methods are safe for concurrent use.
// Close destroys it; it is never handed out twice.
type Box struct {
	engine *Engine
	began  time.Time
	info   BoxInfo
	conn   *port.Conn
	uid    *uidLease
	stdin  *io.PipeWriter
	stdout *io.PipeReader
	stderr *bounded
	env    []string               // of every command
	attach chan error             // the attach goroutine's end
	talk   *rate.Limiter          // of what its commands say, in bytes
	gaveUp atomic.Pointer[string] // why we ended the port; nil: we did not

	closing sync.Once
	closed  error
	stop    chan struct{}
	wg      sync.WaitGroup
}

// NewBox makes, starts and seals a box. On any error nothing is left of it.
func (e *Engine) NewBox(ctx context.Context, opts BoxOptions) (*Box, error) {
	return e.newBox(ctx, opts, func(*specgen.SpecGenerator) {})
}

// newBox lets a test weaken the box, to see that the seal notices.
func (e *Engine) newBox(ctx context.Context, opts BoxOptions, weaken func(*specgen.SpecGenerator)) (_ *Box, err error) {
	opts = opts.withDefaults()
	began := time.Now()
	owner, err := CurrentOwner()
	if err != nil {
		return nil, fmt.Errorf("create box: %w", err)
	}
	lease, err := leaseUID(e.opts.RuntimeDir, opts.UID)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && e.strong.strongRuntime != nil && ctx.Err() == nil {
			err = e.strong.tried(err)
		}
	}()
	name := "glovebox-" + strings.ToLower(rand.Text()[:12])
	labels := owner.Labels()
	labels[LabelBox], labels[LabelSession] = name, opts.Session
	spec := e.spec(name, lease.uid, labels, opts)
	if opts.weak {
		spec.Command = append(spec.Command, "weak")
	}
	weaken(spec)
	sabotaged("spec", spec)
	// Not to be broken off: the service would make it all the same.
	made, err := containers.CreateWithSpec(e.with(context.WithoutCancel(ctx)), spec, nil)
	if err != nil {
		lease.release()
		return nil, fmt.Errorf("create box: %w", err)
	}
	b := &Box{
		engine: e, began: began, uid: lease, stop: make(chan struct{}), attach: make(chan error, 1), stderr: &bounded{max: 4 << 10},
		talk: rate.NewLimiter(talkRate, talkFreely), env: environment[:len(environment):len(environment)],
		info: BoxInfo{Name: name, Container: made.ID, Image: opts.Image, Runtime: e.Info().Runtime, UID: lease.uid},
	}
	if err := b.start(ctx, opts); err != nil {
		b.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	b.info.Ready = time.Since(began)
	b.wg.Go(b.heartbeat)
	return b, nil
}

// start attaches before it starts, so that nothing init says is missed.
func (b *Box) start(ctx context.Context, opts BoxOptions) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	line, hangUp, err := b.engine.line()
	if err != nil {
		return fmt.Errorf("attach to box: %w", err)
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	b.stdin, b.stdout = inW, outR
	ready := make(chan bool, 1)
	go func() {
		defer hangUp()
		options := new(containers.AttachOptions).WithStream(true).WithDetachKeys("") // no byte sequence detaches
		err := containers.Attach(line, b.info.Container, inR, outW, b.stderr, ready, options)
		if err == nil {
			err = io.EOF
		}
		outW.CloseWithError(err)
		inW.Close() // ends its reader with EOF, and our writers
		b.attach <- err
	}()
	select {
	case <-ready:
	case err := <-b.attach:
		b.attach <- err
		return fmt.Errorf("attach to box: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("attach to box: %w", ctx.Err())
	}
	b.conn = port.Dial(outR, inW)
	if err := containers.Start(b.engine.with(ctx), b.info.Container, nil); err != nil {
		return fmt.Errorf("start box: %w", err)
	}
	select {
	case hello := <-b.conn.Hello():
		if hello.Version != port.Version || hello.UID != b.info.UID && !opts.weak {
			return fmt.Errorf("%w: init speaks protocol %d as uid %d, expected %d as %d: run glovebox image prepare", ErrNoSeal, hello.Version, hello.UID, port.Version, b.info.UID)
		}
	case <-b.conn.Done():
		return fmt.Errorf("start box: %w", b.lost(b.conn.Err()))
	case <-ctx.Done():
		return fmt.Errorf("start box: init did not answer: %w", ctx.Err())
	}
	if opts.Egress { // before the seal, which proves the box as it will be
		if _, err := b.call(ctx, port.Request{Op: port.OpListen}, nil); err != nil {
			return fmt.Errorf("listen in the box: %w", err)
		}
		b.env = append(b.env, proxyEnvironment()...)
	}
	if opts.weak {
		return nil
	}
	return b.seal(ctx, opts)
}

// line is a connection to the service for one attachment. The bindings' Attach
// replaces the transport of the client that it is given, which would wrap the
// engine's once for every box, and race with its other calls.
func (e *Engine) line() (ctx context.Context, hangUp func(), err error) {
	ctx, err = bindings.NewConnection(e.conn(), e.uri)
	if err != nil {
		return nil, nil, err
	}
	c, err := bindings.GetClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	first := *c.Client
	return ctx, func() {
		first.CloseIdleConnections()
		c.Client.CloseIdleConnections()
	}, nil
}

// seal has the box prove its isolation from inside. Whatever is not proven is
// broken.
func (b *Box) seal(ctx context.Context, opts BoxOptions) error {
	reply, err := b.call(ctx, port.Request{Op: port.OpSeal, Memory: opts.Memory, CPUs: opts.CPUs, Pids: opts.Pids, Disk: opts.Disk, HostUsr: opts.Image.HostUsr()}, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSeal, err)
	}
	var report port.SealReport
	if err := json.Unmarshal(reply.Detail, &report); err != nil {
		return fmt.Errorf("%w: report: %w", ErrNoSeal, err)
	}
	b.info.Seal, b.info.Limits = report.Proofs, report.Limits
	var unproven error
	if strong := b.engine.strong; strong.strongRuntime != nil {
		proof, err := strong.prove(report.Kernel, time.Since(b.began))
		if unproven = err; err != nil {
			proof = port.Proof{Probe: "own kernel", Layer: "execution", Verdict: port.Fail, Evidence: err.Error()}
		}
		b.info.Seal = append(b.info.Seal, proof)
	}
	switch {
	case opts.unjudged:
		return nil
	case unproven != nil:
		return fmt.Errorf("%w: %w", ErrNoSeal, unproven)
	}
	proven := map[string]int{}
	for _, p := range report.Proofs {
		if p.Verdict != port.Pass {
			return fmt.Errorf("%w: probe %q (%s) says %s: %s", ErrNoSeal, p.Probe, p.Layer, p.Verdict, p.Evidence)
		}
		proven[p.Layer]++
	}
	for _, layer := range []string{"data", "execution", "network"} {
		if proven[layer] == 0 {
			return fmt.Errorf("%w: nothing proves the %s layer", ErrNoSeal, layer)
		}
	}
	if opts.RequireLimits {
		return requireLimits(report.Limits)
	}
	return nil
}

// Info says what the box is. The slices are shared: do not change them.
func (b *Box) Info() BoxInfo { return b.info }

// Done is closed when the box has died or is closed.
func (b *Box) Done() <-chan struct{} { return b.conn.Done() }

// lost wraps why the port ended, with init's last words.
func (b *Box) lost(err error) error {
	if why := b.gaveUp.Load(); why != nil {
		err = errors.New(*why)
	} else if errors.Is(err, io.EOF) || err == nil {
		err = errors.New("its init process ended")
	}
	if words := strings.TrimSpace(b.stderr.String()); words != "" {
		err = fmt.Errorf("%w: %s", err, words)
	}
	return fmt.Errorf("%w: %w", ErrBoxLost, err)
}

// giveUp ends the port with a box that does not do its part.
func (b *Box) giveUp(why string) {
	b.gaveUp.CompareAndSwap(nil, &why)
	b.stdout.Close()
}

func (b *Box) heartbeat() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	last, missed := b.conn.Heard(), 0
	for {
		select {
		case <-b.stop:
			return
		case <-b.conn.Done():
			return
		case <-tick.C:
		}
		if heard := b.conn.Heard(); heard != last {
			last, missed = heard, 0
		} else if missed++; missed > 3 {
			b.giveUp("its init process is silent")
			return
		}
		go b.conn.Ping() //nolint:errcheck // a write that hangs must not hold the heartbeat; its failure ends the port
	}
}

// Close destroys the box and waits until nothing is left of it. Later calls
// return the first one's result.
func (b *Box) Close(ctx context.Context) error {
	b.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTimeout)
		defer cancel()
		close(b.stop)
		if b.conn != nil {
			// Nobody takes the port's data any more. An init that floods it
			// would hold up conmon, and conmon the removal.
			b.conn.Close()
			b.letEnd()
			b.stdout.Close()
		}
		if !sabotaged("teardown", nil) {
			b.closed = b.engine.remove(ctx, b.info.Container)
		}
		if b.stdin != nil {
			b.stdin.Close()
			b.stdout.CloseWithError(port.ErrClosed)
			select {
			case <-b.attach: //nolint:errcheck // it ended because we ended it
			case <-ctx.Done():
			}
		}
		if b.conn != nil {
			b.conn.Wait()
		}
		b.wg.Wait()
		b.uid.release()
	})
	return b.closed
}

// letEnd closes init's input, at which it ends, and gives it a moment: Podman
// removes what has ended five times as fast as what it has to kill. Whether it
// ended or not, it is removed.
func (b *Box) letEnd() {
	b.stdin.Close()
	ended := make(chan struct{})
	b.wg.Go(func() {
		b.conn.Wait()
		close(ended)
	})
	select {
	case <-ended:
	case <-time.After(endTimeout):
	}
}

// remove destroys a container with its volumes; one that is gone is no error.
func (e *Engine) remove(ctx context.Context, id string) error {
	options := new(containers.RemoveOptions).WithForce(true).WithVolumes(true).WithIgnore(true).WithTimeout(0)
	// A container that ends by itself meanwhile makes Podman give up; the next
	// time it is found ended.
	for tries := 1; ; tries++ {
		reports, err := containers.Remove(e.with(ctx), id, options)
		for _, r := range reports { // the answer may be yes, and a report no
			err = errors.Join(err, r.Err)
		}
		if err == nil {
			// The answer can be yes while it is still being ended.
			var there bool
			if there, err = containers.Exists(e.with(ctx), id, nil); err == nil && !there {
				return nil
			} else if err == nil {
				err = errors.New("it is still there, though Podman says that it is removed")
			}
		}
		if tries == 5 || ctx.Err() != nil {
			return fmt.Errorf("destroy box %.12s: %w", id, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// bounded keeps the first max bytes written to it.
type bounded struct {
	mu  sync.Mutex
	max int
	buf bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Write(p[:min(len(p), b.max-b.buf.Len())])
	return len(p), nil
}

func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
