package runner

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tool is a program that boxes, or the tests, need on this host. It is there
// when any of its names is.
type tool struct {
	names            []string // on the PATH, or absolute
	apt, dnf, pacman string   // package; "" where that distribution has or needs none
	forTests         bool
}

// hostTools is the only list of what setup installs.
func hostTools() []tool {
	runtime := tool{names: []string{"crun", "runc"}, apt: "crun", dnf: "crun", pacman: "crun"}
	if cgroupMode() != "v2" {
		runtime = tool{names: []string{"runc"}, apt: "runc", dnf: "runc", pacman: "runc"} // crun refuses
	}
	return []tool{
		{names: []string{"podman"}, apt: "podman", dnf: "podman", pacman: "podman"},
		{names: []string{"newuidmap"}, apt: "uidmap", dnf: "shadow-utils", pacman: "shadow"},
		runtime,
		{names: []string{"catatonit", "/usr/libexec/podman/catatonit", "/usr/lib/podman/catatonit"}, apt: "catatonit", dnf: "catatonit", pacman: "catatonit"},
		{names: []string{"fuse-overlayfs"}, apt: "fuse-overlayfs", dnf: "fuse-overlayfs", pacman: "fuse-overlayfs"},
		{names: []string{"mmdebstrap"}, apt: "mmdebstrap"},
		{names: []string{"tmux"}, apt: "tmux", dnf: "tmux", pacman: "tmux", forTests: true},
		{names: []string{"sqlite3"}, apt: "sqlite3", dnf: "sqlite", pacman: "sqlite", forTests: true},
		{names: []string{"chromium"}, apt: "chromium", dnf: "chromium", pacman: "chromium", forTests: true},
		{names: []string{"asciinema"}, apt: "asciinema", dnf: "asciinema", pacman: "asciinema", forTests: true},
		{names: []string{"ps"}, apt: "procps", dnf: "procps-ng", pacman: "procps-ng", forTests: true},
	}
}

func (t tool) installed() bool {
	return slices.ContainsFunc(t.names, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

// missingPackages says what to install. Where the package manager is not apt it
// is named to the administrator and left alone: nobody tried it there.
func missingPackages(forTests bool) (*change, error) {
	manager, install := "", ""
	for _, m := range []struct{ name, install string }{
		{"apt-get", ""}, {"dnf", "dnf install"}, {"pacman", "pacman -S"},
	} {
		if _, err := exec.LookPath(m.name); err == nil {
			manager, install = m.name, m.install
			break
		}
	}
	var names, packages []string
	for _, t := range hostTools() {
		pkg := map[string]string{"apt-get": t.apt, "dnf": t.dnf, "pacman": t.pacman, "": t.apt}[manager]
		if pkg != "" && (forTests || !t.forTests) && !t.installed() {
			packages = append(packages, pkg)
			names = append(names, t.names[0])
		}
	}
	list := strings.Join(packages, " ")
	switch {
	case len(packages) == 0:
		return nil, nil
	case manager == "":
		return nil, fmt.Errorf("%w: install %s", ErrAdmin, strings.Join(names, ", "))
	case manager != "apt-get":
		return nil, fmt.Errorf("%w: run `%s %s` as root, and then `glovebox setup` again", ErrAdmin, install, list)
	}
	// env, because sudo passes no environment on; the lock may be held by a
	// machine that has just started and looks for updates.
	aptGet := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"}
	c := &change{what: "install " + strings.Join(packages, ", ")}
	if lists, _ := filepath.Glob("/var/lib/apt/lists/*_Packages*"); len(lists) == 0 {
		c.argv = append(c.argv, slices.Concat(aptGet, []string{"update"}))
	}
	c.argv = append(c.argv, slices.Concat(aptGet, []string{"install", "--yes", "--no-install-recommends"}, packages))
	return c, nil
}
