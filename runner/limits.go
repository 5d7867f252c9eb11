package runner

import (
	"fmt"
	"slices"

	"glovebox/runner/port"
)

// requireLimits wants each limit that a box promises to be kept by somebody,
// as found from inside.
func requireLimits(found []port.Limit) error {
	unenforced := func(l port.Limit) bool { return l.Enforced == "none" }
	name := ""
	for _, must := range append([]string{"memory", "pids", "cpu", "files", "names"}, port.Places[:]...) {
		if !slices.ContainsFunc(found, func(l port.Limit) bool { return l.Name == must }) {
			name = must
		}
	}
	if i := slices.IndexFunc(found, unenforced); i >= 0 {
		name = found[i].Name
	}
	if name == "" {
		return nil
	}
	return fmt.Errorf("%w: the limit %q is not enforced: %s, or set rigor = \"quick\" to go without it", ErrNoSeal, name, mend(name))
}

// mend is what a person can do about a limit that nothing keeps.
func mend(limit string) string {
	switch limit {
	case "memory", "memory of processes", "pids", "cpu", "names":
		return "neither a control group nor the watchdog in the box keeps it; boot with cgroup v2 and run as a user with a systemd session, or use box.runtime = \"runc\""
	case "files":
		return "the runtime ignored the rlimit; use box.runtime = \"runc\" or \"crun\""
	}
	return "it is no tmpfs of the size asked for; use box.runtime = \"runc\" or \"crun\""
}
