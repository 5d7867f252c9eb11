package agent

import (
	"bytes"
	"context"
	"fmt"
	"path"

	"glovebox/store"
)

const (
	readBytes = 64 << 10  // most of a file that one read_file shows
	readLines = 2000      // unless the model asks for another number
	scanBytes = 32 << 20  // how far read_file looks for its first line
	scanChunk = 256 << 10 // asked of the box at a time
	editBytes = 1 << 20   // largest file that edit_file takes
)

// where makes a path absolute: relative ones start in /work, like commands do.
func where(args values) string {
	p := args.str("path")
	if !path.IsAbs(p) {
		p = path.Join("/work", p)
	}
	return path.Clean(p)
}

func told(format string, a ...any) store.ToolResult {
	return store.ToolResult{Error: fmt.Sprintf(format, a...)}
}

func readFile(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	name, first, limit := where(args), args.num("offset", 1), args.num("limit", readLines)
	page := page{first: first, last: first + limit - 1, line: 1}
	for at := int64(0); ; {
		data, size, err := r.box.ReadFile(ctx, name, at, scanChunk)
		if err != nil {
			return store.ToolResult{}, err
		}
		if at == 0 && bytes.IndexByte(data[:min(len(data), 8<<10)], 0) >= 0 {
			return told("%s is a binary file of %d bytes; look at it with shell, for example through od or file", name, size), nil
		}
		at += int64(len(data))
		more := page.take(data)
		switch {
		case !more:
			return page.result(name, at < size), nil
		case len(data) == 0 || at >= size:
			if len(page.out) == 0 && first > 1 {
				return told("%s has only %d lines; there is nothing at line %d", name, page.lines(), first), nil
			}
			return page.result(name, false), nil
		case at >= scanBytes:
			return told("line %d of %s lies beyond the first %d bytes; read it with shell, for example sed -n", first, name, scanBytes), nil
		}
	}
}

// page collects the lines from first to last out of a file that comes in chunks.
type page struct {
	first, last int
	line        int  // of the next byte
	open        bool // that line has begun
	out         []byte
	rest        bool // the file goes on within the last chunk
	full        bool // readBytes were reached
}

// take says whether it wants more.
func (p *page) take(data []byte) bool {
	for len(data) > 0 {
		if p.line > p.last || p.full {
			p.rest = true
			return false
		}
		n := bytes.IndexByte(data, '\n') + 1
		ended := n > 0
		p.open = !ended
		if !ended {
			n = len(data)
		}
		if p.line >= p.first {
			room := readBytes - len(p.out)
			if n > room {
				p.out, p.full, p.rest = append(p.out, data[:room]...), true, true
				return false
			}
			p.out = append(p.out, data[:n]...)
		}
		if ended {
			p.line++
		}
		data = data[n:]
	}
	return p.line <= p.last
}

// lines is how many lines were seen, when the whole file was.
func (p *page) lines() int {
	if p.open {
		return p.line
	}
	return p.line - 1
}

func (p *page) result(name string, more bool) store.ToolResult {
	var all capture
	all.write(p.out)
	text := p.text(name, more)
	return store.ToolResult{Stdout: text, StdoutWhole: all.whole(text, 0)}
}

func (p *page) text(name string, more bool) string {
	c := bytes.ToValidUTF8(p.out, []byte("\uFFFD"))
	switch {
	case p.full && p.line == p.first:
		return fmt.Sprintf("%s\n[line %d is longer than %d bytes: cut here; read on with shell]", c, p.line, readBytes)
	case p.full:
		cut := bytes.LastIndexByte(c, '\n') + 1
		return fmt.Sprintf("%s[cut at %d bytes; go on with offset %d]", c[:cut], readBytes, p.line)
	case p.rest || more:
		return fmt.Sprintf("%s[%s goes on; next offset %d]", c, path.Base(name), p.line)
	}
	return string(c)
}

func writeFile(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	name, content := where(args), args.str("content")
	if err := r.box.WriteFile(ctx, name, []byte(content)); err != nil {
		return store.ToolResult{}, err
	}
	return store.ToolResult{Stdout: "wrote " + store.Plural(len(content), "byte") + " to " + name}, nil
}

func editFile(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	name, old, repl := where(args), []byte(args.str("old")), []byte(args.str("new"))
	if len(old) == 0 {
		return told("the argument %q is empty; use write_file to create a file", "old"), nil
	}
	data, size, err := r.box.ReadFile(ctx, name, 0, editBytes)
	if err != nil {
		return store.ToolResult{}, err
	}
	if size > int64(len(data)) {
		return told("%s has %d bytes; edit_file takes files of up to %d: use shell", name, size, editBytes), nil
	}
	switch n := bytes.Count(data, old); n {
	case 0:
		return told("%q does not occur in %s: read the file and copy the text exactly", "old", name), nil
	case 1:
	default:
		return told("%q occurs %d times in %s: add lines around it until it occurs once", "old", n, name), nil
	}
	at := bytes.Index(data, old)
	line := bytes.Count(data[:at], []byte("\n")) + 1
	if err := r.box.WriteFile(ctx, name, bytes.Replace(data, old, repl, 1)); err != nil {
		return store.ToolResult{}, err
	}
	return store.ToolResult{Stdout: fmt.Sprintf("replaced 1 occurrence in %s, at line %d", name, line)}, nil
}
