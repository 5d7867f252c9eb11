// Package drift compares what a rerun found with what was recorded.
//
// It compares byte for byte and forgives nothing: a time that is another one is
// drift. Where all of a difference is of one kind that is often harmless (times,
// say), the drift says so in How, and is drift still. What was not recorded, or
// was taken out before the recording came here, is neither the same nor drift:
// it is not known, and said to be.
//
// How long something took is a measurement, not a result, and is not compared.
// The functions are pure, and all text in their answers is as it came: hostile.
package drift

import (
	"fmt"
	"slices"
	"strings"

	"glovebox/store"
)

// Interrupted is the error of a call that was broken off: what it would have
// come to is not known.
const Interrupted = "interrupted"

// Withheld says whether a field of a recorded event was taken out, or changed,
// before the recording came here. Nil: none was.
type Withheld func(field string) bool

func (w Withheld) is(fields ...string) bool { return w != nil && slices.ContainsFunc(fields, w) }

// Result compares what came of a call. Empty: the same.
func Result(was, now store.ToolResult, withheld Withheld) (found []store.Drift) {
	if was.Error == Interrupted && !withheld.is("error") {
		return []store.Drift{{What: "call", Unknown: true, Detail: "it was interrupted then; this time it ran to its end: " + now.Outcome()}}
	}
	add := func(what string, differ bool, d store.Drift, fields ...string) {
		d.What = what
		switch {
		case withheld.is(fields...):
			d = store.Drift{What: what, Unknown: true, Detail: "something was taken out of the recording there"}
		case !differ && !d.Unknown:
			return
		case differ:
			d.Unknown = false
		}
		found = append(found, d)
	}
	then, is := was.Outcome(), now.Outcome()
	if then == is { // two endings may read alike in a few words
		then, is = ending(was), ending(now)
	}
	add("exit", ending(was) != ending(now), store.Drift{Detail: fmt.Sprintf("%s then, %s now", then, is)}, "exit", "signal", "timed_out")
	add("call", was.Tool != now.Tool, store.Drift{Detail: fmt.Sprintf("a result of %s then, of %s now", was.Tool, now.Tool)}, "tool")
	for _, s := range []struct {
		what, was, now     string
		wasCut, nowCut     int64
		wasWhole, nowWhole *store.Whole
	}{
		{"error", was.Error, now.Error, 0, 0, nil, nil},
		{"stdout", was.Stdout, now.Stdout, was.StdoutCut, now.StdoutCut, was.StdoutWhole, now.StdoutWhole},
		{"stderr", was.Stderr, now.Stderr, was.StderrCut, now.StderrCut, was.StderrWhole, now.StderrWhole},
	} {
		var d store.Drift
		differ := true
		switch {
		case s.was != s.now:
			d.How, d.Detail = how(s.was, s.now), first(s.was, s.now)
		case s.wasCut != s.nowCut:
			d.Detail = fmt.Sprintf("%d bytes were left out of its middle then, %d now", s.wasCut, s.nowCut)
		case s.what != "error":
			d, differ = whole(s.was, s.wasCut, s.wasWhole, s.nowWhole, withheld.is(s.what+"_whole"))
		default:
			differ = false
		}
		add(s.what, differ, d, s.what, s.what+"_cut")
	}
	return found
}

// whole compares what is recorded of two outputs by its digest only, where all
// the rest is the same.
func whole(text string, cut int64, was, now *store.Whole, withheld bool) (d store.Drift, differ bool) {
	part := fmt.Sprintf("%d bytes left out of its middle", cut)
	if cut == 0 {
		part = "bytes in it that are no UTF-8"
	}
	switch {
	case cut == 0 && !strings.Contains(text, "\uFFFD") && was == nil:
		return d, false
	case withheld:
		d.Detail = "its digest was taken out of the recording"
	case was == nil:
		d.Detail = "no digest of them was recorded, by a glovebox of old or because a filter took something out"
	case now == nil:
		d.Detail = "this time a filter took something out, so there is no digest to compare"
	case *now != store.Whole{Bytes: was.Bytes, SHA256: was.SHA256, Clean: now.Clean}:
		// The digests stay where they are: this text goes into a log of its own, and out with it.
		return store.Drift{Detail: fmt.Sprintf("the %s differ, by their digest; all else is the same", part)}, true
	default:
		return d, false
	}
	d.Unknown, d.Detail = true, fmt.Sprintf("the same but for the %s: %s", part, d.Detail)
	return d, false
}

