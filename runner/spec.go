package runner

import (
	"strconv"
	"syscall"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/specgen"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

// spec is the whole description of a box. What is not said here is Podman's
// default, so everything that matters is said.
func (e *Engine) spec(name string, uid int, labels map[string]string, o BoxOptions) *specgen.SpecGenerator {
	yes, no := true, false
	s := specgen.NewSpecGenerator(o.Image.ID, false)
	s.Name = name
	s.OCIRuntime = e.info.Runtime
	s.Hostname = "box"
	s.Labels = labels
	s.Entrypoint = []string{initPath}
	s.Command = []string{"pids", strconv.FormatInt(o.Pids+port.SparePids, 10)}
	s.WorkDir = "/"
	s.Stdin = &yes
	s.LogConfiguration = &specgen.LogConfig{Driver: "none"}
	s.Timezone = ""
	s.Umask = "0022"
	s.Systemd = "false"
	s.SdNotifyMode = "ignore"
	s.ImageVolumeMode = "ignore"
	s.User = strconv.Itoa(uid) + ":" + strconv.Itoa(uid)
	s.Passwd = &no // no bind mount of a passwd file made on the host
	s.EnvHost, s.HTTPProxy, s.UnsetEnvAll = &no, &no, &yes
	s.Volatile = &yes // never synced to disk: it is thrown away

	s.NetNS = specgen.Namespace{NSMode: specgen.NoNetwork}
	s.PidNS = specgen.Namespace{NSMode: specgen.Private}
	s.IpcNS = specgen.Namespace{NSMode: specgen.Private}
	s.UtsNS = specgen.Namespace{NSMode: specgen.Private}
	s.CgroupNS = specgen.Namespace{NSMode: specgen.Private}
	if e.strong.strongRuntime == nil { // others do not let the host's kernel hold it
		s.Sysctl = map[string]string{"net.ipv4.tcp_rmem": "4096 131072 212992", "net.ipv4.tcp_wmem": "4096 16384 212992"}
	}
	s.UseImageResolvConf, s.UseImageHosts = &yes, &yes // the host's are not its business

	s.Mask = maskedPlaces[:]
	s.ReadOnlyFilesystem = &yes
	s.ReadWriteTmpfs = &no // only the places below
	s.Privileged = &no
	s.CapDrop = []string{"all"}
	s.NoNewPrivileges = &yes
	s.Mounts = writablePlaces(o.Disk)
	if o.Image.HostUsr() {
		s.Mounts = append(s.Mounts, hostMounts()...)
	}
	// Not NPROC: the runtime would take it on while it still has the account's
	// own user ID, under which everything of all boxes counts. Init does it.
	s.Rlimits = []spec.POSIXRlimit{
		{Type: "NOFILE", Soft: openFiles(), Hard: openFiles()},
		{Type: "CORE", Soft: noDump(), Hard: noDump()},
		{Type: "MEMLOCK"},
		{Type: "MSGQUEUE"},
	}
	s.ResourceLimits = e.resources(o)
	return s
}

const (
	initPath = "/.glovebox/init" // in every image
	maxFiles = 4096              // open files of one process, at most
)

// openFiles is how many files a process of a box may have open: no more than half
// of what Podman can give, which has as many as we, so that a control can give more.
func openFiles() uint64 {
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &own); err != nil {
		return maxFiles
	}
	return min(maxFiles, own.Max/2)
}

// noDump is the limit of a core dump, in bytes, with which there is none. One is
// less than any, and the only one that the kernel heeds where core_pattern is a
// program, to which it would else hand the dump, as the host's root
// (do_coredump, fs/coredump.c). Who has no more than none cannot give one.
func noDump() uint64 {
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &own); err != nil {
		return 0
	}
	return min(1, own.Max)
}

// maskedPlaces show the host's kernel and devices. Which of them Podman covers
// by itself differs by version: 5.4 leaves out /sys/dev/block.
var maskedPlaces = [...]string{
	"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
	"/proc/cmdline", "/proc/diskstats", "/proc/interrupts", "/proc/kallsyms", "/proc/modules", "/proc/partitions", "/proc/swaps",
	"/sys/dev/block", "/sys/devices/virtual/dmi", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
}

// writablePlaces are memory: gone with the box, and full when disk says so.
// Anyone may write there, and the box has but one user.
func writablePlaces(disk int64) []spec.Mount {
	var mounts []spec.Mount
	for _, dir := range port.Places {
		mounts = append(mounts, spec.Mount{
			Destination: dir, Type: "tmpfs", Source: "tmpfs",
			Options: []string{"size=" + strconv.FormatInt(disk, 10), "mode=1777", "nosuid", "nodev", "exec", "rw", "notmpcopyup"},
		})
	}
	return mounts
}

// resources asks for cgroup limits where this host can enforce them for us.
// Elsewhere the runtime would ignore them with a warning: see limits of the
// seal for what then holds.
func (e *Engine) resources(o BoxOptions) *spec.LinuxResources {
	r := &spec.LinuxResources{}
	if e.info.CgroupMode != "v2-delegated" {
		return r
	}
	for _, controller := range e.info.Controllers {
		switch controller {
		case "memory":
			// Files in memory count here, and have limits of their own: the
			// watchdog keeps what processes hold below o.Memory.
			together := port.MemoryWithFiles(o.Memory, o.Disk)
			r.Memory = &spec.LinuxMemory{Limit: &together, Swap: &together} // no swap on top
		case "pids":
			r.Pids = &spec.LinuxPids{Limit: o.Pids + port.SparePids}
		case "cpu":
			period := uint64(100_000) // µs, the kernel's default
			quota := int64(o.CPUs * float64(period))
			r.CPU = &spec.LinuxCPU{Period: &period, Quota: &quota}
		}
	}
	return r
}
