package export

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page's style and script
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"glovebox/store"
)

//go:embed page.css
var style string

//go:embed page.js
var script string

// foldFrom is from how many lines on a text is folded; chunk is how much of a
// text is laid out at once.
const (
	foldFrom = 30
	chunk    = 64 << 10
)

// HTML writes one page that holds everything and asks for nothing: no file, no
// address, no font. Its policy lets only its own script run, by hash.
func HTML(w io.Writer, src Source) error {
	out := bufio.NewWriter(w)
	sum := sha256.Sum256([]byte(script))
	p := page{out}
	p.raw(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`)
	p.raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-` +
		base64.StdEncoding.EncodeToString(sum[:]) + `'; base-uri 'none'; form-action 'none'">`)
	p.raw(`<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>`)
	p.text(src.title())
	p.raw(`</title><style>` + style + `</style></head><body><header><p class="kind">glovebox session</p><h1>`)
	p.text(src.title())
	p.raw(`</h1><dl>`)
	for _, f := range src.facts() {
		class := f[0]
		if f[0] == "result" && f[1] != "done" {
			class += " not"
		}
		p.raw(`<div class="` + class + `"><dt>`)
		p.text(f[0])
		p.raw(`</dt><dd>`)
		p.text(f[1])
		p.raw(`</dd></div>`)
	}
	p.raw(`</dl>`)
	p.removals(src)
	p.charts(src)
	p.raw(toolbar + `</header><main>`)
	for _, e := range src.Events {
		p.event(e)
	}
	p.raw(`</main><p id="none" hidden>Nothing here says that.</p><div id="said" role="status"></div><script>` + script + `</script></body></html>` + "\n")
	return out.Flush()
}

const toolbar = `<nav id="bar" hidden><input id="q" type="search" placeholder="search  ( / )" aria-label="search" autocomplete="off"><span id="hits"></span>` +
	`<span id="kinds" role="group" aria-label="show or hide"></span><span class="tools"><input id="to" size="5" placeholder="step" aria-label="jump to step" inputmode="numeric">` +
	`<button id="fold" title="fold all ( f )">fold</button><button id="open" title="unfold all ( u )">unfold</button>` +
	`<button id="theme" title="dark or light ( t )" aria-label="dark or light">◐</button>` +
	`<button id="help" aria-label="keys" title="keys ( ? )">?</button></span></nav>` +
	`<dialog id="keys" aria-label="keys"><table><tr><td><kbd>/</kbd><td>search<tr><td><kbd>j</kbd> <kbd>k</kbd><td>next step, step before<tr><td><kbd>o</kbd><td>fold or unfold it` +
	`<tr><td><kbd>c</kbd><td>copy it<tr><td><kbd>f</kbd> <kbd>u</kbd><td>fold, unfold all<tr><td><kbd>g</kbd><td>jump to a step<tr><td><kbd>t</kbd><td>dark or light` +
	`<tr><td><kbd>Esc</kbd><td>clear the search</table><form method="dialog"><button>close</button></form></dialog>`

type page struct{ out *bufio.Writer }

func (p page) raw(s string) { p.out.WriteString(s) } //nolint:errcheck // Flush returns it

// text writes what came from anywhere: sanitised, escaped.
func (p page) text(s string) { p.raw(html.EscapeString(store.Clean(s))) }

func (p page) removals(src Source) {
	if len(src.Removals) == 0 {
		return
	}
	p.raw(`<details class="gone"><summary>what was taken out, and where</summary><table><tr><th>step<th>field<th>rule<th>times</tr>`)
	for _, r := range src.Removals {
		p.raw(fmt.Sprintf(`<tr><td><a href="#e%d">%d</a><td>`, r.Seq, r.Seq))
		p.text(r.Field)
		p.raw(`<td>`)
		p.text(r.Rule)
		p.raw(fmt.Sprintf(`<td>%d</tr>`, r.Times))
	}
	p.raw(`</table></details>`)
}

func (p page) event(e store.Event) {
	it := describe(e)
	open, class := " open", "ev "+it.class
	if it.quiet {
		open, class = "", class+" quiet"
	}
	if it.failed {
		class += " failed"
	}
	if len(it.blocks) == 0 {
		class += " bare"
	}
	p.raw(fmt.Sprintf(`<details class="%s" id="e%d"%s><summary><a href="#e%d">%d</a><time>%s</time><b>`, class, e.Seq, open, e.Seq, e.Seq, e.At.Format("15:04:05")))
	p.text(store.CleanLine(it.head))
	p.raw(`</b>`)
	if it.line != "" {
		p.raw(` <code>`)
		p.text(store.CleanLine(it.line))
		p.raw(`</code>`)
	}
	if it.with != "" {
		p.raw(` <small>`)
		p.text(store.CleanLine(it.with))
		p.raw(`</small>`)
	}
	p.raw(`</summary>`)
	for _, b := range it.blocks {
		text := strings.TrimRight(b.text, "\n")
		if b.aside {
			p.piece(store.CleanLine(b.label), text[:min(len(text), chunk)])
			continue
		}
		if b.label != "" {
			p.raw(`<h3>`)
			p.text(store.CleanLine(b.label))
			p.raw(`</h3>`)
		}
		if laid := ""; it.class == "model" && b.said && b.label == "" {
			if laid = prose(text); laid != "" {
				p.raw(`<div class="md">` + laid + `</div>`)
				continue
			}
		}
		class := ""
		if b.said && !strings.Contains(text, "\n|") && !strings.Contains(text, "```") { // a table wants its columns
			class = "said"
		}
		p.block(class, text)
	}
	p.raw("</details>\n")
}

