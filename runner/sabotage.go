//go:build sabotage

package runner

import (
	"os"

	"github.com/containers/podman/v5/pkg/specgen"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

// sabotaged breaks one layer of every box in the real code path, as the
// environment says, so that a test sees verify and run notice. Programs that
// people get are built without it. It reports whether it is about what.
func sabotaged(what string, s *specgen.SpecGenerator) bool {
	layer := os.Getenv("GLOVEBOX_SABOTAGE")
	if what != "spec" {
		return layer == what
	}
	no := false
	switch layer {
	case "network":
		s.NetNS, s.Sysctl = specgen.Namespace{NSMode: specgen.Host}, nil
	case "mount":
		s.Mounts = append(s.Mounts, spec.Mount{Destination: "/mnt", Type: "bind", Source: "/usr/share", Options: []string{"ro", "rbind"}})
	case "capability":
		s.CapDrop, s.CapAdd = nil, []string{"CAP_NET_RAW"}
	case "root":
		s.ReadOnlyFilesystem = &no
	case "limits":
		s.Rlimits, s.ResourceLimits = nil, nil
		for i := range s.Mounts {
			s.Mounts[i].Options = []string{"mode=1777", "nosuid", "nodev", "exec", "rw", "notmpcopyup"}
		}
	default:
		return false
	}
	return true
}
