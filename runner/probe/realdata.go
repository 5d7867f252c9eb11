package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

var (
	mailbox = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})`)
	key     = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b`)
)

var realData = Probe{
	Name: "real-data", Layer: data, Control: PlantedData,
	Gain:  "take real people's records, and keys that open real doors",
	Tries: "reads the dataset for mailboxes outside the reserved domains (RFC 2606, RFC 6761) and for private keys and tokens",
	Try: func(Targets) Finding {
		var failed error
		where, what, n := "", "", 0
		walk("/data", func(path string, d fs.DirEntry) bool {
			if d.Type().IsRegular() {
				n++
				where = path
				what, failed = real(path)
			}
			return what == "" && failed == nil
		})
		switch {
		case what != "":
			return out("%s holds %s", where, what)
		case failed != nil:
			return unsure("%v", failed)
		case n == 0:
			return moot("the box has no dataset")
		}
		return held("%d files, only reserved domains and no keys", n)
	},
}

// real returns what kind of real thing a file holds; "" if none was found. An
// error is that it could not be read to its end.
func real(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	// In pieces that overlap, so that nothing hides on an edge: a mailbox has 318
	// bytes at most, of which 253 are a domain.
	const overlap, domainMax = 1024, 253
	r, buf, kept := bufio.NewReader(f), make([]byte, 1<<20), 0
	magic, _ := r.Peek(16)                                      // a shorter file is none
	sqlite := bytes.Equal(magic, []byte("SQLite format 3\x00")) // its columns follow each other without a gap
	for {
		n, err := r.Read(buf[kept:])
		piece := buf[:kept+n]
		if key.Match(piece) {
			return "a key", nil
		}
		for _, m := range mailbox.FindAllSubmatchIndex(piece, -1) {
			if m[1] > len(piece)-domainMax && err == nil {
				continue // it may go on in the next piece, which has it again
			}
			if domain := strings.ToLower(string(piece[m[2]:m[3]])); !reserved(domain, sqlite) {
				return "a mailbox at " + domain, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		kept = copy(buf, piece[max(0, len(piece)-overlap):])
	}
}

// reserved says that a domain cannot be anybody's (RFC 2606, RFC 6761). Where it
// may be glued to what follows, its last label needs only begin so.
func reserved(domain string, glued bool) bool {
	for _, end := range []string{".example", ".test", ".invalid", ".localhost", ".example.com", ".example.org", ".example.net"} {
		if strings.HasSuffix("."+domain, end) || glued && strings.Contains("."+domain, end) {
			return true
		}
	}
	return false
}
