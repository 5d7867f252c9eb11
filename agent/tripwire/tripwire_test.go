package tripwire

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const canary = "q7hm3xkd9vtw"

func wired(values ...Value) *Wires {
	return New(slices.Values([]Value{{"ticket", "body", canary}}), slices.Values(values))
}

func each(s, sep string) string { return strings.Join(strings.Split(s, ""), sep) }

func squeezed(t *testing.T, w func(io.Writer) io.WriteCloser, s string) string {
	var b bytes.Buffer
	z := w(&b)
	if _, err := io.WriteString(z, s); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// However a value is written, it is found, at every place that the encoding
// could put it.
func TestFound(t *testing.T) {
	w := wired()
	b64 := base64.StdEncoding.EncodeToString
	gz := func(s string) string {
		return squeezed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, s)
	}
	zl := func(s string) string {
		return squeezed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, s)
	}
	percent := func(s string) (out string) {
		for _, c := range []byte(s) {
			out += fmt.Sprintf("%%%02x", c)
		}
		return out
	}
	for name, write := range map[string]func(s string) string{
		"plain":            func(s string) string { return s },
		"upper":            strings.ToUpper,
		"dashes":           func(s string) string { return each(s, "-") },
		"dots":             func(s string) string { return each(s, ".") },
		"lines":            func(s string) string { return each(s, "\r\n") },
		"labels":           func(s string) string { return s[:5] + "." + s[5:] + ".evil.example" },
		"percent":          percent,
		"percent twice":    func(s string) string { return url.QueryEscape(percent(s)) },
		"percent upper":    func(s string) string { return strings.ToUpper(percent(s)) },
		"unicode":          func(s string) string { return strings.ReplaceAll(s, "m", `\u006d`) },
		"hex escapes":      func(s string) string { return `\x` + each(hex.EncodeToString([]byte(s)), "")[:2] + s[1:] },
		"entities":         func(s string) string { return fmt.Sprintf("&#%d;&#x%x;%s", s[0], s[1], s[2:]) },
		"base64":           func(s string) string { return b64([]byte(s)) },
		"base64 url":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("??>" + s + "~~~")) },
		"base64 of a row":  func(s string) string { return b64([]byte("17,\"Ada\",ref " + s + ",x")) },
		"base64 wrapped":   func(s string) string { return each(b64([]byte("x"+s)), "\n") },
		"base64 in labels": func(s string) string { e := b64([]byte("some " + s)); return e[:8] + "." + e[8:] + ".evil.example" },
		"base64 in dashes": func(s string) string { e := b64([]byte("some " + s)); return e[:7] + "-" + e[7:11] + "-" + e[11:] },
		"base64 twice":     func(s string) string { return b64([]byte(b64([]byte("note: " + s)))) },
		"base64 percent":   func(s string) string { return url.QueryEscape(b64([]byte("~~~???" + s))) },
		"base32":           func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) },
		"base32 lower labels": func(s string) string {
			e := strings.ToLower(strings.TrimRight(base32.StdEncoding.EncodeToString([]byte("a"+s)), "="))
			return e[:9] + "." + e[9:] + ".evil.example"
		},
		"hex":      func(s string) string { return hex.EncodeToString([]byte(s)) },
		"hex dump": func(s string) string { return strings.TrimSpace(fmt.Sprintf("% X", s)) },
		"hex 0x": func(s string) (o string) {
			for _, c := range []byte(s) {
				o += fmt.Sprintf("0x%02x,", c)
			}
			return o
		},
		"hex labels": func(s string) string {
			e := hex.EncodeToString([]byte(s))
			return e[:11] + "." + e[11:] + ".evil.example"
		},
		"gzip":           func(s string) string { return gz("rows: " + s) },
		"gzip in base64": func(s string) string { return b64([]byte(gz(strings.Repeat("row ", 50) + s))) },
		"zlib in hex":    func(s string) string { return hex.EncodeToString([]byte(zl("rows: " + s))) },
		"reversed":       reversed,
		"hex of base64":  func(s string) string { return hex.EncodeToString([]byte(b64([]byte(s)))) },
	} {
		for _, around := range []string{"%s", "https://api.example.org/v1/items?q=%s&page=2", "GET /a%%20b/%s HTTP/1.1", "abc%s", "ab%s", "x%s", `{"note":"%s"}`} {
			if strings.HasPrefix(name, "gzip") && name == "gzip" && around != "%s" {
				continue // a body begins with it
			}
			text := fmt.Sprintf(around, write(canary))
			hits := w.Find([]byte(text))
			if len(hits) != 1 || hits[0] != (Hit{Canary: true, Table: "ticket", Column: "body", As: hits[0].As}) {
				t.Errorf("%s in %q: %v", name, around, hits)
			}
		}
	}
}

