package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"glovebox/store"
	"glovebox/store/bundle"

	"github.com/spf13/cobra"
)

func newSessionsCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List, show, search, tag and remove what was recorded, newest first",
		Args:  noSuchCommand,
	}
	list := newSessionsListCmd(a)
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(
		list,
		&cobra.Command{
			Use: "show ID", Short: "Show one session: what became of it, and every step",
			Args: oneSession, ValidArgsFunction: a.completeSession,
			RunE: func(cmd *cobra.Command, args []string) error { return a.showSession(cmd.Context(), args[0]) },
		},
		newSearchCmd(a),
		newTagCmd(a),
		newRemoveCmd(a),
		newBackupCmd(a),
	)
	return cmd
}

// orders are what the list can be sorted by: largest or newest first, names in
// their order.
var orders = map[string]func(a, b store.Summary) int{
	"when":   func(a, b store.Summary) int { return b.StartedAt.Compare(a.StartedAt) },
	"steps":  func(a, b store.Summary) int { return cmp.Compare(b.Steps, a.Steps) },
	"tokens": func(a, b store.Summary) int { return cmp.Compare(b.Tokens, a.Tokens) },
	"cost":   func(a, b store.Summary) int { return cmp.Compare(costOf(b), costOf(a)) },
	"title":  func(a, b store.Summary) int { return strings.Compare(a.Title, b.Title) },
	"model":  func(a, b store.Summary) int { return strings.Compare(a.Model, b.Model) },
	"result": func(a, b store.Summary) int { return strings.Compare(a.Status, b.Status) },
}

// costOf puts what is not known below what is free.
func costOf(s store.Summary) float64 {
	if s.CostUSD == nil {
		return -1
	}
	return *s.CostUSD
}

// results are what can become of a session.
var results = []string{"done", "limited", "denied", "failed", "interrupted", "running"}

func newSessionsListCmd(a *app) *cobra.Command {
	var f store.Filter
	var order string
	cmd := &cobra.Command{
		Use: "list", Short: "List the sessions, newest first",
		Example: "  glovebox sessions list --tag odd --sort tokens",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, ok := orders[order]
			if !ok {
				return usageError(fmt.Sprintf("sessions cannot be sorted by %q, only by %s", order, strings.Join(slices.Sorted(maps.Keys(orders)), ", ")), "glovebox sessions --sort tokens")
			}
			if f.Status != "" && !slices.Contains(results, f.Status) {
				return usageError(fmt.Sprintf("no session can have the result %q, only %s", f.Status, strings.Join(results, ", ")), "glovebox sessions --status done")
			}
			if f.Limit < 0 {
				return usageError("--limit cannot be below 0, which is all", "glovebox sessions --limit 20")
			}
			return a.listSessions(cmd.Context(), f, by)
		},
	}
	filterFlags(cmd, &f)
	cmd.Flags().StringVar(&f.Text, "text", "", "only with `TEXT` in ID, title, model, result or tags")
	cmd.Flags().StringVar(&order, "sort", "when", "by `WHAT`: "+strings.Join(slices.Sorted(maps.Keys(orders)), ", "))
	return cmd
}

func filterFlags(cmd *cobra.Command, f *store.Filter) {
	cmd.Flags().StringVar(&f.Tag, "tag", "", "only with this `TAG`")
	cmd.Flags().StringVar(&f.Status, "status", "", "only with this `RESULT`: "+strings.Join(results, ", "))
	cmd.Flags().BoolVar(&f.Starred, "starred", false, "only starred ones")
	cmd.Flags().BoolVar(&f.Drift, "drift", false, "only reruns in which something differed, or could not be told")
	cmd.Flags().Float64Var(&f.CostUSD, "cost-from", 0, "only those known to have cost so many `DOLLARS`")
	cmd.Flags().IntVar(&f.Limit, "limit", 0, "at most `N`")
}

