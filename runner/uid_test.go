package runner

import "testing"

// A preferred user ID is given while it is free and one of ours; nobody gets one
// that is taken.
func TestPreferredUID(t *testing.T) {
	dir := t.TempDir()
	lease := func(preferred, want int) *uidLease {
		t.Helper()
		l, err := leaseUID(dir, preferred)
		if err != nil {
			t.Fatal(err)
		}
		if l.uid != want {
			t.Errorf("preferring %d gives %d, want %d", preferred, l.uid, want)
		}
		return l
	}
	defer lease(0, firstUID).release()
	defer lease(0, firstUID+1).release()
	mine := lease(firstUID+7, firstUID+7)
	defer lease(firstUID+7, firstUID+2).release() // taken
	defer lease(1, firstUID+3).release()          // not ours to give
	defer lease(lastUID+1, firstUID+4).release()
	mine.release()
	defer lease(firstUID+7, firstUID+7).release()
}
