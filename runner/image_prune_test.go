package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/specgen"
)

// What another version prepared may go once there is a newer one; the last of a
// base stays, and what is new, and one's own.
func TestSurplus(t *testing.T) {
	now := time.Now()
	image := func(id, ref, base, init string, age time.Duration) Image {
		return Image{ID: id, Ref: ref, baseID: base, Init: init, Created: now.Add(-age)}
	}
	all := []Image{ // newest first
		image("own", "auto", "new", "me", time.Minute),
		image("young", "auto", "new", "them", 59*time.Minute),
		image("old", "auto", "new", "them", 2*time.Hour),
		image("last of its base", "auto", "before", "them", 3*time.Hour),
		image("own, again", "auto", "new", "me", 4*time.Hour),
		image("superseded twice", "auto", "before", "those", 5*time.Hour),
		image("of another reference", "host", "new", "them", 6*time.Hour),
		image("older", "auto", "new", "those", 7*time.Hour),
	}
	for spare, want := range map[int]string{1: "old, superseded twice, older", 3: "older", 5: ""} {
		var ids []string
		for _, i := range surplus(all, "me", now, spare) {
			ids = append(ids, i.ID)
		}
		if got := strings.Join(ids, ", "); got != want {
			t.Errorf("with %d to spare these may go: %s; want %s", spare, got, want)
		}
	}
}

// What a box has stays, although it may go; and with the others no base goes.
func TestImagesInUseStay(t *testing.T) {
	e := testEngine(t)
	conn := e.with(t.Context())
	name := fmt.Sprint("glovebox-test-prune-", os.Getpid()) // what a test that was killed left is not ours
	ref := "localhost/" + name + ":latest"
	t.Cleanup(func() {
		if _, err := e.RemoveImage(context.Background(), ref); err != nil {
			t.Error(err)
		}
	})
	root := tarOf(t, map[string][]byte{"bin/x": []byte("x")})
	var made []Image
	for range 3 { // three versions of the program
		other := withInit(e, newInit(t, e))
		var img Image
		var err error
		if made == nil {
			img, err = other.ImportImage(t.Context(), name, bytes.NewReader(root), nil)
		} else {
			img, err = other.Image(t.Context(), ref, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, img)
	}
	used, err := containers.CreateWithSpec(conn, specgen.NewSpecGenerator(made[0].ID, false), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.remove(context.Background(), used.ID); err != nil {
			t.Error(err)
		}
	})
	mine := func() []Image {
		all, err := e.Images(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(i Image) bool { return i.Ref != ref })
	}
	can := surplus(mine(), "mine", time.Now().Add(2*time.Hour), 1)
	gone, err := e.dropImages(t.Context(), can)
	if err != nil || len(can) != 2 || len(gone) != 1 || gone[0].ID != made[1].ID {
		t.Errorf("of %d that may go went %+v (%v), want the second", len(can), gone, err)
	}
	if left := mine(); len(left) != 2 || left[0].ID != made[2].ID || left[1].ID != made[0].ID {
		t.Errorf("left are %+v", left)
	}
	if there, err := images.Exists(conn, made[2].baseID, nil); err != nil || !there {
		t.Errorf("the base is gone (%v)", err)
	}
}
