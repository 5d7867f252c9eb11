package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"glovebox/store"
)

// outputKeep is how many bytes of one output stream are recorded: half from
// its head, half from its tail.
const outputKeep = 32 << 10

// capture keeps the head and the tail of a stream and counts what was between.
type capture struct {
	head, tail []byte
	cut        int64
	all        hash.Hash // of everything; nil: there was nothing
	bytes      int64     // in all
}

func (c *capture) write(p []byte) {
	if c.all == nil {
		c.all = sha256.New()
	}
	c.all.Write(p)
	c.bytes += int64(len(p))
	n := min(len(p), outputKeep/2-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	if over := len(c.tail) - outputKeep/2; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
		c.cut += int64(over)
	}
}

// text is what was kept, as valid UTF-8.
func (c *capture) text() string {
	return strings.ToValidUTF8(string(c.head)+string(c.tail), "\uFFFD")
}

// whole tells of the stream what a record of it does not; nil: it is all there.
// A sign for what is no UTF-8 may stand for any byte.
func (c *capture) whole(text string, cut int64) *store.Whole {
	if c.all == nil || cut == 0 && !strings.Contains(text, "\uFFFD") {
		return nil
	}
	return &store.Whole{Bytes: c.bytes, SHA256: hex.EncodeToString(c.all.Sum(nil))}
}

// runes hands on a stream in pieces that never split a character.
type runes struct{ rest []byte }

func (r *runes) next(p []byte) string {
	b := slices.Concat(r.rest, p)
	end := len(b)
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				end = len(b) - i
			}
			break
		}
	}
	out := strings.ToValidUTF8(string(b[:end]), "\uFFFD")
	r.rest = b[end:]
	return out
}
