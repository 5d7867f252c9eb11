package store

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Key signs checkpoints and bundles. It is this machine's own.
type Key struct {
	signer note.Signer
	public string
	index  [sha256.Size]byte // for the seal of the search index
	note.Verifier
}

// Public is the key as others need it to verify: NAME+HASH+KEY, as
// golang.org/x/mod/sumdb/note writes verifier keys.
func (k *Key) Public() string { return k.public }

// LoadKey reads the key in the file path, and makes one (0600, its directory
// 0700) where there is none. A file that others may read is refused.
func LoadKey(path string) (*Key, error) {
	for range 2 {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			if err := makeKey(path); err != nil {
				return nil, unusable("key", path, err)
			}
			continue
		}
		if err != nil {
			return nil, unusable("key", path, err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, problemf(ErrUnusable, "key %s can be read by others (mode %04o); run chmod 600 on it", path, info.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, unusable("key", path, err)
		}
		key, err := parseKey(strings.TrimSpace(string(text)))
		if err != nil {
			return nil, unusable("key", path, err)
		}
		return key, nil
	}
	return nil, problemf(ErrUnusable, "key %s vanished while it was read; try again", path)
}

// makeKey writes the whole key under another name first: two processes may
// want one at once, and must find the same.
func makeKey(path string) error {
	secret, _, err := note.GenerateKey(rand.Reader, "glovebox-"+newID()[:6])
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func parseKey(secret string) (*Key, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("this is not a signing key")
	}
	// PRIVATE+KEY+NAME+HASH+BASE64, and that is of one byte and the seed
	data, err := base64.StdEncoding.DecodeString(secret[max(0, len(secret)-44):])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return nil, errors.New("this is not a signing key")
	}
	public, err := note.NewEd25519VerifierKey(signer.Name(), ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	return &Key{signer, public, indexKey(data[1:]), verifier}, err
}

// SignText returns text as a signed note. It must end with a line feed.
func (k *Key) SignText(text string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: text}, k.signer)
	return string(signed), err
}

// OpenNote verifies a note with one signature, by v, and returns its text. A
// note has one form only: any byte that differs is an error.
func OpenNote(signed string, v note.Verifier) (text string, err error) {
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return "", err
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return "", errors.New("the note has more than one signature")
	}
	s := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
	if err != nil || len(raw) < 5 || signed != n.Text+"\n— "+s.Name+" "+base64.StdEncoding.EncodeToString(raw)+"\n" {
		return "", errors.New("the note is not in its one form")
	}
	return n.Text, nil
}
