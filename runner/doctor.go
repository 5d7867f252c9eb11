package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// State is how a prerequisite is.
type State string

// The states. Only Fail keeps boxes from running.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
)

// Check is one prerequisite, as it is on this machine.
type Check struct {
	Name   string // stable, for programs
	State  State
	Detail string // what was found
	Fix    string // the command that mends it, or what to do; "" when there is nothing to mend
}

// Doctor looks at every prerequisite of a box. It opens an engine like any
// command does, and changes nothing else.
func Doctor(ctx context.Context, opts Options) []Check {
	acct, acctErr := podmanAccount()
	checks := []Check{
		checkUserNamespaces(), checkAccount(acct, acctErr), checkSubIDs(acct, acctErr),
		checkNewuidmap(), checkPodman(ctx, acct, acctErr),
	}
	plain := opts
	plain.OwnKernel = false // checked last
	e, err := Open(ctx, plain)
	if err != nil {
		checks = append(checks, Check{"engine", Fail, err.Error(), engineFix(err)})
		for _, name := range []string{"runtime", "storage", "limits"} {
			checks = append(checks, Check{name, Fail, "not looked at: it needs the engine", ""})
		}
	} else {
		defer e.Close()
		i := e.Info()
		detail := fmt.Sprintf("podman %s, rootless as %s, %s", i.Version, i.Account, i.Source)
		checks = append(checks, Check{"engine", OK, detail, ""}, checkRuntime(i), checkStorage(i), checkLimits(i))
	}
	init, initErr := readInit(opts.InitPath)
	if initErr != nil {
		checks = append(checks, Check{"init", Fail, initErr.Error(), "make build"})
	} else {
		checks = append(checks, Check{"init", OK, fmt.Sprintf("glovebox-init, %d KB, static", len(init.data)>>10), ""})
	}
	return append(checks, checkImage(ctx, e, init, initErr), checkStrict(ctx, opts, e))
}

func engineFix(err error) string {
	if errors.Is(err, ErrRootful) || os.Getenv("CONTAINER_HOST") != "" {
		return "unset CONTAINER_HOST"
	}
	return "glovebox setup"
}

// checkUserNamespaces reads the switches by which distributions forbid them.
func checkUserNamespaces() Check {
	const name = "user namespaces"
	for _, s := range []struct{ path, bad, fix string }{
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
	} {
		if b, err := os.ReadFile(s.path); err == nil && strings.TrimSpace(string(b)) == s.bad {
			return Check{name, Fail, "the kernel refuses them to ordinary users: " + s.path + " is " + s.bad, s.fix}
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"); err == nil && strings.TrimSpace(string(b)) == "1" {
		return Check{name, Warn, "AppArmor allows them only to programs with a profile; Podman from the distribution has one", ""}
	}
	if _, err := os.Stat("/proc/self/ns/user"); err != nil {
		return Check{name, Fail, "this kernel is built without them", "run a kernel with CONFIG_USER_NS"}
	}
	return Check{name, OK, "allowed", ""}
}

func checkAccount(a account, err error) Check {
	switch {
	case err != nil:
		return Check{"account", Fail, err.Error(), "glovebox setup"}
	case a.drop:
		return Check{"account", OK, fmt.Sprintf("Podman runs as %s (uid %d), never as root", a.name, a.uid), ""}
	}
	return Check{"account", OK, fmt.Sprintf("Podman runs as you, %s (uid %d)", a.name, a.uid), ""}
}

func checkSubIDs(a account, acctErr error) Check {
	const name = "subordinate ids"
	if acctErr != nil {
		return Check{name, Fail, "not looked at: it needs the account", "glovebox setup"}
	}
	var lacking []string
	for _, path := range []string{"/etc/subuid", "/etc/subgid"} {
		ranges, err := readSubRanges(path)
		if err != nil {
			return Check{name, Fail, err.Error(), ""}
		}
		if !a.hasRange(ranges) {
			lacking = append(lacking, path)
		}
	}
	if len(lacking) > 0 {
		return Check{name, Fail, fmt.Sprintf("%s has fewer than %d ids in %s", a.name, subIDCount, strings.Join(lacking, " and ")), "glovebox setup"}
	}
	return Check{name, OK, fmt.Sprintf("%s has ranges in /etc/subuid and /etc/subgid", a.name), ""}
}

// checkNewuidmap wants both helpers able to do what the user may not: setuid
// root, or with the file capability that some distributions give them instead.
func checkNewuidmap() Check {
	for _, name := range []string{"newuidmap", "newgidmap"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return Check{"newuidmap", Fail, name + " is not installed", "glovebox setup"}
		}
		info, err := os.Stat(path)
		if err != nil {
			return Check{"newuidmap", Fail, err.Error(), ""}
		}
		capable, _ := syscall.Getxattr(path, "security.capability", nil)
		if info.Mode()&os.ModeSetuid == 0 && capable <= 0 {
			return Check{"newuidmap", Fail, path + " is neither setuid root nor has it a capability", "chmod u+s " + path}
		}
	}
	return Check{"newuidmap", OK, "newuidmap and newgidmap may map ids", ""}
}

