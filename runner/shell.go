package runner

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"glovebox/runner/port"
)

// Terminal is a person's terminal, lent to a program in a box.
type Terminal struct {
	Name    string           // TERM; one that is not a plain name is replaced by "dumb"
	Size    port.Size        // when the program starts
	Resized <-chan port.Size // later sizes; nil: none
	Keys    io.Reader        // raw; a read that blocks must end soon after Shell has returned
	Screen  io.Writer        // gets what the program draws, less what could harm: see screen
}

// termName is what TERM may be: it is the one word of the host that goes in.
var termName = regexp.MustCompile(`^[a-zA-Z0-9.+-]{1,32}$`)

// Shell runs a command on a terminal inside the box, and waits for it as Exec
// does. Of the command, Stdin and Output are not used: the terminal is both.
// Result.Stdout is what was drawn. When Shell returns, modes that the program
// left set on t's screen are unset.
func (b *Box) Shell(ctx context.Context, cmd Command, t Terminal) (Result, error) {
	if cmd.Keep == 0 {
		cmd.Keep = DefaultKeep
	}
	kept := &headTail{half: cmd.Keep / 2}
	draw := &screen{w: t.Screen}
	done := make(chan struct{})
	size := t.Size
	began := time.Now()
	reply, err := b.call(ctx, port.Request{
		Op: port.OpExec, Argv: cmd.Argv, Env: slices.Concat(terminalEnvironment(b.env, t.Name), cmd.Env), Dir: cmd.Dir,
		TimeoutMS: cmd.Timeout.Milliseconds(), TTY: &size,
	}, &exchange{
		in: t.Keys,
		out: func(fd byte, data []byte) error {
			if fd != port.Stdout {
				return nil
			}
			kept.write(data)
			_, err := draw.Write(data)
			return err
		},
		opened: func(s *port.Stream) { go sendSizes(s, t.Resized, done) },
	})
	close(done)
	r := Result{Duration: time.Since(began)}
	r.Stdout, r.StdoutCut = kept.bytes()
	r.end(reply)
	return r, errors.Join(err, draw.leave())
}

func sendSizes(s *port.Stream, sizes <-chan port.Size, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case size, ok := <-sizes:
			if !ok {
				return
			}
			data := binary.BigEndian.AppendUint16(nil, size.Rows)
			if s.Send(port.Resize, binary.BigEndian.AppendUint16(data, size.Cols)) != nil {
				return
			}
		}
	}
}

// terminalEnvironment is env with another TERM.
func terminalEnvironment(env []string, term string) []string {
	if !termName.MatchString(term) {
		term = "dumb"
	}
	env = slices.Clone(env)
	for i, kv := range env {
		if strings.HasPrefix(kv, "TERM=") {
			env[i] = "TERM=" + term
		}
	}
	return env
}
