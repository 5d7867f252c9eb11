package tripwire

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"strings"
)

const (
	maxDepth    = 3       // encodings one in another
	maxInflated = 1 << 20 // bytes of what was compressed
	maxPacked   = 1 << 10 // beginnings of what may be compressed, in one text
	leastPart   = 1 << 10 // bytes from which on what breaks off is no chance
	leastRun    = 14      // characters of a piece that may be encoded
)

// views are a text as it is, and as it reads when what may be encoded in it is
// decoded: all of it, whatever stands between the pieces, and each unbroken
// piece on its own, down to three encodings one in another. What is packed in
// more than there is patience for sets unseen.
func views(text []byte, unseen *bool) iter.Seq2[string, []byte] {
	return func(yield func(as string, view []byte) bool) {
		plain, changed := unescape(text)
		if !yield("", text) || changed && !yield("escaped", plain) {
			return
		}
		for _, e := range encodings {
			letters := strip(plain, e.alphabet)
			for at := range min(e.group, max(len(letters)-leastRun+1, 0)) {
				if !yield(e.name, e.decode(letters[at:])) {
					return
				}
			}
		}
		left := 16*len(plain) + maxInflated
		l := looking{&left, unseen}
		if changed && !l.packed(text, maxDepth, yield) { // by chance, what is packed has escapes in it
			return
		}
		l.pieces(plain, maxDepth, yield)
	}
}

// looking is what is left of the patience for one text, in bytes, and whether it
// was not enough.
type looking struct {
	left   *int
	unseen *bool
}

// pieces decodes what stands unbroken, and looks into what comes of it. A piece
// may begin with what does not belong to it, so it is tried at each offset.
func (l looking) pieces(text []byte, depth int, yield func(string, []byte) bool) bool {
	if depth == 0 {
		return true
	}
	if !l.packed(text, depth, yield) {
		return false
	}
	for _, e := range encodings {
		for start := 0; start < len(text); start++ {
			end := start
			for end < len(text) && e.alphabet[text[end]] != 0 {
				end++
			}
			if end-start >= leastRun {
				run := strip(text[start:end], e.alphabet)
				for at := range e.group {
					if v := e.decode(run[at:]); readable(v) && !l.inner(e.name, v, depth, yield) {
						return false
					}
				}
			}
			start = end
		}
	}
	return true
}

// packed looks into what is compressed.
func (l looking) packed(text []byte, depth int, yield func(string, []byte) bool) bool {
	if depth == 0 {
		return true
	}
	for inflated := range inflate(text, l.unseen) {
		if !l.inner("compressed", inflated, depth, yield) {
			return false
		}
	}
	return true
}

func (l looking) inner(as string, view []byte, depth int, yield func(string, []byte) bool) bool {
	if *l.left -= len(view); *l.left < 0 {
		*l.unseen = true
		return true
	}
	if len(view) < least {
		return true
	}
	again, changed := unescape(view)
	if !yield(as, view) || changed && !yield(as, again) {
		return false
	}
	deeper := func(_ string, v []byte) bool { return yield(as, v) }
	return (!changed || l.packed(view, depth-1, deeper)) && l.pieces(again, depth-1, deeper)
}

// encodings that are undone. group is how many characters are decoded together.
var encodings = []struct {
	name     string
	alphabet *[256]byte
	group    int
	decode   func([]byte) []byte
}{
	{"base64", &base64Letters, 4, decode64},
	{"base64", &base64Strict, 4, decode64},
	{"base32", &base32Letters, 8, decode32},
	{"hex", &hexLetters, 2, decodeHex},
}

// readable says whether decoding has led to something: text, or what is compressed.
func readable(b []byte) bool {
	good := 0
	for _, c := range b[:min(len(b), 256)] {
		if c >= ' ' && c <= '~' || c == '\n' || c == '\t' || c == '\r' || c >= 0x80 {
			good++
		}
	}
	return good*10 >= 9*min(len(b), 256) || compressed(b) >= 0
}

// compressed finds where gzip or zlib begins; -1: nowhere.
func compressed(b []byte) int {
	for i := 0; i+2 < len(b); i++ {
		switch {
		case b[i] == 0x1f && b[i+1] == 0x8b && b[i+2] == 8:
			return i
		case b[i] == 'x' && i+6 < len(b) && strings.IndexByte("\x01\x5e\x9c\xda", b[i+1]) >= 0 && (b[i+1] != '^' || i == 0):
			return i
		}
	}
	return -1
}

