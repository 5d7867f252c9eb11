package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"glovebox/store"

	"github.com/spf13/cobra"
)

func newSearchCmd(a *app) *cobra.Command {
	var q store.Query
	var since, until string
	exit := -1
	cmd := &cobra.Command{
		Use:   "search WORDS",
		Short: "Search prompts, answers, commands, outputs and file names",
		Long: `Search what was recorded. All words must occur, in any case; "words in quotes"
stand together, and word* is a beginning. Newest sessions come first.`,
		Example: `  glovebox sessions search 'refund*'
  glovebox sessions search '"no such table"' --tool sql --since 2026-11-01
  glovebox sessions search --exit 1 --model qwen`,
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Text = strings.Join(args, " ")
			if exit >= 0 {
				q.Exit = &exit
			}
			if a.changed("model") {
				q.Filter.Model = a.flags.model
			}
			for _, date := range []struct {
				text string
				into *time.Time
			}{{since, &q.Since}, {until, &q.Until}} {
				if date.text == "" {
					continue
				}
				at, err := time.ParseInLocation("2006-01-02", date.text, time.Local)
				if err != nil {
					return usageError(fmt.Sprintf("%q is not a date", date.text), "--since 2026-11-01")
				}
				*date.into = at
			}
			q.Limit, q.Filter.Limit = q.Filter.Limit, 0
			return a.search(cmd.Context(), q)
		},
	}
	filterFlags(cmd, &q.Filter)
	f := cmd.Flags()
	f.StringVar(&q.Kind, "kind", "", "only events of this `KIND`, e.g. prompt, tool.result, limit")
	f.StringVar(&q.Tool, "tool", "", "only calls and results of this `TOOL`")
	f.IntVar(&exit, "exit", -1, "only results with this exit `STATUS`")
	f.Lookup("exit").DefValue = "0" // none: -1 is nothing that one could type
	f.StringVar(&since, "since", "", "only sessions begun on this `DATE` or later")
	f.StringVar(&until, "until", "", "only sessions begun before this `DATE`")
	return cmd
}

func (a *app) search(ctx context.Context, q store.Query) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return usageError("there is nothing to search: nothing has been recorded yet", "glovebox demo")
	}
	hits, err := s.Search(ctx, q)
	if err = errors.Join(err, s.Close()); errors.Is(err, store.ErrInvalid) {
		return usageError(err.Error(), "glovebox sessions search refund; glovebox sessions list chooses by tag, model, result, cost")
	} else if err != nil {
		return err
	}
	last, screen := "", a.screenWidth()
	mark := strings.NewReplacer()
	if isTerminal(a.out) {
		mark = strings.NewReplacer(store.HitStart, "\x1b[1m", store.HitEnd, "\x1b[22m")
	}
	for _, h := range hits {
		if a.flags.json {
			if err := a.printJSON(h); err != nil {
				return err
			}
			continue
		}
		if h.Session != last {
			last = h.Session
			fmt.Fprintln(a.out, cutTo(screen, fmt.Sprintf("%s  %s  %s", h.Session, h.At.Local().Format("2006-01-02 15:04"), store.CleanLine(h.Title))))
		}
		fmt.Fprintln(a.out, cutTo(screen, fmt.Sprintf("  %4d  %-14s  %s", h.Seq, h.Kind, mark.Replace(h.Snippet))))
	}
	if len(hits) == 0 {
		none := &exitError{code: exitNo, msg: "nothing found"}
		if last, _ := utf8.DecodeLastRuneInString(q.Text); unicode.IsLetter(last) || unicode.IsDigit(last) {
			none.hint = commandLine([]string{"glovebox", "sessions", "search", q.Text + "*"}) + ", which finds longer words, too"
		}
		return none
	}
	return nil
}
