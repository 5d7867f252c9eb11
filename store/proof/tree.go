package proof

import (
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree is the right edge of a Merkle tree: all that is needed to append to
// it and to know its root. The zero value is the empty tree.
type Tree struct {
	n    int64
	edge []Hash // roots of the complete subtrees, largest first
}

// Size is how many leaves there are.
func (t *Tree) Size() int64 { return t.n }

// Append adds a leaf: at most log₂ n hashes.
func (t *Tree) Append(leaf Hash) {
	for range bits.TrailingZeros64(^uint64(t.n)) {
		last := len(t.edge) - 1
		leaf = tlog.NodeHash(t.edge[last], leaf)
		t.edge = t.edge[:last]
	}
	t.edge = append(t.edge, leaf)
	t.n++
}

// Root is the hash of the whole tree.
func (t *Tree) Root() Hash {
	if t.n == 0 {
		root, _ := tlog.TreeHash(0, nil) // of nothing: it reads nothing
		return root
	}
	root := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.edge[i], root)
	}
	return root
}

// Bytes is the edge as it is kept; ParseTree reads it.
func (t *Tree) Bytes() []byte {
	b := make([]byte, 0, len(t.edge)*tlog.HashSize)
	for _, h := range t.edge {
		b = append(b, h[:]...)
	}
	return b
}

// ParseTree takes the edge of a tree of n leaves.
func ParseTree(n int64, edge []byte) (*Tree, error) {
	if n < 0 || len(edge) != bits.OnesCount64(uint64(n))*tlog.HashSize {
		return nil, errors.New("the edge of the tree has the wrong length")
	}
	t := &Tree{n: n, edge: make([]Hash, 0, 64)}
	for i := 0; i < len(edge); i += tlog.HashSize {
		t.edge = append(t.edge, Hash(edge[i:i+tlog.HashSize]))
	}
	return t, nil
}
