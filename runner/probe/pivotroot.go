package probe

import "golang.org/x/sys/unix"

var pivotRoot = Probe{
	Name: "pivot-root", Layer: execution, Control: Capabilities,
	Gain:  "swap the root directory, and leave what it was confined to",
	Tries: "pivot_root",
	Try: func(Targets) Finding {
		// With the right to, the kernel finds fault with the arguments.
		err := unix.PivotRoot("/tmp", "/tmp")
		if refusal(err) {
			return held("%v", err)
		}
		return out("the kernel would have done it: %v", err)
	},
}
