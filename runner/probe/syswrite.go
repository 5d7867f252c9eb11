package probe

import "golang.org/x/sys/unix"

var sysWrite = Probe{
	Name: "sys-write", Layer: execution, Control: Unmasked,
	Gain:  "set up devices, drivers and control groups of the host",
	Tries: "opens files below /sys for writing, and looks how it is mounted",
	Try: func(Targets) Finding {
		var st unix.Statfs_t
		if err := unix.Statfs("/sys", &st); err != nil {
			return unsure("/sys: %v", err)
		}
		if st.Flags&unix.ST_RDONLY == 0 {
			return out("/sys is mounted read-write")
		}
		return openForWriting("/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs", "/sys/module/printk/parameters/time")
	},
}
