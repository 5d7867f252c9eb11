package probe

var sysrq = Probe{
	Name: "sysrq", Layer: execution,
	Gain:  "crash or reboot the host",
	Tries: "opens /proc/sysrq-trigger for writing, and writes nothing",
	Why:   "the file is the host root's, which nobody in a rootless box can be",
	Try:   func(Targets) Finding { return openForWriting("/proc/sysrq-trigger", "/proc/sys/kernel/sysrq") },
}
