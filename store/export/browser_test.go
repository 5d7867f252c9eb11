package export_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/export"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A visit is a real browser with a page open from disk.
type visit struct {
	ctx context.Context
	mu  sync.Mutex
	log []string // errors, and requests to anything but the page
}

func open(t *testing.T, src export.Source) *visit {
	t.Helper()
	page := filepath.Join(t.TempDir(), "session.html")
	f, err := os.Create(page)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	if err := export.HTML(w, src); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	return browse(t, page)
}

// browse opens a page from disk.
func browse(t *testing.T, page string) *visit {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed: glovebox setup --for-tests")
	}
	const patience = 5 * time.Minute // only a failing test uses it up; a browser's first start on a slow disk takes its time
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.WSURLReadTimeout(patience), chromedp.WindowSize(1200, 900),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses otherwise
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	v := &visit{ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, "file://"+page) && !strings.HasPrefix(ev.Request.URL, "data:,") {
				v.log = append(v.log, "request to "+ev.Request.URL)
			}
		case *cdpruntime.EventExceptionThrown:
			v.log = append(v.log, "exception: "+ev.ExceptionDetails.Error())
		case *cdpruntime.EventConsoleAPICalled:
			v.log = append(v.log, fmt.Sprintf("console: %v", ev.Type))
		}
	})
	v.do(t, network.Enable(), chromedp.Navigate("file://"+page))
	return v
}

