package export

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page's style and script
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"math"
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
	p.raw(`</title><style>` + style + `</style></head><body><header><h1>`)
	p.text(src.title())
	p.raw(`</h1><dl>`)
	for _, f := range src.facts() {
		p.raw(`<div><dt>`)
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
	`<span id="kinds"></span><button id="fold">fold all</button><button id="open">unfold all</button>` +
	`<input id="to" size="6" placeholder="step" aria-label="jump to step" inputmode="numeric"><button id="theme">dark / light</button>` +
	`<button id="help" title="keys: / search, j and k next and last, o fold, c copy, f fold all, u unfold all, g jump, t theme, Escape clears">keys</button></nav>`

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
		open = ""
	}
	if it.failed {
		class += " failed"
	}
	p.raw(fmt.Sprintf(`<details class="%s" id="e%d"%s><summary><a href="#e%d">%d</a><time>%s</time><b>`, class, e.Seq, open, e.Seq, e.Seq, e.At.Format("15:04:05")))
	p.text(store.CleanLine(it.head))
	p.raw(`</b></summary>`)
	for _, b := range it.blocks {
		if b.label != "" {
			p.raw(`<h3>`)
			p.text(store.CleanLine(b.label))
			p.raw(`</h3>`)
		}
		p.block(strings.TrimRight(b.text, "\n"))
	}
	p.raw("</details>\n")
}

// block writes a text, folded where it is long. A very long one is cut into
// pieces, each folded: a browser lays out only what is open.
func (p page) block(text string) {
	if strings.Count(text, "\n") < foldFrom && len(text) < 4096 {
		p.raw(`<pre>`)
		p.text(text)
		p.raw(`</pre>`)
		return
	}
	p.raw(`<pre class="head">`)
	p.text(start(text))
	p.raw(`</pre>`)
	for from := 0; from < len(text); {
		to := min(len(text), from+chunk)
		for to < len(text) && to > from+chunk-4 && text[to]&0xc0 == 0x80 {
			to--
		}
		what := fmt.Sprintf("all: %d lines, %d bytes", strings.Count(text, "\n")+1, len(text))
		if len(text) > chunk {
			what = fmt.Sprintf("bytes %d to %d of %d", from+1, to, len(text))
		}
		p.raw(`<details class="more"><summary>` + what + `</summary><pre>`)
		p.text(text[from:to])
		p.raw(`</pre></details>`)
		from = to
	}
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

// charts are tokens and time by step, as bars.
func (p page) charts(src Source) {
	var tokens, seconds []bar
	for _, e := range src.Events {
		switch b := e.Body.(type) {
		case store.ModelResponse:
			if b.Usage != nil {
				tokens = append(tokens, bar{e.Seq, float64(b.Usage.Input + b.Usage.Output), fmt.Sprintf("step %d: %d tokens", e.Seq, b.Usage.Input+b.Usage.Output)})
			}
			seconds = append(seconds, bar{e.Seq, b.DurationMS, fmt.Sprintf("step %d: model, %.1f s", e.Seq, b.DurationMS/1000)})
		case store.ToolResult:
			seconds = append(seconds, bar{e.Seq, b.DurationMS, fmt.Sprintf("step %d: %s, %.1f s", e.Seq, b.Tool, b.DurationMS/1000)})
		}
	}
	p.chart("tokens by step", tokens)
	p.chart("time by step", seconds)
}

type bar struct {
	seq   int64
	value float64
	says  string
}

// chart draws at most 200 bars: of more, the largest of each stretch.
func (p page) chart(name string, bars []bar) {
	most := 0.0
	for _, b := range bars {
		if !math.IsInf(b.value, 0) && !math.IsNaN(b.value) {
			most = max(most, b.value)
		}
	}
	if len(bars) < 2 || most <= 0 {
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
	p.raw(`<figure><figcaption>`)
	p.text(name)
	p.raw(fmt.Sprintf(`</figcaption><svg viewBox="0 0 %d 40" preserveAspectRatio="none" role="img" aria-label="`, 4*len(shown)))
	p.text(name)
	p.raw(`">`)
	for i, b := range shown {
		h := max(1, 40*b.value/most)
		p.raw(fmt.Sprintf(`<a href="#e%d"><rect x="%d" y="%.1f" width="3" height="%.1f"><title>`, b.seq, 4*i, 40-h, h))
		p.text(store.CleanLine(b.says))
		p.raw(`</title></rect></a>`)
	}
	p.raw(`</svg></figure>`)
}
