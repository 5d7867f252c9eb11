package runner

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	subIDFirst = 100_000 // where the distributions begin
	subIDCount = 65_536  // one whole range of 16-bit ids, as images expect
)

// subRange is one line of /etc/subuid or /etc/subgid.
type subRange struct {
	owner        string // name or uid
	first, count uint64
}

// readSubRanges reads one of the files. One that is not there is empty; lines
// that do not parse are left to the tools that own the file.
func readSubRanges(path string) ([]subRange, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the subordinate ids: %w", err)
	}
	var ranges []subRange
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 {
			continue
		}
		first, err1 := strconv.ParseUint(f[1], 10, 32)
		count, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 == nil && err2 == nil {
			ranges = append(ranges, subRange{owner: f[0], first: first, count: count})
		}
	}
	return ranges, nil
}

// hasRange reports whether the account has enough ids of its own among ranges.
func (a account) hasRange(ranges []subRange) bool {
	var sum uint64
	for _, r := range ranges {
		if r.owner == a.name || r.owner == strconv.Itoa(a.uid) {
			sum += r.count
		}
	}
	return sum >= subIDCount
}

// freeRange is the first id of a range that overlaps none of those given.
func freeRange(ranges []subRange) uint64 {
	first := uint64(subIDFirst)
	for _, r := range ranges {
		first = max(first, r.first+r.count)
	}
	return first
}
