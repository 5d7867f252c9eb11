package fakedata

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// machineText is what machines write to each other; nil: c is none of it.
func (t *table) machineText(c *column) func(i int64) string {
	switch c.kind {
	case "url":
		if name := t.nameColumn(); name != nil && (t.theme == "company" || t.theme == "store") {
			return func(i int64) string { return "https://www." + slug(show(name.cell(i))) + ".test/" }
		}
		return t.drawn(c, func(s *stream, _ int64) string {
			return "https://www.example.com/" + strings.ToLower(choose(s, nouns())) + "/" + strconv.FormatInt(s.n(9000)+1000, 10)
		})
	case "ip":
		nets := []string{"192.0.2.", "198.51.100.", "203.0.113."}
		return t.drawn(c, func(s *stream, _ int64) string { return choose(s, nets) + strconv.FormatInt(1+s.n(254), 10) })
	case "mac":
		return t.drawn(c, func(s *stream, _ int64) string { return "00:00:5e:00:53:" + hexText(s, 2) })
	case "uuid":
		return t.drawn(c, func(s *stream, _ int64) string {
			h := hexText(s, 32)
			return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
		})
	case "hex", "password":
		n := 40
		if size, _ := typeSize(c.Type); size > 0 {
			n = min(64, size)
		}
		return t.drawn(c, func(s *stream, _ int64) string { return hexText(s, n) })
	case "agent":
		return t.drawn(c, func(s *stream, _ int64) string { return userAgent(s) })
	case "slug":
		if name := t.nameColumn(); name != nil {
			return func(i int64) string { return slug(show(name.cell(i))) }
		}
		return t.drawn(c, func(s *stream, _ int64) string {
			return strings.ToLower(choose(s, adjectives()) + "-" + choose(s, nouns()))
		})
	case "filename":
		return t.drawn(c, func(s *stream, _ int64) string {
			return strings.ToLower(choose(s, nouns())) + choose(s, []string{".pdf", ".png", ".jpg", ".csv", ".txt", ".docx"})
		})
	case "path":
		return t.drawn(c, func(s *stream, _ int64) string {
			return "/srv/" + strings.ToLower(choose(s, nouns())) + "/" + strings.ToLower(choose(s, nouns())) + ".dat"
		})
	case "image":
		return t.drawn(c, func(s *stream, _ int64) string {
			return "https://img.example.com/" + strconv.FormatInt(s.n(90000)+10000, 10) + ".jpg"
		})
	case "semver":
		return t.drawn(c, func(s *stream, _ int64) string { return fmt.Sprintf("%d.%d.%d", s.n(6), s.n(20), s.n(30)) })
	case "json":
		return t.drawn(c, func(s *stream, _ int64) string {
			return fmt.Sprintf(`{"source":%q,"score":%d,"verified":%t}`, choose(s, []string{"web", "app", "store"}), s.n(100), s.chance(70))
		})
	}
	return nil
}

// codeText is what stands on goods, cards and forms in letters and digits; nil: c is none of it.
func (t *table) codeText(c *column) func(i int64) string {
	switch c.kind {
	case "sku", "code":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "@@@") + "-" + fill(s, "%%%%%") })
	case "barcode":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "20%%%%%%%%%%%") })
	case "isbn":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "979-0-%%%%-%%%%-%") })
	case "card":
		return func(i int64) string { return t.card(i) }
	case "last4":
		return func(i int64) string { return t.card(i)[len(t.card(i))-4:] }
	case "cvv":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "%%%") })
	case "iban":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "XX00TEST%%%%%%%%%%%%") })
	case "bic":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "TEST@@") + "XX" })
	case "extension":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "%%%%") })
	case "taxid":
		return t.drawn(c, func(s *stream, _ int64) string { return fill(s, "000-%%-%%%%") })
	}
	return nil
}

// card is the card number of row i, one of those that payment services publish
// for tests.
func (t *table) card(i int64) string {
	s := t.latents.person.sub("\x00card").at(i)
	return choose(&s, strings.Fields("4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444 5105105105105100 5200828282828210 "+
		"2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424 3056930009020004 36227206271667 3566002020360505 6200000000000005 "+
		"4000000760000002 4000001240000000 4000004840008001 4000000560000004 4000000400000008 4000002080000001 4000002460000001 4000002500000003 "+
		"4000002760000016 4000003800000008 4000005280000002 4000005780000007 4000006160000005 4000007240000007 4000007520000008 4000007560000009 "+
		"4000008260000000 4000000360000006 4000003560000008 4000003920000003 4000001560000002"))
}

func hexText(s *stream, n int) string {
	var b []byte
	for len(b)*2 < n {
		b = binary.BigEndian.AppendUint64(b, s.Uint64())
	}
	return hex.EncodeToString(b)[:n]
}