// ending is how a call ended, in full.
func ending(r store.ToolResult) string {
	exit := "none"
	if r.Exit != nil {
		exit = fmt.Sprint(*r.Exit)
	}
	return fmt.Sprintf("exit %s, signal %q, timed out %t", exit, r.Signal, r.TimedOut)
}

// Box compares the box with the one that was. Podman, runtime and kernel may be
// others: what that changes shows in the results.
func Box(was, now store.BoxCreated, withheld Withheld) (found []store.Drift) {
	if withheld.is("image_digest", "base") {
		found = append(found, store.Drift{What: "image", Unknown: true, Detail: "its digest was taken out of the recording"})
	} else if d, differ := image(was, now); differ {
		found = append(found, d)
	}
	limits := func(b store.BoxCreated) map[string]string {
		m := map[string]string{}
		for _, l := range b.Limits {
			m[l.Name] = l.Value
		}
		return m
	}
	is := limits(now)
	for _, l := range was.Limits {
		switch {
		case is[l.Name] == l.Value:
		case withheld.is("limits"):
			found = append(found, store.Drift{What: "limits", Unknown: true, Detail: "something was taken out of the recording there"})
			return found
		default:
			found = append(found, store.Drift{What: "limits", Detail: fmt.Sprintf("%s %s then, %s now", l.Name, l.Value, is[l.Name])})
		}
	}
	return found
}

// image compares the images that glovebox-init was put into: by what is in them,
// where that was recorded, else by their digests, which are also of who made them.
func image(was, now store.BoxCreated) (d store.Drift, differ bool) {
	d = store.Drift{What: "image", Detail: was.Image}
	if now.Image != was.Image {
		d.Detail += " then, " + now.Image + " now"
	}
	if was.Base == nil || now.Base == nil || was.Base.Digest == "" {
		d.Detail += fmt.Sprintf(": %s then, %s now", was.ImageDigest, now.ImageDigest)
		return d, was.ImageDigest != now.ImageDigest
	}
	then, is := was.Base, now.Base
	switch {
	case then.Digest == is.Digest:
		return d, false
	case then.Root != "" && is.Root != "":
		d.Detail += fmt.Sprintf(": what is in it is another: %s then, %s now", then.Root, is.Root)
		if was.Image == "auto" && now.Image == "auto" {
			d.Detail += "; each machine builds it from its own packages, and not all of them are of the same version"
		}
		return d, then.Root != is.Root
	}
	d.Detail += fmt.Sprintf(": %s then, %s now", then.Digest, is.Digest)
	if d.Unknown = was.Image == now.Image && (was.Image == "auto" || strings.HasPrefix(was.Image, "localhost/")); d.Unknown {
		d.Detail += "; that is when and where each was made, and what was in it is not recorded"
	}
	return d, true
}

// OtherInit says whether another glovebox-init was put into the image. That alone
// is no drift: where it makes a difference, the results say so.
func OtherInit(was, now store.BoxCreated) bool {
	return was.Base != nil && now.Base != nil && was.Base.Init != "" && now.Base.Init != "" && was.Base.Init != now.Base.Init
}

// Put compares a file that glovebox put into the box; nil: it did not.
func Put(was store.FilePut, now *store.FilePut, withheld Withheld) []store.Drift {
	switch {
	case withheld.is("sha256"):
		return []store.Drift{{What: "data", Unknown: true, Detail: was.Path + ": its digest was taken out of the recording"}}
	case now == nil:
		return []store.Drift{{What: "data", Detail: was.Path + " was put into the box then, and is not there now"}}
	case was.SHA256 != now.SHA256:
		return []store.Drift{{What: "data", Detail: fmt.Sprintf("%s has other content: %d bytes, SHA-256 %s then; %d bytes, %s now", was.Path, was.Bytes, was.SHA256, now.Bytes, now.SHA256)}}
	}
	return nil
}

