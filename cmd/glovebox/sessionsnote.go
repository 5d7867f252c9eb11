package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

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
		Example: `  glovebox sessions search refund
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
	last := ""
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
			fmt.Fprintf(a.out, "%s  %s  %s\n", h.Session, h.At.Local().Format("2006-01-02 15:04"), store.CleanLine(h.Title))
		}
		fmt.Fprintf(a.out, "  %4d  %-14s  %s\n", h.Seq, h.Kind, mark.Replace(h.Snippet))
	}
	if len(hits) == 0 {
		return &exitError{code: exitNo, msg: "nothing found"}
	}
	return nil
}

func newTagCmd(a *app) *cobra.Command {
	var n store.Note
	var star, unstar bool
	var score string
	cmd := &cobra.Command{
		Use:   "tag ID [TAG …]",
		Short: "Say something about a session: tags, title, star, comment, score",
		Long: `Say something about a session, or one step of it. It is recorded as an event,
with who and when; nothing is ever edited, a later word replaces an earlier one.`,
		Example: `  glovebox sessions tag last odd refunds
  glovebox sessions tag last --remove odd --title "Refunds, second try" --star
  glovebox sessions tag last --step 12 --comment "wrong table" --score help=0.5`,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return oneSession(cmd, nil)
			}
			n.Tags, n.By = args[1:], account()
			if star || unstar {
				n.Star = &star
			}
			if score != "" {
				name, value, _ := strings.Cut(score, "=")
				v, err := strconv.ParseFloat(value, 64)
				if err != nil || name == "" {
					return usageError(fmt.Sprintf("%q is not a score", score), "--score help=0.5")
				}
				n.Score = &store.Score{Name: name, Value: v}
			}
			return a.withSession(cmd.Context(), args[0], func(s *store.Store, sum store.Summary) error {
				e, err := s.Note(cmd.Context(), sum.ID, n)
				if errors.Is(err, store.ErrInvalid) {
					return &exitError{code: exitUsage, msg: err.Error(), hint: "glovebox sessions tag --help", err: err}
				} else if err != nil {
					return err
				}
				if a.flags.json {
					return a.printJSON(e)
				}
				return store.WriteText(a.out, e)
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&n.Untags, "remove", nil, "take away this `TAG`; may be repeated")
	f.StringVar(&n.Title, "title", "", "the session's new `TITLE`")
	f.StringVar(&n.Text, "comment", "", "a comment, `WORDS` of any length")
	f.StringVar(&score, "score", "", "a mark, as `NAME=NUMBER`")
	f.BoolVar(&star, "star", false, "mark it to be found again")
	f.BoolVar(&unstar, "unstar", false, "no longer")
	f.Int64Var(&n.Step, "step", 0, "about step `N`, not the whole session")
	cmd.MarkFlagsMutuallyExclusive("star", "unstar")
	return cmd
}

// account is who uses this program.
func account() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

func newRemoveCmd(a *app) *cobra.Command {
	var older, under string
	var dry bool
	cmd := &cobra.Command{
		Use:   "rm [ID …]",
		Short: "Remove sessions for good; a tombstone with counts and the final hash stays",
		Example: `  glovebox sessions rm 7k2m9q
  glovebox sessions rm --older-than 90d
  glovebox sessions rm --keep-under 500MiB --yes`,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && older == "" && under == "" {
				return usageError("rm needs sessions, --older-than or --keep-under", "glovebox sessions rm --older-than 90d")
			}
			return a.remove(cmd.Context(), args, older, under, dry)
		},
	}
	f := cmd.Flags()
	f.StringVar(&older, "older-than", "", "all begun longer ago than this `AGE`, e.g. 90d or 12h")
	f.StringVar(&under, "keep-under", "", "the oldest, until the log is smaller than this `SIZE`, e.g. 500MiB")
	f.BoolVar(&dry, "dry-run", false, "say which, remove nothing")
	return cmd
}

func (a *app) remove(ctx context.Context, refs []string, older, under string, dry bool) error {
	age, size := time.Duration(0), byteSize(0)
	if older != "" {
		var err error
		if age, err = parseAge(older); err != nil {
			return usageError(fmt.Sprintf("%q is not an age", older), "--older-than 90d")
		}
	}
	if under != "" {
		if err := size.UnmarshalText([]byte(under)); err != nil || size <= 0 {
			return usageError(fmt.Sprintf("%q is not a size", under), "--keep-under 500MiB")
		}
	}
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return usageError("there is nothing to remove: nothing has been recorded yet", "")
	}
	err = a.removeFrom(ctx, s, refs, age, int64(size), dry)
	return errors.Join(err, s.Close())
}

func (a *app) removeFrom(ctx context.Context, s *store.Store, refs []string, age time.Duration, size int64, dry bool) error {
	var chosen []store.Summary
	for _, ref := range refs {
		sum, err := s.Session(ctx, ref)
		if err != nil {
			return err
		}
		chosen = append(chosen, sum)
	}
	all, err := s.Sessions(ctx, store.Filter{})
	if err != nil {
		return err
	}
	for _, sum := range all {
		if age > 0 && sum.Status != "running" && time.Since(sum.StartedAt) > age {
			chosen = append(chosen, sum)
		}
	}
	if size > 0 {
		return a.removeOldest(ctx, s, all, size, dry)
	}
	if len(chosen) == 0 {
		fmt.Fprintln(a.errOut, "nothing to remove")
		return nil
	}
	if dry || isTerminal(a.in) {
		if err := writeSessions(a.errOut, chosen); err != nil || dry {
			return err
		}
	}
	which := "session " + chosen[0].ID
	if n := len(chosen); n > 1 {
		which = fmt.Sprintf("%d sessions", n)
	}
	if err := a.mayRemove(fmt.Sprintf("Remove %s for good?", which)); err != nil {
		return err
	}
	for _, sum := range chosen {
		if err := s.Remove(ctx, sum.ID, "asked for"); errors.Is(err, store.ErrRunning) {
			return &exitError{code: exitUsage, msg: err.Error(), err: err}
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		fmt.Fprintf(a.errOut, "removed %s\n", sum.ID)
	}
	return s.Compact(ctx)
}

// removeOldest removes from the end of the list until the log is small enough.
func (a *app) removeOldest(ctx context.Context, s *store.Store, all []store.Summary, size int64, dry bool) error {
	have, err := s.Size(ctx)
	if err != nil {
		return err
	}
	if have <= size {
		fmt.Fprintf(a.errOut, "the log has %d bytes: nothing to remove\n", have)
		return nil
	}
	if dry {
		fmt.Fprintf(a.errOut, "the log has %d bytes; the oldest of %d sessions would be removed until it has %d\n", have, len(all), size)
		return nil
	}
	if err := a.mayRemove(fmt.Sprintf("The log has %d bytes. Remove the oldest sessions for good until it has %d?", have, size)); err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0 && have > size; i-- {
		if all[i].Status == "running" {
			continue
		}
		if err := s.Remove(ctx, all[i].ID, "size cap"); err != nil {
			return err
		}
		fmt.Fprintf(a.errOut, "removed %s\n", all[i].ID)
		if have, err = s.Size(ctx); err != nil {
			return err
		}
	}
	if err := s.Compact(ctx); err != nil {
		return err
	}
	if have > size {
		return &exitError{code: exitNo, msg: fmt.Sprintf("the log still has %d bytes: what is left is running, or tombstones", have)}
	}
	return nil
}

func (a *app) mayRemove(question string) error {
	if a.flags.yes {
		return nil
	}
	if !isTerminal(a.in) {
		return usageError("removing cannot be undone, and there is nobody to ask", "glovebox sessions rm … --yes")
	}
	return a.confirm(question)
}

// parseAge is time.ParseDuration that knows days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n <= 0 || n > 36500 {
			return 0, errors.New("not an age")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("not an age")
	}
	return d, err
}

func newBackupCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write the whole log as it is now to a new file",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return usageError("backup needs the name of a new file", "glovebox sessions backup log-backup.db")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.readStore(cmd.Context())
			if err != nil {
				return err
			}
			if s == nil {
				return usageError("there is nothing to back up: nothing has been recorded yet", "glovebox demo")
			}
			err = s.Backup(cmd.Context(), args[0])
			if err = errors.Join(err, s.Close()); errors.Is(err, store.ErrInvalid) {
				return usageError(err.Error(), "")
			} else if err != nil {
				return err
			}
			fmt.Fprintf(a.errOut, "wrote %s\n", store.CleanLine(args[0]))
			return nil
		},
	}
}
