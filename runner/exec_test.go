package runner

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// headTail keeps exactly the ends of what was written, however it was cut up.
func TestHeadTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		half := rapid.IntRange(1, 20).Draw(t, "half")
		h := headTail{half: half}
		var all []byte
		for _, piece := range rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 50)).Draw(t, "pieces") {
			h.write(piece)
			all = append(all, piece...)
		}
		want := all
		if len(all) > 2*half {
			want = append(append([]byte(nil), all[:half]...), all[len(all)-half:]...)
		}
		kept, cut := h.bytes()
		if !bytes.Equal(kept, want) || cut != int64(len(all)-len(want)) {
			t.Errorf("kept %q, cut %d of %q", kept, cut, all)
		}
	})
}
