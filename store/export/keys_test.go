package export_test

import (
	"testing"

	"glovebox/store"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The keys are shown on demand, and what they do waits until then; answers are
// laid out; on paper there is the session, without what one can press.
func TestKeysAnswersAndPaper(t *testing.T) {
	src := record(t, nil, store.Prompt{Text: "go"}, store.ModelResponse{Text: "| a | b |\n|---|---|\n| 1 | <b>2</b> |\n"}, store.SessionEnded{Status: "done"})
	v := open(t, src)
	v.do(t, chromedp.KeyEvent("?"), until(`document.getElementById("keys").open`), chromedp.KeyEvent("j"))
	if n := ask[int](t, v, `document.querySelectorAll(".here").length`); n != 0 {
		t.Error("a key was taken while the keys were shown")
	}
	v.do(t, chromedp.Evaluate(`document.querySelector("#keys button").click()`, nil), until(`!document.getElementById("keys").open`), chromedp.KeyEvent("j"), until(`document.querySelector(".here")`))
	if text := ask[string](t, v, `document.querySelector(".md td + td").innerText`); text != "<b>2</b>" {
		t.Errorf("a cell says %q", text)
	}
	v.do(t, emulation.SetEmulatedMedia().WithMedia("print").WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	if n := ask[int](t, v, `Array.from(document.querySelectorAll("nav, button, input, dialog")).filter(e => e.checkVisibility()).length`); n != 0 {
		t.Errorf("on paper %d things can be pressed", n)
	}
	if colour := ask[string](t, v, `getComputedStyle(document.body).backgroundColor`); colour != "rgb(255, 255, 255)" {
		t.Errorf("paper is %s", colour)
	}
	v.quiet(t)
}
