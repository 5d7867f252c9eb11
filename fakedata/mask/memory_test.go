package mask

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peakOf masks a file in a process of its own, this test binary, and returns
// the most memory that it held at once, in KiB.
func peakOf(t *testing.T, from string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMaskInChild$", "-test.v")
	cmd.Env = append(os.Environ(), "MASK_CHILD="+from, "GOMEMLIMIT=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peak, err := strconv.Atoi(string(regexp.MustCompile(`peak (\d+)`).FindSubmatch(out)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

func TestMaskInChild(t *testing.T) {
	from := os.Getenv("MASK_CHILD")
	if from == "" {
		t.Skip("only as a child of TestMemoryDoesNotGrow")
	}
	began := time.Now()
	_, p := masked(t, from, filepath.Base(from), "")
	status := string(read(t, "/proc/self/status"))
	fmt.Printf("peak %s rows %d seconds %.1f\n", regexp.MustCompile(`VmHWM:\s+(\d+)`).FindStringSubmatch(status)[1], p.Rows, time.Since(began).Seconds())
}

// people writes a CSV file of so many rows, each value of which is another.
func people(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,full_name,email,phone,birth_date,amount,notes,created_at,code\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,Person%c%d Family%d,p%d@corp%d.com,+1 212 %03d %04d,19%02d-0%d-1%d,%d.%02d,note %d of somebody,2024-01-%02d 10:%02d:00,C-%08d\n",
			i+1, 'a'+i%26, i, i*7, i, i%999, i/10000%1000, i%10000, i%100, 1+i%9, i%10, i, i%100, i, 1+i%28, i%60, i*3)
	}
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Four times the rows, each with values of its own, take hardly more memory.
// MASK_ROWS=150000 is enough to fill all that is bounded: the set of the
// originals (32 MiB), the pages of the ledger and the pseudonyms at hand. It
// takes minutes, so it runs only when asked to.
func TestMemoryDoesNotGrow(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("MASK_ROWS"))
	if err != nil {
		t.Skip("set MASK_ROWS=150000 to run it")
	}
	few, many := peakOf(t, people(t, rows)), peakOf(t, people(t, 4*rows))
	t.Logf("%d rows: %d MiB; %d rows: %d MiB", rows, few>>10, 4*rows, many>>10)
	if many*10 > few*12 {
		t.Errorf("four times the rows take %.2f times the memory", float64(many)/float64(few))
	}
}
