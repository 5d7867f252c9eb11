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
	"syscall"
	"time"
)

const (
	maxWaits     = 3                // requests repeated within one turn
	maxWait      = 60 * time.Second // before each of them
	maxErrorBody = 64 << 10
)

// sender sends the requests of one turn: it tries again where the server asks
// for it or fails for the moment, refuses answers that are no stream of events,
// and keeps the watchdog fed. It repeats a request only while nothing of an
// answer has come. It runs on the caller's goroutine only.
type sender struct {
	model   *OpenAI
	dog     *watchdog
	notice  func(string)
	retries int
}

// Do implements what go-openai wants of an HTTP client.
func (s *sender) Do(req *http.Request) (*http.Response, error) {
	if err := s.leaveAlone(req); err != nil {
		return nil, err
	}
	for {
		s.dog.feed(s.model.cfg.HeaderTimeout)
		resp, err := s.model.cfg.HTTPClient.Do(req)
		var refusal error
		var wait time.Duration
		var asked, again bool
		if err != nil {
			refusal, again = err, hungUp(err)
		} else {
			s.model.remember(resp)
			if resp.StatusCode == http.StatusOK {
				return s.open(resp)
			}
			body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came of it serves
			resp.Body.Close()
			refusal = s.model.refused(resp.StatusCode, body)
			wait, asked = retryAfter(resp)
			again = asked || passing(resp.StatusCode, body)
		}
		if !again {
			return nil, refusal
		}
		if !asked {
			wait = s.model.backoff(s.retries)
		}
		if err := s.patience(wait, asked, refusal); err != nil {
			return nil, err
		}
		if err := s.wait(req, wait, refusal); err != nil {
			return nil, err
		}
		next := req.Clone(req.Context())
		if next.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
		req = next
	}
}

// hungUp says whether the connection ended before any answer.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// passing says whether a status may be another one in a moment. A quota that
// is used up is not: it comes as a 429, too.
func passing(status int, body []byte) bool {
	switch status {
	case http.StatusTooManyRequests:
		return !bytes.Contains(body, []byte("insufficient_quota"))
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 529: // Anthropic's "overloaded"
		return true
	}
	return false
}

// backoff is how long to wait before the n-th retry (from 0) where the server
// names no time: about 1, 2 and 4 s.
func (m *OpenAI) backoff(n int) time.Duration {
	return time.Duration(float64(m.firstWait<<n) * (0.75 + m.random()/2))
}

// patience says whether to wait once more.
func (s *sender) patience(wait time.Duration, asked bool, refusal error) error {
	var e *ModelError
	switch {
	case !errors.As(refusal, &e) && s.retries >= maxWaits:
		return refusal
	case e == nil:
		return nil
	case wait > maxWait:
		e.Hint = fmt.Sprintf("the server asks to try again in %s, which is longer than the %s that are waited for", wait, maxWait)
		return e
	case s.retries >= maxWaits && asked:
		e.Hint = fmt.Sprintf("waited %d times already; the server asks to try again in %s", s.retries, wait)
		return e
	case s.retries >= maxWaits:
		e.Hint = strings.TrimPrefix(e.Hint+fmt.Sprintf("; tried %d times", s.retries+1), "; ")
		return e
	}
	return nil
}

func (s *sender) wait(req *http.Request, wait time.Duration, refusal error) error {
	s.retries++
	why := "the connection was lost"
	var e *ModelError
	if errors.As(refusal, &e) {
		why = fmt.Sprintf("the server answered %d", e.Status)
		if e.Code == "rate_limited" || e.Status == http.StatusServiceUnavailable {
			why = "rate limited by the server"
		}
	}
	s.notice(fmt.Sprintf("%s, trying again in %d s", why, int(wait.Round(time.Second).Seconds())))
	return s.pause(req, wait)
}

func (s *sender) pause(req *http.Request, wait time.Duration) error {
	s.dog.feed(wait + s.model.cfg.HeaderTimeout)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// leaveAlone waits where the last answer said that no request is left until
// later. A time beyond maxWait is not believed: the server will say so itself.
func (s *sender) leaveAlone(req *http.Request) error {
	wait := time.Until(time.Unix(0, s.model.resumes.Load()))
	if wait <= 0 || wait > maxWait {
		return nil
	}
	s.notice(fmt.Sprintf("the server's rate limit is used up, going on in %d s", int(wait.Round(time.Second).Seconds())))
	return s.pause(req, wait)
}

// remember keeps when the server takes the next request, if its headers say
// that none is left.
func (m *OpenAI) remember(resp *http.Response) {
	if wait, ok := exhausted(resp); ok {
		m.resumes.Store(time.Now().Add(wait).UnixNano())
	}
}

// exhausted reads the rate-limit headers: OpenAI's (Groq, Mistral, …),
// Anthropic's, and those of the IETF draft.
func exhausted(resp *http.Response) (wait time.Duration, ok bool) {
	h := resp.Header
	for _, names := range [][2]string{
		{"X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"},
		{"X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
		{"Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Reset"},
		{"Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Tokens-Reset"},
		{"X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
		{"Ratelimit-Remaining", "Ratelimit-Reset"},
	} {
		if left, err := strconv.ParseFloat(h.Get(names[0]), 64); err != nil || left > 0 {
			continue
		}
		if d, known := until(h.Get(names[1]), resp); known && d >= wait {
			wait, ok = d, true
		}
	}
	return wait, ok
}

// retryAfter is how long the server wants to be left alone, if it says so.
func retryAfter(resp *http.Response) (time.Duration, bool) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, 529:
	default:
		return 0, false
	}
	if n, err := strconv.ParseFloat(resp.Header.Get("Retry-After-Ms"), 64); err == nil && n >= 0 {
		return time.Duration(min(n, 1e9) * float64(time.Millisecond)), true
	}
	if d, ok := until(resp.Header.Get("Retry-After"), resp); ok {
		return d, true
	}
	return exhausted(resp)
}

// until reads a time in any of the ways in which servers write it: seconds,
// "6m0s", a date, or milliseconds since 1970.
func until(v string, resp *http.Response) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	now, err := http.ParseTime(resp.Header.Get("Date")) // the server's clock, not ours
	if err != nil {
		now = time.Now()
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 {
		switch {
		case n > 1e11:
			return max(0, time.UnixMilli(int64(min(n, 1e15))).Sub(now)), true
		case n > 1e9:
			return max(0, time.Unix(int64(n), 0).Sub(now)), true
		}
		return time.Duration(min(n, 1e6) * float64(time.Second)), true
	}
	if d, err := time.ParseDuration(v); err == nil && d >= 0 {
		return d, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		at, err = time.Parse(time.RFC3339, v)
	}
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}

// open makes a stream of events out of an answer.
func (s *sender) open(resp *http.Response) (*http.Response, error) {
	s.dog.feed(s.model.cfg.IdleTimeout)
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
