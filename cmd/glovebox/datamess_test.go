package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The defects are in the box, their key is not.
func TestAnswerKeyStaysOutside(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.set("XDG_DATA_HOME", filepath.Join(h.dir, "share"))
	h.file("glovebox.toml", "[data]\nmess = 0.1\nrows = 300\n")
	out, errOut, code := h.run("box", "run", "--data", "shop", "--json", "--", "sh", "-c",
		"find /data -type f | sort; sqlite3 /data/shop.db \"SELECT count(*) > 0 FROM pragma_foreign_key_check\"; grep -rilE 'defect|orphan|answer' /data/DATA.md")
	if code != 1 && code != 0 {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	if !strings.Contains(out, `/data/DATA.md\n/data/shop.db\n1\n"`) {
		t.Errorf("in the box there is: %s", out)
	}
	keys, err := filepath.Glob(filepath.Join(h.dir, "share", "glovebox", "answers", "*.jsonl"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("answer keys: %v, %v", keys, err)
	}
	if key, err := os.ReadFile(keys[0]); err != nil || !strings.Contains(string(key), `"kind":"orphan"`) {
		t.Errorf("the key holds %.200s, %v", key, err)
	}
	id := strings.TrimSuffix(filepath.Base(keys[0]), ".jsonl")
	if out, errOut, code := h.run("data", "score", id, keys[0]); code != 0 || !strings.Contains(out, "recall 1.000") {
		t.Errorf("scoring by session: exit %d, %s%s", code, out, errOut)
	}
}
