package runner

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/specgen"
	"github.com/distribution/reference"
)

// ErrNoImage is wrapped by errors that mean: the image is not to be had.
var ErrNoImage = errors.New("no image")

// Labels of a prepared image.
const (
	labelImageInit   = "glovebox.init"        // SHA-256 of the init inside
	labelImageBase   = "glovebox.base"        // reference it was made for, "auto" included
	labelImageBaseID = "glovebox.base.id"     // what that reference was, in Podman's store
	labelImageDigest = "glovebox.base.digest" // and by digest
	labelImageWas    = "glovebox.base.was"    // digest that it had before, if another
	labelImageRoot   = "glovebox.base.root"   // and by what is in it
	labelImageAt     = "glovebox.prepared"    // when; Podman's own clock ticks in seconds
)

const preparedRepo = "localhost/glovebox/box"

// Image is ready to run: a base image with glovebox-init inside.
type Image struct {
	Ref        string // what was asked for: auto, host, or a reference
	Name       string // of the prepared image in Podman's store
	ID         string // of the prepared image, hex
	Digest     string // of the prepared image, sha256:…
	BaseDigest string // of the image it was made from, sha256:…
	BaseRoot   string // the same for all images with that content, whoever made them, sha256:…; "": not known
	Was        string // BaseDigest of the image prepared for Ref before it, if another
	Init       string // SHA-256 of the init inside, hex
	Size       int64  // bytes, all layers
	Created    time.Time

	baseID string // of the image it was made from
}

// HostUsr reports whether boxes of this image see the host's /usr, read-only.
func (i Image) HostUsr() bool { return i.Ref == hostRef }

// Progress is one step of a preparation. Done and Total count the same thing,
// whatever it is; Total 0 means that the end is not known.
type Progress struct {
	Step        string
	Done, Total int64
	Lasting     bool // not a step but news, for a person to read
}

// Image returns ref ready to run. One that was prepared earlier stays what it
// was, whatever became of its reference; otherwise it is prepared now. "auto"
// (or "") is a small system made from the distribution's own packages, or a
// default image where those cannot be had; "host" is this machine's /usr, see
// hostBase; anything else is an OCI reference, taken from the local store or
// else pulled. progress may be nil and is called from this goroutine or one
// that ends before Image does. Processes that prepare at once wait for each
// other. Errors wrap ErrNoImage.
func (e *Engine) Image(ctx context.Context, ref string, progress func(Progress)) (Image, error) {
	img, ok, err := e.Prepared(ctx, ref)
	if err != nil || !ok {
		img, err = e.prepare(ctx, ref, nil, progress)
	} else if progress != nil {
		e.tellMoved(ctx, img, progress)
	}
	return img, err
}

// tellMoved tells of a reference that Podman's store has another image for by
// now, because somebody built or pulled it there.
func (e *Engine) tellMoved(ctx context.Context, img Image, progress func(Progress)) {
	if img.Ref == autoRef || img.Ref == hostRef {
		return
	}
	if b, ok, err := e.local(ctx, img.Ref); err == nil && ok && b.id != img.baseID {
		progress(Progress{Lasting: true, Step: fmt.Sprintf(
			"the image %s is by now another one in Podman's store, %s; boxes still run %s: glovebox image prepare --pull %s changes that",
			img.Ref, b.digest, img.BaseDigest, img.Ref)})
	}
}

// UpdateImage is Image for a reference that may have moved: it is pulled, or
// built, again. Where what it names is another image than before, progress gets
// the news, and Image.Was the old digest.
func (e *Engine) UpdateImage(ctx context.Context, ref string, progress func(Progress)) (Image, error) {
	return e.prepare(ctx, ref, e.latest, progress)
}

// Prepared is ref ready to run, if it was prepared earlier with this init.
func (e *Engine) Prepared(ctx context.Context, ref string) (img Image, ok bool, err error) {
	ref = fullRef(ref)
	if ref == hostRef {
		if err := e.hostFit(); err != nil {
			return Image{}, false, fmt.Errorf("%w %q: %w", ErrNoImage, ref, err)
		}
	}
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, false, err
	}
	return e.newest(ctx, ref, init.sum)
}

