package runner

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/specgen"
)

// container makes a container like a box's that never ran.
func container(t *testing.T, e *Engine, name string, labels map[string]string) string {
	t.Helper()
	s := specgen.NewSpecGenerator(testImage(t).ID, false)
	s.Command = []string{initPath}
	s.NetNS = specgen.Namespace{NSMode: specgen.NoNetwork}
	s.Name, s.Labels = name, labels
	made, err := containers.CreateWithSpec(e.with(t.Context()), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.remove(context.Background(), made.ID); err != nil {
			t.Error(err)
		}
	})
	return made.ID
}

func TestReapTakesOnlyTheDead(t *testing.T) {
	e := testEngine(t)
	me, err := CurrentOwner()
	if err != nil {
		t.Fatal(err)
	}
	dead := deadOwner(t)
	box := func(name string, o Owner) string {
		labels := o.Labels()
		labels[LabelBox] = name
		return container(t, e, name, labels)
	}
	unfinished := container(t, e, preparePrefix+dead.String(), nil) // left by an image preparation
	mine := box("test-mine", me)
	foreign := container(t, e, "", map[string]string{"some": "label"})

	var wg sync.WaitGroup
	var mu sync.Mutex
	var orphan string
	said := false
	for try := 0; !said && try < 10; try++ { // any program that starts meanwhile, for another test, reaps as well
		name := fmt.Sprint("test-orphan-", try)
		orphan = box(name, dead)
		for range 4 {
			wg.Go(func() {
				got, err := e.Reap(t.Context())
				if err != nil {
					t.Errorf("reaping beside others: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, b := range got {
					if b.Owner != dead {
						continue // left by another test's program
					}
					if said = true; b.Container != orphan || b.Name != name || b.Alive {
						t.Errorf("reaped %+v", b)
					}
				}
			})
		}
		wg.Wait()
	}
	if !said {
		t.Error("nobody says that it removed the orphan")
	}
	for _, c := range []struct {
		what, id string
		want     bool
	}{{"orphan", orphan, false}, {"unfinished", unfinished, false}, {"mine", mine, true}, {"foreign", foreign, true}} {
		if there, err := containers.Exists(e.with(t.Context()), c.id, nil); err != nil || there != c.want {
			t.Errorf("%s: there = %v, want %v (%v)", c.what, there, c.want, err)
		}
	}
	boxes, err := e.Boxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(boxes, func(b BoxStatus) bool { return b.Name == "test-mine" && b.Alive && b.Owner == me }) {
		t.Errorf("boxes are %+v, without this process's own", boxes)
	}
	if slices.ContainsFunc(boxes, func(b BoxStatus) bool { return b.Container == foreign || b.Container == unfinished }) {
		t.Errorf("boxes are %+v, with some that are none", boxes)
	}
}
