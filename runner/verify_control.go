package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"glovebox/runner/port"
	"glovebox/runner/probe"

	"github.com/containers/podman/v5/pkg/specgen"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

// weakness is how a box is made weak in one respect. It is a box of its own,
// under the same unprivileged account, and nothing but one probe runs in it.
type weakness struct {
	spec       func(*specgen.SpecGenerator)
	env        []string // of the probe, on top
	production []string // in place of the real ones
	proxy      bool     // an unguarded one
	leak       bool     // the probe is started with a descriptor of the root directory
	plant      map[string]string
}

// weaknesses says how each is made. They live as long as the lab's target.
func (l *lab) weaknesses(target string) map[probe.Weakness]*weakness {
	yes, no := true, false
	all := []string{"all"}
	mount := func(from, to string) func(*specgen.SpecGenerator) {
		return func(s *specgen.SpecGenerator) {
			s.Mounts = append(s.Mounts, spec.Mount{Destination: to, Type: "bind", Source: from, Options: []string{"rbind", "rw"}})
		}
	}
	return map[probe.Weakness]*weakness{
		probe.OpenNetwork: {
			spec: func(s *specgen.SpecGenerator) {
				s.NetNS, s.Sysctl = specgen.Namespace{NSMode: specgen.FromContainer, Value: target}, nil
			},
			production: []string{"192.0.2.200:5432"},
		},
		probe.HostNetwork:   {spec: func(s *specgen.SpecGenerator) { s.NetNS, s.Sysctl = specgen.Namespace{NSMode: specgen.Host}, nil }},
		probe.NameServer:    {spec: mount(l.bait.resolver, "/etc/resolv.conf")},
		probe.OpenProxy:     {proxy: true},
		probe.Capabilities:  {spec: func(s *specgen.SpecGenerator) { s.CapDrop, s.CapAdd = nil, all }},
		probe.RootUser:      {spec: func(s *specgen.SpecGenerator) { s.User = "0:0" }},
		probe.NewPrivileges: {spec: func(s *specgen.SpecGenerator) { s.NoNewPrivileges = &no }},
		probe.NoSeccomp:     {spec: func(s *specgen.SpecGenerator) { s.SeccompProfilePath = "unconfined" }},
		probe.WritableRoot:  {spec: func(s *specgen.SpecGenerator) { s.ReadOnlyFilesystem = &no }},
		probe.Unmasked: {spec: func(s *specgen.SpecGenerator) {
			s.Privileged, s.User, s.Mask = &yes, "0:0", nil
		}},
		probe.HostDevice: {spec: func(s *specgen.SpecGenerator) {
			s.Devices = append(s.Devices, spec.LinuxDevice{Path: "/dev/fuse"})
		}},
		probe.KernelFiles: {spec: func(s *specgen.SpecGenerator) {
			mount(l.bait.Secret, "/dev/mem")(s)
			mount(l.bait.Secret, "/dev/kmsg")(s)
		}},
		probe.OpenFile:   {leak: true},
		probe.HostMount:  {spec: mount(l.bait.dir, "/mnt")},
		probe.HostSocket: {spec: mount(l.bait.socket, "/run/host.sock")},
		probe.HostPID:    {spec: func(s *specgen.SpecGenerator) { s.PidNS = specgen.Namespace{NSMode: specgen.Host} }},
		probe.HostName:   {spec: func(s *specgen.SpecGenerator) { s.UtsNS, s.Hostname = specgen.Namespace{NSMode: specgen.Host}, "" }},
		probe.SharedIPC: {spec: func(s *specgen.SpecGenerator) {
			s.IpcNS = specgen.Namespace{NSMode: specgen.FromContainer, Value: l.other.info.Container}
		}},
		probe.Environment: {env: []string{"AWS_SECRET_ACCESS_KEY=" + l.targets.Nonce}},
		probe.NoLimits: {spec: func(s *specgen.SpecGenerator) {
			s.ResourceLimits, s.Rlimits = nil, []spec.POSIXRlimit{{Type: "NOFILE", Soft: 2 * openFiles(), Hard: 2 * openFiles()}}
			s.Mounts = writablePlaces(2*l.targets.Disk + 64<<20)
			s.Command[1] = strconv.FormatInt(2*l.targets.Pids+1024, 10)
		}},
		probe.NoTeardown: {},
		probe.PlantedData: {plant: map[string]string{
			"/data/answers.jsonl": `{"table":"t","key":1,"column":"c","kind":"typo","clean":"x"}` + "\n",
			"/data/people.csv":    "name,mail\nJ. Doe,j.doe@" + strings.Join([]string{"not-reserved", "de"}, ".") + "\n",
		}},
	}
}

