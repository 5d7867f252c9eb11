package compare

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"glovebox/store"

	"github.com/rogpeppe/go-internal/diff"
)

// The bounds of what is held of a session's texts. Beyond them a text is
// compared by its digest and cannot be shown. What agents record is far below.
const (
	maxText  = 4 << 20  // bytes of one
	maxTexts = 64 << 20 // bytes of all
)

// A value is a text of a session.
type value struct {
	text  string
	sum   *[sha256.Size]byte // in place of a text that is too large to be held
	size  int                // bytes
	cut   int64              // bytes of its middle that were not recorded
	part  bool               // it is not all of what was printed, byte for byte
	whole string             // digest and size of that; "": not known
	or    string             // another name of the same thing, that it may have elsewhere; "": none
	also  *[sha256.Size]byte // of what belongs to it and is not shown
	lacks string             // why it is not whole, in words; "": it is
}

// mark begins what stands for a text that was taken out; see package scan.
const mark = "[redacted: "

// takenOut is what the most common of values that are not whole lacks.
const takenOut = "something was taken out"

// notEnded is what the end of a running session lacks.
const notEnded = "it has not ended"

// value takes a text in. Withheld says that it is not as it was recorded.
func (s *Session) value(text string, withheld bool) value {
	v := value{size: len(text)}
	if withheld || strings.Contains(text, mark) {
		v.lacks = takenOut
	}
	if len(text) > maxText || s.held+len(text) > maxTexts {
		sum := sha256.Sum256([]byte(text))
		v.sum = &sum
		return v
	}
	v.text = text
	s.held += len(text)
	return v
}

// besides adds what is compared, and not shown.
func (v *value) besides(of any) {
	data, _ := json.Marshal(of) // of texts, numbers and truths: it cannot fail
	sum := sha256.Sum256(data)
	v.also = &sum
}

func (v *value) digest() [sha256.Size]byte {
	if v.sum != nil {
		return *v.sum
	}
	return sha256.Sum256([]byte(v.text))
}

// equal says whether what there is of two texts is the same.
func (v *value) equal(w *value) bool {
	if v.or != "" && v.or == w.text || w.or != "" && w.or == v.text {
		return true
	}
	if v.size != w.size || v.cut != w.cut || (v.also == nil) != (w.also == nil) || v.also != nil && *v.also != *w.also {
		return false
	}
	if v.whole != w.whole && v.whole != "" && w.whole != "" {
		return false
	}
	if v.sum == nil && w.sum == nil {
		return v.text == w.text
	}
	return v.digest() == w.digest()
}

// blind says whether texts that are equal may not be: what they are part of is not known.
func (v *value) blind(w *value) bool {
	return (v.part || w.part) && (v.whole == "" || w.whole == "")
}

// short says whether a text is one line that can stand beside another.
func (v *value) short() bool {
	return v == nil || v.sum == nil && v.size <= 200 && !strings.Contains(strings.TrimSuffix(v.text, "\n"), "\n")
}

// show is a text as it is compared by eye.
func (it item) show(v *value) string {
	switch {
	case v == nil:
		return ""
	case v.sum != nil:
		return fmt.Sprintf("(%d bytes, SHA-256 %x)", v.size, v.sum[:8])
	case it.name == arguments || it.name == ranWith:
		return layOut(v.text)
	}
	return v.text
}

// about says of an item what a diff does not say.
func (it item) about() string {
	a, b := it.a.missing(), it.b.missing()
	var parts []string
	switch {
	case a == b && a != "":
		parts = append(parts, "both: "+a)
	default:
		if a != "" {
			parts = append(parts, "A: "+a)
		}
		if b != "" {
			parts = append(parts, "B: "+b)
		}
	}
	if it.verdict == unknown && !strings.Contains(a+b, notEnded) {
		parts = append(parts, map[bool]string{true: "the rest is the same", false: "the rest differs"}[it.left()])
	}
	return strings.Join(parts, "; ")
}

// missing says what of a value is not there.
func (v *value) missing() string {
	switch {
	case v == nil:
		return ""
	case v.lacks == "" && v.cut > 0:
		return fmt.Sprintf("%d bytes not recorded", v.cut)
	case v.lacks == "" && v.part:
		return "what is no UTF-8 was not recorded"
	}
	return v.lacks
}

// left says whether what is left of both is the same.
func (it item) left() bool {
	return cmp.Or(it.a, &value{}).equal(cmp.Or(it.b, &value{}))
}

// unified is the difference of two texts, from its first @@ on. Where nothing
// of it would be seen, it is in words.
func unified(a, b string) string {
	if a == b {
		return ""
	}
	if store.Clean(a) == store.Clean(b) {
		return "they differ in signs that cannot be shown\n"
	}
	full := func(text string) string {
		if text == "" || strings.HasSuffix(text, "\n") {
			return text
		}
		return text + "\n"
	}
	if full(a) == full(b) {
		return "they differ in the line feed at the end\n"
	}
	d := string(diff.Diff("A", []byte(full(a)), "B", []byte(full(b))))
	for range 3 { // diff, ---, +++
		_, d, _ = strings.Cut(d, "\n")
	}
	return d
}