func (a *app) listSessions(ctx context.Context, f store.Filter, by func(a, b store.Summary) int) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if a.changed("model") {
		f.Model = a.flags.model
	}
	limit := f.Limit
	f.Limit = 0
	var all []store.Summary
	if s != nil {
		all, err = s.Sessions(ctx, f)
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	slices.SortStableFunc(all, by)
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	if a.flags.json {
		for _, sum := range all {
			if err := a.printJSON(jsonSummary(sum)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 && f == (store.Filter{}) {
		fmt.Fprintln(a.errOut, "nothing has been recorded yet; try: glovebox demo")
		return nil
	} else if len(all) == 0 {
		fmt.Fprintln(a.errOut, "no session is like that")
		return nil
	}
	return writeSessions(a.out, a.screenWidth(), all)
}

// jsonSummary is a line of the list whose tokens are null where they are not
// known, and whose cost is where there was nothing to pay for.
func jsonSummary(s store.Summary) any {
	if !s.HasModel() {
		s.CostUSD = nil
	}
	line := struct {
		store.Summary
		Tokens *int `json:"tokens"`
	}{Summary: s}
	if s.TokensKnown() {
		line.Tokens = &s.Tokens
	}
	return line
}

// writeSessions puts the title last: it is the one column of any length.
func writeSessions(w io.Writer, screen int, all []store.Summary) error {
	t := table{spare: []int{6, 7, 5, 4, 3}} // tags, model, cost, tokens, steps
	t.add("ID", "WHEN", "RESULT", "STEPS", "TOKENS", "COST", "TAGS", "MODEL", "TITLE")
	for _, sum := range all {
		cost, tokens, title := "?", "?", store.CleanLine(cmp.Or(sum.Title, "-"))
		if sum.CostUSD != nil {
			cost = fmt.Sprintf("$%.4f", *sum.CostUSD)
		}
		if sum.TokensKnown() {
			tokens = fmt.Sprint(sum.Tokens)
		}
		if !sum.HasModel() { // nothing to know
			cost, tokens = "-", "-"
		}
		if sum.Starred {
			title = "★ " + title
		}
		t.add(sum.ID, sum.StartedAt.Local().Format("2006-01-02 15:04"), sum.Status, fmt.Sprint(sum.Steps), tokens, cost,
			store.CleanLine(cmp.Or(strings.Join(sum.Tags, " "), "-")), store.CleanLine(sum.Model), title)
	}
	return t.write(w, screen)
}

// steps is how far a session went, and on how many tokens.
func steps(s store.Summary) string {
	if !s.TokensKnown() {
		return store.Plural(s.Steps, "step") + ", tokens unknown (the server reported none)"
	}
	return store.Plural(s.Steps, "step") + ", " + store.Plural(s.Tokens, "token")
}

func (a *app) showSession(ctx context.Context, ref string) error {
	return a.withSession(ctx, ref, func(s *store.Store, sum store.Summary) error {
		if a.flags.json {
			return a.playBack(ctx, s, sum.ID)
		}
		took := ""
		if sum.EndedAt != nil {
			took = fmt.Sprintf(" after %s", sum.EndedAt.Sub(sum.StartedAt).Round(1e8))
		}
		cost := "unknown"
		if sum.CostUSD != nil {
			cost = fmt.Sprintf("$%.4f", *sum.CostUSD)
		}
		if !sum.HasModel() { // as in the list
			cost = "none"
		}
		from := ""
		log, key, err := s.Origin(ctx, sum.ID)
		if log != "" {
			from = "from    log " + store.CleanLine(log) + ", signed by foreign key " + bundle.KeyName(key) + "\n"
		}
		if err == nil {
			_, err = fmt.Fprintf(a.out, "title   %s\nresult  %s%s\nspent   %s, cost %s\n%s\n",
				store.CleanLine(sum.Title), sum.Status, took, steps(sum), cost, from)
		}
		if err == nil {
			err = a.writeOutbox(ctx, s, sum.ID)
		}
		if err != nil {
			return err
		}
		return a.playBack(ctx, s, sum.ID)
	})
}

// writeOutbox lists what the agent would have done with tools that are stubs.
func (a *app) writeOutbox(ctx context.Context, s *store.Store, id string) error {
	n := 0
	for e, err := range s.Events(ctx, id, 0) {
		if err != nil {
			return err
		}
		if c, ok := e.Body.(store.ToolCall); ok && c.Stub {
			if n++; n == 1 {
				fmt.Fprintln(a.out, "outbox: nothing of this was really done")
			}
			fmt.Fprintf(a.out, "  %d. %s %s\n", n, c.Tool, store.CleanLine(string(c.Arguments)))
		}
	}
	if n > 0 {
		fmt.Fprintln(a.out)
	}
	return nil
}

// completeSession offers the IDs of recorded sessions to the shell.
func (a *app) completeSession(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := a.readStore(cmd.Context())
	if s == nil || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer s.Close()
	all, err := s.Sessions(cmd.Context(), store.Filter{Limit: 100})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	offers := []string{"last"}
	for _, sum := range all {
		if strings.HasPrefix(sum.ID, begun) {
			offers = append(offers, sum.ID+"\t"+store.CleanLine(sum.Title))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
