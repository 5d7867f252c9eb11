package fakedata

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// answerFile is the answer key while it is written. A nil one keeps nothing.
type answerFile struct {
	file *os.File
	buf  *bufio.Writer
	enc  *json.Encoder
}

func newAnswerFile(path string) (*answerFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the answer key: %w", err)
	}
	buf := bufio.NewWriter(f)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return &answerFile{f, buf, enc}, nil
}

func (f *answerFile) add(answers ...Answer) error {
	if f == nil {
		return nil
	}
	for _, a := range answers {
		if err := f.enc.Encode(a); err != nil {
			return fmt.Errorf("writing the answer key: %w", err)
		}
	}
	return nil
}

// close ends the file, and removes it unless keep is set.
func (f *answerFile) close(keep bool) error {
	if f == nil {
		return nil
	}
	err := errors.Join(f.buf.Flush(), f.file.Close())
	if !keep || err != nil {
		err = errors.Join(err, os.Remove(f.file.Name()))
	}
	return err
}

// orphans counts the references that lead nowhere.
func orphans(answers []Answer) int64 {
	n := int64(0)
	for _, a := range answers {
		n += int64(boolInt(a.Kind == "orphan"))
	}
	return n
}
