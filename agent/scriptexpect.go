package agent

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const gotText = 600 // bytes of what came, in the message of an expectation

// scriptExpect is what a turn wants to have happened since the turn before.
type scriptExpect struct {
	Call        int      `toml:"call"` // counted from 1
	Prompt      bool     `toml:"prompt"`
	Contains    []string `toml:"contains"`
	NotContains []string `toml:"not_contains"`
	Matches     string   `toml:"matches"`
	Exit        *int     `toml:"exit"`
	Fails       bool     `toml:"fails"`
	pattern     *regexp.Regexp
}

// check validates an expectation; results is how many calls the turn before made.
func (e *scriptExpect) check(results int) error {
	switch {
	case e.Prompt == (e.Call != 0):
		return fmt.Errorf("it needs either call = N or prompt = true")
	case e.Call < 0 || e.Call > results:
		return fmt.Errorf("call %d: the turn before makes %d calls", e.Call, results)
	case e.Prompt && (e.Exit != nil || e.Fails):
		return fmt.Errorf("a prompt has no exit status")
	case e.Exit != nil && e.Fails:
		return fmt.Errorf("exit and fails exclude each other")
	case e.Exit == nil && !e.Fails && e.Matches == "" && len(e.Contains)+len(e.NotContains) == 0:
		return fmt.Errorf("it expects nothing")
	case e.Matches == "":
		return nil
	}
	var err error
	e.pattern, err = compile(e.Matches)
	return err
}

// unmet says what was expected in vain; "" when all of it holds.
func (e *scriptExpect) unmet(r scriptRequest) string {
	who, got := "the prompt", r.prompt()
	if !e.Prompt {
		results := r.results()
		if e.Call > len(results) {
			return fmt.Sprintf("expected a result of call %d, but there are only %d", e.Call, len(results))
		}
		who, got = fmt.Sprintf("the result of call %d", e.Call), results[e.Call-1]
	}
	want := e.missing(got)
	if want == "" {
		return ""
	}
	return fmt.Sprintf("expected %s to %s; got: %s", who, want, clip(got, gotText))
}

func (e *scriptExpect) missing(got string) string {
	exit, exited := exitStatus(got)
	if e.Exit != nil && (!exited || exit != *e.Exit) {
		return fmt.Sprintf("exit with %d", *e.Exit)
	}
	if e.Fails && !failed(got) {
		return "fail"
	}
	for _, s := range e.Contains {
		if !strings.Contains(got, s) {
			return fmt.Sprintf("contain %q", clip(s, 200))
		}
	}
	for _, s := range e.NotContains {
		if strings.Contains(got, s) {
			return fmt.Sprintf("not contain %q", clip(s, 200))
		}
	}
	if e.pattern != nil && !e.pattern.MatchString(got) {
		return fmt.Sprintf("match %s", clip(e.Matches, 200))
	}
	return ""
}

// exitStatus and failed read the first line of what resultText wrote.
func exitStatus(result string) (int, bool) {
	line, _, _ := strings.Cut(result, "\n")
	n, found := strings.CutPrefix(line, "exit ")
	status, err := strconv.Atoi(n)
	return status, found && err == nil
}

func failed(result string) bool {
	if status, exited := exitStatus(result); exited {
		return status != 0
	}
	for _, p := range []string{"error: ", "killed by ", "timed out"} {
		if strings.HasPrefix(result, p) {
			return true
		}
	}
	return false
}
