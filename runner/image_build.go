package runner

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/images"
)

const (
	autoRef  = "auto"
	autoPull = "docker.io/library/python:3-slim" // what "auto" means where nothing can be built
	autoRepo = "localhost/glovebox/base"         // holds what is built
)

// autoPackages go into the built base, on top of the essential ones (bash,
// coreutils, grep, sed, awk, find, diff, tar, gzip): what an agent reaches for
// when it explores data. python3 and sqlite3 are for the dataset, jq for JSON,
// patch for edits, less and ps for looking around, and curl so that reaching
// for the network fails as it does for a person. No git, no compiler: they
// double the image, and what they make dies with the box.
var autoPackages = []string{"python3", "sqlite3", "jq", "patch", "less", "procps", "curl", "ca-certificates"}

// buildFlags leave documentation and translations out (60 MB), and take away
// what mmdebstrap copies from this host: a box knows nothing of its name, its
// resolver and its mirrors.
var buildFlags = []string{
	"--variant=essential", "--mode=unshare", "--format=tar",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/info/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright",
	`--customize-hook=cd "$1" && rm -rf etc/hostname etc/resolv.conf etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap etc/dpkg/dpkg.cfg.d/99mmdebstrap var/log/*`,
}

// buildEnv makes two builds of the same packages the same, byte for byte: what
// they make has this time, 2020-01-01, and nothing in it depends on another.
const buildEnv = "SOURCE_DATE_EPOCH=1577836800"

// buildSteps are the lines that mmdebstrap says on its way, in their order.
var buildSteps = []string{
	"running apt-get update", "downloading packages", "extracting archives", "installing essential packages",
	"installing remaining packages", "cleaning package lists", "creating tarball", "done",
}

// autoBase is the base built here, now or earlier, else a pulled one. Building
// comes first: the packages come from where the host's own come from, and no
// registry is needed. anew means: not one from earlier.
func (e *Engine) autoBase(ctx context.Context, anew bool, progress func(Progress)) (baseImage, error) {
	suite, buildable := buildableSuite("/etc/os-release")
	if !buildable {
		if b, ok, err := e.local(ctx, autoPull); err != nil || ok && !anew {
			return b, err
		}
		return e.pull(ctx, autoPull, progress)
	}
	recipe := sha256.Sum256([]byte(strings.Join(slices.Concat(buildFlags, autoPackages, []string{buildEnv}), "\n")))
	name := autoRepo + ":" + suite + "-" + hex.EncodeToString(recipe[:4])
	if b, ok, err := e.local(ctx, name); err != nil || ok && !anew {
		return b, err
	}
	if err := e.build(ctx, suite, name, progress); err != nil {
		return baseImage{}, fmt.Errorf("building it from the packages of %s: %w", suite, err)
	}
	b, ok, err := e.local(ctx, name)
	if err == nil && !ok {
		err = errors.New("it was built but is not there")
	}
	return b, err
}

// buildableSuite is the release whose packages make the base, where this host
// has the tools for it.
func buildableSuite(osRelease string) (suite string, ok bool) {
	release, err := readOSRelease(osRelease)
	if err != nil || (release["ID"] != "debian" && release["ID"] != "ubuntu") {
		return "", false
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return "", false
	}
	suite = release["VERSION_CODENAME"]
	return suite, suite != ""
}

func readOSRelease(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[k] = strings.Trim(v, `"'`)
		}
	}
	return values, nil
}

// build runs mmdebstrap under the account and feeds what it makes to Podman.
func (e *Engine) build(ctx context.Context, suite, name string, progress func(Progress)) error {
	tmp, err := e.buildDir(ctx)
	if err != nil {
		return err
	}
	defer e.removeBuildDir(context.WithoutCancel(ctx), tmp)
	args := slices.Concat([]string{"--include=" + strings.Join(autoPackages, ",")}, buildFlags, aptProxies(ctx),
		[]string{suite, "-"}, hostSources("/etc/apt"))
	cmd := e.acct.command(ctx, "mmdebstrap", args...)
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp, buildEnv)
	// It cleans up, but only when those that work for it end too: the group.
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM

	said := &tail{log: e.opts.Log}
	stepsR, stepsW := io.Pipe()
	tarR, tarW := io.Pipe()
	cmd.Stdout, cmd.Stderr = tarW, io.MultiWriter(said, stepsW)
	ran := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the parent-death signal hangs on the thread
		err := cmd.Run()
		tarW.CloseWithError(err) // nil is the end of the tar
		stepsW.Close()
		ran <- err
	}()
	imported := make(chan error, 1)
	go func() {
		_, err := images.Import(e.with(ctx), tarR, importOptions(name))
		tarR.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // lets mmdebstrap end when Podman took no more
		imported <- err
	}()
	reportSteps(stepsR, progress)
	runErr, importErr := <-ran, <-imported
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if runErr != nil && !errors.Is(runErr, io.ErrClosedPipe) {
		return fmt.Errorf("mmdebstrap: %w: %s", runErr, said)
	}
	return importErr
}

// reportSteps turns what mmdebstrap says into progress, until it says no more.
func reportSteps(r io.Reader, progress func(Progress)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		for i, step := range buildSteps {
			if strings.HasPrefix(lines.Text(), "I: "+step) {
				progress(Progress{Step: "building the image: " + step, Done: int64(i), Total: int64(len(buildSteps))})
			}
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line too long for the scanner must not stop the build
}

// buildDir is an empty directory of the account with room for an unpacked
// system. It is always the same one, so that the next build finds what a killed
// one left. Other users may pass through it: mmdebstrap's root is one.
func (e *Engine) buildDir(ctx context.Context) (string, error) {
	dir := "/var/tmp/glovebox-build-" + strconv.Itoa(e.acct.uid)
	if _, err := os.Lstat(dir); err == nil {
		e.removeBuildDir(ctx, dir)
	}
	return dir, ownDir(dir, 0o711, e.acct.uid, e.acct.gid)
}

// removeBuildDir removes files that belong to the account's subordinate users,
// which only root and Podman's user namespace may do.
func (e *Engine) removeBuildDir(ctx context.Context, dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	if out, err := e.acct.command(ctx, "podman", "unshare", "rm", "-rf", dir).CombinedOutput(); err != nil {
		e.opts.Log(fmt.Sprintf("removing %s: %v: %s", dir, err, out))
	}
}

// hostSources are the host's own package sources, as mirrors for mmdebstrap:
// the distribution's, not those of third parties beside them. None means the
// distribution's public ones.
func hostSources(etcApt string) []string {
	var mirrors []string
	if b, err := os.ReadFile(filepath.Join(etcApt, "sources.list")); err == nil {
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			// Lines for installation media and for sources would only get in the way.
			if strings.HasPrefix(line, "deb ") && strings.Contains(line, "://") {
				mirrors = append(mirrors, line)
			}
		}
	}
	for _, name := range []string{"debian.sources", "ubuntu.sources"} {
		path := filepath.Join(etcApt, "sources.list.d", name)
		if _, err := os.Stat(path); err == nil {
			mirrors = append(mirrors, path)
		}
	}
	return mirrors
}

// aptProxies are the host's own proxy settings for packages; mmdebstrap reads
// none of its configuration. They do not stay in the image.
func aptProxies(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "apt-config", "dump", "--no-empty", "--format", `%f "%v";%n`, "Acquire").Output()
	if err != nil {
		return nil
	}
	var flags []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "::Proxy ") || strings.Contains(line, "::Proxy::") {
			flags = append(flags, "--aptopt="+strings.TrimSpace(line))
		}
	}
	return flags
}