// What is packed so that it is not all looked through is no secret way out.
func TestUnseen(t *testing.T) {
	gz := func(s string) string {
		return squeezed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, s)
	}
	b64 := base64.StdEncoding.EncodeToString
	hidden, bomb := gz("ref "+canary), b64([]byte(gz(strings.Repeat("no news. ", 100_000))))
	for name, text := range map[string]string{
		"behind a MiB":     gz(strings.Repeat(".", maxInflated) + canary),
		"behind decoys":    "\x1f\x8b\x08 x\x9c x\x01 " + hidden,
		"behind others":    gz("nothing") + "--" + hidden,
		"before others":    squeezed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, "ref "+canary) + gz("nothing"),
		"behind bombs":     bomb + " " + bomb + " " + bomb + " " + b64([]byte(hidden)),
		"beginnings":       strings.Repeat("\x1f\x8b\x08", maxPacked) + hidden,
		"beginnings, zlib": strings.Repeat("x\x9c", maxPacked) + hidden,
	} {
		hits := wired().Find([]byte(text))
		if len(hits) == 0 || !hits[0].Canary {
			t.Errorf("%s: %v", name, hits)
		}
	}
	noise := make([]byte, 300<<10)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise) //nolint:errcheck // it never fails
	found := 0
	s := Stream{Wires: wired()}
	for piece := range slices.Chunk([]byte(gz(string(noise)+strings.Repeat("row after row, and then ", 2000)+"\n"+canary+strings.Repeat(" row", 2000))), 256<<10) {
		found += len(s.Next(piece))
	}
	if found == 0 {
		t.Error("what is packed, and goes in two pieces, went unseen")
	}
	noise = noise[:100<<10] // it has escapes in it, by chance
	if hits := wired().Find([]byte(gz(string(noise) + strings.Repeat(" row", 2000) + canary))); len(hits) == 0 || hits[0].Unseen {
		t.Errorf("behind noise: %v", hits)
	}
	for range 20 { // what is no packing is taken for none
		random.Read(noise) //nolint:errcheck // it never fails
		if hits := wired().Find(noise); len(hits) > 0 {
			t.Errorf("noise: %v", hits)
		}
	}
	for name, text := range map[string]string{
		"text": strings.Repeat("a line of a report, "+b64([]byte("and what it means"))+"\n", 10_000), "gzip": gz(strings.Repeat("a line\n", 100_000)),
	} {
		if hits := wired().Find([]byte(text)); len(hits) > 0 {
			t.Errorf("%s: %v", name, hits)
		}
	}
	if hits := New(slices.Values([]Value{}), slices.Values([]Value{{"t", "c", "ada@example.org"}})).Find([]byte(gz(strings.Repeat(".", 2*maxInflated)))); len(hits) != 1 || hits[0] != (Hit{Unseen: true}) {
		t.Errorf("without canaries: %v", hits)
	}
}

// In pieces, wherever they are cut.
func TestStream(t *testing.T) {
	text := strings.Repeat("nothing to see here ", 200) + base64.StdEncoding.EncodeToString([]byte("Ada; ref "+canary)) + strings.Repeat(" and so on", 300)
	for size := 1; size < 64; size += 3 {
		s, found := &Stream{Wires: wired()}, 0
		for piece := range slices.Chunk([]byte(text), size) {
			found += min(len(s.Next(piece)), 1)
		}
		if found == 0 {
			t.Errorf("pieces of %d: nothing found", size)
		}
	}
}

