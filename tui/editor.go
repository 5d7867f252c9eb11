package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	tea "charm.land/bubbletea/v2"
)

// editedMsg is what came back from $EDITOR.
type editedMsg struct{ text string }

// edit opens what has been written in $EDITOR.
func (c *composer) edit() tea.Cmd {
	editor := c.desk.env("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	run := &editing{ctx: c.desk.work.ctx, editor: editor, text: c.area.Value()}
	return tea.Exec(run, func(err error) tea.Msg {
		if err != nil {
			return flashMsg("the editor failed (" + editor + "): " + err.Error())
		}
		return editedMsg{run.text}
	})
}

// editing lets the person edit text in a temporary file. It is a
// tea.ExecCommand, whose methods follow: the program lends its terminal.
type editing struct {
	ctx          context.Context
	editor, text string
	in           io.Reader
	out, errOut  io.Writer
}

// SetStdin is of tea.ExecCommand.
func (e *editing) SetStdin(r io.Reader) { e.in = r }

// SetStdout is of tea.ExecCommand.
func (e *editing) SetStdout(w io.Writer) { e.out = w }

// SetStderr is of tea.ExecCommand.
func (e *editing) SetStderr(w io.Writer) { e.errOut = w }

// Run is of tea.ExecCommand: it leaves what was written in text.
func (e *editing) Run() error {
	f, err := os.CreateTemp("", "glovebox-*.md")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(e.text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	cmd := exec.CommandContext(e.ctx, "sh", "-c", e.editor+` "$1"`, "sh", f.Name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.in, e.out, e.errOut
	if err := cmd.Run(); err != nil {
		return err
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	e.text = cut(string(b), promptMax)
	return nil
}
