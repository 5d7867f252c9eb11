package export

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"glovebox/store"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	goldtext "github.com/yuin/goldmark/text"
)

// Of longer or deeper answers the page shows the text as it is.
const (
	answerBytes = 16 << 10
	answerLines = 200
	answerDepth = 12
)

// prose lays out what a model answered, which is Markdown as a rule. HTML in it
// is text, and so is the address of a link or picture: nothing on the page can
// be followed out of it, and nothing is hidden behind a word. "": it is too long,
// or too deep.
func prose(said string) string {
	said = store.Clean(said)
	if len(said) > answerBytes || strings.Count(said, "\n") > answerLines || nested(said) > answerDepth {
		return ""
	}
	m := markdown{source: []byte(said)}
	m.blocks(goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(goldtext.NewReader(m.source)))
	return m.out.String()
}

// nested is how deep lists and quotations may be within each other.
func nested(said string) (most int) {
	for line := range strings.Lines(said) {
		n, spaces := 0, 0
		for _, c := range line {
			switch c {
			case '>', '-', '*', '+', ')', '.':
				n++
			case ' ':
				spaces++
			case '\t':
				spaces += 4
			default:
				if c < '0' || c > '9' {
					goto done
				}
			}
		}
		if n >= len(strings.TrimSpace(line)) { // a line that is drawn
			n = min(n, 2)
		}
	done:
		most = max(most, n, spaces/4)
	}
	return most
}

type markdown struct {
	source []byte
	out    strings.Builder
}

func (m *markdown) text(s string) { m.out.WriteString(html.EscapeString(s)) }

// in writes what an element holds.
func (m *markdown) in(tag string, n ast.Node, write func(ast.Node)) {
	m.out.WriteString("<" + tag + ">")
	write(n)
	tag, _, _ = strings.Cut(tag, " ")
	m.out.WriteString("</" + tag + ">")
}

func (m *markdown) blocks(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			m.in("h4", n, m.inline)
		case *ast.Paragraph:
			m.in("p", n, m.inline)
		case *ast.TextBlock:
			m.inline(n)
		case *ast.Blockquote:
			m.in("blockquote", n, m.blocks)
		case *ast.List:
			tag := "ul"
			if n.IsOrdered() {
				tag = fmt.Sprintf(`ol start="%d"`, n.Start)
			}
			m.in(tag, n, m.blocks)
		case *ast.ListItem:
			m.in("li", n, m.blocks)
		case *ast.ThematicBreak:
			m.out.WriteString("<hr>")
		case *extast.Table:
			m.in(`div class="wide"`, n, func(ast.Node) { m.in("table", n, m.blocks) })
		case *extast.TableHeader:
			m.in("tr", n, func(ast.Node) { m.cells("th", n) })
		case *extast.TableRow:
			m.in("tr", n, func(ast.Node) { m.cells("td", n) })
		default: // code, HTML: as it stands
			m.in("pre", n, func(ast.Node) { m.lines(n) })
		}
	}
}

func (m *markdown) cells(tag string, row ast.Node) {
	for c := row.FirstChild(); c != nil; c = c.NextSibling() {
		with := tag
		if cell, ok := c.(*extast.TableCell); ok && cell.Alignment == extast.AlignRight {
			with += ` class="right"`
		}
		m.in(with, c, m.inline)
	}
}

func (m *markdown) lines(n ast.Node) {
	var b bytes.Buffer
	for i := range n.Lines().Len() {
		at := n.Lines().At(i)
		b.Write(at.Value(m.source))
	}
	if block, ok := n.(*ast.HTMLBlock); ok && block.HasClosure() {
		b.Write(block.ClosureLine.Value(m.source))
	}
	m.text(strings.TrimRight(b.String(), "\n"))
}

func (m *markdown) inline(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			m.text(string(n.Segment.Value(m.source)))
			if n.SoftLineBreak() || n.HardLineBreak() {
				m.out.WriteByte('\n')
			}
		case *ast.String:
			m.text(string(n.Value))
		case *ast.CodeSpan:
			m.in("code", n, m.inline)
		case *ast.Emphasis:
			m.in([]string{"em", "strong"}[min(n.Level, 2)-1], n, m.inline)
		case *ast.Link:
			m.inline(n)
			m.address(n.Destination)
		case *ast.Image:
			m.inline(n)
			m.address(n.Destination)
		case *ast.AutoLink:
			m.text(string(n.URL(m.source)))
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				at := n.Segments.At(i)
				m.text(string(at.Value(m.source)))
			}
		default:
			m.inline(n)
		}
	}
}

// address is where a link leads, to be read.
func (m *markdown) address(to []byte) {
	m.out.WriteString(" <small>")
	m.text(string(to))
	m.out.WriteString("</small>")
}
