package runner

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Labels of a box. They tell the reaper whose it is; the names are part of the
// outer contract, since a later version reads what an earlier one left behind.
const (
	LabelBox        = "glovebox.box"     // name of the box
	LabelSession    = "glovebox.session" // session ID
	LabelOwnerPID   = "glovebox.owner.pid"
	LabelOwnerStart = "glovebox.owner.start"
	LabelOwnerBoot  = "glovebox.owner.boot"
)

// Owner names one process for good. A pid alone does not: it is reused within
// hours on a busy machine and at once after a reboot.
type Owner struct {
	PID   int
	Start uint64 // clock ticks after boot, field 22 of /proc/PID/stat
	Boot  string // the kernel's boot ID
}

// CurrentOwner is this process.
func CurrentOwner() (Owner, error) {
	boot, err := bootID()
	if err != nil {
		return Owner{}, err
	}
	start, err := startTime(os.Getpid())
	if err != nil {
		return Owner{}, err
	}
	return Owner{PID: os.Getpid(), Start: start, Boot: boot}, nil
}

// Alive reports whether that very process still exists. When this cannot be
// told, it is alive: a box too many is better than one taken away from under
// its session.
func (o Owner) Alive() bool {
	boot, err := bootID()
	if err != nil {
		return true
	}
	if o.PID <= 0 || o.Boot != boot {
		return false
	}
	start, err := startTime(o.PID)
	if err != nil {
		return !os.IsNotExist(err)
	}
	return start == o.Start
}

// Labels are what a container of this owner carries.
func (o Owner) Labels() map[string]string {
	return map[string]string{
		LabelOwnerPID:   strconv.Itoa(o.PID),
		LabelOwnerStart: strconv.FormatUint(o.Start, 10),
		LabelOwnerBoot:  o.Boot,
	}
}

// ownerFromLabels reads Labels back; ok is false when there is no owner to read.
func ownerFromLabels(labels map[string]string) (o Owner, ok bool) {
	pid, err := strconv.Atoi(labels[LabelOwnerPID])
	if err != nil {
		return Owner{}, false
	}
	start, err := strconv.ParseUint(labels[LabelOwnerStart], 10, 64)
	if err != nil {
		return Owner{}, false
	}
	return Owner{PID: pid, Start: start, Boot: labels[LabelOwnerBoot]}, true
}

// preparePrefix begins the name of a container in which an image is prepared.
const preparePrefix = "glovebox-prepare-"

// String is the owner as part of a container's name.
func (o Owner) String() string { return fmt.Sprintf("%d-%d-%s", o.PID, o.Start, o.Boot) }

// ownerFromName reads String back from the name of a preparation's container.
func ownerFromName(name string) (o Owner, ok bool) {
	rest, found := strings.CutPrefix(name, preparePrefix)
	f := strings.SplitN(rest, "-", 3)
	if !found || len(f) != 3 {
		return Owner{}, false
	}
	return ownerFromLabels(map[string]string{LabelOwnerPID: f[0], LabelOwnerStart: f[1], LabelOwnerBoot: f[2]})
}

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot ID: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// startTime reads field 22 of /proc/PID/stat. The second field is the command's
// name in parentheses and may itself hold spaces and parentheses, hence the
// count from the last one. A zombie has ended.
func startTime(pid int) (uint64, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return 0, fmt.Errorf("reading %s: %d fields after the name", path, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, os.ErrNotExist
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
