package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containers/podman/v5/libpod/define"
	"github.com/containers/podman/v5/pkg/bindings"
	"github.com/containers/podman/v5/pkg/bindings/system"
	"github.com/sirupsen/logrus"
)

// Why there is no engine. The text after the colon says what to do.
var (
	ErrNoEngine = errors.New("no Podman engine")      // none answers and none could be started
	ErrNotSetUp = errors.New("not set up")            // something that `glovebox setup` makes is missing
	ErrRootful  = errors.New("rootful Podman engine") // a box there would be root's: never used
)

// ownChild is the Info.Source of a service that we started.
const ownChild = "own child"

// errFewIDs: there are no subordinate ids, or Podman has run since before there were.
var errFewIDs = errors.New("too few subordinate ids")

// Options say where the engine keeps its things and which runtime it uses.
type Options struct {
	StateDir   string       // for what must survive; made when missing
	RuntimeDir string       // for sockets; "" is the usual place. As root always /run/glovebox
	InitPath   string       // the glovebox-init binary; "" is the one next to this program
	Runtime    string       // OCI runtime, by name or path; "" and "auto" pick one that works on this host
	OwnKernel  bool         // only a runtime that gives each box a kernel of its own will do
	Log        func(string) // debug lines, one at a time; nil drops them
}

// Info is what is known of the engine. It does not change while it is open.
type Info struct {
	Version       string   // of Podman
	Runtime       string   // OCI runtime that boxes must name: runc, crun, …
	RuntimeOf     string   // what that says of its version, one line; "" if it says nothing
	CgroupMode    string   // v2-delegated, v2, hybrid, v1
	Controllers   []string // cgroup controllers that limit a box
	StorageDriver string   // overlay, vfs, …
	Rootless      bool     // always true
	Source        string   // CONTAINER_HOST, user socket, own child
	Account       string   // who Podman runs as
}

// Engine is a rootless Podman service. Safe for concurrent use.
type Engine struct {
	opts   Options
	acct   account
	owner  Owner
	client context.Context // carries the bindings' connection, as they want it
	uri    string          // of somebody else's service
	info   Info
	reaped []BoxStatus
	strong foundRuntime // the zero value: boxes share the host's kernel
	stop   context.CancelFunc
	wait   sync.WaitGroup

	mu    sync.Mutex // of the child, which may be replaced: see reach
	child *child     // nil: somebody else's service
}

