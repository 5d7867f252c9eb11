package probe

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

var hostIdentity = Probe{
	Name: "host-identity", Layer: data, Control: HostName,
	Gain:  "know whose machine it is on, and recognise it again",
	Tries: "reads the host's name, machine ID and serial numbers",
	Try: func(t Targets) Finding {
		var u unix.Utsname
		if err := unix.Uname(&u); err != nil {
			return unsure("%v", err)
		}
		if name := unix.ByteSliceToString(u.Nodename[:]); name != "box" {
			return out("the node name is %s", name)
		}
		for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id", "/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/product_uuid"} {
			if data, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(data)) != "" {
				return out("%s says %q", path, strings.TrimSpace(string(data)))
			}
		}
		for _, path := range []string{"/etc/hostname", "/etc/hosts"} {
			if data, err := os.ReadFile(path); err == nil && t.HostName != "" && t.HostName != "localhost" && strings.Contains(string(data), t.HostName) {
				return out("%s names the host", path)
			}
		}
		return held("the box's own name, no ID, no serial number")
	},
}
