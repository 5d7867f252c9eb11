// Package bundle hands a session on in one file, and reads such files.
//
// A bundle is a zip file; docs/bundle.md has its form. Its comment is a signed
// note with the SHA-256 of every byte before it, so that any byte that differs
// is seen before anything is unpacked. Read trusts nothing: sizes are bounded,
// names are known ones, every event is checked, and nothing is run.
package bundle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/redact"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Format is the version of the form written here.
const Format = 1

// A Manifest says what is in a bundle.
type Manifest struct {
	Format    int              `json:"format"`
	Session   string           `json:"session"`
	Title     string           `json:"title"`
	Model     string           `json:"model"`
	StartedAt time.Time        `json:"started_at"`
	Status    string           `json:"status"`
	Events    int64            `json:"events"`
	Root      proof.Hash       `json:"root"`     // of the session's tree
	Key       string           `json:"key"`      // that signed the bundle, public
	Evidence  store.Evidence   `json:"evidence"` // that the session was in a log
	Redacted  []redact.Removal `json:"redacted"`
}

// A Recipe is what it takes to do the session again.
type Recipe struct {
	Started store.SessionStarted `json:"started"` // model, tools, policy, dataset, as recorded
	Boxes   []store.BoxCreated   `json:"boxes"`   // image digests, limits
	Prompts []string             `json:"prompts"`
}

// ErrBroken is what a bundle is that is not as it was signed, or not a bundle.
var ErrBroken = store.ErrBroken

// ErrForeign is a session that another log's key must sign for.
var ErrForeign = errors.New("only that proves where it is from")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// blobName is the name of a field that is kept apart: its SHA-256.
var blobName = regexp.MustCompile(`^blobs/[0-9a-f]{64}$`)

// seal is the text that is signed: everything before it has this SHA-256.
func seal(session string, events int64, root proof.Hash, sum []byte) string {
	return fmt.Sprintf("glovebox bundle %s\n%d\n%s\n%s\n", session, events, root, hex.EncodeToString(sum))
}

// openSeal verifies the signature and returns what it is about.
func openSeal(signed, key string) (session string, events int64, root proof.Hash, sum string, err error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return "", 0, root, "", broken("its key is none")
	}
	if signed == "" {
		return "", 0, root, "", broken("it has no signature: it was packed anew")
	}
	text, err := store.OpenNote(signed, v)
	if err != nil {
		return "", 0, root, "", broken("its signature is not that of its key: %v", err)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 5 {
		return "", 0, root, "", broken("its signature is about something else")
	}
	session = strings.TrimPrefix(lines[0], "glovebox bundle ")
	events, err1 := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := tlog.ParseHash(lines[2])
	raw, err3 := hex.DecodeString(lines[3])
	if errors.Join(err1, err2, err3) != nil || seal(session, events, root, raw) != text {
		return "", 0, root, "", broken("its signature is about something else")
	}
	return session, events, root, lines[3], nil
}
