package scan_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store/scan"
)

// Texts as sessions have them, thirty lines a field: code, documents, sums of
// modules, a listing, and rows of identifiers, digests and numbers. What is said
// to be found in them, but for the addresses that authors leave, is a false alarm.
func TestFalseAlarmsInRealText(t *testing.T) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		t.Fatal(err)
	}
	fields, alarms := 0, map[string]int{}
	read := func(text string) {
		lines := strings.SplitAfter(text, "\n")
		for len(lines) > 0 {
			field := strings.Join(lines[:min(30, len(lines))], "")
			lines = lines[min(30, len(lines)):]
			fields++
			for _, f := range s.Find(field) {
				if f.Rule != "email" {
					alarms[f.Rule+" "+field[max(0, f.Start-20):min(len(field), f.End+5)]]++
				}
			}
		}
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(root)), "src")
	for _, dir := range []string{"../../docs", "../../cmd", "../../runner", src + "/net/http", src + "/database", src + "/go", src + "/os", src + "/cmd/go/internal", src + "/encoding", src + "/runtime", src + "/archive", src + "/time", src + "/text"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := os.ReadFile(path)
			read(string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	read(string(sums))
	listing, err := exec.CommandContext(t.Context(), "ls", "-la", src, src+"/net", src+"/runtime").Output()
	if err != nil {
		t.Fatal(err)
	}
	read(string(listing))
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var rows, lock strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&rows, "%d,%08x-%04x-4%03x-a%03x-%012x,%064x,%d,2024-%02d-%02d %02d:%02d:%02d,%.2f,%06d-%04d,%03d %03d %04d,%09d,%011d\n",
			i, r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16, r.Uint64(), r.IntN(1e9), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60),
			r.Float64()*1000, r.IntN(1e6), r.IntN(1e4), r.IntN(1000), r.IntN(1000), r.IntN(10000), r.IntN(1e9), r.Int64N(1e11))
		fmt.Fprintf(&lock, "    \"node_modules/parse-passwd-%d\": {\n      \"version\": \"%d.%d.%d\",\n      \"integrity\": \"sha512-%s==\",\n      \"requires\": { \"token-types\": \"^%d.0.%d\", \"parse-passwd\": \"^1.0.%d\" }\n", i%100, r.IntN(20), r.IntN(20), r.IntN(20),
			b64(r, 86), r.IntN(20), r.IntN(20), r.IntN(9))
	}
	// Texts about passwords, drawings, measurements, addresses of memory, as programs and their manuals have them.
	var talk, drawn strings.Builder
	words := strings.Fields("password passwd passphrase pin token secret api_key access_token client_secret login user account latitude location position card phone")
	verbs := []string{"%s is required", "invalid %s", "%s: string;", "%s := read%s()", "func set(%s, value string) error {", "self.%s = %s", "the %s of the account", "--%s string   the %s to use", "\"%s\": {\"type\": \"string\"},", "%s: ${%s}", "%s=$%s", "<label for=\"%s\">Your %s</label>", "\"%s\": \"Enter your %s\",", "| %s | the %s, once |", "%s = config.%s", "if %s == nil || %s == \"\" {", "%s: optional", "Enter %s:", "%s_file: /run/secrets/%s", "%s, err := find(%s)"}
	for range 40_000 {
		w := words[r.IntN(len(words))]
		fmt.Fprintf(&talk, strings.ReplaceAll(verbs[r.IntN(len(verbs))], "%s", "%[1]s")+"\n", w)
		fmt.Fprintf(&drawn, "<path d=\"M%.5f,%.5f L %.5f,%.5f %.6f %.6f\"/> loss=%.6f acc=%.6f [%.5f, %.5f] 0x%08x %.7f,%.7f;%.7f,%.7f {\"lat\":%.2f,\"lng\":%.2f} t=%.6fs\n", r.Float64()*100, r.Float64()*100, r.Float64()*100, r.Float64()*100, r.Float64()*100, r.Float64()*100,
			r.Float64()*10, r.Float64(), r.Float64()*90, r.Float64()*90, r.Uint32(), r.Float64()*90, r.Float64()*90, r.Float64()*90, r.Float64()*90, r.Float64()*90, r.Float64()*90, r.Float64()*9)
	}
	read(talk.String())
	read(drawn.String())
	read(rows.String())
	read(lock.String())
	n := 0
	for _, times := range alarms {
		n += times
	}
	t.Logf("%d false alarms in %d fields", n, fields)
	if fields < 5000 || n*1000 >= fields {
		t.Errorf("seed %d: %d false alarms in %d fields: %v", seed, n, fields, alarms)
	}
}

func b64(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[r.IntN(64)]
	}
	return string(b)
}