// Open finds the rootless Podman service or starts one, checks it, and removes
// the boxes whose owner died. The order is $CONTAINER_HOST, the user's socket,
// an own child. The caller closes the engine. ctx bounds Open only.
// Errors wrap ErrNoEngine, ErrNotSetUp or ErrRootful, or ErrNoSeal where no
// runtime can give boxes what opts want.
func Open(ctx context.Context, opts Options) (*Engine, error) {
	acct, err := podmanAccount()
	if err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	owner, err := CurrentOwner()
	if err != nil {
		return nil, err
	}
	strong, err := chooseRuntime(opts)
	if err != nil {
		return nil, err
	}
	opts.RuntimeDir = acct.socketDir(opts.RuntimeDir)
	if err := acct.ready(opts.RuntimeDir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoEngine, err)
	}
	// Podman's client logs to standard error what its calls also return.
	logrus.SetOutput(io.Discard)
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	e := &Engine{opts: opts, acct: acct, owner: owner, strong: strong, stop: stop}
	if err := e.connect(ctx, alive); err != nil {
		e.Close()
		return nil, err
	}
	err = e.check(ctx)
	if err == nil {
		// A box that cannot be removed is no reason not to make another.
		if e.reaped, err = e.Reap(ctx); err != nil {
			opts.Log("removing left-over boxes: " + err.Error())
		}
		err = ctx.Err()
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close ends the service if it is our own child, and waits until it is gone.
// Boxes still there are left to the reaper. It may be called twice.
func (e *Engine) Close() error {
	e.stop()
	e.wait.Wait()
	if e.client != nil {
		if c, err := bindings.GetClient(e.client); err == nil {
			c.Client.CloseIdleConnections()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.child != nil {
		e.child.stop()
		e.child = nil
	}
	return nil
}

// Info is what is known of the engine.
func (e *Engine) Info() Info { return e.info }

// Reaped lists the boxes of dead owners that Open removed.
func (e *Engine) Reaped() []BoxStatus { return e.reaped }

// conn is the context that the bindings want: it carries the connection and
// lasts until Close.
func (e *Engine) conn() context.Context { return e.client }

// with gives ctx the engine's connection, so that a call to the bindings ends
// when its caller does.
func (e *Engine) with(ctx context.Context) context.Context {
	return joined{Context: ctx, values: e.client}
}

// soon is with for what the service answers at once.
func (e *Engine) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(e.with(ctx), answerTimeout, errSilent)
}

type joined struct {
	context.Context
	values context.Context
}

// Value looks at the connection first.
func (j joined) Value(key any) any {
	if v := j.values.Value(key); v != nil {
		return v
	}
	return j.Context.Value(key)
}

// connect finds a service; alive is the context its connection lives on.
func (e *Engine) connect(ctx, alive context.Context) error {
	var err error
	if uri := os.Getenv("CONTAINER_HOST"); uri != "" {
		if e.strong.strongRuntime != nil {
			return refuse("Unset it", fmt.Errorf("CONTAINER_HOST is set to %q, and how that service runs %s is not ours to say", uri, e.strong.name))
		}
		e.info.Source = "CONTAINER_HOST"
		e.uri = uri
		if e.client, err = dial(ctx, alive, uri); err != nil {
			return fmt.Errorf("%w: CONTAINER_HOST is set to %q, and nothing answers there: unset it, or start that service (%w)", ErrNoEngine, uri, err)
		}
		e.keepAwake(alive)
		return nil
	}
	if path := e.userSocket(); e.strong.strongRuntime == nil && answers(ctx, path) {
		e.info.Source = "user socket"
		e.uri = "unix://" + path
		if e.client, err = dial(ctx, alive, e.uri); err == nil {
			e.keepAwake(alive)
			return nil
		}
		e.opts.Log("the user's Podman socket does not answer, starting an own service: " + err.Error())
	}
	e.info.Source = ownChild
	if e.child, err = startChild(ctx, e.acct, e.opts, e.flags()); err != nil {
		return err
	}
	if e.client, err = dial(ctx, alive, e.child.uri()); err != nil {
		return fmt.Errorf("%w: the service that was just started does not answer (%w): %s", ErrNoEngine, err, e.child.stderr)
	}
	transport(e.client).DialContext = e.reach
	return nil
}

// userSocket is the socket of the user's own service. As root there is none:
// root's is rootful.
func (e *Engine) userSocket() string {
	if e.acct.drop || e.acct.runtimeDir == "" {
		return ""
	}
	return filepath.Join(e.acct.runtimeDir, "podman", "podman.sock")
}

func answers(ctx context.Context, socket string) bool {
	if socket == "" {
		return false
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// keepAwake asks something of somebody else's service every two seconds: unless
// told otherwise, as systemd does not, it ends after five idle ones, and
// attached boxes do not count.
func (e *Engine) keepAwake(alive context.Context) {
	e.wait.Go(func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-alive.Done():
				return
			case <-tick.C:
				if _, err := system.Version(e.client, nil); err != nil && alive.Err() == nil {
					e.opts.Log("asking the Podman service for its version: " + err.Error())
				}
			}
		}
	})
}

// flags are Podman's global flags for an own service.
func (e *Engine) flags() []string {
	// Events to a file: without journald the default fails, and nobody reads them.
	flags := []string{"--runtime", e.runtime(), "--events-backend", "file"}
	if e.strong.strongRuntime != nil {
		flags = append(flags, e.strong.flags...)
	}
	if cgroupMode() != "v2" || e.acct.drop || e.acct.runtimeDir == "" || !answers(context.Background(), filepath.Join(e.acct.runtimeDir, "bus")) {
		flags = append(flags, "--cgroup-manager", "cgroupfs")
	}
	if e.freeDriver() {
		// Left to itself an old Podman picks vfs, which copies the whole image
		// for every box, and a store stays with its driver.
		flags = append(flags, "--storage-driver", "overlay")
	}
	return flags
}

// freeDriver reports whether nobody has decided on another storage driver than
// overlay. Of an account of ours a store that was only begun counts as well:
// Podman may have been killed before it noted down which driver it has.
func (e *Engine) freeDriver() bool {
	data, config := filepath.Join(e.acct.home, ".local/share"), filepath.Join(e.acct.home, ".config")
	if !e.acct.drop {
		data = cmp.Or(os.Getenv("XDG_DATA_HOME"), data)
		config = cmp.Or(os.Getenv("XDG_CONFIG_HOME"), config)
	}
	for _, path := range []string{filepath.Join(config, "containers/storage.conf"), "/etc/containers/storage.conf"} {
		if _, err := os.Stat(path); err == nil {
			return false
		}
	}
	stores, _ := filepath.Glob(filepath.Join(data, "containers/storage/*-images"))
	return len(stores) == 0 || e.acct.drop && len(stores) == 1 && filepath.Base(stores[0]) == "overlay-images"
}

// runtime picks the OCI runtime: crun, the quicker one, where it works. It
// refuses cgroups v1 and hybrid ones.
func (e *Engine) runtime() string {
	if e.strong.strongRuntime != nil {
		return e.strong.path
	}
	if !e.autoRuntime() {
		return e.opts.Runtime
	}
	if cgroupMode() == "v2" {
		if _, err := exec.LookPath("crun"); err == nil {
			return "crun"
		}
	}
	return "runc"
}

func (e *Engine) autoRuntime() bool { return e.opts.Runtime == "" || e.opts.Runtime == "auto" }

// check asks the service what it is and refuses what must not be used.
func (e *Engine) check(ctx context.Context) error {
	soon, cancel := e.soon(ctx)
	defer cancel()
	i, err := system.Info(soon, nil)
	if err != nil {
		return fmt.Errorf("%w: asking Podman about itself: %w", ErrNoEngine, err)
	}
	if i.Host == nil || i.Store == nil || !i.Host.Security.Rootless {
		return fmt.Errorf("%w: %s leads to a Podman that runs as root; boxes run only under an unprivileged account. Unset CONTAINER_HOST, or point it to a rootless service",
			ErrRootful, e.info.Source)
	}
	mapped := 0
	for _, m := range i.Host.IDMappings.UIDMap {
		mapped += m.Size
	}
	if mapped < subIDCount {
		return fmt.Errorf("%w: %w: Podman has %d user ids to give to boxes, and they need %d", ErrNotSetUp, errFewIDs, mapped, subIDCount)
	}
	e.info.Version = i.Version.Version
	e.info.Rootless = true
	e.info.StorageDriver = i.Store.GraphDriverName
	e.info.Controllers = controllers(i.Host, e.acct.uid)
	e.info.CgroupMode = engineCgroupMode(i.Host, e.info.Controllers)
	e.info.Account = e.acct.name
	e.info.Runtime = e.runtime()
	if own := i.Host.OCIRuntime; e.child == nil && e.autoRuntime() && i.Host.CgroupsVersion == "v2" && own != nil {
		e.info.Runtime = own.Name // whoever runs that service chose it
	}
	e.info.RuntimeOf = runtimeVersion(ctx, e.info.Runtime, i.Host.OCIRuntime)
	return nil
}

// runtimeVersion asks Podman, or the runtime itself where that is another one.
func runtimeVersion(ctx context.Context, name string, own *define.OCIRuntimeInfo) string {
	said := ""
	if own != nil && own.Name == name {
		said = own.Version
	} else if out, err := exec.CommandContext(ctx, name, "--version").Output(); err == nil {
		said = string(out)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return first
}
