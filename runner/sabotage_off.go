//go:build !sabotage

package runner

import "github.com/containers/podman/v5/pkg/specgen"

// sabotaged breaks nothing: see sabotage.go, which only a test builds in.
func sabotaged(string, *specgen.SpecGenerator) bool { return false }
