package export_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// faint are the texts whose contrast with what is behind them is below 4.5 to 1
// (WCAG 2.2, 1.4.3).
const faint = `(() => {
	const parts = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	const out = new Set();
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || !Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim())) continue;
		if (e.closest("script, style, title")) continue;
		let opacity = 1;
		for (let p = e; p; p = p.parentElement) opacity *= getComputedStyle(p).opacity;
		const a = light(parts(getComputedStyle(e).color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5 || opacity < 1) out.add(e.tagName + "." + e.className + " " + ratio.toFixed(2) + " × " + opacity);
	}
	return Array.from(out).join(", ");
})()`

// Whoever sees little, or has no mouse, can use the page.
func TestThePageCanBeRead(t *testing.T) {
	v := open(t, record(t, nil, aSession()...))
	v.do(t, chromedp.Evaluate(`document.getElementById("open").click(); document.querySelector("[data-kind=model]").click()`, nil))
	for range 2 { // dark and light
		if what := ask[string](t, v, faint); what != "" {
			t.Errorf("too faint, in %s: %s", ask[string](t, v, `getComputedStyle(document.body).backgroundColor`), what)
		}
		v.do(t, chromedp.Evaluate(`document.getElementById("theme").click()`, nil))
	}
	for what, js := range map[string]string{
		"controls without a name":     `Array.from(document.querySelectorAll("button, input")).filter(e => !(e.getAttribute("aria-label") || e.textContent.trim())).length`,
		"stops of the key in a chart": `Array.from(document.querySelectorAll("svg a")).filter(e => e.tabIndex >= 0).length`,
		"charts without words":        `Array.from(document.querySelectorAll("svg")).filter(e => !e.getAttribute("aria-label")).length`,
		"pages without a language":    `document.documentElement.lang === "en" ? 0 : 1`,
	} {
		if n := ask[int](t, v, js); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	if n := ask[int](t, v, `document.querySelectorAll("svg").length`); n == 0 {
		t.Error("there is no chart to look at")
	}
	v.quiet(t)
}
