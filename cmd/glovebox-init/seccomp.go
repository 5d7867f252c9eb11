package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The engine's filter leaves in what containers at large may need. A box needs
// less: PID 1 puts a second filter on top, on itself and all that it starts.
// Filters only ever take away (seccomp(2)).

// forbidden calls are refused with EPERM: namespaces and mounts, and services
// of the kernel that no program of a box needs and where exploits begin.
var forbidden = [...]uintptr{
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SYSLOG,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_VHANGUP,
	unix.SYS_FANOTIFY_INIT, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_KCMP, unix.SYS_LOOKUP_DCOOKIE,
}

// unknown calls are said not to exist, so that programs and C libraries do it in
// another way. The flags of clone3 are in memory, where a filter cannot look; a
// memfd that is on its way through a socket is memory that nobody's descriptors
// show, so that no watchdog could count it; nor could it count System V
// semaphores, of which an IPC namespace has room for a billion, and messages.
var unknown = [...]uintptr{unix.SYS_CLONE3, unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_SEMGET, unix.SYS_MSGGET}

// ofOthers are calls that change how another process is scheduled: only a
// caller's own process may be named, by 0 in the given argument. PID 1 has the
// user ID of the commands that it watches, so the kernel would let them.
var ofOthers = [...]struct {
	call uintptr
	arg  uint32 // offset
}{
	{unix.SYS_SCHED_SETSCHEDULER, atArg0},
	{unix.SYS_SCHED_SETPARAM, atArg0},
	{unix.SYS_SCHED_SETATTR, atArg0},
	{unix.SYS_SCHED_SETAFFINITY, atArg0},
	{unix.SYS_SETPRIORITY, atArg0},
	{unix.SYS_SETPRIORITY, atArg1}, // PRIO_PROCESS, oneself
}

// protocols that programs use, by family of sockets. All others would only give
// access to more of the kernel, which loads modules for them, or of the
// machine's hypervisor.
var protocols = [...]struct {
	family  uint32
	allowed []uint32 // nil: any
}{
	{unix.AF_UNIX, nil},
	{unix.AF_INET, []uint32{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP}},
	{unix.AF_INET6, []uint32{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMPV6}},
	{unix.AF_NETLINK, []uint32{unix.NETLINK_ROUTE}}, // C libraries list addresses by it
}

// lastType is the highest type of sockets: stream, datagram, raw.
const lastType = unix.SOCK_RAW

// namespaces that clone(2) could make.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// Offsets in struct seccomp_data.
const (
	atNumber = 0
	atArch   = 4
	atArg0   = 16 // their lower halves: both architectures are little endian
	atArg1   = 24
	atArg2   = 32
)

// auditArch is how the kernel names the architecture of a call: a call by any
// other, such as 32-bit ones on amd64, is refused, for its numbers differ.
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filterCalls puts the filter on every thread.
func filterCalls() error {
	program, err := filterProgram()
	if err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	return nil
}

func filterProgram() ([]unix.SockFilter, error) {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("filter system calls: %s is not known", runtime.GOARCH)
	}
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(how uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	refuse := func(errno unix.Errno) unix.SockFilter { return end(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

	p := []unix.SockFilter{
		load(atArch), jump(unix.BPF_JEQ, arch, 1, 0), refuse(unix.ENOSYS),
		load(atNumber), jump(unix.BPF_JGE, 1<<30, 0, 1), refuse(unix.ENOSYS), // the x32 way of calling
	}
	for _, nr := range unknown {
		p = append(p, jump(unix.BPF_JEQ, uint32(nr), 0, 1), refuse(unix.ENOSYS))
	}
	for _, nr := range forbidden {
		p = append(p, jump(unix.BPF_JEQ, uint32(nr), 0, 1), refuse(unix.EPERM))
	}
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4),
		load(atArg0), jump(unix.BPF_JSET, namespaces, 0, 1), refuse(unix.EPERM), end(unix.SECCOMP_RET_ALLOW))
	for _, c := range ofOthers {
		p = append(p, jump(unix.BPF_JEQ, uint32(c.call), 0, 4), load(c.arg), jump(unix.BPF_JEQ, 0, 1, 0), refuse(unix.EPERM), load(atNumber))
	}
	// The limit of core dumps stays as it is: the wish succeeds, and changes nothing.
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_SETRLIMIT, 0, 4),
		load(atArg0), jump(unix.BPF_JEQ, unix.RLIMIT_CORE, 0, 1), refuse(0), end(unix.SECCOMP_RET_ALLOW))
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 0, 8),
		load(atArg1), jump(unix.BPF_JEQ, unix.RLIMIT_CORE, 0, 5),
		load(atArg2), jump(unix.BPF_JEQ, 0, 0, 2),
		load(atArg2+4), jump(unix.BPF_JEQ, 0, 1, 0),
		refuse(0), load(atNumber))
	// Limits of others may be read (no new one is given). PID 1 sets one kind for
	// what it starts; set for PID 1 itself, that only ends the box.
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 0, 10),
		load(atArg0), jump(unix.BPF_JEQ, 0, 7, 0),
		load(atArg1), jump(unix.BPF_JEQ, unix.RLIMIT_NPROC, 5, 0),
		load(atArg2), jump(unix.BPF_JEQ, 0, 0, 2),
		load(atArg2+4), jump(unix.BPF_JEQ, 0, 1, 0),
		refuse(unix.EPERM), end(unix.SECCOMP_RET_ALLOW))
	// Nobody gets larger buffers for a socket than it was made with, for what lies in
	// them is the kernel's memory: the wish succeeds, and changes nothing.
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_SETSOCKOPT, 0, 7),
		load(atArg1), jump(unix.BPF_JEQ, unix.SOL_SOCKET, 0, 4),
		load(atArg2), jump(unix.BPF_JEQ, unix.SO_SNDBUF, 1, 0), jump(unix.BPF_JEQ, unix.SO_RCVBUF, 0, 1),
		refuse(0), end(unix.SECCOMP_RET_ALLOW))
	// A pair of sockets is made by the kernel in any family before it finds that most have no pairs.
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_SOCKETPAIR, 0, 4),
		load(atArg0), jump(unix.BPF_JEQ, unix.AF_UNIX, 1, 0), refuse(unix.EAFNOSUPPORT), end(unix.SECCOMP_RET_ALLOW))
	p = append(p, jump(unix.BPF_JEQ, unix.SYS_SOCKET, 1, 0), end(unix.SECCOMP_RET_ALLOW), load(atArg0))
	for _, f := range protocols {
		own := []unix.SockFilter{end(unix.SECCOMP_RET_ALLOW)}
		if f.allowed != nil {
			own = []unix.SockFilter{
				load(atArg1),
				{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xf},
				jump(unix.BPF_JGT, lastType, 0, 1), refuse(unix.ESOCKTNOSUPPORT), load(atArg2),
			}
			for _, protocol := range f.allowed {
				own = append(own, jump(unix.BPF_JEQ, protocol, 0, 1), end(unix.SECCOMP_RET_ALLOW))
			}
			own = append(own, refuse(unix.EPROTONOSUPPORT))
		}
		p = append(append(p, jump(unix.BPF_JEQ, f.family, 0, uint8(len(own)))), own...)
	}
	return append(p, refuse(unix.EAFNOSUPPORT)), nil
}
