package scan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"glovebox/store/scan"
	"glovebox/store/scan/planted"
)

// around are the places in which something is planted.
var around = []string{"%s", "line before\n%s\nline after", "see: %s, and more", `{"a":"%s"}`, "(%s)"}

func TestFindsWhatIsPlanted(t *testing.T) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(planted.Secrets(rand.New(rand.NewPCG(1, 1)))); n < 30 {
		t.Errorf("only %d kinds of secrets", n)
	}
	check := func(name, text, where string) {
		parts := strings.Split(text, "|")
		text = fmt.Sprintf(where, strings.Join(parts, ""))
		out, found := s.Redact(text)
		if strings.Contains(out, parts[1]) || len(found) == 0 {
			t.Errorf("%s in %q: left %q", name, where, out)
		}
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 7))
		for _, where := range around {
			for name, text := range planted.Secrets(r) {
				check(name, text, where)
			}
		}
	}
	for _, where := range around {
		for name, text := range planted.Personal() {
			check(name, text, where)
		}
	}
}

func TestLeavesAlone(t *testing.T) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"customer42@example.org wrote to support@shop.example from 192.0.2.17, phone +1 (212) 555-0142",
		"git clone git@github.com:org/repo.git && npm install foo@1.2.3 @types/node",
		"2024-03-12 14:05:09.123456 INFO listening on 127.0.0.1:8080 (10.0.0.3)",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"the primary key of orders is order_id; foreign key customer_id",
		"password = os.environ['DB_PASSWORD']", "token = get_token()", "SELECT key, value FROM settings",
		"1732375245123456 1732375245 0.1234567890123456 1234-5678", "v1.2.3.4", "call_0123456789abcdef",
		"7f3c9a52-1d3e-4b5a-9c8d-0e1f2a3b4c5d", "-rw-r--r-- 1 root root 4096 2024-01-02 03:04 file", "ABC-123-456-789",
		// what synthetic data is made of
		`{"card_number":"4000003560000008","phone":"020 915 0679","iban":"XX00TEST000000053922"}`, "+49 30 23125 234, +33 1 99 00 73 60, +46 40 628 04 78, phone = 029 2018 0113, tel 0117 496 0010",
		"Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile", "libibverbs.so.1.14.44.0", `ObjectIdentifier("2.5.29.14")`, "resolver 8.8.8.8, 1.1.1.1:53 or [2606:4700:4700::1111]:53",
		`"parse-passwd": "^1.0.0"`, "/etc/passwd: root:x:0:0:root:/root:/bin/sh", "s.onceSetNextProtoDefaults()", `{"account_id":100000001,"phone_id":12345678}`, "SWIFT LANGUAGE", "account_id 600, card_id 12, phone_verified 1, pan 3, sin(123456789)",
		"the phone rang 3 times; the card was lost on 2024-03-12; account 42; born to run; a cookie: no", "--password-file=/run/secrets/db1 --token $TOKEN --secret <name>", "password is required, password must have 8 characters",
		`{"query":"SELECT count(*) FROM orders WHERE created_at > '2024-01-01'"}`,
	} {
		if out, found := s.Redact(text); len(found) > 0 {
			t.Errorf("%s\nbecame %s", text, out)
		}
	}
}

func TestOwnPatternsAndNames(t *testing.T) {
	s, err := scan.New(scan.Own, `project-(\w+)`, `ticket \d+`)
	if err != nil {
		t.Fatal(err)
	}
	s.AddName("user", "ada")
	s.AddName("home", "/home/ada")
	out, _ := s.Redact("project-falcon, ticket 4711, ada in /home/ada/x, adam, Canada, a@ada")
	if want := "project-[redacted: pattern-1], [redacted: pattern-2], [redacted: user] in [redacted: home]/x, adam, Canada, a@[redacted: user]"; out != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if _, err := scan.New(scan.Own, `(`); err == nil {
		t.Error("a pattern that is none was accepted")
	}
}

func FuzzRedact(f *testing.F) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range planted.Personal() {
		f.Add(strings.ReplaceAll(text, "|", ""))
	}
	for _, text := range planted.Secrets(rand.New(rand.NewPCG(1, 1))) {
		f.Add(strings.ReplaceAll(text, "|", ""))
	}
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, found := range s.Find(text) {
			if found.Start < at || found.End <= found.Start || found.End > len(text) || found.Rule == "" {
				t.Fatalf("%+v in %d bytes, after %d", found, len(text), at)
			}
			at = found.End
		}
	})
}

// BenchmarkFind is the speed over text as sessions have it.
func BenchmarkFind(b *testing.B) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	texts := map[string]string{}
	words := strings.Fields("the agent looks at orders and customers key value token of a table access api password author secret in order to select count refund from where date error warning")
	var log, sql, code strings.Builder
	for log.Len() < 1<<20 {
		fmt.Fprintf(&log, "2024-03-%02dT10:11:12Z INFO %s %s %d %s\n", 1+r.IntN(28), words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(100_000), planted.Token(r, 8))
	}
	for sql.Len() < 1<<20 {
		fmt.Fprintf(&sql, "%d|Grete Muster|grete%d@example.org|+1 212-555-01%02d|%.2f|2024-01-%02d\n", r.IntN(100_000), r.IntN(1000), r.IntN(100), r.Float64()*100, 1+r.IntN(28))
	}
	for code.Len() < 1<<20 {
		fmt.Fprintf(&code, "\tif %s := %s[%q]; %s != nil { return fmt.Errorf(\"%s: %%w\", %s) }\n", words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))])
	}
	texts["log"], texts["sql"], texts["code"] = log.String(), sql.String(), code.String()
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s.Find(text)
			}
		})
	}
}