// block writes a text, folded where it is long. A very long one is cut into
// pieces, each folded: a browser lays out only what is open.
func (p page) block(class, text string) {
	if strings.Count(text, "\n") < foldFrom && len(text) < 4096 {
		p.raw(`<pre class="` + class + `">`)
		p.text(text)
		p.raw(`</pre>`)
		return
	}
	p.raw(`<pre class="head ` + class + `">`)
	p.text(start(text))
	p.raw(`</pre>`)
	for from := 0; from < len(text); {
		to := min(len(text), from+chunk)
		for to < len(text) && to > from+chunk-4 && text[to]&0xc0 == 0x80 {
			to--
		}
		what := "all: " + store.Plural(strings.Count(text, "\n")+1, "line") + ", " + store.Plural(len(text), "byte")
		if len(text) > chunk {
			what = fmt.Sprintf("bytes %d to %d of %d", from+1, to, len(text))
		}
		p.piece(what, text[from:to])
		from = to
	}
}

// piece writes a text that is folded.
func (p page) piece(what, text string) {
	p.raw(`<details class="more"><summary>`)
	p.text(what)
	p.raw(`</summary><pre>`)
	p.text(text)
	p.raw(`</pre></details>`)
}

// start is the first lines of a text.
func start(text string) string {
	lines := strings.SplitAfterN(text, "\n", 9)
	if len(lines) == 9 {
		text = strings.Join(lines[:8], "")
	}
	if len(text) > 1000 {
		text = text[:1000]
	}
	return strings.ToValidUTF8(text, "") + "…"
}

// charts are tokens, money and time by step, as bars.
func (p page) charts(src Source) {
	var tokens, cost, seconds []bar
	for _, e := range src.Events {
		switch b := e.Body.(type) {
		case store.ModelResponse:
			if b.Usage != nil {
				n := b.Usage.Input + b.Usage.Output
				tokens = append(tokens, bar{e.Seq, "model", float64(n), fmt.Sprintf("%d tokens", n)})
			}
			if c := b.Charge; c != nil && !c.Notional {
				cost = append(cost, bar{e.Seq, "model", float64(c.PicoUSD), fmt.Sprintf("$%.4f", float64(c.PicoUSD)/1e12)})
			}
			seconds = append(seconds, bar{e.Seq, "model", b.DurationMS, "model, " + took(b.DurationMS)})
		case store.ToolResult:
			seconds = append(seconds, bar{e.Seq, "tool", b.DurationMS, b.Tool + ", " + took(b.DurationMS)})
		}
	}
	p.raw(`<div class="charts">`)
	p.chart("tokens", tokens)
	p.chart("cost", cost)
	p.chart("time", seconds)
	p.raw(`</div>`)
}

type bar struct {
	seq   int64
	whose string // model or tool
	value float64
	says  string
}

// chart draws at most 200 bars: of more, the largest of each stretch.
func (p page) chart(name string, bars []bar) {
	var most bar
	for _, b := range bars {
		if b.value > most.value {
			most = b
		}
	}
	if len(bars) < 2 || most.value <= 0 {
		return
	}
	width := (len(bars) + 199) / 200
	var shown []bar
	for i := 0; i < len(bars); i += width {
		best := bars[i]
		for _, b := range bars[i:min(len(bars), i+width)] {
			if b.value > best.value {
				best = b
			}
		}
		shown = append(shown, best)
	}
	says := fmt.Sprintf("%s by step, at most %s (step %d)", name, store.CleanLine(most.says), most.seq)
	p.raw(`<figure><figcaption>`)
	p.text(says)
	if slices.ContainsFunc(bars, func(b bar) bool { return b.whose == "tool" }) {
		p.raw(` <i class="model">model</i> <i class="tool">tools</i>`)
	}
	p.raw(fmt.Sprintf(`</figcaption><svg viewBox="0 0 %d 40" preserveAspectRatio="none" role="img" aria-label="`, 4*max(len(shown), 24)))
	p.text(says)
	p.raw(`">`)
	for i, b := range shown {
		h := max(1, 40*b.value/most.value)
		p.raw(fmt.Sprintf(`<a href="#e%d" tabindex="-1"><rect class="%s" x="%d" y="%.1f" width="3" height="%.1f"><title>`, b.seq, b.whose, 4*i, 40-h, h))
		p.text(store.CleanLine(fmt.Sprintf("step %d: %s", b.seq, b.says)))
		p.raw(`</title></rect></a>`)
	}
	p.raw(`</svg></figure>`)
}
