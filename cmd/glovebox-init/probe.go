package main

import (
	"glovebox/runner/port"
	"glovebox/runner/probe"
)

// hostUsrArg tells the probe process that /usr is declared to be the host's.
const hostUsrArg = "host-usr"

// probeAll tries the core probes in a process of its own, just as a command of
// the agent would, before the first command.
func probeAll(hostUsr bool) []port.Proof {
	var proofs []port.Proof
	for _, p := range probe.Core(hostUsr) {
		f := p.Try(probe.Targets{HostUsr: hostUsr})
		proofs = append(proofs, port.Proof{Probe: p.Name, Layer: p.Layer, Verdict: f.Verdict, Evidence: f.Evidence})
	}
	return proofs
}