// Files compares what was left changed in the box; nil: it is not known.
func Files(was, now *store.BoxDiff, withheld Withheld) (found []store.Drift) {
	unknown := func(why string) {
		found = append(found, store.Drift{What: "file", Unknown: true, Detail: why})
	}
	switch {
	case was == nil:
		unknown("what was left changed then was not recorded: the box was lost first")
		return found
	case now == nil:
		unknown("what is left changed now is not known: the box was lost")
		return found
	case was.Error != "" || now.Error != "":
		unknown("what was left changed is not known: " + was.Error + now.Error)
		return found
	case withheld.is("changes"):
		unknown("something was taken out of the recorded list of changed files")
		return found
	}
	is, seen := map[string]store.FileChange{}, map[string]bool{}
	for _, c := range now.Changes {
		is[c.Path] = c
	}
	for _, c := range was.Changes {
		seen[c.Path] = true
		other, there := is[c.Path]
		switch {
		case !there && now.Cut > 0:
		case !there:
			found = append(found, store.Drift{What: "file", Detail: c.Path + " was " + past(c) + " then, and is as at the beginning now"})
		case outcome(c) != outcome(other):
			found = append(found, file(c, other))
		case c.Patch != other.Patch && c.Patch != "" && other.Patch != "":
			found = append(found, store.Drift{What: "file", Detail: c.Path + " has the same content, and is said to have changed otherwise\n" + first(c.Patch, other.Patch)})
		case c.Type == "file" && (c.SHA256 == "" || other.SHA256 == ""):
			unknown(c.Path + ": its content was not looked at")
		}
	}
	for _, c := range now.Changes {
		if !seen[c.Path] && was.Cut == 0 {
			found = append(found, store.Drift{What: "file", Detail: c.Path + " is " + past(c) + " now, and was as at the beginning then"})
		}
	}
	if was.Cut+now.Cut > 0 || was.Partial || now.Partial {
		unknown("not every changed file was listed")
	}
	return found
}

// outcome is what counts of a change: what is there in the end.
func outcome(c store.FileChange) store.FileChange {
	return store.FileChange{Change: c.Change, From: c.From, Type: c.Type, Mode: c.Mode, Size: c.Size, SHA256: c.SHA256, Link: c.Link}
}

func past(c store.FileChange) string {
	if c.Change == "mode" {
		return "given another mode"
	}
	return c.Change
}

// file is how one changed file differs from what it was.
func file(was, now store.FileChange) store.Drift {
	d := store.Drift{What: "file"}
	same := func(c store.FileChange) store.FileChange {
		c = outcome(c)
		c.Size, c.SHA256 = 0, ""
		return c
	}
	if same(was) != same(now) {
		d.Detail = fmt.Sprintf("%s then, %s now", strings.Join(strings.Fields(was.String()+" "+was.Mode), " "), strings.Join(strings.Fields(now.String()+" "+now.Mode), " "))
		return d
	}
	d.Detail = fmt.Sprintf("%s has other content: %d bytes then, %d now", was.Path, was.Size, now.Size)
	if then, is := content(was), content(now); then != "" && is != "" && then != is {
		d.How, d.Detail = how(then, is), d.Detail+"\n"+first(then, is)
	}
	return d
}

// content is what can be shown of a file: its patch; of a new one, the text in it.
func content(c store.FileChange) string {
	_, hunk, ok := strings.Cut(c.Patch, "\n@@")
	if _, lines, cut := strings.Cut(hunk, "\n"); ok && cut && c.Change == "added" {
		var b strings.Builder
		for line := range strings.Lines(lines) {
			b.WriteString(strings.TrimPrefix(line, "+"))
		}
		return b.String()
	}
	return c.Patch
}
