package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a zip file is about stands in it twice, before each file and in the
// directory at its end, and between may be anything. Programs differ in which of
// both they read: so a bundle is refused where they could read two things.
// The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3

const (
	localHead   = 30 // bytes before a name
	centralHead = 46
	endOf64     = 56 + 20 // before the end, where numbers are too large for it
	endHead     = 22
	descriptor  = 16 // behind a file: its sizes again; 24 where these are of 8 bytes
)

// tight says why the files are not all that there is in a zip file: one after the
// other, each named as the directory names it, and nothing else.
func tight(r io.ReaderAt, size int64, z *zip.Reader) error {
	at, directory := int64(0), int64(endHead+len(z.Comment))
	for _, f := range z.File {
		data, err := f.DataOffset()
		if err != nil {
			return err
		}
		head := make([]byte, localHead+len(f.Name))
		if _, err := r.ReadAt(head, at); err != nil {
			return err
		}
		names, extra := int64(binary.LittleEndian.Uint16(head[26:])), int64(binary.LittleEndian.Uint16(head[28:]))
		if string(head[:4]) != "PK\x03\x04" || at+localHead+names+extra != data || string(head[localHead:]) != f.Name ||
			binary.LittleEndian.Uint16(head[8:]) != f.Method || binary.LittleEndian.Uint16(head[6:]) != f.Flags || f.Comment != "" {
			return fmt.Errorf("where file %s ought to begin is something else", f.Name)
		}
		at = data + int64(f.CompressedSize64)
		if f.Flags&8 != 0 {
			at += descriptor
			if f.CompressedSize64 >= 1<<32-1 || f.UncompressedSize64 >= 1<<32-1 {
				at += 8
			}
		}
		directory += int64(centralHead + len(f.Name) + len(f.Extra) + len(f.Comment))
	}
	if len(z.File) >= 1<<16-1 || at >= 1<<32-1 {
		directory += endOf64
	}
	if at+directory != size {
		return errors.New("there is something in it that belongs to no file")
	}
	return nil
}

// named says why two programs could read two things in a JSON document: a member
// that is there twice, or, down to a depth where all names are ours, whose name
// has capital letters, which Go takes for the one in small letters.
func named(data []byte, ours int) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	var open []map[string]bool // names seen in each object that is open; nil: an array
	name := false              // the next string is one
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				open, name = append(open, map[string]bool{}), true
				continue
			case '[':
				open, name = append(open, nil), false
				continue
			}
			open = open[:len(open)-1]
		case string:
			if name {
				seen := open[len(open)-1]
				if seen[v] || len(open) <= ours && strings.ToLower(v) != v {
					return fmt.Errorf("it has a member %q", v)
				}
				seen[v], name = true, false
				continue
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}
