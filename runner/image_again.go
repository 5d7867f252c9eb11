package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// chain is the digest of what is in an image, from the digests of its layers, as
// the OCI image specification has it (ChainID). The image's own digest is also of
// when and by whom it was made.
func chain[D ~string](layers []D) (id string) {
	for i, layer := range layers {
		if id += " " + string(layer); i == 0 {
			id = string(layer)
			continue
		}
		sum := sha256.Sum256([]byte(id))
		id = "sha256:" + hex.EncodeToString(sum[:])
	}
	return id
}

// PreparedFrom is an image that is ready to run with this init and was made
// from the image with that digest, or one with the same in it, by root: the one
// for ref where there are several.
func (e *Engine) PreparedFrom(ctx context.Context, ref, baseDigest, root string) (found Image, ok bool, err error) {
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, false, err
	}
	all, err := e.Images(ctx)
	if err != nil {
		return Image{}, false, err
	}
	for _, i := range all {
		same := baseDigest != "" && i.BaseDigest == baseDigest || root != "" && i.BaseRoot == root
		if i.Init != init.sum || !same {
			continue
		}
		if i.Ref == fullRef(ref) {
			return i, true, nil
		}
		if !ok {
			found, ok = i, true
		}
	}
	return found, ok, nil
}
