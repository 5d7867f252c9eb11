// Package store is the event vocabulary and the log: one SQLite file that
// holds every session, event by event. Beside it lies the search index, which is
// made from it, and made anew where it is gone.
//
// It promises that an event is on disk when Append returns, that events are
// never changed, have no gaps and go only with their whole session (Remove), and
// that what is read back is what Append returned. It never runs anything, never opens a connection, and
// never shows text that came from outside except through Clean.
//
// Begin in event.go (the words), then log.go (the file), session.go (writing),
// read.go (reading), index.go (searching) and check.go (was it changed?).
package store