// fullRef is how a reference is kept: alpine is alpine:latest. What is no
// reference stays as it is; to pull it fails.
func fullRef(ref string) string {
	ref = cmp.Or(ref, autoRef)
	if named, err := reference.ParseDockerRef(ref); err == nil && ref != autoRef && ref != hostRef {
		return reference.FamiliarString(named)
	}
	return ref
}

// CheckRef says what is wrong with the reference of an image, as far as one can
// see without looking for it; nil: nothing.
func CheckRef(ref string) error {
	if ref = cmp.Or(ref, autoRef); ref == autoRef || ref == hostRef || wholeID.MatchString(ref) {
		return nil
	}
	if _, err := reference.ParseDockerRef(ref); err != nil {
		return fmt.Errorf("%q is not an image reference: %w", ref, err)
	}
	return nil
}

// wholeID is how Podman's store names an image itself.
var wholeID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// finder gets the image that ref names, from wherever it is.
type finder func(ctx context.Context, ref string, progress func(Progress)) (baseImage, error)

// prepare makes an image ready. A nil find means: what was pinned for ref, else
// what base finds, unless another process was quicker.
func (e *Engine) prepare(ctx context.Context, ref string, find finder, progress func(Progress)) (Image, error) {
	ref = fullRef(ref)
	if progress == nil {
		progress = func(Progress) {}
	}
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, err
	}
	unlock, err := e.lockImages(ctx, progress)
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	before, there, err := e.newest(ctx, ref, "")
	if err != nil {
		return Image{}, err
	}
	if find == nil {
		if img, ok, err := e.newest(ctx, ref, init.sum); err != nil || ok {
			return img, err
		}
		find = e.pinned(before)
	}
	base, err := find(ctx, ref, progress)
	if err != nil {
		return Image{}, fmt.Errorf("%w %q: %w", ErrNoImage, ref, err)
	}
	if there && before.Init == init.sum && before.baseID == base.id {
		return before, nil
	}
	if there && before.BaseDigest != base.digest {
		base.was = before.BaseDigest
	}
	progress(Progress{Step: "putting glovebox-init in"})
	if err := e.derive(ctx, ref, base, init); err != nil {
		return Image{}, fmt.Errorf("%w %q: putting glovebox-init in: %w", ErrNoImage, ref, err)
	}
	if base.was != "" {
		progress(Progress{Step: fmt.Sprintf("the image %s has changed: it was %s, it is now %s; the one before stays for the sessions recorded in it, until glovebox image rm %s", ref, base.was, base.digest, base.was), Lasting: true})
	}
	e.dropSurplus(ctx, init.sum)
	img, ok, err := e.newest(ctx, ref, init.sum)
	if err == nil && !ok {
		err = fmt.Errorf("%w %q: it was prepared but is not there", ErrNoImage, ref)
	}
	return img, err
}

// Images lists the prepared images, newest first, for whatever init.
func (e *Engine) Images(ctx context.Context) ([]Image, error) {
	filter := map[string][]string{"label": {labelImageInit}}
	list, err := images.List(e.with(ctx), new(images.ListOptions).WithFilters(filter))
	for range 3 { // Podman fails where one is removed while it lists them
		if err == nil || !strings.Contains(err.Error(), "image not known") {
			break
		}
		list, err = images.List(e.with(ctx), new(images.ListOptions).WithFilters(filter))
	}
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
		created, err := time.Parse(time.RFC3339Nano, i.Labels[labelImageAt])
		if err != nil {
			created = time.Unix(i.Created, 0).UTC()
		}
		found = append(found, Image{
			Ref: i.Labels[labelImageBase], Name: i.RepoTags[at], ID: i.ID, Digest: i.Digest,
			BaseDigest: i.Labels[labelImageDigest], BaseRoot: i.Labels[labelImageRoot], Was: i.Labels[labelImageWas], Init: i.Labels[labelImageInit],
			Size: i.Size, Created: created, baseID: i.Labels[labelImageBaseID],
		})
	}
	slices.SortFunc(found, func(a, b Image) int { return b.Created.Compare(a.Created) })
	return found, nil
}

