package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An edited plan serves a session as it serves data generate, and is recorded.
func TestPlanServesSessions(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("plan.toml", "schema = 'shop'\nrows = 200\n[table.customers.columns]\nstatus = { values = ['blocked'] }\n")
	h.file("glovebox.toml", "[data]\nplan = 'plan.toml'\n")
	out, errOut, code := h.run("box", "run", "--data", "shop", "--", "sqlite3", "/data/shop.db",
		"SELECT DISTINCT status FROM customers; SELECT count(*) FROM order_items")
	if code != 0 || out != "blocked\n200\n" {
		t.Fatalf("exit %d: in the box there is %q\n%s", code, out, errOut)
	}
	out, errOut, code = h.run("replay", "last", "--json")
	if code != 0 || !strings.Contains(out, `"plan":"schema = 'shop'`) {
		t.Errorf("exit %d: the recipe holds no plan: %.2000s%s", code, out, errOut)
	}
	h.file("plan.toml", "schema = 'shop'\n[table.customer]\nrows = 3\n")
	if _, errOut, code := h.run("box", "run", "--data", "shop", "--", "true"); code != 2 || !strings.Contains(errOut, "did you mean customers?") {
		t.Errorf("a plan of no table: exit %d, %s", code, errOut)
	}
}

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
