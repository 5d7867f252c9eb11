package runner

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/specgen"
)

// ErrNoImage is wrapped by errors that mean: the image is not to be had.
var ErrNoImage = errors.New("no image")

// Labels of a prepared image.
const (
	labelImageInit   = "glovebox.init"        // SHA-256 of the init inside
	labelImageBase   = "glovebox.base"        // reference it was made for, "auto" included
	labelImageDigest = "glovebox.base.digest" // what that reference was
)

const preparedRepo = "localhost/glovebox/box"

// Image is ready to run: a base image with glovebox-init inside.
type Image struct {
	Ref        string // what was asked for: auto, or a reference
	Name       string // of the prepared image in Podman's store
	ID         string // of the prepared image, hex
	Digest     string // of the prepared image, sha256:…
	BaseDigest string // of the image it was made from, sha256:…
	Init       string // SHA-256 of the init inside, hex
	Size       int64  // bytes, all layers
	Created    time.Time
}

// Progress is one step of a preparation. Done and Total count the same thing,
// whatever it is; Total 0 means that the end is not known.
type Progress struct {
	Step        string
	Done, Total int64
}

// Image returns ref ready to run, preparing it when that was not done yet:
// "auto" (or "") is a small system made from the distribution's own packages, or
// a default image where those cannot be had; anything else is an OCI
// reference, taken from the local store or else pulled. progress may be nil and
// is called from this goroutine or one that ends before Image does. Processes
// that prepare at once wait for each other. Errors wrap ErrNoImage.
func (e *Engine) Image(ctx context.Context, ref string, progress func(Progress)) (Image, error) {
	ref = cmp.Or(ref, autoRef)
	if progress == nil {
		progress = func(Progress) {}
	}
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, err
	}
	if img, ok, err := e.prepared(ctx, ref, init.sum); err != nil || ok {
		return img, err
	}
	unlock, err := e.lockImages(ctx, progress)
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	if img, ok, err := e.prepared(ctx, ref, init.sum); err != nil || ok {
		return img, err // another process was quicker
	}
	base, err := e.base(ctx, ref, progress)
	if err != nil {
		return Image{}, fmt.Errorf("%w %q: %w", ErrNoImage, ref, err)
	}
	progress(Progress{Step: "putting glovebox-init in"})
	if err := e.derive(ctx, ref, base, init); err != nil {
		return Image{}, fmt.Errorf("%w %q: putting glovebox-init in: %w", ErrNoImage, ref, err)
	}
	e.dropOldImages(ctx, ref)
	img, ok, err := e.prepared(ctx, ref, init.sum)
	if err == nil && !ok {
		err = fmt.Errorf("%w %q: it was prepared but is not there", ErrNoImage, ref)
	}
	return img, err
}

// Prepared is ref ready to run, if it was prepared earlier with this init.
func (e *Engine) Prepared(ctx context.Context, ref string) (img Image, ok bool, err error) {
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, false, err
	}
	return e.prepared(ctx, cmp.Or(ref, autoRef), init.sum)
}

// Images lists the prepared images, newest first, for whatever init.
func (e *Engine) Images(ctx context.Context) ([]Image, error) {
	filter := map[string][]string{"label": {labelImageInit}}
	list, err := images.List(e.with(ctx), new(images.ListOptions).WithFilters(filter))
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	var found []Image
	for _, i := range list {
		// The name is what counts: no registry can give it, while labels say
		// what the maker of an image likes.
		at := slices.IndexFunc(i.RepoTags, func(tag string) bool { return strings.HasPrefix(tag, preparedRepo+":") })
		if at < 0 {
			continue
		}
		found = append(found, Image{
			Ref: i.Labels[labelImageBase], Name: i.RepoTags[at], ID: i.ID, Digest: i.Digest,
			BaseDigest: i.Labels[labelImageDigest], Init: i.Labels[labelImageInit],
			Size: i.Size, Created: time.Unix(i.Created, 0),
		})
	}
	slices.SortFunc(found, func(a, b Image) int { return b.Created.Compare(a.Created) })
	return found, nil
}

// prepared finds the newest image made for ref with this very init.
func (e *Engine) prepared(ctx context.Context, ref, initSum string) (Image, bool, error) {
	all, err := e.Images(ctx)
	if err != nil {
		return Image{}, false, err
	}
	for _, i := range all {
		if i.Ref == ref && i.Init == initSum {
			return i, true, nil
		}
	}
	return Image{}, false, nil
}

