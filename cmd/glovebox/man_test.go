package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The page has every command and flag, and the formatter finds nothing wrong.
func TestManual(t *testing.T) {
	root := newRootCmd(&app{})
	page := manual(root)
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Runnable() && c.IsAvailableCommand() && c != root && !strings.Contains(page, "\n.SS "+roff(c.CommandPath())) {
			t.Errorf("%s is missing", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Name != "version" && !strings.Contains(page, roff("--"+f.Name)) {
				t.Errorf("%s --%s is missing", c.CommandPath(), f.Name)
			}
		})
		for _, below := range c.Commands() {
			look(below)
		}
	}
	look(root)
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here")
	}
	format := exec.CommandContext(t.Context(), groff, "-man", "-Tutf8", "-ww", "-K", "utf8", "-P-cbou")
	format.Stdin = strings.NewReader(page)
	var said strings.Builder
	format.Stderr = &said
	out, err := format.Output()
	if err != nil || said.String() != "" || !strings.Contains(string(out), "glovebox box run [flags] -- CMD [ARG]…") {
		t.Errorf("groff: %v, %s%.500s", err, said.String(), out)
	}
	if got := roff(".x\n'y' \\ a-b"); got != "\\&.x\n\\&'y' \\e a\\-b" {
		t.Errorf("escaped it is %q", got)
	}
}
