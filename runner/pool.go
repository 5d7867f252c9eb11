package runner

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Pool keeps sealed, unused boxes of one kind ready, so that a clean box costs
// no more than a dirty one. A box is handed out once; whoever gets it closes
// it. All methods are safe for concurrent use.
type Pool struct {
	engine *Engine
	opts   BoxOptions
	size   int

	ctx  context.Context // of the refilling; Close ends it
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	ready  []*Box
	making bool
	failed error // why the last refill ended; the next Get that makes a box finds out anew
}

// NewPool returns a pool that fills itself in the background up to size boxes,
// or fewer where this machine's free memory could not bear their limits.
func (e *Engine) NewPool(ctx context.Context, opts BoxOptions, size int) *Pool {
	p := &Pool{engine: e, opts: opts.withDefaults(), size: min(size, affordable(opts.withDefaults().Memory))}
	p.ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.mu.Lock()
	p.refill()
	p.mu.Unlock()
	return p
}

// Get returns a sealed box that nobody has used: a ready one, or a new one.
func (p *Pool) Get(ctx context.Context) (*Box, error) {
	for {
		b := p.take()
		if b == nil {
			return p.engine.NewBox(ctx, p.opts)
		}
		select {
		case <-b.Done(): // it died while it waited
			b.Close(ctx)
		default:
			return b, nil
		}
	}
}

// Ready is how many boxes wait, and why there are not more, if something failed.
func (p *Pool) Ready() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ready), p.failed
}

// Close destroys the boxes that wait. Those handed out are their owners'.
func (p *Pool) Close(ctx context.Context) error {
	p.stop()
	p.wg.Wait()
	var errs []error
	for b := p.take(); b != nil; b = p.take() {
		errs = append(errs, b.Close(ctx))
	}
	return errors.Join(errs...)
}

// take hands out the oldest box and has it replaced.
func (p *Pool) take() *Box {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) == 0 {
		return nil
	}
	b := p.ready[0]
	p.ready = p.ready[1:]
	p.refill()
	return b
}

// refill makes boxes one after the other, so that a running session keeps a
// processor to itself. The caller holds mu.
func (p *Pool) refill() {
	if p.making || len(p.ready) >= p.size || p.ctx.Err() != nil {
		return
	}
	p.making = true
	p.wg.Go(func() {
		for {
			b, err := p.engine.NewBox(p.ctx, p.opts)
			p.mu.Lock()
			if p.failed = err; err == nil {
				p.ready = append(p.ready, b)
			}
			if err != nil || len(p.ready) >= p.size || p.ctx.Err() != nil {
				p.making = false
				p.mu.Unlock()
				return
			}
			p.mu.Unlock()
		}
	})
}

// affordable is how many boxes may wait if each used all of its memory: half
// of what is free, and one at least.
func affordable(memory int64) int {
	free, err := memAvailable()
	if err != nil {
		return 1
	}
	return max(1, int(free/2/memory))
}

// memAvailable is MemAvailable of proc_meminfo(5), in bytes.
func memAvailable() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo names no MemAvailable")
}
