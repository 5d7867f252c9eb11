package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxWaits     = 3                // how often a server may ask for patience within one turn
	maxWait      = 60 * time.Second // for each time
	maxErrorBody = 64 << 10
)

// sender sends the requests of one turn: it waits when the server asks for it,
// refuses answers that are no stream of events, and keeps the watchdog fed. It
// runs on the caller's goroutine only.
type sender struct {
	model   *OpenAI
	dog     *watchdog
	notice  func(string)
	retries int
}

// Do implements what go-openai wants of an HTTP client.
func (s *sender) Do(req *http.Request) (*http.Response, error) {
	for {
		s.dog.idle = s.model.cfg.HeaderTimeout
		s.dog.fed()
		resp, err := s.model.cfg.HTTPClient.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return s.open(resp)
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came of it serves
		resp.Body.Close()
		refusal := s.model.refused(resp.StatusCode, body)
		wait, asked := retryAfter(resp)
		if !asked {
			return nil, refusal
		}
		if err := s.patience(wait, refusal); err != nil {
			return nil, err
		}
		if err := s.wait(req, wait); err != nil {
			return nil, err
		}
		again := req.Clone(req.Context())
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
		req = again
	}
}

// patience says whether to wait once more.
func (s *sender) patience(wait time.Duration, refusal error) error {
	var e *ModelError
	switch {
	case !errors.As(refusal, &e):
		return refusal
	case wait > maxWait:
		e.Hint = fmt.Sprintf("the server asks to try again in %s, which is longer than the %s that are waited for", wait, maxWait)
		return e
	case s.retries >= maxWaits:
		e.Hint = fmt.Sprintf("waited %d times already; the server asks to try again in %s", s.retries, wait)
		return e
	}
	return nil
}

func (s *sender) wait(req *http.Request, wait time.Duration) error {
	s.retries++
	s.notice(fmt.Sprintf("rate limited by the server, trying again in %d s", int(wait.Round(time.Second).Seconds())))
	s.dog.idle = wait + s.model.cfg.HeaderTimeout
	s.dog.fed()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// retryAfter is how long the server wants to be left alone, if it says so.
func retryAfter(resp *http.Response) (time.Duration, bool) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	v := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 {
		return time.Duration(min(n, 1e6) * float64(time.Second)), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(resp.Header.Get("Date")) // the server's clock, not ours
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now)), true
}

// open makes a stream of events out of an answer.
func (s *sender) open(resp *http.Response) (*http.Response, error) {
	s.dog.idle = s.model.cfg.IdleTimeout
	s.dog.fed()
	body := &fedReader{ReadCloser: resp.Body, dog: s.dog}
	kind := resp.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "application/json"): // it does not stream: one event then
		whole, err := io.ReadAll(io.LimitReader(body, maxWire))
		body.Close()
		if err != nil {
			return nil, err
		}
		var line bytes.Buffer
		if json.Compact(&line, whole) != nil {
			return nil, s.model.noStream(kind)
		}
		resp.Body = newEvents(io.NopCloser(io.MultiReader(&line, strings.NewReader("\ndata: [DONE]\n"))))
	case strings.HasPrefix(kind, "text/html"):
		body.Close()
		return nil, s.model.noStream(kind)
	default:
		resp.Body = newEvents(body)
	}
	return resp, nil
}

func (m *OpenAI) noStream(kind string) error {
	return &ModelError{
		Status: http.StatusOK, Code: "protocol",
		Message: fmt.Sprintf("%s answered with %s instead of a stream of events", m.endpoint, clip(kind, 64)),
		Hint:    "does the address in OPENAI_BASE_URL end in /v1?",
	}
}

// fedReader tells the watchdog about every piece that arrives.
type fedReader struct {
	io.ReadCloser
	dog *watchdog
}

func (r *fedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.dog.fed()
	}
	return n, err
}
