package probe

import "glovebox/runner/port"

const (
	network   = "network"
	execution = "execution"
	data      = "data"

	pass = port.Pass
	mib  = 1 << 20
)

// places are the directories of a box that can be written.
var places = port.Places

// Core are the probes that take a few milliseconds together: every box passes
// them before its first command. hostUsrDeclared says that /usr is declared to be the host's.
func Core(hostUsrDeclared bool) []Probe {
	core := []Probe{
		interfaces, connect, dns,
		identity, privileges, readOnlyRoot, mount, portDescriptors,
		mounts, environment, processes,
	}
	if hostUsrDeclared {
		core = append(core, hostUsr)
	}
	return core
}

// Battery is every probe, in the order in which they are tried: what uses up
// the box comes last.
func Battery(hostUsrDeclared bool) []Probe {
	return append(Core(hostUsrDeclared),
		tcpPublic, tcpIPv6, udpPublic, icmp, rawSocket, packetSocket, dnsLookup, metadata, hostLoopback, hostGateway,
		production, abstractSocket, unixSockets, oddSockets, netlinkChange, newNetwork,
		egressUnlisted, egressHost, egressAddress, egressRebinding, egressRedirect,

		writableFiles, procSys, sysWrite, masks, kernelMemory, sysrq, corePattern, releaseAgent, runtimeExe,
		mountCalls, pivotRoot, chrootEscape, userNamespace, ptraceInit, initLimits,
		setuid, becomeRoot, fileCapabilities, devices, keyring, bpf, perf, ioUring, userfaultfd, handles, rareCalls, moduleLoad, kexec,

		hostFile, descriptors, hostIdentity, kernelLog, otherBox, realData, answerKey,

		openFiles, disk, manyFiles, processor, output, forks, memoryHog, memoryThread, memorySockets, memoryFiles,
		leftProcess, leftFile,
	)
}
