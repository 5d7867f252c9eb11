// Package store is the event vocabulary and the log: one SQLite file that
// holds every session, event by event.
//
// It promises that an event is on disk when Append returns, that events are
// never changed or removed and have no gaps, and that what is read back is
// what Append returned. It never runs anything, never opens a connection, and
// never shows text that came from outside except through Clean.
//
// Begin in event.go (the words), then log.go (the file), session.go (writing)
// and read.go (reading).
package store
