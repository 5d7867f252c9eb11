package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"modernc.org/sqlite"
)

// Whoever can write the index could hide a hit, or make one up, and the log would
// be as sound as ever. So the index has a seal: the sum of a keyed hash of each row
// that decides on hits, which follows every change, locked up under the log's
// key. An index whose seal cannot be opened is made anew; what Check adds up
// anew is what a search finds in.

// sealedTables are the tables that decide on hits, and what makes a row of each.
var sealedTables = map[string]string{
	"search_data": `SELECT id, block FROM search_data`,
	"search_idx":  `SELECT segid, term, pgno FROM search_idx`,
	"indexed":     `SELECT session, id, seq, root FROM indexed`,
}

// A seal adds up rows. The order of rows means nothing.
type seal struct {
	key  [sha256.Size]byte
	sum  [4]uint64
	boot string // of the machine, when it was made
}

// add adds a row of a table, or takes it away.
func (s *seal) add(table string, row []any, away bool) {
	h := sha256.New()
	h.Write(s.key[:])
	b := append(make([]byte, 0, 64), table...)
	for _, v := range row {
		switch v := v.(type) {
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
		case []byte:
			b = binary.BigEndian.AppendUint64(append(b, 'b'), uint64(len(v)))
			h.Write(b)
			h.Write(v)
			b = b[:0]
		default: // text; of other things there are none
			text := fmt.Sprint(v)
			b = append(binary.BigEndian.AppendUint64(append(b, 't'), uint64(len(text))), text...)
		}
	}
	h.Write(b)
	for i, digest := 0, h.Sum(nil); i < len(s.sum); i++ {
		if v := binary.BigEndian.Uint64(digest[8*i:]); away {
			s.sum[i] -= v
		} else {
			s.sum[i] += v
		}
	}
}

// follow adds up what is changed by conn, until what it returns is called.
func (s *seal) follow(conn *sql.Conn) (stop func(), err error) {
	register := func(hook sqlite.PreUpdateHookFn) error {
		return conn.Raw(func(c any) error {
			c.(interface {
				RegisterPreUpdateHook(sqlite.PreUpdateHookFn)
			}).RegisterPreUpdateHook(hook)
			return nil
		})
	}
	stop = func() { register(nil) } //nolint:errcheck // the connection is gone, and its hook with it
	return stop, register(func(d sqlite.SQLitePreUpdateData) {
		if sealedTables[d.TableName] == "" {
			return
		}
		row := make([]any, d.Count())
		if d.Old(row...) == nil { // but where there is none
			s.add(d.TableName, row, true)
		}
		if d.New(row...) == nil {
			s.add(d.TableName, row, false)
		}
	})
}

// locked is the seal as it is kept, with the boot of the machine that it is of.
func (s *seal) locked(boot string) []byte {
	b := make([]byte, 0, 8*len(s.sum))
	for _, v := range s.sum {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, boot...)
	lock := s.lock()
	nonce := make([]byte, lock.NonceSize())
	rand.Read(nonce) // never fails
	return lock.Seal(nonce, nonce, b, nil)
}

// unlock reads what locked wrote.
func (s *seal) unlock(box []byte) bool {
	lock := s.lock()
	if len(box) < lock.NonceSize() {
		return false
	}
	b, err := lock.Open(nil, box[:lock.NonceSize()], box[lock.NonceSize():], nil)
	if err != nil || len(b) < 8*len(s.sum) {
		return false
	}
	s.boot = string(b[8*len(s.sum):])
	for i := range s.sum {
		s.sum[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return true
}

func (s *seal) lock() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic(err) // the key has the wrong length
	}
	lock, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return lock
}

// seal reads the seal; errRenew: it is none of this key's.
func (x *index) seal(ctx context.Context, q querier) (*seal, error) {
	s := &seal{key: x.key}
	var box []byte
	if err := q.QueryRowContext(ctx, `SELECT box FROM seal`).Scan(&box); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if !s.unlock(box) {
		return nil, errRenew
	}
	return s, nil
}

// survived says whether the index is what it was before the machine was started
// again: it does not wait for the disk, so that a crash of the machine may have
// left anything of it. errRenew: it is not.
func (x *index) survived(ctx context.Context, q querier) error {
	was, err := x.seal(ctx, q)
	if err != nil || was.boot == bootID() && was.boot != "" {
		return err
	}
	is := seal{key: x.key}
	if err := is.addTables(ctx, q); err != nil {
		return err
	}
	if is.sum != was.sum {
		return errRenew
	}
	return nil
}

// altered says whether the index is there, and is not what this program made it.
func (x *index) altered(ctx context.Context) (altered bool, err error) {
	if _, err := os.Stat(x.path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	err = x.try(ctx, func() error {
		tx, err := x.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return x.explain(err)
		}
		defer tx.Rollback() //nolint:errcheck // it only read
		was, err := x.seal(ctx, tx)
		if err != nil {
			return x.explain(err)
		}
		is := seal{key: x.key}
		if err := is.addTables(ctx, tx); err != nil {
			return x.explain(err)
		}
		altered = is.sum != was.sum
		return nil
	})
	if errors.Is(err, errRenew) { // the next search makes it anew
		return isCorrupt(err), nil
	}
	return altered, err
}

// addTables adds up what is there.
func (s *seal) addTables(ctx context.Context, q querier) error {
	for table := range sealedTables {
		if err := s.addAll(ctx, q, table); err != nil {
			return err
		}
	}
	return nil
}

func (s *seal) addAll(ctx context.Context, q querier, table string) error {
	rows, err := q.QueryContext(ctx, sealedTables[table])
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		s.add(table, row, false)
	}
	return rows.Err()
}

// indexKey is a key for seals, made of that which signs.
func indexKey(seed []byte) (key [sha256.Size]byte) {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("glovebox search index"))
	mac.Sum(key[:0])
	return key
}
