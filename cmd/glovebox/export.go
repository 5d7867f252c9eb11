package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/export"
	"glovebox/store/redact"

	"github.com/spf13/cobra"
)

// exportOptions are export's flags.
type exportOptions struct {
	format, redact, out, otlp string
	patterns                  []string
}

// formats are what a session can leave as; file says that this is usually one.
var formats = []struct {
	name, ending, about string
	file                bool
}{
	{"gbx", ".gbx", "bundle: everything, signed, for import and check", true},
	{"html", ".html", "one page that needs nothing else", true},
	{"md", ".md", "Markdown", false},
	{"jsonl", ".jsonl", "events, one JSON object a line", false},
	{"cast", ".cast", "asciicast 3, for asciinema 3 and the web player", false},
	{"cast2", ".2.cast", "asciicast 2, for older ones, as in Debian", false},
	{"otel", ".otlp.json", "OpenTelemetry spans, OTLP JSON", false},
}

func newExportCmd(a *app) *cobra.Command {
	var o exportOptions
	var names, long []string
	for _, f := range formats {
		names = append(names, f.name)
		long = append(long, fmt.Sprintf("  %-6s %s", f.name, f.about))
	}
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write a session for others: bundle, web page, Markdown, …",
		Long: `Write a session for others.

` + strings.Join(long, "\n") + `

Secrets, personal data, home paths, host and user names are taken out first, in
every format, and what was taken out is listed; a bundle verifies all the same.
Bundle and page go to a file, ID.gbx and ID.html, the others to standard output;
-o FILE says otherwise, and -o - is standard output.`,
		Example: `  glovebox export last
  glovebox export last --format html -o tuesday.html
  glovebox export last --pattern 'project-\w+' --format md
  glovebox export last --otlp http://localhost:4318`,
		Args:              oneSession,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSession(cmd.Context(), args[0], func(s *store.Store, sum store.Summary) error {
				return a.export(cmd.Context(), s, sum, o)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "gbx", "`FORMAT`: "+strings.Join(names, ", "))
	f.StringVar(&o.redact, "redact", "on", "`WHETHER`: on, or off, where nothing is taken out")
	f.StringArrayVar(&o.patterns, "pattern", nil, "take out what this regular `EXPRESSION` matches, too; may be repeated")
	f.StringVarP(&o.out, "output", "o", "", "write to `FILE`; - is standard output")
	f.StringVar(&o.otlp, "otlp", "", "send OpenTelemetry spans to the collector at `URL`, write nothing")
	return cmd
}

func (a *app) export(ctx context.Context, s *store.Store, sum store.Summary, o exportOptions) error {
	ending, known := "", false
	for _, f := range formats {
		if f.name == o.format {
			known = true
			if f.file {
				ending = f.ending
			}
		}
	}
	if !known {
		return usageError(fmt.Sprintf("there is no format %q", o.format), "glovebox export --help")
	}
	r, err := a.redactor(ctx, o)
	if err != nil {
		return err
	}
	if o.otlp != "" {
		u, err := url.Parse(o.otlp)
		if err != nil || u.Host == "" {
			return usageError(fmt.Sprintf("--otlp: %q is not the URL of a collector", o.otlp), "--otlp http://localhost:4318")
		}
		src, err := export.Load(ctx, s, sum.ID, r)
		if err != nil {
			return err
		}
		if err := export.Send(ctx, o.otlp, src); err != nil {
			code := exitUsage // the engine has no part in it
			if errors.Is(err, context.Canceled) {
				code = exitInterrupted
			}
			return &exitError{code: code, msg: err.Error(), hint: "is a collector running at that URL? --format otel writes the spans to a file instead", err: err}
		}
		a.listRemovals(src.Removals)
		fmt.Fprintf(a.errOut, "sent to %s\n", store.CleanLine(u.Redacted()))
		return nil
	}
	out := o.out
	if out == "" && ending != "" {
		out = sum.ID + ending
	}
	if out == "" || out == "-" {
		removed, err := writeExport(ctx, a.out, s, sum.ID, o.format, r)
		a.listRemovals(removed)
		return err
	}
	var removed []redact.Removal
	err = writeFile(out, func(w io.Writer) error {
		removed, err = writeExport(ctx, w, s, sum.ID, o.format, r)
		return err
	})
	if err != nil {
		return err
	}
	a.listRemovals(removed)
	fmt.Fprintf(a.errOut, "wrote %s\n", store.CleanLine(out))
	return nil
}

// redactor is nil where the person does not want one, and says so twice.
func (a *app) redactor(ctx context.Context, o exportOptions) (*redact.Redactor, error) {
	switch o.redact {
	case "on":
		r, err := redact.New(o.patterns...)
		if err != nil {
			return nil, usageError(fmt.Sprintf("--pattern: %v", err), "glovebox export --help")
		}
		return r, nil
	case "off":
		if a.flags.yes {
			return nil, nil
		}
		if !isTerminal(a.in) {
			return nil, usageError("--redact=off writes secrets and personal data as they are", "glovebox export … --redact=off --yes")
		}
		return nil, a.confirm(ctx, "Nothing is taken out: secrets, personal data and names stay in. Go on?")
	}
	return nil, usageError(fmt.Sprintf("--redact is on or off, not %q", o.redact), "glovebox export --help")
}

// confirm asks a person; anything but yes ends the command.
func (a *app) confirm(ctx context.Context, question string) error {
	agreed, err := a.agrees(ctx, question)
	if err == nil && !agreed {
		err = &exitError{code: exitNo, msg: "nothing was done"}
	}
	return err
}

// agrees asks a person; anything but yes is no. Where ctx ends first, whoever
// reads the answer is left behind: the terminal cannot be told to stop waiting.
func (a *app) agrees(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(a.errOut, "%s [y/N] ", question)
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.in).ReadString('\n') // what cannot be read is not yes
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.errOut)
		return false, ctx.Err()
	case answer := <-answered:
		return answer == "y" || answer == "yes", nil
	}
}

