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
	startTimeout   = time.Minute            // to create, and from then on to hello: Podman takes its time beside who keeps the disk busy
	lateTimeout    = 2 * time.Second        // to create, when nobody waits for the box any more
	destroyTimeout = time.Minute            // what is given up then goes once Podman can
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
	hangUp func()                 // ends it
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
	container, err := e.create(ctx, spec, lease)
	if err != nil {
		return nil, fmt.Errorf("create box: %w", err)
	}
	b := &Box{
		engine: e, began: began, uid: lease, stop: make(chan struct{}), attach: make(chan error, 1), stderr: &bounded{max: 4 << 10},
		talk: rate.NewLimiter(talkRate, talkFreely), env: environment[:len(environment):len(environment)],
		info: BoxInfo{Name: name, Container: container, Image: opts.Image, Runtime: e.Info().Runtime, UID: lease.uid},
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
	line, err := b.engine.line()
	if err != nil {
		return fmt.Errorf("attach to box: %w", err)
	}
	b.hangUp = line.hangUp
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	b.stdin, b.stdout = inW, outR
	ready := make(chan bool, 1)
	go func() {
		defer line.hangUp()
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

// giveUp ends the port with a box that does not do its part, and lets go of
// whoever waits to write to it.
func (b *Box) giveUp(why string) {
	b.gaveUp.CompareAndSwap(nil, &why)
	b.stdout.Close()
	b.stdin.Close()
}

// heartbeat gives up a box that says nothing, or takes nothing.
func (b *Box) heartbeat() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	last, missed := b.conn.Heard(), 0
	asking := make(chan struct{}, 1) // full while a ping is being written
	for {
		select {
		case <-b.stop:
			return
		case <-b.conn.Done():
			return
		case <-tick.C:
		}
		if heard := b.conn.Heard(); heard != last && len(asking) == 0 {
			last, missed = heard, 0
		} else if missed++; missed > 3 {
			b.giveUp("its init process is silent, or takes nothing")
			return
		}
		select {
		case asking <- struct{}{}:
			b.wg.Go(func() { // a write that hangs must not hold the heartbeat
				b.conn.Ping() //nolint:errcheck // its failure ends the port
				<-asking
			})
		default:
		}
	}
}

// Close destroys the box and waits until nothing is left of it. Later calls
// return the first one's result.
func (b *Box) Close(ctx context.Context) error {
	b.closing.Do(func() {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), destroyTimeout, errSilent)
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
		if b.closed != nil {
			b.engine.discard(b.info.Container, b.uid)
		} else {
			b.uid.release()
		}
		if b.stdin != nil {
			b.stdin.Close()
			b.stdout.CloseWithError(port.ErrClosed)
			select {
			case <-b.attach: //nolint:errcheck // it ended because we ended it
			case <-ctx.Done():
				b.hangUp()
				<-b.attach //nolint:errcheck // as above
			}
		}
		if b.conn != nil {
			b.conn.Wait()
		}
		b.wg.Wait()
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
