package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"glovebox/store"
	"glovebox/store/bundle"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
)

func newCheckCmd(a *app) *cobra.Command {
	var head bool
	var against []string
	cmd := &cobra.Command{
		Use:   "check [ID|FILE]",
		Short: "Say whether the log is what was recorded, or which event is not",
		Long: `Compute every hash of the log, of one session, or of a bundle in FILE anew and
hold them against what was recorded and signed. Exit code 0: intact; 1: not, and
the first event that is not is named.

Who can write the log and has its key can rewrite both. Against that, keep what
--head prints somewhere else, and compare with it later by --against. The key is
$XDG_DATA_HOME/glovebox/key, or the file that $GLOVEBOX_KEY names. What one key
has signed is not written under another: keep the key with the log.`,
		Example: `  glovebox check
  glovebox check last
  glovebox check --head >/media/usb/head && glovebox check --against /media/usb/head`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || head && len(args) > 0 {
				return usageError("check needs one session, or none for the whole log", "glovebox check last")
			}
			return nil
		},
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			if head {
				return a.printHead(cmd.Context())
			}
			ref := strings.Join(args, "")
			if info, err := os.Stat(ref); err == nil && info.Mode().IsRegular() {
				return a.checkBundle(cmd.Context(), ref)
			}
			return a.check(cmd.Context(), ref, against)
		},
	}
	cmd.Flags().BoolVar(&head, "head", false, "print a signed checkpoint of the whole log, to be kept elsewhere")
	cmd.Flags().StringArrayVar(&against, "against", nil, "a checkpoint in `FILE` that was kept: the log must still hold all it covers")
	return cmd
}

// keyPath is where this account's signing key is.
func keyPath() string {
	if path := os.Getenv("GLOVEBOX_KEY"); path != "" {
		return path
	}
	return filepath.Join(xdg.DataHome, "glovebox", "key")
}

func (a *app) printHead(ctx context.Context) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return usageError("there is no log yet", "glovebox demo")
	}
	signed, err := s.Head(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprint(a.out, signed)
	return err
}

func (a *app) check(ctx context.Context, ref string, against []string) error {
	var kept []string
	for _, name := range against {
		text, err := os.ReadFile(name)
		if err != nil {
			return usageError(fmt.Sprintf("the checkpoint cannot be read: %v", err), "glovebox check --head")
		}
		if !bytes.Contains(text, []byte("\n\n— ")) { // no signature follows (golang.org/x/mod/sumdb/note)
			return usageError(name+" is no checkpoint, as check --head prints it", "glovebox check --head")
		}
		kept = append(kept, string(text))
	}
	s, err := a.readStore(ctx)
	if errors.Is(err, store.ErrBroken) { // not even readable
		return &exitError{code: exitNo, msg: "not intact: " + err.Error(), err: err}
	}
	if err != nil {
		return err
	}
	if s == nil {
		return usageError("there is nothing to check: nothing has been recorded yet", "glovebox demo")
	}
	audit, err := checkStore(ctx, s, ref, kept)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return a.showAudit(audit)
}

func (a *app) checkBundle(ctx context.Context, path string) error {
	return withBundle(ctx, path, func(b *bundle.Bundle) error {
		s, err := a.readStore(ctx)
		if err != nil {
			return err
		}
		by, err := whose(ctx, s, b)
		if s != nil {
			err = errors.Join(err, s.Close())
		}
		if err == nil {
			err = b.Verify(ctx)
		}
		if err != nil {
			return err
		}
		m := b.Manifest
		if a.flags.json {
			return a.printJSON(struct {
				Session  string `json:"session"`
				Intact   bool   `json:"intact"`
				Events   int64  `json:"events"`
				Root     string `json:"root"`
				Log      string `json:"log"`
				Key      string `json:"key"`
				Redacted int    `json:"redacted"`
			}{m.Session, true, m.Events, m.Root.String(), m.Evidence.Log, m.Key, m.Gone()})
		}
		_, err = fmt.Fprintf(a.out, "intact: session %s, %s, %s redacted, root %s\nfrom log %s, signed by %s\n",
			m.Session, store.Plural(m.Events, "event"), store.Plural(m.Gone(), "field"), m.Root, store.CleanLine(m.Evidence.Log), by)
		return err
	})
}

func checkStore(ctx context.Context, s *store.Store, ref string, kept []string) (store.Audit, error) {
	if ref == "" {
		return s.Check(ctx, "", kept...)
	}
	sum, err := s.Session(ctx, ref)
	if err != nil {
		return store.Audit{}, err
	}
	return s.Check(ctx, sum.ID, kept...)
}

func (a *app) showAudit(audit store.Audit) error {
	for _, f := range audit.Sessions {
		if a.flags.json {
			if err := a.printJSON(f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(a.out, store.CleanLine(describe(f)))
	}
	if !audit.Intact() {
		return &exitError{code: exitNo, msg: verdict(audit), err: store.ErrBroken}
	}
	if !a.flags.json {
		fmt.Fprintln(a.out, verdict(audit))
	}
	return nil
}

// verdict is what an audit comes to, and the first thing that is not intact.
func verdict(audit store.Audit) string {
	if audit.Intact() {
		return fmt.Sprintf("intact: log %s, %s in its ledger", audit.Log, store.Plural(audit.Entries, "entry"))
	}
	msg := "not intact"
	if audit.Why != "" {
		return msg + ": " + audit.Why
	}
	for _, f := range audit.Sessions {
		if !f.Intact {
			return msg + ": " + describe(f)
		}
	}
	return msg
}

// describe is a finding in one line.
func describe(f store.Finding) string {
	if !f.Intact {
		where := ""
		if f.Event > 0 {
			where = fmt.Sprintf(", event %d", f.Event)
		}
		return fmt.Sprintf("session %s%s: %s", f.Session, where, f.Why)
	}
	about := store.Plural(f.Events, "event")
	switch f.Status {
	case "removed":
		about += ", removed"
	case "running":
		about += ", still running"
	}
	if f.Signed {
		about += ", signed"
	}
	if f.Since != nil {
		about += ", hashed only on " + f.Since.Format("2006-01-02") + ": what happened to it before is not known"
	}
	about += ", root " + f.Root
	if f.From != "" {
		about += fmt.Sprintf("; imported from log %s, root %s there", f.From, f.FromRoot)
	}
	return fmt.Sprintf("session %s intact: %s", f.Session, about)
}
