// Package runner makes boxes: throwaway rootless Podman containers without a
// network, sealed and proven from inside before anything runs in them.
//
// It promises that Podman never runs as root, that nothing runs in a box whose
// seal was not proven, and that a box whose owner died is removed at the next
// start. It never mounts a host file or socket into a box, never passes a host
// environment variable on, and shares a box between no two sessions. It is the
// only package that imports Podman; it imports no sibling room.
//
// Begin in engine.go (the service that runs boxes), then image.go (what they
// run), box.go (one box) and port/port.go (how host and box talk).
package runner
