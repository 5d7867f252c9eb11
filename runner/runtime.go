package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"glovebox/runner/port"
)

// A strongRuntime gives each box a kernel of its own, so that a hole in the
// host's is not the box's to use. A box of one proves that it has it, whatever
// the rigor: a name on a program is no proof.
type strongRuntime struct {
	name     string   // in box.runtime
	programs []string // what it is called where it is installed
	flags    []string // of Podman, for its sake
	what     string
	proves   func(port.Kernel) string // why a kernel that is not the host's is not this one's either; "" if it is
}

var strongRuntimes = [...]strongRuntime{
	{
		name: "runsc", programs: []string{"runsc"}, what: "gVisor", proves: gvisorKernel,
		// Rootless, it may make no control group and fails where it tries. It
		// leaves out the seccomp filter unless told otherwise.
		flags: []string{"--runtime-flag=ignore-cgroups", "--runtime-flag=network=none", "--runtime-flag=oci-seccomp"},
	},
	{name: "krun", programs: []string{"krun"}, what: "a virtual machine by libkrun", proves: linuxKernel},
	{name: "kata", programs: []string{"kata-runtime", "kata-qemu", "kata-fc"}, what: "a virtual machine by Kata Containers", proves: linuxKernel},
}

// gvisorKernel knows gVisor by its kernel log, which nothing keeps from a box
// there. Releases of before 2023 have no boot id.
func gvisorKernel(k port.Kernel) string {
	if !strings.HasSuffix(k.Log, "] Starting gVisor...") {
		return fmt.Sprintf("its kernel log begins with %q and not as gVisor's does", k.Log)
	}
	return ""
}

func linuxKernel(k port.Kernel) string {
	if k.BootID == "" {
		return "it does not say in which boot of its kernel it is"
	}
	return ""
}

// A foundRuntime is a stronger runtime that is installed here.
type foundRuntime struct {
	*strongRuntime
	path string
}

// findRuntimes looks for the stronger runtimes where the account's Podman would.
func findRuntimes() []foundRuntime {
	var found []foundRuntime
	for i := range strongRuntimes {
		for _, program := range strongRuntimes[i].programs {
			if path, err := exec.LookPath(program); err == nil {
				found = append(found, foundRuntime{&strongRuntimes[i], path})
				break
			}
		}
	}
	return found
}

// chooseRuntime decides which stronger runtime is to be used, if any: the one
// that o.Runtime names, or under "auto", where boxes must have kernels of their
// own, the first that is installed.
func chooseRuntime(o Options) (foundRuntime, error) {
	if o.Runtime == "" || o.Runtime == "auto" {
		found := findRuntimes()
		switch {
		case !o.OwnKernel:
			return foundRuntime{}, nil
		case len(found) > 0:
			return found[0], nil
		}
		return foundRuntime{}, refuse("Install gVisor's runsc ("+where+")", errors.New("looked for runsc (gVisor), krun and kata, and none is installed"))
	}
	name := filepath.Base(o.Runtime)
	i := slices.IndexFunc(strongRuntimes[:], func(r strongRuntime) bool { return r.name == name || slices.Contains(r.programs, name) })
	if i < 0 {
		if o.OwnKernel {
			return foundRuntime{}, refuse(`Set box.runtime = "auto"`, fmt.Errorf("box.runtime is %q, whose boxes share the host's kernel", o.Runtime))
		}
		return foundRuntime{}, nil
	}
	programs := []string{o.Runtime}
	if o.Runtime == strongRuntimes[i].name {
		programs = strongRuntimes[i].programs
	}
	var missing error
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err == nil {
			return foundRuntime{&strongRuntimes[i], path}, nil
		}
		missing = cmp.Or(missing, err)
	}
	return foundRuntime{}, refuse("Install it, gVisor's runsc from "+where, fmt.Errorf("box.runtime is %q: %w", o.Runtime, missing))
}

const where = "gvisor.dev/docs/user_guide/install; the package of Debian 12 is too old"

// refuse says that no box with a kernel of its own can be had, and what to do.
// There is no falling back: who asked for one must not get another.
func refuse(todo string, why error) error {
	return fmt.Errorf("%w: a box with a kernel of its own cannot be had: %w. %s, or do without: rigor = \"standard\" and box.runtime = \"auto\"",
		ErrNoSeal, why, todo)
}

