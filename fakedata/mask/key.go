package mask

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"math/bits"
	chacha "math/rand/v2"
	"os"
	"syscall"
)

// keyBytes is the length of the secret in a key file.
const keyBytes = 32

// A Key decides which pseudonym a value gets. Whoever has it can tell, for a
// value that they guess, what became of it. A Key is not safe for concurrent
// use, and its fields are never printed.
type Key struct {
	mac   hash.Hash
	block cipher.Block
}

// NewKeyFile makes a key file, readable by its owner alone. What exists is not
// replaced.
func NewKeyFile(path string) (err error) {
	secret := make([]byte, keyBytes)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the key file %s exists already; leave --new-key out to use it", path)
	} else if err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	_, err = fmt.Fprintf(f, "%x\n", secret)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("making the key file: %w", err), os.Remove(path))
	}
	return nil
}

// LoadKey reads a key file: 64 hexadecimal digits. One that others than its
// owner may read is refused, and so is what is no plain file.
func LoadKey(path string) (*Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the key file %s is not a plain file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("the key file %s may be read or written by others (mode %04o): chmod 600 it, and take a new key if others could have read it",
			path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	secret, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(secret) != keyBytes {
		return nil, fmt.Errorf("the key file %s does not hold %d hexadecimal digits: make one with --new-key", path, 2*keyBytes)
	}
	return newKey(secret), nil
}

func newKey(secret []byte) *Key {
	k := &Key{mac: hmac.New(sha256.New, secret)}
	block, err := aes.NewCipher(k.sum("permutation"))
	if err != nil {
		panic(err) // a sum is 32 bytes long
	}
	k.block = block
	return k
}

// Fingerprint names the key without telling anything of it.
func (k *Key) Fingerprint() string { return hex.EncodeToString(k.sum("fingerprint")[:8]) }

// sum is the keyed hash (HMAC-SHA256) of parts, which cannot run into each other.
func (k *Key) sum(parts ...string) []byte {
	k.mac.Reset()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		k.mac.Write(n[:])
		io.WriteString(k.mac, p) //nolint:errcheck // a hash takes everything
	}
	return k.mac.Sum(nil)
}

func (k *Key) hash(parts ...string) int64 {
	return int64(binary.BigEndian.Uint64(k.sum(parts...)))
}

// stream is the randomness that a key gives to a value.
type stream struct {
	src  *chacha.ChaCha8
	bits float64 // that were drawn so far
}

func (k *Key) stream(parts ...string) *stream {
	return &stream{src: chacha.NewChaCha8([32]byte(k.sum(parts...)))}
}

// n draws from 0 to limit-1.
func (s *stream) n(limit uint64) uint64 {
	s.bits += math.Log2(float64(limit))
	hi, _ := bits.Mul64(s.src.Uint64(), limit)
	return hi
}

func (s *stream) fill(b []byte) {
	s.bits += 8 * float64(len(b))
	s.src.Read(b) //nolint:errcheck // it never fails
}

func choose[T any](s *stream, list []T) T { return list[s.n(uint64(len(list)))] }

// permute is a keyed permutation of 0 … n-1: a Feistel network over the next
// larger even number of bits, walked until it lands inside (cycle walking). So
// no two values meet, and nothing has to be remembered.
func (k *Key) permute(x, n uint64) uint64 {
	if n < 2 {
		return x
	}
	half := max(1, (bits.Len64(n-1)+1)/2)
	mask := uint64(1)<<half - 1
	var in, out [16]byte
	binary.BigEndian.PutUint64(in[:], n)
	for {
		l, r := x>>half, x&mask
		for round := range byte(10) {
			in[8] = round
			binary.BigEndian.PutUint32(in[12:], uint32(r))
			k.block.Encrypt(out[:], in[:])
			l, r = r, l^binary.BigEndian.Uint64(out[:])&mask
		}
		if x = l<<half | r; x < n {
			return x
		}
	}
}