// inflate undoes gzip and zlib, wherever they may begin. What breaks off counts
// as far as it goes; what is longer than maxInflated or goes on beyond the text,
// and more beginnings than maxPacked, set unseen.
func inflate(b []byte, unseen *bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var gz gzip.Reader
		var zl io.ReadCloser
		for tries := 0; ; tries++ {
			at := compressed(b)
			if at < 0 {
				return
			}
			if tries == maxPacked {
				*unseen = true
				return
			}
			b = b[at:]
			from := bytes.NewReader(b)
			var r io.Reader = &gz
			var err error
			switch {
			case b[0] == 0x1f:
				err = gz.Reset(from)
			case zl == nil:
				zl, err = zlib.NewReader(from)
				r = zl
			default:
				err = zl.(zlib.Resetter).Reset(from, nil)
				r = zl
			}
			b = b[1:]
			if err != nil {
				continue
			}
			out, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
			if len(out) > maxInflated || errors.Is(err, io.ErrUnexpectedEOF) && len(out) >= leastPart {
				*unseen = true
			}
			if len(out) > 0 && !yield(out) {
				return
			}
		}
	}
}

// letters maps each character of an alphabet to how its decoder writes it; 0: it is none.
func letters(alphabet string, also ...string) (t [256]byte) {
	for i := range len(alphabet) {
		t[alphabet[i]] = alphabet[i]
	}
	for _, pair := range also {
		t[pair[0]] = pair[1]
	}
	return t
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower = "abcdefghijklmnopqrstuvwxyz"
)

var (
	base64Letters = letters(upper+lower+"0123456789+/", "-+", "_/")
	base64Strict  = letters(upper + lower + "0123456789") // the other signs may be separators
	base32Letters = func() [256]byte {
		t := letters(upper + "234567")
		for i := range len(lower) {
			t[lower[i]] = upper[i]
		}
		return t
	}()
	hexLetters = letters("0123456789abcdef", "Aa", "Bb", "Cc", "Dd", "Ee", "Ff")
)

// strip leaves the characters of an alphabet.
func strip(text []byte, alphabet *[256]byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '0' && i+1 < len(text) && text[i+1] == 'x' && alphabet == &hexLetters {
			i++ // 0x41
		} else if alphabet[c] != 0 {
			out = append(out, alphabet[c])
		}
	}
	return out
}

func decode64(b []byte) []byte {
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, _ := base64.RawStdEncoding.Decode(out, b[:len(b)-len(b)%4]) // as far as it goes
	if rest := len(b) % 4; rest > 1 {
		more, err := base64.RawStdEncoding.Decode(out[n:], b[len(b)-rest:])
		if err == nil {
			n += more
		}
	}
	return out[:n]
}

func decode32(b []byte) []byte {
	plain := base32.StdEncoding.WithPadding(base32.NoPadding)
	out := make([]byte, plain.DecodedLen(len(b))+8)
	n, _ := plain.Decode(out, b[:len(b)-len(b)%8]) // as far as it goes
	if rest := len(b) % 8; rest > 1 {
		more, err := plain.Decode(out[n:], b[len(b)-rest:])
		if err == nil {
			n += more
		}
	}
	return out[:n]
}

func decodeHex(b []byte) []byte {
	out := make([]byte, len(b)/2)
	n, _ := hex.Decode(out, b[:len(b)&^1]) // strip has left nothing else
	return out[:n]
}

// unescape undoes %41, \x41, \u0041, &#65; and &#x41;, once and again, as long
// as that changes something.
func unescape(text []byte) (plain []byte, changed bool) {
	for range maxDepth {
		out := unescapeOnce(text)
		if out == nil {
			break
		}
		text, changed = out, true
	}
	return text, changed
}

// escapes are how an escape begins, how many digits follow at most, in which base.
var escapes = []struct {
	lead   string
	digits int
	base   int
}{{"%", 2, 16}, {`\x`, 2, 16}, {`\u`, 4, 16}, {"&#x", 6, 16}, {"&#X", 6, 16}, {"&#", 7, 10}}

// unescapeOnce returns nil where there is nothing to undo.
func unescapeOnce(text []byte) []byte {
	if !bytes.ContainsAny(text, `%\&`) {
		return nil
	}
	out, changed := make([]byte, 0, len(text)), false
	for i := 0; i < len(text); {
		if r, n := escape(text[i:]); n > 0 {
			if r < 0x100 && text[i] != '&' && n != 6 {
				out = append(out, byte(r)) // a byte, perhaps of a longer character
			} else {
				out = append(out, string(r)...)
			}
			i, changed = i+n, true
			continue
		}
		out = append(out, text[i])
		i++
	}
	if !changed {
		return nil
	}
	return out
}

// escape reads one escape at the beginning of a text; n is its length, 0: there is none.
func escape(text []byte) (r rune, n int) {
	for _, e := range escapes {
		if !bytes.HasPrefix(text, []byte(e.lead)) {
			continue
		}
		at := len(e.lead)
		for at < len(text) && at < len(e.lead)+e.digits {
			d := strings.IndexByte("0123456789abcdef", text[at]|0x20)
			if text[at] < '0' || d < 0 || d >= e.base {
				break
			}
			r = r*rune(e.base) + rune(d)
			at++
		}
		switch digits := at - len(e.lead); {
		case e.lead[0] == '&' && digits > 0:
			if at < len(text) && text[at] == ';' {
				at++
			}
			return r, at
		case digits == e.digits:
			return r, at
		}
		return 0, 0
	}
	return 0, 0
}