func (v *visit) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(v.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, v *visit, js string) (got T) {
	t.Helper()
	v.do(t, chromedp.Evaluate(js, &got, func(p *cdpruntime.EvaluateParams) *cdpruntime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return got
}

// until waits for a condition. chromedp's own way needs eval, which the page's
// policy forbids.
func until(js string) chromedp.Action {
	var ok bool
	return chromedp.Evaluate(`new Promise(yes => { const look = () => (`+js+`) ? yes(true) : setTimeout(look, 10); look(); })`, &ok,
		func(p *cdpruntime.EvaluateParams) *cdpruntime.EvaluateParams { return p.WithAwaitPromise(true) })
}

// quiet says that nothing was asked for and nothing went wrong.
func (v *visit) quiet(t *testing.T) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, line := range v.log {
		t.Error(line)
	}
}

const shown = `Array.from(document.querySelectorAll(".ev")).filter(e => e.checkVisibility()).length`

func TestThePageInABrowser(t *testing.T) {
	src := record(t, nil, aSession()...)
	v := open(t, src)
	if n := ask[int](t, v, shown); n != len(src.Events) {
		t.Errorf("%d events are shown, want %d", n, len(src.Events))
	}
	// Search, and back.
	// The protocol types the key that focuses, too, which a keyboard would not.
	v.do(t, chromedp.KeyEvent("/"), chromedp.Evaluate(`document.activeElement.value = ""`, nil), chromedp.KeyEvent("nobody"), until(`document.getElementById("hits").textContent === "1 of 11"`))
	if n := ask[int](t, v, shown); n != 1 {
		t.Errorf("the search left %d", n)
	}
	if n := ask[int](t, v, `CSS.highlights.get("found").size`); n != 1 {
		t.Errorf("%d places are marked", n)
	}
	v.do(t, chromedp.KeyEvent("\u001b"), until(shown+" === 11"))
	// Filter by kind.
	v.do(t, chromedp.Evaluate(`document.querySelector("[data-kind=model]").click()`, nil))
	if n := ask[int](t, v, shown); n != 7 {
		t.Errorf("without what is the model's there are %d", n)
	}
	v.do(t, chromedp.Evaluate(`document.querySelector("[data-kind=model]").click()`, nil))
	// Fold, by button and by key.
	v.do(t, chromedp.Evaluate(`document.getElementById("fold").click()`, nil))
	if n := ask[int](t, v, `document.querySelectorAll(".ev[open]").length`); n != 0 {
		t.Errorf("%d are still open", n)
	}
	v.do(t, chromedp.Evaluate(`document.activeElement.blur()`, nil), chromedp.KeyEvent("u"))
	if n := ask[int](t, v, `document.querySelectorAll(".ev[open]").length`); n != 11 {
		t.Errorf("%d are open", n)
	}
	// Jump, by field and by keys.
	v.do(t, chromedp.SetValue("#to", "7"), chromedp.Evaluate(`document.getElementById("to").onchange()`, nil))
	if id := ask[string](t, v, `document.querySelector(".here").id`); id != "e7" {
		t.Errorf("jumped to %s", id)
	}
	v.do(t, chromedp.KeyEvent("j"))
	for _, width := range []int64{1200, 420} { // the bar has one line, or three
		v.do(t, chromedp.EmulateViewport(width, 300), chromedp.Evaluate(`document.getElementById("to").onchange()`, nil),
			until(`document.querySelector(".here").getBoundingClientRect().top >= document.getElementById("bar").getBoundingClientRect().bottom`))
		if wide := ask[int](t, v, `document.documentElement.scrollWidth`); wide > int(width) {
			t.Errorf("at %d the page is %d wide", width, wide)
		}
	}
	v.do(t, chromedp.EmulateViewport(1200, 900), chromedp.KeyEvent("j"))
	if id := ask[string](t, v, `document.querySelector(".here").id`); id != "e8" {
		t.Errorf("the next is %s", id)
	}
	// Copy.
	v.do(t, browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite}),
		chromedp.Evaluate(`location.hash = "#e9"`, nil), until(`document.querySelector(".here").id === "e9"`),
		chromedp.KeyEvent("c"), until(`document.getElementById("said").textContent === "copied 7 characters"`))
	if text := ask[string](t, v, `navigator.clipboard.readText()`); text != "Nobody." {
		t.Errorf("copied %q", text)
	}
	// Dark and light.
	before := ask[string](t, v, `getComputedStyle(document.body).backgroundColor`)
	v.do(t, chromedp.KeyEvent("t"))
	if after := ask[string](t, v, `getComputedStyle(document.body).backgroundColor`); after == before {
		t.Errorf("still %s", after)
	}
	v.quiet(t)
	if path := os.Getenv("GLOVEBOX_SCREENSHOT"); path != "" {
		var png []byte
		v.do(t, chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(path, png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What an agent or a model may write to get out of the page.
func TestAHostileSessionInABrowser(t *testing.T) {
	evil := `</pre></details><script>window.hit=1</script><img src=x onerror="window.hit=2"><a href="javascript:window.hit=3" id=evil>x</a>` +
		`<svg onload=window.hit=4><iframe src="https://evil.example/"><style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>` +
		"\u202egnp.exe\u2066 \x1b]0;x\x07 \x00 \u2028 ]]> --> <!-- ${window.hit=5} {{1}} &lt;script&gt; </title></style></textarea>"
	long := strings.Repeat("<b>M", 5<<20/4)
	args, _ := json.Marshal(map[string]string{"command": evil, evil: evil})
	src := record(t, nil,
		store.Prompt{Text: evil},
		store.ModelResponse{Turn: 1, Model: evil, Text: evil, Reasoning: evil, FinishReason: evil, Usage: &store.Usage{Input: 5}, DurationMS: 5, ToolCalls: []store.CallSpec{{ID: evil, Name: evil, Arguments: evil}}},
		store.Decision{Tool: evil, Verdict: evil, Reason: evil, Rule: evil, By: evil},
		store.ToolCall{CallID: "a", Tool: evil, Arguments: args},
		store.ToolResult{CallID: "a", Tool: evil, Stdout: long, Stderr: evil, Signal: evil, DurationMS: 7},
		store.Egress{Host: evil, Method: evil, Decision: "deny", Reason: evil},
		store.Failure{Code: evil, Message: evil},
		store.BoxDiff{Changes: []store.FileChange{{Path: evil, Change: "added", Patch: evil}}},
		store.SessionEnded{Status: "failed", Reason: evil},
		store.Note{By: evil, Title: evil, Text: evil, Score: &store.Score{Name: evil}},
	)
	v := open(t, src)
	v.do(t, chromedp.Evaluate(`document.getElementById("open").click()`, nil))
	if hit := ask[string](t, v, `String(window.hit)`); hit != "undefined" {
		t.Errorf("script %s ran", hit)
	}
	if n := ask[int](t, v, shown); n != len(src.Events) {
		t.Errorf("%d events are shown, want %d", n, len(src.Events))
	}
	for what, js := range map[string]string{
		"elements of its own": `document.querySelectorAll("main script, main img, main iframe, main style, main link, main svg, #evil").length`,
		"attributes":          `Array.from(document.querySelectorAll("*")).filter(e => Array.from(e.attributes).some(a => a.name.startsWith("on"))).length`,
		"links elsewhere":     `Array.from(document.querySelectorAll("a")).filter(a => !/^#e\d+$/.test(a.getAttribute("href"))).length`,
		"sideways scrolling":  `Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)`,
		"signs that act":      `(document.documentElement.textContent.match(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069\u2028]/g) || []).length`,
	} {
		if n := ask[int](t, v, js); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	v.quiet(t)
}

// Ten thousand events: how long until the page can be used is logged, and held
// against a page of a hundred.
func TestALongSessionInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	var bodies []store.Body
	for i := range 2500 {
		bodies = append(bodies,
			store.ModelResponse{Turn: i, Text: fmt.Sprintf("Answer %d: I look at the next table.", i), Usage: &store.Usage{Input: i}, DurationMS: float64(i % 100)},
			store.Decision{CallID: "a", Tool: "shell", Verdict: "allow", By: "policy"},
			store.ToolCall{CallID: "a", Tool: "shell", Arguments: json.RawMessage(`{"command":"sqlite3 /data/shop.db .tables"}`)},
			store.ToolResult{CallID: "a", Tool: "shell", Exit: exit(0), Stdout: strings.Repeat("customers orders refunds\n", 12), DurationMS: 3})
	}
	src := export.Source{Summary: store.Summary{ID: "long", Model: "m", Status: "done"}}
	for i, body := range bodies {
		src.Events = append(src.Events, store.Event{Session: "long", Seq: int64(i + 1), At: time.UnixMilli(int64(i)).UTC(), Body: body})
	}
	v := open(t, src)
	usable := ask[float64](t, v, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`)
	search := ask[float64](t, v, `(() => { const t = performance.now(); document.getElementById("q").value = "answer 2499"; document.getElementById("q").oninput();
		return new Promise(r => { const w = () => document.getElementById("hits").textContent ? r(performance.now() - t) : setTimeout(w, 5); w(); }); })()`)
	if n := ask[int](t, v, `Array.from(document.querySelectorAll(".ev:not([hidden])")).length`); n != 1 {
		t.Errorf("the search left %d", n)
	}
	t.Logf("%d events: usable after %.0f ms, first search %.0f ms", len(src.Events), usable, search)
	v.quiet(t)
}

// asciinema 3's own player plays version 3, with its markers. Which one says
// ASCIINEMA_PLAYER, the directory of the package as npm unpacks it.
func TestCastInThePlayer(t *testing.T) {
	dir := os.Getenv("ASCIINEMA_PLAYER")
	if dir == "" {
		t.Skip("make cast-test has the player")
	}
	player, err := os.ReadFile(filepath.Join(dir, "dist", "bundle", "asciinema-player.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	src := record(t, nil, aSession()...)
	var cast strings.Builder
	if err := export.Cast(&cast, src, 3); err != nil {
		t.Fatal(err)
	}
	recording, err := json.Marshal(cast.String())
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "player.html")
	err = os.WriteFile(page, fmt.Appendf(nil, `<!doctype html><meta charset="utf-8"><div id="player"></div><script>%s</script><script>
		var markers = [], ended = false, failed = "";
		var player = AsciinemaPlayer.create({data: %s}, document.getElementById("player"), {speed: 50, fit: false});
		player.addEventListener("marker", m => markers.push(m.label));
		player.addEventListener("ended", () => { ended = true; });
		player.play().catch(e => { failed = String(e); });
	</script>`, player, recording), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	v := browse(t, page)
	v.do(t, until(`ended || failed`))
	if failed := ask[string](t, v, `failed`); failed != "" {
		t.Errorf("the player: %s", failed)
	}
	if screen := ask[string](t, v, `document.querySelector(".ap-term-text").innerText`); !strings.Contains(screen, "session ended: done") {
		t.Errorf("the last screen:\n%s", screen)
	}
	// It does not pass a marker at the very beginning, where it starts.
	if got, want := ask[int](t, v, `markers.length`), strings.Count(cast.String(), `,"m",`)-1; want < 7 || got != want {
		t.Errorf("%d of %d markers", got, want)
	}
	v.quiet(t)
}
