package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newManCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Write the manual page: every command and flag on one page",
		Example: "  glovebox man | man -l -\n  glovebox man > ~/.local/share/man/man1/glovebox.1",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), manual(cmd.Root()))
			return err
		},
	}
}

// manual is the page of a command and all below it, in man(7)'s macros. It says
// what --help says, and nothing else.
func manual(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n[command] [flags]\n.SH DESCRIPTION\n",
		strings.ToUpper(root.Name()), root.Name()+" "+root.Version, root.Name(), roff(root.Short), root.Name())
	prose(&b, root.Long)
	b.WriteString(".SH OPTIONS\nEvery command has these.\n")
	options(&b, root.PersistentFlags())
	b.WriteString(".SH COMMANDS\n")
	commands(&b, root)
	b.WriteString(".SH EXAMPLES\n")
	asItIs(&b, root.Example)
	return b.String()
}

func commands(b *strings.Builder, of *cobra.Command) {
	for _, c := range of.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		if c.Runnable() {
			fmt.Fprintf(b, ".SS %s\n", roff(strings.TrimSuffix(c.UseLine(), " [flags]")))
			text := c.Long
			if text == "" {
				text = c.Short
			}
			prose(b, text)
			options(b, c.LocalNonPersistentFlags())
			asItIs(b, c.Example)
		}
		commands(b, c)
	}
}

// prose are paragraphs; what is indented is a table or commands, and stays so.
func prose(b *strings.Builder, text string) {
	for _, part := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(part, " ") {
			asItIs(b, part)
		} else {
			b.WriteString(".PP\n" + roff(part) + "\n")
		}
	}
}

func asItIs(b *strings.Builder, text string) {
	if text != "" {
		b.WriteString(".PP\n.nf\n" + roff(text) + "\n.fi\n")
	}
}

func options(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		what, about := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(name+" "+what)), roff(about))
	})
}

// roff writes text so that the formatter takes none of it for its own.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
