package main

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"glovebox/store"

	"github.com/spf13/cobra"
)

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
