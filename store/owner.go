package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// An Owner is the process that runs a session: a process ID alone is used
// again sooner or later, together with its start time and the boot it is not.
type Owner struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot
	Boot  string `json:"boot"`  // boot ID of the kernel
}

// CurrentOwner is this process.
func CurrentOwner() Owner {
	pid := os.Getpid()
	start, _, _ := processStart(pid)
	return Owner{PID: pid, Start: start, Boot: bootID()}
}

// gone is true only where the process is known to have ended.
func (o Owner) gone() bool {
	if boot := bootID(); boot == "" || o.Boot == "" {
		return false
	} else if boot != o.Boot {
		return true
	}
	start, dead, err := processStart(o.PID)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	return dead || start != o.Start
}

func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// processStart returns when a process began, and whether it has ended and
// only waits for its parent to notice.
func processStart(pid int) (ticks uint64, dead bool, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false, err
	}
	// The second field is the command in parentheses and may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return 0, false, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	ticks, err = strconv.ParseUint(fields[19], 10, 64)
	return ticks, fields[0] == "Z" || fields[0] == "X", err
}

// Recover ends the sessions whose owner was killed: it appends Interrupted by
// "crash" and SessionEnded, and returns them as they are now. Sessions of
// living processes stay as they are. Several processes may call it at once;
// each session is ended, and returned, by one of them. A log of another key
// stays as it is.
func (s *Store) Recover(ctx context.Context) ([]Summary, error) {
	if err := s.ours(ctx, s.r); errors.Is(err, ErrOtherKey) {
		return nil, nil // it may be read, and whoever has its key ends them
	} else if err != nil {
		return nil, fmt.Errorf("looking for interrupted sessions: %w", s.explain(err))
	}
	rows, err := s.r.QueryContext(ctx, `SELECT n, id, owner_pid, owner_start, owner_boot FROM session WHERE status = 'running'`)
	if err != nil {
		return nil, fmt.Errorf("looking for interrupted sessions: %w", s.explain(err))
	}
	defer rows.Close()
	type orphan struct {
		n  int64
		id string
	}
	var orphans []orphan
	for rows.Next() {
		var o orphan
		var owner Owner
		if err := rows.Scan(&o.n, &o.id, &owner.PID, &owner.Start, &owner.Boot); err != nil {
			return nil, fmt.Errorf("looking for interrupted sessions: %w", err)
		}
		if owner.gone() {
			orphans = append(orphans, o)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("looking for interrupted sessions: %w", s.explain(err))
	}
	var ended []Summary
	for _, o := range orphans {
		if err := s.endCrashed(ctx, o.n); errors.Is(err, ErrEnded) {
			continue // another process was quicker
		} else if err != nil {
			return ended, fmt.Errorf("ending session %s: %w", o.id, err)
		}
		sum, err := s.Session(ctx, o.id)
		if err != nil {
			return ended, err
		}
		ended = append(ended, sum)
	}
	return ended, nil
}

func (s *Store) endCrashed(ctx context.Context, n int64) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		w, err := s.writer(ctx, tx, n, nil)
		if err == nil {
			_, err = w.append(ctx, Interrupted{By: "crash"})
		}
		if err == nil {
			_, err = w.append(ctx, SessionEnded{Status: "interrupted", Reason: "glovebox was killed"})
		}
		return err
	})
}
