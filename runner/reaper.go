package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
)

// BoxStatus is one box as Podman knows it.
type BoxStatus struct {
	Name      string // also the container's
	Container string // Podman's container ID
	Session   string // "" when it belongs to none
	Owner     Owner
	Alive     bool   // the owner still runs
	State     string // created, running, exited, …
	Image     string // ID of the one it runs, hex
	StartedAt time.Time
}

// Boxes lists the boxes of all processes of this account, newest first.
func (e *Engine) Boxes(ctx context.Context) ([]BoxStatus, error) {
	all, err := e.owned(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(b BoxStatus) bool { return b.Name == "" }), nil
}

// Reap removes the boxes whose owner is gone, and unfinished image work of such
// owners, and returns the boxes it removed. Several processes may reap at once:
// what another one removed is no error.
func (e *Engine) Reap(ctx context.Context) ([]BoxStatus, error) {
	all, err := e.owned(ctx)
	if err != nil {
		return nil, err
	}
	var reaped []BoxStatus
	var failed []error
	for _, b := range all {
		if b.Alive {
			continue
		}
		if err := e.remove(ctx, b.Container); err != nil {
			failed = append(failed, err)
		} else if b.Name != "" {
			reaped = append(reaped, b)
		}
	}
	return reaped, errors.Join(failed...)
}

// owned lists every container that has an owner; one that is not a box has no
// Name. Podman's own filters are not relied upon to decide.
func (e *Engine) owned(ctx context.Context) ([]BoxStatus, error) {
	soon, cancel := e.soon(ctx)
	defer cancel()
	list, err := containers.List(soon, new(containers.ListOptions).WithAll(true))
	if err != nil {
		return nil, fmt.Errorf("listing boxes: %w", err)
	}
	var boxes []BoxStatus
	for _, c := range list {
		owner, ok := ownerFromLabels(c.Labels)
		if !ok && len(c.Names) > 0 {
			owner, ok = ownerFromName(c.Names[0])
		}
		if !ok {
			continue // not ours, whatever it is
		}
		boxes = append(boxes, BoxStatus{
			Name: c.Labels[LabelBox], Container: c.ID, Session: c.Labels[LabelSession], Owner: owner, Alive: owner.Alive(),
			State: c.State, Image: c.ImageID, StartedAt: c.Created,
		})
	}
	slices.SortFunc(boxes, func(a, b BoxStatus) int { return b.StartedAt.Compare(a.StartedAt) })
	return boxes, nil
}
