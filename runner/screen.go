package runner

import (
	"bytes"
	"io"
	"slices"
	"unicode/utf8"
)

// screen passes what a program in a box draws to a person's terminal, less the
// sequences that do more than draw. Dropped are all that carry a string —
// operating system commands (clipboard, title, notifications, palette), device
// control, application strings (graphics that read files) —, window
// manipulation and its reports, printing, and the answerback. Cursor, colours,
// modes, mouse, the alternate screen pass: less, vi and top need no more.
//
// It remembers the modes that were set, so that leave can unset them. Nothing
// is held back but the beginning of a sequence, at most maxSequence bytes.
type screen struct {
	w     io.Writer
	state func(*screen, byte) // nil: text
	held  []byte              // the sequence so far
	out   []byte
	modes []string // private modes that are on, in the order of setting
}

const (
	esc         = 0x1b
	maxSequence = 128 // bytes of a control sequence; longer ones are dropped
)

// Write passes p on. It returns the writer's error.
func (s *screen) Write(p []byte) (int, error) {
	s.out = s.out[:0]
	for _, c := range p {
		s.next(c)
	}
	if len(s.out) == 0 {
		return len(p), nil
	}
	if _, err := s.w.Write(s.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *screen) next(c byte) {
	switch {
	case c == esc && !s.inString():
		s.held, s.state = append(s.held[:0], c), escape
	case c == 0x18 || c == 0x1a: // CAN, SUB end any sequence
		s.drop()
	case c < ' ' && s.state != nil && !s.inString():
		s.control(c) // a terminal obeys these in the middle of a sequence
	case s.state != nil:
		s.state(s, c)
	default:
		s.text(c)
	}
}

func (s *screen) inString() bool { return len(s.held) == 0 && s.state != nil }

func (s *screen) drop() { s.held, s.state = s.held[:0], nil }

// pass lets the held sequence through.
func (s *screen) pass() {
	s.out = append(s.out, s.held...)
	s.drop()
}

func (s *screen) control(c byte) {
	if c != 0x05 { // ENQ: the terminal would type its answerback
		s.out = append(s.out, c)
	}
}

// text passes UTF-8, and of the bytes that are none, nothing.
func (s *screen) text(c byte) {
	switch {
	case c < ' ' || c == 0x7f:
		s.control(c)
	case c < utf8.RuneSelf:
		s.out = append(s.out, c)
	case c >= 0xc2:
		s.held, s.state = append(s.held[:0], c), character
	}
}

// character has seen the beginning of one that takes several bytes. The C1
// controls (U+0080 to U+009F) are another spelling of sequences: none passes.
func character(s *screen, c byte) {
	if utf8.RuneStart(c) {
		s.drop()
		s.next(c)
		return
	}
	if s.held = append(s.held, c); !utf8.FullRune(s.held) {
		return
	}
	if r, size := utf8.DecodeRune(s.held); size != len(s.held) || r < 0xa0 {
		s.drop()
		return
	}
	s.pass()
}

// escape has seen ESC and perhaps intermediates.
func escape(s *screen, c byte) {
	plain := len(s.held) == 1
	s.held = append(s.held, c)
	switch {
	case plain && bytes.IndexByte([]byte("]PX^_k"), c) >= 0: // k: the title of a screen or tmux window
		s.held, s.state = s.held[:0], inside
	case plain && c == '[':
		s.state = sequence
	case c < '0' && len(s.held) < maxSequence: // intermediate: one more follows
	case c < '0':
		s.state = overlong
	case c >= 0x7f || plain && c == '\\': // the end of a string that we did not let through
		s.drop()
	default:
		if c == 'c' && plain {
			s.modes = s.modes[:0] // the terminal was reset
		}
		s.pass()
	}
}

// inside is within a string, which goes nowhere. held is empty.
func inside(s *screen, c byte) {
	switch c {
	case 0x07:
		s.drop()
	case esc:
		s.state = ending
	}
}

// ending has seen ESC within a string: a backslash ends it, anything else does
// too, and begins a sequence of its own.
func ending(s *screen, c byte) {
	s.drop()
	if c != '\\' {
		s.next(esc)
		s.next(c)
	}
}

// sequence has seen ESC [: parameters and intermediates, until a final byte.
func sequence(s *screen, c byte) {
	s.held = append(s.held, c)
	switch {
	case c < '@' && len(s.held) < maxSequence:
	case c < '@':
		s.state = overlong
	case c >= 0x7f || c == 't' || c == 'i': // window manipulation, printing
		s.drop()
	default:
		s.note(c)
		s.pass()
	}
}

// overlong swallows the rest of a sequence that nobody means.
func overlong(s *screen, c byte) {
	if c >= '@' {
		s.drop()
	}
}

// note keeps account of ESC [ ? modes h and l.
func (s *screen) note(final byte) {
	params, private := bytes.CutPrefix(s.held[2:len(s.held)-1], []byte("?"))
	if !private || final != 'h' && final != 'l' {
		return
	}
	for mode := range bytes.SplitSeq(params, []byte(";")) {
		s.modes = slices.DeleteFunc(s.modes, func(m string) bool { return m == string(mode) })
		if final == 'h' && slices.Contains(undone, string(mode)) {
			s.modes = append(s.modes, string(mode))
		}
		if string(mode) == "25" && final == 'l' {
			s.modes = append(s.modes, "25")
		}
	}
}

// undone are the modes that a terminal is not to be left in: application
// cursor keys, reverse video, mouse and focus reports, the alternate screens,
// bracketed paste, synchronised output. 25, the cursor, is undone by setting.
var undone = []string{
	"1", "5", "9", "47", "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1015", "1016",
	"1047", "1049", "2004", "2026",
}

// leave ends a sequence that was begun and unsets what was left set.
func (s *screen) leave() error {
	s.drop()
	s.out = s.out[:0]
	for _, mode := range slices.Backward(s.modes) {
		final := "l"
		if mode == "25" {
			final = "h"
		}
		s.out = append(s.out, "\x1b[?"+mode+final...)
	}
	s.modes = nil
	// Attributes, the character set and the keypad cost nothing to reset.
	_, err := s.w.Write(append(s.out, "\x1b[m\x1b(B\x0f\x1b>"...))
	return err
}
