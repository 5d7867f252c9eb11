package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"glovebox/store/proof"

	"github.com/klauspost/compress/zstd"
)

const (
	// blobFrom is from how many bytes on a field is kept apart, once, compressed.
	blobFrom = 4 << 10
	// maxField bounds what a field may unpack to.
	maxField = 256 << 20
)

// packer compresses and unpacks fields. Its methods are safe for concurrent use.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newPacker() (packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return packer{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxField))
	return packer{enc, dec}, err
}

// moveBlobs puts large fields into the blob table and returns the body that
// remains, and where they are ("": nowhere).
func (s *Store) moveBlobs(ctx context.Context, tx *sql.Tx, fields []proof.Field) (body, blobs string, err error) {
	var where map[string]int64
	for i, f := range fields {
		if len(f.Value) < blobFrom {
			continue
		}
		packed := s.pack.enc.EncodeAll(f.Value, nil)
		hash := sha256.Sum256(packed)
		var n int64
		err := tx.QueryRowContext(ctx, `SELECT n FROM blob WHERE hash = ?`, hash[:]).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			err = tx.QueryRowContext(ctx, `INSERT INTO blob (hash, size, data) VALUES (?, ?, ?) RETURNING n`, hash[:], len(f.Value), packed).Scan(&n)
		}
		if err != nil {
			return "", "", err
		}
		if where == nil {
			where = map[string]int64{}
			fields = append([]proof.Field(nil), fields...)
		}
		where[f.Name] = n
		fields[i].Value = []byte("null")
	}
	if where == nil {
		return string(proof.Join(fields)), "", nil
	}
	data, err := encode(where)
	return string(proof.Join(fields)), string(data), err
}

// fetchBlobs puts the fields that are kept apart back to their places, and
// checks that they are what was put there.
func (s *Store) fetchBlobs(ctx context.Context, q querier, body []byte, blobs string) ([]proof.Field, error) {
	fields, err := proof.Split(body)
	if err != nil || blobs == "" {
		return fields, err
	}
	var where map[string]int64
	if err := json.Unmarshal([]byte(blobs), &where); err != nil {
		return nil, errors.New("the list of its large fields is damaged")
	}
	if again, err := encode(where); err != nil || string(again) != blobs {
		return nil, errors.New("the list of its large fields is damaged")
	}
	for i, f := range fields {
		n, ok := where[f.Name]
		if !ok {
			continue
		}
		delete(where, f.Name)
		if string(f.Value) != "null" {
			return nil, fmt.Errorf("field %s is there twice", f.Name)
		}
		if fields[i].Value, err = s.blob(ctx, q, n); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	if len(where) > 0 {
		return nil, errors.New("the list of its large fields names one that is not there")
	}
	return fields, nil
}

func (s *Store) blob(ctx context.Context, q querier, n int64) ([]byte, error) {
	var hash, data []byte
	var size int64
	err := q.QueryRowContext(ctx, `SELECT hash, size, data FROM blob WHERE n = ?`, n).Scan(&hash, &size, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problemf(ErrBroken, "its content is missing")
	} else if err != nil {
		return nil, err
	}
	if is := sha256.Sum256(data); string(is[:]) != string(hash) {
		return nil, problemf(ErrBroken, "its content is damaged")
	}
	value, err := s.pack.dec.DecodeAll(data, make([]byte, 0, max(0, min(size, maxField))))
	if err != nil || int64(len(value)) != size || !oneFrame(data) {
		return nil, problemf(ErrBroken, "its content is damaged")
	}
	return value, nil
}

// oneFrame says whether data is one zstd frame. What somebody puts after it would
// be unpacked to nothing, and be kept with it (RFC 8878, 3.1).
func oneFrame(data []byte) bool {
	var h zstd.Header
	if h.Decode(data) != nil || h.Skippable || h.HasCheckSum {
		return false
	}
	for rest := data[h.HeaderSize:]; len(rest) > 3; {
		head := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16
		size := head >> 3
		if head>>1&3 == 1 { // one byte, to be repeated
			size = 1
		}
		if size > len(rest)-3 {
			return false
		}
		if rest = rest[3+size:]; head&1 == 1 {
			return len(rest) == 0
		}
	}
	return false
}
