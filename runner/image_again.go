package runner

import "context"

// PreparedFrom is an image that is ready to run with this init and was made
// from the image with that digest: the one for ref where there are several.
func (e *Engine) PreparedFrom(ctx context.Context, ref, baseDigest string) (found Image, ok bool, err error) {
	init, err := readInit(e.opts.InitPath)
	if err != nil {
		return Image{}, false, err
	}
	all, err := e.Images(ctx)
	if err != nil {
		return Image{}, false, err
	}
	for _, i := range all {
		if i.Init != init.sum || i.BaseDigest != baseDigest || baseDigest == "" {
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
