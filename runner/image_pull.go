package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/distribution/reference"
	"golang.org/x/sys/unix"
)

// pull gets ref from its registry. A short name means Docker Hub's, as
// everywhere; Podman itself would refuse to guess.
func (e *Engine) pull(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return baseImage{}, fmt.Errorf("%q is not an image reference: %w", ref, err)
	}
	full := named.String()
	progress(Progress{Step: "pulling " + full})
	options := new(images.PullOptions).WithProgressWriter(&pullLog{ref: full, progress: progress})
	if host, _, err := net.SplitHostPort(reference.Domain(named)); err == nil {
		if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
			options = options.WithSkipTLSVerify(true) // it never leaves this machine
		}
	}
	ids, err := images.Pull(e.with(ctx), full, options)
	if err != nil {
		return baseImage{}, fmt.Errorf("pulling %s: %w", full, err)
	}
	if len(ids) == 0 {
		return baseImage{}, errors.Join(ctx.Err(), fmt.Errorf("pulling %s: Podman named no image", full))
	}
	b, ok, err := e.local(ctx, ids[len(ids)-1])
	if err == nil && !ok {
		err = fmt.Errorf("pulling %s: it is not there afterwards", full)
	}
	return b, err
}

// pullLog counts the layers that Podman says it copies. How large they are it
// does not say.
type pullLog struct {
	ref      string
	layers   int
	progress func(Progress)
}

func (l *pullLog) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if bytes.HasPrefix(line, []byte("Copying blob")) {
			l.layers++
			l.progress(Progress{Step: fmt.Sprintf("pulling %s: layer %d", l.ref, l.layers)})
		}
	}
	return len(p), nil
}

// lockImages lets one process of this account prepare at a time.
func (e *Engine) lockImages(ctx context.Context, progress func(Progress)) (unlock func(), err error) {
	unlock, err = flock(ctx, filepath.Join(e.opts.RuntimeDir, "images.lock"), unix.LOCK_EX, func() {
		progress(Progress{Step: "waiting for another glovebox that prepares an image"})
	})
	if err != nil {
		return nil, fmt.Errorf("locking the images: %w", err)
	}
	return unlock, nil
}
