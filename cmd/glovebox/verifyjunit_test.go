package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"glovebox/runner"
	"glovebox/runner/port"
	"glovebox/runner/probe"
)

// A CI server sees what held, what did not, what broke and what was not there,
// and hostile evidence stays text.
func TestJUnit(t *testing.T) {
	result := func(name string, verdict port.Verdict, moot bool, control *probe.Finding) runner.Verified {
		return runner.Verified{
			Probe:   probe.Probe{Name: name, Layer: "network", Gain: "win", Tries: "tries", Control: probe.NoLimits},
			Finding: probe.Finding{Verdict: verdict, Evidence: "]]>\x1b[2J<b>\x00\xff", Moot: moot}, Control: control,
		}
	}
	j := newJUnit()
	j.add(result("held", port.Pass, false, &probe.Finding{Verdict: port.Fail}))
	j.add(result("out", port.Fail, false, nil))
	j.add(result("broken", port.Inconclusive, false, nil))
	j.add(result("absent", port.Inconclusive, true, nil))
	j.add(result("toothless", port.Pass, false, &probe.Finding{Verdict: port.Pass}))
	file := filepath.Join(t.TempDir(), "junit.xml")
	j.of(map[string]string{"kernel": "6.1 <x>"})
	if err := j.write(file, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Suite junitSuite `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	s := got.Suite
	if s.Tests != 7 || s.Failures != 2 || s.Errors != 1 || s.Skipped != 1 || len(s.Cases) != 7 || s.Properties[0].Value != "6.1 <x>" {
		t.Errorf("%+v", s)
	}
	of := func(name string) junitCase {
		return s.Cases[slices.IndexFunc(s.Cases, func(c junitCase) bool { return c.Name == name })]
	}
	if of("held").Failure != nil || of("out").Failure == nil || of("broken").Error == nil || of("absent").Skipped == nil || of("toothless, in a box with no limits").Failure == nil {
		t.Errorf("%s", data)
	}
}

// A report of yesterday does not stand for a verification that could not be made.
func TestJUnitOfNothing(t *testing.T) {
	h := newHome(t)
	file := filepath.Join(t.TempDir(), "junit.xml")
	if err := newJUnit().write(file, nil); err != nil {
		t.Fatal(err)
	}
	if _, said, code := h.run("verify", "--rigor", "bogus", "--junit", file); code != exitUsage {
		t.Fatalf("exit code %d: %s", code, said)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Suite junitSuite `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &got); err != nil || got.Suite.Errors != 1 {
		t.Errorf("%v\n%s", err, data)
	}
}
