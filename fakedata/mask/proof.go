package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"glovebox/fakedata"
)

const proofFormat = "glovebox-mask/1"

// A Proof goes with a masked file, in a file of its own beside it. It ties the
// file's bytes to a search for originals that found none. It guards against
// mistakes, not against a forger: whoever may write the one may write the other.
type Proof struct {
	Format    string   `json:"format"`
	Generator string   `json:"generator"`
	SHA256    string   `json:"sha256"` // of the masked file
	Bytes     int64    `json:"bytes"`
	Key       string   `json:"key"`  // fingerprint; it tells nothing of the key
	Plan      string   `json:"plan"` // SHA-256 of the plan's text
	Tables    int      `json:"tables"`
	Rows      int64    `json:"rows"`
	Leaks     Searched `json:"search"`
	Groups    []Group  `json:"groups"`
	Retries   int64    `json:"retries"` // pseudonyms that were refused, as others' or as originals
	Longer    int64    `json:"longer"`  // values whose pseudonym is longer, or of a wider range
	Unmoved   int64    `json:"unmoved"` // numbers that were moved by nothing, being small
	Notes     []string `json:"notes,omitempty"`
}

// Searched is what the search for originals has looked for and where.
type Searched struct {
	Values   int64    `json:"values"`   // different originals that were looked for
	Cells    int64    `json:"cells"`    // of the output
	Bytes    int64    `json:"bytes"`    // of the output
	MinBits  float64  `json:"min_bits"` // what a value must tell to be looked for among the bytes, not only among cells and words
	Exempt   int      `json:"exempt"`   // values that may stand: names of the schema, harmless and public ones
	Shifted  []string `json:"shifted"`  // columns whose values are not looked for: others of the same column take their places
	NotBytes int64    `json:"short"`    // values that were looked for among cells and words only
}

// A Group is the smallest group of rows that a table's quasi-identifiers do not
// tell apart (k-anonymity).
type Group struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	K       int64    `json:"k"`
	Alone   int64    `json:"alone"` // rows that are the only one of their kind
	Rows    int64    `json:"rows"`
}

// ProofEnding is what the name of a proof has after that of its file.
const ProofEnding = ".mask.json"

func proofPath(path string) string { return path + ProofEnding }

func (p *Proof) write(path string) (err error) {
	f, err := os.OpenFile(proofPath(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}

// errNoProof says that a file does not come with the proof that it was masked.
var errNoProof = errors.New("it carries no proof that it was masked")

// Verify reads the proof of a masked file and makes sure that the file is the
// one that was searched. The error wraps errNoProof where it is not.
func Verify(path string) (*Proof, error) {
	info, err := os.Stat(path) // before opening: a pipe would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(proofPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: there is no %s", path, errNoProof, proofPath(path))
	} else if err != nil {
		return nil, fmt.Errorf("reading the proof: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the proof: %w", err)
	}
	p := &Proof{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil || p.Format != proofFormat {
		return nil, fmt.Errorf("%s: %w: %s is not one", path, errNoProof, proofPath(path))
	}
	sum, size, err := fakedata.Digest(path)
	switch {
	case err != nil:
		return nil, err
	case sum != p.SHA256 || size != p.Bytes:
		return nil, fmt.Errorf("%s: %w: it was changed after it was masked", path, errNoProof)
	}
	return p, nil
}

// String names the file, the key and the plan: what a record of its use keeps.
func (p *Proof) String() string {
	return fmt.Sprintf("%s sha256:%s key:%s plan:%s", p.Generator, p.SHA256, p.Key, p.Plan)
}