// control tries the probe in a box with its weakness; nil where there is none,
// or none was asked for.
func (l *lab) control(ctx context.Context, p probe.Probe) (f *probe.Finding, err error) {
	if !l.o.Control || p.Control == "" {
		return nil, nil
	}
	b, w, release, err := l.weak(ctx, p.Control)
	defer release()
	if err != nil {
		return &probe.Finding{Verdict: port.Inconclusive, Evidence: "the weak box could not be made: " + err.Error()}, ctx.Err()
	}
	// That it can fail is to be shown, once: on a busy host there may be too
	// little to take for it to be too much.
	for range 3 {
		if found := l.try(ctx, b, p, w); f == nil || found.Verdict == port.Fail {
			f = &found
		}
		if f.Verdict == port.Fail {
			break
		}
	}
	return f, nil
}

// weak makes a box with one weakness. release destroys what was made for it.
func (l *lab) weak(ctx context.Context, name probe.Weakness) (b *Box, w *weakness, release func(), err error) {
	var made []*Box
	release = func() {
		for _, b := range made {
			b.Close(context.WithoutCancel(ctx)) // the reaper removes what is left
		}
	}
	target := ""
	if name == probe.OpenNetwork {
		t, err := l.target(ctx)
		if err != nil {
			return nil, nil, release, fmt.Errorf("make its network: %w", err)
		}
		made, target = append(made, t), t.info.Container
	}
	if w = l.weaknesses(target)[name]; w == nil {
		return nil, nil, release, fmt.Errorf("the weakness %q is not known", name)
	}
	o := l.o.Box
	o.Egress = w.proxy
	if b, err = l.box(ctx, o, w); err != nil {
		return nil, w, release, err
	}
	made = append([]*Box{b}, made...) // the box that uses the network goes first
	if w.proxy {
		b.serveEgress(unguarded{l})
	}
	for path, text := range w.plant {
		if _, err := b.Put(ctx, path, 0o644, strings.NewReader(text)); err != nil {
			return nil, w, release, err
		}
	}
	return b, w, release, nil
}

// target is a box whose network namespace, which leads nowhere, answers at the
// addresses that the probes try.
func (l *lab) target(ctx context.Context) (*Box, error) {
	b, err := l.box(ctx, l.o.Box, &weakness{spec: func(s *specgen.SpecGenerator) {
		s.User, s.CapDrop, s.CapAdd = "0:0", nil, []string{"CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"}
		s.Sysctl = map[string]string{"net.ipv4.ping_group_range": "0 65535"}
	}})
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	ended := make(chan error, 1)
	b.wg.Go(func() {
		first := true
		r, err := b.Exec(context.WithoutCancel(ctx), Command{
			Argv: []string{initPath, "target", l.targets.Nonce, strconv.Itoa(l.targets.Port)},
			Output: func(bool, []byte) {
				if first {
					close(ready)
				}
				first = false
			},
		})
		ended <- errors.Join(err, errors.New(strings.TrimSpace(string(r.Stderr))))
	})
	select {
	case <-ready:
		return b, nil
	case err := <-ended:
		b.Close(ctx) // the first error says more
		return nil, err
	}
}