func writeExport(ctx context.Context, w io.Writer, s *store.Store, id, format string, r *redact.Redactor) ([]redact.Removal, error) {
	if format == "gbx" {
		key, err := store.LoadKey(keyPath())
		if err != nil {
			return nil, err
		}
		m, err := bundle.Write(ctx, w, s, id, key, r)
		if errors.Is(err, bundle.ErrForeign) || errors.Is(err, store.ErrRunning) {
			err = &exitError{code: exitUsage, msg: err.Error(), hint: "glovebox export " + id + " --format html", err: err}
		}
		return m.Redacted, err
	}
	src, err := export.Load(ctx, s, id, r)
	if err != nil {
		return nil, err
	}
	switch format {
	case "html":
		err = export.HTML(w, src)
	case "md":
		err = export.Markdown(w, src)
	case "jsonl":
		err = export.JSONL(w, src)
	case "cast":
		err = export.Cast(w, src, 3)
	case "cast2":
		err = export.Cast(w, src, 2)
	case "otel":
		err = export.OTLP(w, src)
	}
	return src.Removals, err
}

// writeFile writes a whole file, readable by its owner only, or none.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".glovebox-*")
	if err != nil {
		why := err
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) { // its path is a name that nobody gave
			why = pe.Err
		}
		return &exitError{code: exitUsage, msg: fmt.Sprintf("%s cannot be written: %v", path, why), hint: "another file with -o", err: err}
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// listRemovals says what was taken out and where, the first forty places.
func (a *app) listRemovals(list []redact.Removal) {
	for i, r := range list {
		if i == 40 {
			fmt.Fprintf(a.errOut, "taken out in %d more places\n", len(list)-i)
			break
		}
		fmt.Fprintln(a.errOut, "taken out: "+removal(r))
	}
}

// removal is one in words.
func removal(r redact.Removal) string {
	times := ""
	if r.Times > 1 {
		times = fmt.Sprintf(" (%d times)", r.Times)
	}
	return fmt.Sprintf("step %d, %s: %s%s", r.Seq, store.CleanLine(r.Field), store.CleanLine(r.Rule), times)
}
