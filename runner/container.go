package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/specgen"
)

// create makes a box's container. It is not broken off, for the service would
// make it all the same: what comes too late, or without a word, is discarded.
func (e *Engine) create(ctx context.Context, spec *specgen.SpecGenerator, lease *uidLease) (id string, err error) {
	type answer struct {
		id  string
		err error
	}
	made := make(chan answer, 1)
	e.wait.Go(func() {
		r, err := containers.CreateWithSpec(e.conn(), spec, nil)
		if _, unsaid := bindings.CheckResponseCode(err); err != nil && unsaid != nil {
			// Not Podman's own word: the connection was to a service that has
			// ended since. Of one name there will not be two.
			r, err = containers.CreateWithSpec(e.conn(), spec, nil)
		}
		made <- answer{r.ID, err}
	})
	enough, broken := time.NewTimer(startTimeout), ctx.Done()
	defer enough.Stop()
	for {
		select {
		case a := <-made:
			if a.err != nil {
				e.discard(spec.Name, lease)
			}
			return a.id, a.err
		case <-broken:
			broken = nil
			enough.Reset(lateTimeout)
		case <-enough.C:
			e.wait.Go(func() {
				<-made
				e.discard(spec.Name, lease)
			})
			return "", cmp.Or(context.Cause(ctx), errSilent)
		}
	}
}

// discard removes a container as soon as that can be done, and then gives its
// user ID back. Should the engine be closed before, the reaper does it.
func (e *Engine) discard(container string, lease *uidLease) {
	alive := e.conn()
	e.wait.Go(func() {
		defer lease.release()
		for e.remove(alive, container) != nil {
			select {
			case <-alive.Done():
				return
			case <-time.After(heartbeat):
			}
		}
	})
}

// remove destroys a container with its volumes; one that is gone is no error.
func (e *Engine) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, destroyTimeout, errSilent)
	defer cancel()
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
				e.forgetState(id)
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

// forgetState removes what the runtime keeps in memory of a container that is
// gone, by its full ID: where conmon was killed nobody has told it of the end.
func (e *Engine) forgetState(id string) {
	dir, err := os.OpenRoot(e.acct.runtimeDir)
	if err != nil || len(id) != 64 { // elsewhere, or only a name
		return
	}
	defer dir.Close()
	if err := dir.RemoveAll(filepath.Join(filepath.Base(e.info.Runtime), id)); err != nil {
		e.opts.Log(fmt.Sprintf("forgetting box %.12s: %v", id, err))
	}
}
