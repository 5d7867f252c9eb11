// Package proof is the arithmetic of trust: how one event becomes a leaf, and
// how leaves become one hash.
//
// A leaf commits to every field of an event by a salted digest, so that a copy
// may withhold a field, keep its digest, and still come to the same root.
// The tree is that of RFC 6962, as golang.org/x/mod/sumdb/tlog has it. Nothing
// here reads, writes or asks the time. docs/bundle.md says the same in words.
package proof

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// SaltSize is the length of a salt in bytes.
const SaltSize = 16

// A Hash is a digest of a field, a leaf or a root.
type Hash = tlog.Hash

// A Header is the part of an event that is never withheld.
type Header struct {
	Session string
	Seq     int64
	At      int64 // microseconds since 1970
	Kind    string
}

// A Field is one member of an event's JSON object.
type Field struct {
	Name  string // as it stands between the quotes
	Value []byte // JSON, as it stands
}

// Split takes a compact JSON object apart. Join gives the same bytes again, or
// Split fails: what it accepts has one form only. The fields point into object.
func Split(object []byte) ([]Field, error) {
	if len(object) < 2 || object[0] != '{' || object[len(object)-1] != '}' {
		return nil, errors.New("not a JSON object")
	}
	var fields []Field
	rest := object[1 : len(object)-1]
	for len(rest) > 0 {
		end := 1 // of the name
		if end += skipString(rest[1:]); rest[0] != '"' || end >= len(rest) || rest[end] != ':' {
			return nil, errors.New("not a compact JSON object")
		}
		name := string(rest[1 : end-1])
		if strings.Contains(name, "\n") {
			return nil, errors.New("line feed in the name of a field")
		}
		for _, f := range fields {
			if f.Name == name {
				return nil, fmt.Errorf("field %q twice", name)
			}
		}
		rest = rest[end+1:]
		n := skipValue(rest)
		if n == 0 {
			return nil, fmt.Errorf("field %q without a value", name)
		}
		fields = append(fields, Field{name, rest[:n]})
		if rest = rest[n:]; len(rest) > 0 {
			if rest = rest[1:]; len(rest) == 0 {
				return nil, errors.New("comma at the end")
			}
		}
	}
	return fields, nil
}

// skipString returns how long the rest of a string is, its closing quote included.
func skipString(s []byte) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s) + 1
}

// skipValue returns where the comma after a value is, or the end.
func skipValue(s []byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += skipString(s[i+1:])
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// Join is the opposite of Split.
func Join(fields []Field) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(f.Name)
		b.WriteString(`":`)
		b.Write(f.Value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// Digest commits to one value. Who does not know the salt learns nothing from it.
func Digest(salt, value []byte) (d Hash) {
	h := sha256.New()
	h.Write(salt)
	h.Write(value)
	h.Sum(d[:0])
	return d
}

// A Salter derives the salts of a session from its secret. Not safe for
// concurrent use.
type Salter struct{ mac hash.Hash }

// NewSalter takes the session's secret, 32 random bytes.
func NewSalter(secret []byte) Salter { return Salter{hmac.New(sha256.New, secret)} }

// Salt is the salt of one field. It tells nothing about any other.
func (s Salter) Salt(seq int64, name string) []byte {
	s.mac.Reset()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(seq))
	s.mac.Write(n[:])
	s.mac.Write([]byte(name))
	return s.mac.Sum(make([]byte, 0, sha256.Size))[:SaltSize]
}

// Leaf is the hash of one event, from the digests of its fields in their order.
func Leaf(h Header, names []string, digests []Hash) Hash {
	b := make([]byte, 0, 100+70*len(names))
	b = append(b, "glovebox event\n"...)
	b = append(b, h.Session...)
	b = append(b, '\n')
	b = strconv.AppendInt(b, h.Seq, 10)
	b = append(b, '\n')
	b = strconv.AppendInt(b, h.At, 10)
	b = append(b, '\n')
	b = append(b, h.Kind...)
	b = append(b, '\n')
	for i, name := range names {
		b = base64.StdEncoding.AppendEncode(b, digests[i][:])
		b = append(b, ' ')
		b = append(b, name...) // without a line feed: see Split
		b = append(b, '\n')
	}
	return tlog.RecordHash(b)
}

// LeafOf is the leaf of an event of which everything is known.
func (s Salter) LeafOf(h Header, fields []Field) Hash {
	names := make([]string, len(fields))
	digests := make([]Hash, len(fields))
	for i, f := range fields {
		names[i], digests[i] = f.Name, Digest(s.Salt(h.Seq, f.Name), f.Value)
	}
	return Leaf(h, names, digests)
}
