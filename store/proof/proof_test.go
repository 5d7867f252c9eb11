package proof_test

import (
	"encoding/json"
	"testing"

	"glovebox/store/proof"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// The right edge alone gives the roots that tlog computes from all its hashes.
func TestRootsAreThoseOfTlog(t *testing.T) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	tree := &proof.Tree{}
	for n := range int64(200) {
		want, err := tlog.TreeHash(n, read)
		if err != nil || tree.Root() != want || tree.Size() != n {
			t.Fatalf("root of %d leaves: %v, want %v (%v)", n, tree.Root(), want, err)
		}
		leaf := tlog.RecordHash([]byte{byte(n)})
		more, err := tlog.StoredHashesForRecordHash(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		tree.Append(leaf)
		if tree, err = proof.ParseTree(tree.Size(), tree.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
}

// What Split accepts has one form: joined again it is the same bytes.
func TestSplitAndJoin(t *testing.T) {
	for object, want := range map[string]int{
		`{}`: 0, `{"a":1}`: 1, `{"a":"x,}\"","b":{"c":[1,{"d":","}]},"e":null}`: 3, `{"\"":"","b":1}`: 2,
		`{ "a":1}`: -1, `{"a":1,}`: -1, `{"a" :1}`: -1, `{"a":1,"a":2}`: -1, `{"a":}`: -1, `[]`: -1, `{"a`: -1, `{"a"}`: -1, ``: -1, `{"}`: -1, `{,"a":1}`: -1,
	} {
		fields, err := proof.Split([]byte(object))
		if want < 0 != (err != nil) || err == nil && len(fields) != want {
			t.Errorf("%s: %d fields, %v; want %d", object, len(fields), err, want)
		}
		if err == nil && string(proof.Join(fields)) != object {
			t.Errorf("%s joined is %s", object, proof.Join(fields))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		object, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "object"))
		if err != nil {
			t.Fatal(err)
		}
		fields, err := proof.Split(object)
		if err != nil || string(proof.Join(fields)) != string(object) {
			t.Errorf("%s: %v", object, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"a":"x,}\"","b":{"c":[1]}}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		if fields, err := proof.Split(object); err == nil && string(proof.Join(fields)) != string(object) {
			t.Errorf("%q joined is %q", object, proof.Join(fields))
		}
	})
}