// dropOldImages removes what was prepared for ref with earlier inits, but for
// the last few and those of the last hour: other versions of the program may be
// in use. An image that a box runs stays, because nothing is forced.
func (e *Engine) dropOldImages(ctx context.Context, ref string) {
	const kept = 4
	all, err := e.Images(ctx)
	if err != nil {
		e.opts.Log(err.Error())
		return
	}
	same := slices.DeleteFunc(all, func(i Image) bool { return i.Ref != ref })
	for _, old := range same[min(kept, len(same)):] {
		if time.Since(old.Created) < time.Hour {
			continue
		}
		if _, errs := images.Remove(e.with(ctx), []string{old.ID}, nil); len(errs) > 0 {
			e.opts.Log(fmt.Sprintf("removing the old image %s: %v", old.Name, errors.Join(errs...)))
		}
	}
}

// baseImage is what a prepared image is made from.
type baseImage struct{ id, digest string }

// base finds, makes or pulls the image that ref names.
func (e *Engine) base(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
	if ref == autoRef {
		return e.autoBase(ctx, progress)
	}
	if b, ok, err := e.local(ctx, ref); err != nil || ok {
		return b, err
	}
	return e.pull(ctx, ref, progress)
}

// local looks into Podman's store.
func (e *Engine) local(ctx context.Context, ref string) (baseImage, bool, error) {
	there, err := images.Exists(e.with(ctx), ref, nil)
	if err != nil || !there {
		return baseImage{}, false, err
	}
	report, err := images.GetImage(e.with(ctx), ref, nil)
	if err != nil {
		return baseImage{}, false, err
	}
	return baseImage{id: report.ID, digest: report.Digest.String()}, true, nil
}

// derive makes the prepared image: one layer with init and the places a box
// mounts over, labelled with where it came from. Its container never runs.
func (e *Engine) derive(ctx context.Context, ref string, base baseImage, init initBinary) error {
	conn := e.with(ctx)
	no := false
	s := specgen.NewSpecGenerator(base.id, false)
	s.Command = []string{initPath}
	s.User = "0:0"
	// Its owner is in the name: an image inherits the labels, and every
	// container of anybody made from it would look like ours.
	s.Name = preparePrefix + e.owner.String()
	s.NetNS = specgen.Namespace{NSMode: specgen.NoNetwork}
	s.HTTPProxy = &no
	s.ImageVolumeMode = "ignore"
	if err := e.remove(ctx, s.Name); err != nil { // left by a failure of our own
		return err
	}
	made, err := containers.CreateWithSpec(conn, s, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err := e.remove(context.WithoutCancel(ctx), made.ID); err != nil {
			e.opts.Log(err.Error())
		}
	}()
	layer, err := init.layer()
	if err != nil {
		return err
	}
	put, err := containers.CopyFromArchiveWithOptions(conn, made.ID, "/", bytes.NewReader(layer), new(containers.CopyOptions).WithChown(false))
	if err == nil {
		err = put()
	}
	if err != nil {
		return err
	}
	tag := strings.TrimPrefix(base.id, "sha256:")[:12] + "-" + init.sum[:12]
	if ref == autoRef {
		tag = autoRef + "-" + tag
	}
	options := new(containers.CommitOptions).WithRepo(preparedRepo).WithTag(tag).WithPause(false).WithChanges([]string{
		"LABEL " + labelImageInit + "=" + init.sum,
		"LABEL " + labelImageBase + "=" + ref,
		"LABEL " + labelImageDigest + "=" + base.digest,
	})
	_, err = containers.Commit(conn, made.ID, options)
	return err
}

// initBinary is the glovebox-init that goes into an image.
type initBinary struct {
	data []byte
	sum  string // SHA-256 of its layer, hex
}

// readInit reads and checks it. A dynamic one would look for its loader in an
// image that may have none, and die without a word.
func readInit(path string) (initBinary, error) {
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return initBinary{}, fmt.Errorf("finding this program: %w", err)
		}
		path = filepath.Join(filepath.Dir(self), "glovebox-init")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return initBinary{}, fmt.Errorf("%w: glovebox-init belongs next to the program, `make build` puts both into bin (%w)", ErrNotSetUp, err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return initBinary{}, fmt.Errorf("%w: %s is not a program: %w", ErrNotSetUp, path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return initBinary{}, fmt.Errorf("%w: %s is not a static binary; `make build` makes one", ErrNotSetUp, path)
		}
	}
	i := initBinary{data: data}
	layer, err := i.layer()
	if err != nil {
		return initBinary{}, err
	}
	sum := sha256.Sum256(layer)
	i.sum = hex.EncodeToString(sum[:])
	return i, nil
}

// layer is a tar of what every image needs.
func (i initBinary) layer() ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range []struct {
		name string
		mode int64
	}{{".glovebox/", 0o755}, {"work/", 0o1777}, {"data/", 0o1777}, {"tmp/", 0o1777}} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir.name, Mode: dir.mode}); err != nil {
			return nil, err
		}
	}
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(initPath, "/"), Mode: 0o555, Size: int64(len(i.data))})
	if err == nil {
		_, err = w.Write(i.data)
	}
	return buf.Bytes(), errors.Join(err, w.Close())
}
