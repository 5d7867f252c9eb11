package redact

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"io"

	"github.com/klauspost/compress/zstd"
)

// How much of what was compressed is looked at, in bytes, and how many for one of
// its own: what only repeats itself could be a thousand times as long, and a
// session of such would not end to be read.
const largest, longer = 1 << 20, 64

// expand is what compressed bytes say, also where their end is missing; others
// are returned as they are.
func expand(b []byte) []byte {
	var r io.Reader
	var err error
	switch in := bytes.NewReader(b); {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}):
		r, err = gzip.NewReader(in)
	case bytes.HasPrefix(b, []byte("BZh")):
		r = bzip2.NewReader(in)
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		if d, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8<<20)); err == nil {
			defer d.Close()
			r = d
		}
	case len(b) > 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0:
		r, err = zlib.NewReader(in)
	}
	if r == nil || err != nil {
		return b
	}
	if says, _ := io.ReadAll(io.LimitReader(r, int64(min(largest, longer*len(b))))); len(says) > 0 { // what comes before an error counts
		return says
	}
	return b
}