func checkPodman(ctx context.Context, a account, acctErr error) Check {
	if os.Getenv("CONTAINER_HOST") != "" {
		return Check{"podman", OK, "CONTAINER_HOST leads elsewhere", ""}
	}
	if path, err := exec.LookPath("podman"); err != nil {
		return Check{"podman", Fail, "podman is not installed", "glovebox setup"}
	} else if acctErr != nil {
		return Check{"podman", OK, path, ""}
	}
	out, err := a.command(ctx, "podman", "--version").Output()
	if err != nil {
		return Check{"podman", Fail, "podman does not run: " + err.Error(), "glovebox setup"}
	}
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "podman version ")
	if major, _, _ := strings.Cut(version, "."); len(major) == 1 && major < "4" {
		return Check{"podman", Fail, version + " is too old", "install Podman 4.0 or later"}
	}
	return Check{"podman", OK, version, ""}
}

func checkRuntime(i Info) Check {
	detail := fmt.Sprintf("%s, control groups are %s", i.Runtime, i.CgroupMode)
	if i.Runtime == "crun" && (i.CgroupMode == "v1" || i.CgroupMode == "hybrid") {
		return Check{"runtime", Fail, detail + ": crun refuses that", "glovebox setup, and set box.runtime to auto or runc"}
	}
	if _, err := exec.LookPath(i.Runtime); err != nil && i.Source == ownChild {
		return Check{"runtime", Fail, i.Runtime + " is not installed", "glovebox setup"}
	}
	return Check{"runtime", OK, detail, ""}
}

func checkStorage(i Info) Check {
	if i.StorageDriver == "vfs" {
		return Check{
			"storage", Warn, "vfs copies the whole image for every box, and the store was made with it",
			"podman system reset (as " + i.Account + "; it deletes all its images and containers)",
		}
	}
	return Check{"storage", OK, i.StorageDriver, ""}
}

// checkLimits says who enforces the limits of a box. What really holds is
// probed in every box.
func checkLimits(i Info) Check {
	var by []string
	for _, c := range []string{"memory", "pids", "cpu"} {
		if slices.Contains(i.Controllers, c) {
			by = append(by, c)
		}
	}
	switch {
	case len(by) == 3:
		return Check{"limits", OK, "memory, pids and cpu by control group", ""}
	case i.CgroupMode == "v2-delegated": // what a systemd before 252 gives a user unless told otherwise
		return Check{
			"limits", Warn, "memory and pids by control group, cpu by the watchdog in the box: systemd does not delegate it",
			`mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\nDelegate=cpu memory pids\n' >/etc/systemd/system/user@.service.d/glovebox.conf, as root, and log in again`,
		}
	}
	fix := "boot with cgroup v2 and run as a user with a systemd session"
	if i.CgroupMode == "v2" {
		fix = "run as an ordinary user with a systemd session: log in anew, not by su or sudo, or have it made by loginctl enable-linger USER"
	}
	return Check{
		"limits", Warn,
		fmt.Sprintf("control groups are %s and limit nothing for %s: processes by rlimit, memory and cpu by the watchdog in the box", i.CgroupMode, i.Account),
		fix,
	}
}

func checkImage(ctx context.Context, e *Engine, init initBinary, initErr error) Check {
	if e == nil || initErr != nil {
		return Check{"image", Fail, "not looked at: it needs the engine and glovebox-init", ""}
	}
	img, ok, err := e.newest(ctx, autoRef, init.sum)
	switch {
	case err != nil:
		return Check{"image", Fail, err.Error(), ""}
	case !ok:
		return Check{"image", Warn, "none is prepared yet; the first session does it", "glovebox image prepare"}
	}
	return Check{"image", OK, fmt.Sprintf("%s, %d MB", img.Name, img.Size/1_000_000), ""}
}