// newest is the image that was made for ref last, with this init or with any ("").
func (e *Engine) newest(ctx context.Context, ref, initSum string) (Image, bool, error) {
	all, err := e.Images(ctx)
	if err != nil {
		return Image{}, false, err
	}
	for _, i := range all {
		if i.Ref == ref && (initSum == "" || i.Init == initSum) {
			return i, true, nil
		}
	}
	return Image{}, false, nil
}

// baseImage is what a prepared image is made from.
type baseImage struct{ id, digest, root, was string }

// pinned finds what before was made from, so that a new glovebox-init brings no
// new image with it; where that is gone, or was made here, whatever ref names.
func (e *Engine) pinned(before Image) finder {
	return func(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
		if before.baseID != "" && ref != autoRef && ref != hostRef {
			if b, ok, err := e.local(ctx, before.baseID); err != nil || ok {
				return b, err
			}
		}
		b, err := e.base(ctx, ref, progress)
		if err != nil && ref == autoRef && ctx.Err() == nil {
			return e.orBefore(ctx, before, err, progress)
		}
		return b, err
	}
}

// orBefore is what before was made from, where auto cannot be made anew: a new
// glovebox may make it otherwise, and must not need the network for that.
func (e *Engine) orBefore(ctx context.Context, before Image, failed error, progress func(Progress)) (baseImage, error) {
	if before.baseID == "" {
		return baseImage{}, failed
	}
	b, ok, err := e.local(ctx, before.baseID)
	if err != nil || !ok {
		return baseImage{}, failed
	}
	progress(Progress{Step: fmt.Sprintf("the image auto could not be made anew, so boxes run what the one before was made from: %v", failed), Lasting: true})
	return b, nil
}

// base finds, makes or pulls the image that ref names.
func (e *Engine) base(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
	switch ref {
	case autoRef:
		return e.autoBase(ctx, false, progress)
	case hostRef:
		return e.hostBase(ctx)
	}
	if b, ok, err := e.local(ctx, ref); err != nil || ok {
		return b, err
	}
	return e.latest(ctx, ref, progress)
}

// latest makes or pulls the image that ref names, also where there is one.
func (e *Engine) latest(ctx context.Context, ref string, progress func(Progress)) (baseImage, error) {
	switch {
	case ref == autoRef:
		return e.autoBase(ctx, true, progress)
	case ref == hostRef:
		return e.hostBase(ctx)
	case strings.HasPrefix(ref, "localhost/"):
		if b, ok, err := e.local(ctx, ref); err != nil || ok {
			return b, err
		}
		return baseImage{}, fmt.Errorf("it comes from no registry: bring it in with `glovebox image import FILE %s`", ref)
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
	b := baseImage{id: report.ID, digest: report.Digest.String()}
	if report.RootFS != nil {
		b.root = chain(report.RootFS.Layers)
	}
	return b, true, nil
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
	asked := sha256.Sum256([]byte(ref)) // two references may name one image
	tag := strings.TrimPrefix(base.id, "sha256:")[:12] + "-" + init.sum[:12] + "-" + hex.EncodeToString(asked[:4])
	if ref == autoRef || ref == hostRef {
		tag = ref + "-" + tag
	}
	if ref == hostRef {
		base.root = "" // what is in /usr is not in it
	}
	old, again, err := e.local(ctx, preparedRepo+":"+tag)
	if err != nil {
		return err
	}
	options := new(containers.CommitOptions).WithRepo(preparedRepo).WithTag(tag).WithPause(false).WithChanges([]string{
		"LABEL " + labelImageInit + "=" + init.sum,
		"LABEL " + labelImageBase + "=" + ref,
		"LABEL " + labelImageBaseID + "=" + base.id,
		"LABEL " + labelImageDigest + "=" + base.digest,
		"LABEL " + labelImageRoot + "=" + base.root,
		"LABEL " + labelImageWas + "=" + base.was,
		"LABEL " + labelImageAt + "=" + time.Now().UTC().Format(time.RFC3339Nano),
	})
	if _, err := containers.Commit(conn, made.ID, options); err != nil {
		return err
	}
	if again { // it has lost its name to the new one
		e.dropImage(ctx, old.id)
	}
	return nil
}
