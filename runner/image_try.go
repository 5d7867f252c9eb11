package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/images"
)

const whatLacks = `for p; do command -v "$p" >/dev/null 2>&1 || echo "$p"; done`

// Lacks starts a sealed box from img and returns which of the programs it has
// not; where it has no shell to ask, /bin/sh and all of them. Errors wrap
// ErrNoImage where its programs do not run on this machine.
func (e *Engine) Lacks(ctx context.Context, img Image, programs ...string) (lacks []string, err error) {
	box, err := e.NewBox(ctx, BoxOptions{Image: img})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, box.Close(ctx)) }()
	r, err := box.Exec(ctx, Command{Argv: append([]string{"/bin/sh", "-c", whatLacks, "sh"}, programs...), Timeout: 10 * time.Second})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return append([]string{"/bin/sh"}, programs...), nil
	case err != nil && (ctx.Err() != nil || errors.Is(err, ErrBoxLost)):
		return nil, err
	case err != nil && strings.Contains(err.Error(), "exec format error"):
		return nil, fmt.Errorf("%w %q: its /bin/sh is made for another kind of machine; this one is %s", ErrNoImage, img.Ref, runtime.GOARCH)
	case err != nil:
		return nil, fmt.Errorf("%w %q: its /bin/sh does not run: %w", ErrNoImage, img.Ref, err)
	case r.Exit == nil || *r.Exit != 0:
		return nil, fmt.Errorf("%w %q: its /bin/sh does not work: %s%s", ErrNoImage, img.Ref, r.Signal, r.Stderr)
	}
	said := strings.Fields(string(r.Stdout)) // the image's own word: only names that we asked for count
	return slices.DeleteFunc(slices.Clone(programs), func(p string) bool { return !slices.Contains(said, p) }), nil
}

// RemoveImage removes what was prepared for a reference, or from a base of that
// digest, or the one prepared image with that ID, and what it was made from if
// that came about here. What a box uses stays, and is an error. It returns how
// many prepared images there were.
func (e *Engine) RemoveImage(ctx context.Context, which string) (int, error) {
	ref := fullRef(which)
	unlock, err := e.lockImages(ctx, func(Progress) {})
	if err != nil {
		return 0, err
	}
	defer unlock()
	all, err := e.Images(ctx)
	if err != nil {
		return 0, err
	}
	same := slices.DeleteFunc(slices.Clone(all), func(i Image) bool { return i.Ref != ref && i.ID != which && i.BaseDigest != which })
	for _, i := range same {
		if _, errs := images.Remove(e.with(ctx), []string{i.ID}, nil); len(errs) > 0 {
			return 0, fmt.Errorf("removing the image %s: %w", i.Name, errors.Join(errs...))
		}
	}
	for _, i := range same {
		others := slices.ContainsFunc(all, func(o Image) bool { return o.baseID == i.baseID && !slices.Contains(same, o) })
		if there, err := images.Exists(e.with(ctx), i.baseID, nil); i.baseID == "" || others || err != nil || !there {
			continue
		}
		if base, err := images.GetImage(e.with(ctx), i.baseID, nil); err == nil && base.Labels[labelImageMade] != "" {
			e.dropImage(ctx, i.baseID)
		}
	}
	return len(same), nil
}
