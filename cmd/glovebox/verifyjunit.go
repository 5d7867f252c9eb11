package main

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"glovebox/runner"
	"glovebox/runner/port"
	"glovebox/store"
)

// junit gathers results for a CI server, as JUnit XML (the schema of Apache
// Ant's task, which is the strictest that is about). A probe that got out is a
// failure, one that should have been tried an error, one without anything to
// try is skipped. What a probe did in its control is a case of its own.
type junit struct {
	suite junitSuite
	began time.Time
	last  time.Time
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Package    string          `xml:"package,attr"`
	ID         int             `xml:"id,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Out        string          `xml:"system-out"`
	Err        string          `xml:"system-err"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
}

type junitReason struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func newJUnit() *junit {
	now := time.Now()
	return &junit{began: now, last: now, suite: junitSuite{
		Name: "glovebox verify", Package: "glovebox", Hostname: "localhost", // whose machine it is stays here
		Timestamp: now.UTC().Format("2006-01-02T15:04:05"),
	}}
}

// add takes one result, with the time since the one before.
func (j *junit) add(v runner.Verified) {
	c := junitCase{Name: v.Name, Class: "glovebox.verify." + v.Layer, Time: seconds(time.Since(j.last))}
	j.last = time.Now()
	reason := &junitReason{Type: string(v.Verdict), Message: store.CleanLine(v.Evidence)}
	switch {
	case v.Verdict == port.Fail:
		reason.Text = fmt.Sprintf("%s: an attacker could %s", v.Tries, v.Gain)
		c.Failure = reason
	case v.Verdict == port.Inconclusive && v.Moot:
		c.Skipped = reason
	case v.Verdict != port.Pass:
		c.Error = reason
	}
	j.count(c)
	if v.Control == nil {
		return
	}
	c = junitCase{Name: v.Name + ", in a box with " + string(v.Probe.Control), Class: "glovebox.verify.control", Time: "0.000"}
	if !v.Proven() {
		c.Failure = &junitReason{Type: string(v.Control.Verdict), Message: store.CleanLine(v.Control.Evidence), Text: "a probe that cannot fail proves nothing"}
	}
	j.count(c)
}

func (j *junit) count(c junitCase) {
	j.suite.Cases = append(j.suite.Cases, c)
	j.suite.Tests++
	switch {
	case c.Failure != nil:
		j.suite.Failures++
	case c.Error != nil:
		j.suite.Errors++
	case c.Skipped != nil:
		j.suite.Skipped++
	}
}

// of says what the results hold for.
func (j *junit) of(what map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(what)) {
		j.suite.Properties = append(j.suite.Properties, junitProperty{name, what[name]})
	}
}

// write replaces the file. What ended the verification, and is no result in it,
// is an error: a report without it would say that all was tried, and held.
func (j *junit) write(path string, ended error) error {
	if ended != nil && j.suite.Failures+j.suite.Errors == 0 {
		why := &junitReason{Type: "not verified", Message: store.CleanLine(ended.Error())}
		j.count(junitCase{Name: "verified to the end", Class: "glovebox.verify", Time: seconds(time.Since(j.last)), Error: why})
	}
	j.suite.Time = seconds(time.Since(j.began))
	out, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suite   junitSuite
	}{Suite: j.suite}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(out, '\n')...), 0o600); err != nil {
		return &exitError{code: exitUsage, hint: "another file with --junit", msg: "the report cannot be written: " + err.Error(), err: err}
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