// tried is refuse for a runtime that is there and did not do.
func (r foundRuntime) tried(why error) error {
	todo := "Mend that"
	for _, other := range findRuntimes() {
		if other.name != r.name {
			todo += fmt.Sprintf(", try %s, which is installed too (box.runtime = %q)", other.path, other.name)
		}
	}
	return refuse(todo+", install a recent runsc of gVisor ("+where+")",
		fmt.Errorf("tried %s (%s): %s", r.path, r.what, strings.TrimPrefix(why.Error(), ErrNoSeal.Error()+": ")))
}

// prove wants a kernel that came up for this box, age old at most, and that is
// the runtime's: a runc by the name of runsc is a runc.
func (r foundRuntime) prove(k port.Kernel, age time.Duration) (port.Proof, error) {
	up := time.Duration(k.UpMS) * time.Millisecond
	evidence := fmt.Sprintf("%s, Linux %s %s, up for %s", r.what, k.Release, k.Version, up)
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return port.Proof{}, fmt.Errorf("this machine's own boot: %w", err)
	}
	switch {
	case k.BootID == strings.TrimSpace(string(boot)):
		return port.Proof{}, fmt.Errorf("the box runs on this machine's own kernel (boot %s): %s is not %s", k.BootID, r.path, r.what)
	case k.Release == "" || up <= 0 || up > age:
		return port.Proof{}, fmt.Errorf("the box's kernel was there before the box (%s): %s is not %s", evidence, r.path, r.what)
	}
	if why := r.proves(k); why != "" {
		return port.Proof{}, fmt.Errorf("the box has a kernel of its own, but %s: %s is not %s", why, r.path, r.what)
	}
	return port.Proof{Probe: "own kernel", Layer: "execution", Verdict: port.Pass, Evidence: evidence}, nil
}

// checkStrict makes a box with a kernel of its own, if there is a runtime and
// an image for it. Most machines have none, and need none.
func checkStrict(ctx context.Context, opts Options, e *Engine) Check {
	c := Check{Name: "strict", State: Warn}
	if opts.OwnKernel {
		c.State = Fail // it was asked for
	}
	var found []string
	for _, r := range findRuntimes() {
		found = append(found, r.path)
	}
	opts.OwnKernel = true
	runtime, err := chooseRuntime(opts)
	if err == nil && !slices.Contains(found, runtime.path) {
		found = append(found, runtime.path) // configured
	}
	c.Detail = "runtimes that give boxes a kernel of their own: " + cmp.Or(strings.Join(found, ", "), "none") + "; "
	if err == nil && e != nil {
		var proof port.Proof
		if proof, err = tryRuntime(ctx, opts, e); err == nil {
			c.State, c.Detail = OK, c.Detail+"tried "+runtime.path+": "+proof.Evidence
			return c
		}
	}
	c.Detail += "rigor strict cannot be had"
	switch {
	case err == nil:
		c.Detail += ": not tried, for it needs the engine"
	case errors.Is(err, ErrNoImage):
		c.Detail, c.Fix = c.Detail+": not tried, for no image is prepared yet", "glovebox image prepare"
	case len(found) == 0 && (opts.Runtime == "" || opts.Runtime == "auto"):
		c.Fix = "install gVisor's runsc, if you want it (" + where + ")"
	default:
		c.Detail += ": " + err.Error()
	}
	return c
}

func tryRuntime(ctx context.Context, opts Options, e *Engine) (port.Proof, error) {
	image, ok, err := e.Prepared(ctx, autoRef)
	if err == nil && !ok {
		err = ErrNoImage
	}
	if err != nil {
		return port.Proof{}, err
	}
	strong, err := Open(ctx, opts)
	if err != nil {
		return port.Proof{}, err
	}
	defer strong.Close()
	box, err := strong.NewBox(ctx, BoxOptions{Image: image, RequireLimits: true})
	if err != nil {
		return port.Proof{}, err
	}
	seal := box.Info().Seal
	return seal[len(seal)-1], box.Close(ctx)
}
