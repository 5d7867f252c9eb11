package main

import (
	"maps"
	"slices"

	"glovebox/fakedata"
	"glovebox/runner"

	"github.com/spf13/cobra"
)

// completeFlags tells the shell what the flags that take one of a few words
// take, in every command below cmd.
func (a *app) completeFlags(cmd *cobra.Command) {
	words := map[string][]string{
		"rigor": runner.Rigors(), "redact": {"on", "off"}, "status": results,
		"sort": slices.Sorted(maps.Keys(orders)), "data": fakedata.Builtins(),
	}
	switch cmd.Name() {
	case "export":
		for _, f := range formats {
			words["format"] = append(words["format"], f.name+"\t"+f.about)
		}
	case "generate":
		for _, f := range fakedata.Formats() {
			words["format"] = append(words["format"], string(f))
		}
	}
	for name, of := range words {
		if cmd.LocalFlags().Lookup(name) != nil {
			cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
		}
	}
	if cmd.LocalFlags().Lookup("resume") != nil {
		cmd.RegisterFlagCompletionFunc("resume", a.completeSession) //nolint:errcheck // as above
	}
	for _, below := range cmd.Commands() {
		a.completeFlags(below)
	}
}

// completeSchema offers the built-in schemas; a file will do as well.
func completeSchema(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return fakedata.Builtins(), cobra.ShellCompDirectiveDefault
}