func TestDistinctive(t *testing.T) {
	for value, want := range map[string]bool{
		"ada.lovelace@example.org": true, "+1 212-555-0123": true, "DE89 3704 0044 0532 0130 00": true, "4242 4242 4242 4242": true,
		"Ada Lovelace-King": true, "12 Main Street": true, "SKU-12345-XY": true, "https://shop.example.com/p/817": true,
		"shipped": false, "2025-01-31": false, "2025-01-31 10:00:00": false, "2025-01-31T10:00:00Z": false, "12345678": false, "Berlin": false,
		"international": false, "": false, "Lovelace": false, strings.Repeat("a long text about an order 1 ", 4): false,
	} {
		w := wired(Value{"t", "c", value})
		hits := w.Find([]byte("https://api.example.org/?q=" + url.QueryEscape(value)))
		if got := len(hits) == 1; got != want {
			t.Errorf("%q: %v", value, hits)
		}
	}
	// What many rows have is nobody's.
	many := slices.Repeat([]Value{{"orders", "shipping", "Overnight delivery 24h"}}, often+1)
	if hits := wired(many...).Find([]byte("overnight delivery 24h")); len(hits) > 0 {
		t.Error(hits)
	}
}

// Ordinary requests trip nothing, with many values wired.
func TestQuiet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var values []Value
	for i := range 100_000 {
		values = append(values,
			Value{"customer", "email", fmt.Sprintf("user%d.%x@example.org", i, random.Uint32())},
			Value{"customer", "phone", fmt.Sprintf("+1 %03d-555-%04d", random.IntN(1000), random.IntN(10000))},
			Value{"customer", "iban", fmt.Sprintf("DE%020d", random.Uint64())},
		)
	}
	w := wired(values...)
	if w.Len() < 250_000 {
		t.Fatalf("%d wired", w.Len())
	}
	alarms := 0
	for range 2000 {
		raw := make([]byte, 64)
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		text := fmt.Sprintf("GET https://pkg.example.org/simple/%x/?t=%d&sig=%s HTTP/1.1\r\nHost: pkg.example.org\r\nUser-Agent: pip/24.0\r\nX-Id: %x\r\n",
			random.Uint64(), random.Uint64(), base64.StdEncoding.EncodeToString(raw), raw)
		alarms += len(w.Find([]byte(text)))
	}
	if alarms > 0 {
		t.Errorf("%d false alarms in 2,000 requests", alarms)
	}
}

func FuzzViews(f *testing.F) {
	f.Add([]byte("%25%32%35 \\u00 &#x;&#9999999; aGVsbG8gd29ybGQhIQ== \x1f\x8b\x08\x00"))
	w := wired()
	f.Fuzz(func(t *testing.T, text []byte) {
		w.Find(text)
		if hits := w.Find(append(append(slices.Clone(text), ' '), hex.EncodeToString([]byte(canary))...)); len(hits) == 0 && !bytes.ContainsAny(text, "%\\&x") {
			t.Errorf("%q hides it", text)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	var values []Value
	for i := range 20_000 {
		values = append(values, Value{"c", "email", fmt.Sprintf("user%d.name@example.org", i)}, Value{"c", "url", fmt.Sprintf("https://shop.example.com/item/%d", i)})
	}
	w := wired(values...)
	text := bytes.Repeat([]byte("https://shop.example.com/index and user1 said: the order 12345 was sent, see log\n"), 2000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w.Find(text)
	}
}

// No text takes much longer than others of its length.
func TestNoTextIsSlow(t *testing.T) {
	const n = 64 << 10
	w := wired()
	took := func(text string) time.Duration {
		start := time.Now()
		w.Find([]byte(text[:n]))
		return time.Since(start)
	}
	bomb := squeezed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, strings.Repeat("a", maxInflated))
	usual := took(strings.Repeat("GET https://api.example.org/v1/items?q=a%20b&page=2 HTTP/1.1\r\n", n/50))
	for _, piece := range []string{"7", "A", "/", "Nzc3", "%25", "&#", "x\x9c", "\\u0041", "0x", "77 ", bomb, base64.StdEncoding.EncodeToString([]byte(bomb)) + " ", "aGVsbG8gd29ybGQh "} {
		if slow := took(strings.Repeat(piece, n/len(piece)+1)); slow > 100*usual+time.Second {
			t.Errorf("%.20q takes %s, an ordinary text %s", piece, slow, usual)
		} else {
			t.Logf("%.20q %s of %s", piece, slow, usual)
		}
	}
}
