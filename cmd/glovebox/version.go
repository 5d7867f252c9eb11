package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which glovebox this is",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				Commit  string `json:"commit,omitempty"`
			}{version, runtime.Version(), commit()}
			if a.flags.json {
				return a.printJSON(v)
			}
			parts := []string{v.Go}
			if v.Commit != "" {
				parts = append(parts, v.Commit)
			}
			_, err := fmt.Fprintf(a.out, "glovebox %s (%s)\n", v.Version, strings.Join(parts, ", "))
			return err
		},
	}
}

// commit is what the program was built from, where the build recorded it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

func newCompletionCmd() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write the completion script for bash, zsh or fish",
		Long: `Write the completion script for a shell. To have it in every new one:

  bash   glovebox completion bash > ~/.local/share/bash-completion/completions/glovebox
  zsh    glovebox completion zsh > "${fpath[1]}/_glovebox"
  fish   glovebox completion fish > ~/.config/fish/completions/glovebox.fish`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("completion needs the name of a shell: "+strings.Join(shells, ", "), "glovebox completion bash")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return usageError(fmt.Sprintf("there is no completion for %q, only for %s", args[0], strings.Join(shells, ", ")), "glovebox completion bash")
		},
	}
}
