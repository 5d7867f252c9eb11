package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/images"
)

// surplusAge is how old a prepared image must be before it may go: another
// version of the program may have found it and be about to use it.
const surplusAge = time.Hour

// surplus are those of all prepared images, which are newest first, that can go
// without a loss: made by a program with another init than this one, while at
// least spare newer ones (1 or more) were made of the same base for the same
// reference. Whoever misses one prepares it again in a second. The last image
// of a base always stays, because with it would go the base, and with that what
// recorded sessions ran in.
func surplus(all []Image, init string, now time.Time, spare int) []Image {
	var can []Image
	newer := map[[2]string]int{}
	for _, i := range all {
		made := [2]string{i.Ref, i.baseID}
		if i.Init != init && newer[made] >= spare && now.Sub(i.Created) >= surplusAge {
			can = append(can, i)
		}
		newer[made]++
	}
	return can
}

// dropSurplus keeps images of other versions from piling up, but for a few.
func (e *Engine) dropSurplus(ctx context.Context, init string) {
	all, err := e.Images(ctx)
	if err != nil {
		e.opts.Log(err.Error())
		return
	}
	for _, old := range surplus(all, init, time.Now(), 4) {
		e.dropImage(ctx, old.ID)
	}
}

// dropImage removes what nobody uses any more. If somebody does, it stays.
func (e *Engine) dropImage(ctx context.Context, id string) {
	if _, errs := images.Remove(e.with(ctx), []string{id}, nil); len(errs) > 0 {
		e.opts.Log(fmt.Sprintf("removing the old image %.12s: %v", id, errors.Join(errs...)))
	}
}

// PruneImages removes all prepared images that can go without a loss, and
// returns them: those of other versions of the program that are older than an
// hour, that no box has, and of whose base there is a newer one.
func (e *Engine) PruneImages(ctx context.Context) ([]Image, error) {
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return nil, err
	}
	unlock, err := e.lockImages(ctx, func(Progress) {})
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := e.Images(ctx)
	if err != nil {
		return nil, err
	}
	return e.dropImages(ctx, surplus(all, init.sum, time.Now(), 1))
}

// dropImages removes images, and returns those that are gone.
func (e *Engine) dropImages(ctx context.Context, list []Image) (gone []Image, err error) {
	for _, old := range list {
		e.dropImage(ctx, old.ID)
		there, err := images.Exists(e.with(ctx), old.ID, nil)
		if err != nil {
			return gone, fmt.Errorf("removing images: %w", err)
		}
		if !there {
			gone = append(gone, old)
		}
	}
	return gone, nil
}

// OwnInit is the Image.Init of images that this program can use.
func (e *Engine) OwnInit() (string, error) {
	init, err := readInit(e.opts.InitPath)
	return init.sum, err
}
