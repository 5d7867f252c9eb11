package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Main is the part of glovebox-init that a battery's command runs: args are
// the name of a probe, or "nothing", "stay" NONCE, "leak" PROBE, "tidy" and "share" KEY for the
// processes that probes and the battery start. Targets come as JSON from in, the Finding goes to w. It returns the
// exit status.
func Main(args []string, in io.Reader, w io.Writer) int {
	if len(args) == 0 {
		return 2
	}
	switch args[0] {
	case "nothing":
		return 0
	case "stay":
		time.Sleep(time.Hour) // killed by whoever started it, or with the box
		return 0
	case "leak": // a descriptor, and goes on as the probe
		if _, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0); err != nil {
			fmt.Fprintln(w, err)
			return 1
		}
		fmt.Fprintln(w, unix.Exec("/proc/self/exe", append([]string{"glovebox-init", "probe"}, args[1:]...), os.Environ()))
		return 1
	case "tidy": // what a probe left that was ended
		return tidy()
	case "share":
		key, err := strconv.Atoi(args[len(args)-1])
		if err == nil {
			err = share(key)
		}
		if err != nil {
			fmt.Fprintln(w, err)
			return 1
		}
		return 0
	}
	for _, p := range Battery(true) {
		if p.Name != args[0] {
			continue
		}
		var t Targets
		if err := json.NewDecoder(in).Decode(&t); err != nil {
			fmt.Fprintln(w, "targets:", err)
			return 2
		}
		if err := json.NewEncoder(w).Encode(p.Try(t)); err != nil {
			return 1
		}
		return 0
	}
	fmt.Fprintf(w, "there is no probe %q\n", args[0])
	return 2
}
