package agent

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"syscall"

	openai "github.com/sashabaranov/go-openai"
)

// contextWords are how servers say that a request is too long for the model.
var contextWords = regexp.MustCompile(`(?i)context_length_exceeded|maximum context|context (length|window|size)|prompt is too long|too many tokens`)

const errorText = 500 // bytes of a server's own words in a message

// transport explains an error that came without an HTTP status.
func (m *OpenAI) transport(err error) *ModelError {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	unreachable := "is the server running? OPENAI_BASE_URL says where it is looked for"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &ModelError{Code: "unreachable", Message: "nothing answers at " + m.endpoint + " (connection refused)", Hint: unreachable}
	case errors.As(err, &dns):
		return &ModelError{Code: "unreachable", Message: fmt.Sprintf("the name in %s cannot be resolved", m.endpoint), Hint: "check OPENAI_BASE_URL and the network"}
	case errors.As(err, &unknown) || errors.As(err, &host):
		return &ModelError{Code: "unreachable", Message: "the certificate of " + m.endpoint + " is not trusted: " + clip(err.Error(), errorText), Hint: "check OPENAI_BASE_URL"}
	case isTimeout(err):
		return &ModelError{Code: "unreachable", Message: m.endpoint + " cannot be reached (timeout)", Hint: unreachable}
	case errors.Is(err, openai.ErrReasoningToolsRequireResponses):
		return &ModelError{Code: "unknown_model", Message: "the model " + m.cfg.Model + " takes tools only through another API", Hint: "choose another model"}
	case errors.Is(err, openai.ErrChatCompletionInvalidModel):
		return &ModelError{Code: "unknown_model", Message: "the model " + m.cfg.Model + " cannot hold a conversation", Hint: "choose another model"}
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		return &ModelError{
			Code: "cut", Message: "the connection to " + m.endpoint + " ended before the answer did",
			Hint: "try again; what had arrived is recorded as partial", cause: errStreamCut,
		}
	}
	var u *url.Error // its own text has the whole address, credentials included
	if errors.As(err, &u) {
		err = u.Err
	}
	return &ModelError{Code: "protocol", Message: fmt.Sprintf("the request to %s failed: %s", m.endpoint, clip(err.Error(), errorText))}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// refused explains an HTTP status and the body that came with it, or an error
// object that came in the middle of a stream (status 0).
func (m *OpenAI) refused(status int, body []byte) error {
	said := parseServerError(body)
	if said.Type == scriptErrorType {
		return &ScriptError{Message: said.Message}
	}
	e := &ModelError{Status: status, Code: "server"}
	what := fmt.Sprintf("%s answered %d", m.endpoint, status)
	switch {
	case status == 0:
		what = m.endpoint + " reported an error in the middle of its answer"
	case status == 401 || status == 403:
		e.Code, what = "refused_key", fmt.Sprintf("%s refused the key (%d)", m.endpoint, status)
		e.Hint = "check OPENAI_API_KEY"
		if m.cfg.APIKey == "" {
			e.Hint = "no key was sent: set OPENAI_API_KEY"
		}
	case status == 404:
		e.Code, e.Hint = "unknown_model", fmt.Sprintf("does the server offer the model %s, and does the address end in /v1?", m.cfg.Model)
	case status == 413 || (status == 400 || status == 0) && contextWords.MatchString(said.Message+string(body[:min(len(body), maxErrorBody)])):
		e.Code, e.Hint = "too_large", "the conversation is longer than the server takes; begin a new session, or ask for less output"
	case status == 429:
		e.Code, e.Hint = "rate_limited", "wait a little, or check the quota"
	case status >= 500:
		e.Hint = "the server has a problem; try again later"
	}
	e.Message = what
	if said.Message != "" {
		e.Message += ": " + said.Message
	}
	return e
}

type serverError struct{ Message, Type string }

// parseServerError finds a server's own words in whatever it sent. There are as many
// shapes as there are servers.
func parseServerError(body []byte) serverError {
	var shape struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return serverError{Message: clip(strings.TrimSpace(string(body)), errorText)}
	}
	var inner struct {
		Message json.RawMessage `json:"message"`
		Type    string          `json:"type"`
	}
	if json.Unmarshal(shape.Error, &inner) == nil && len(inner.Message) > 0 {
		limit := errorText
		if inner.Type == scriptErrorType {
			limit = scriptErrorText
		}
		return serverError{Message: clip(plain(inner.Message), limit), Type: inner.Type}
	}
	for _, raw := range []json.RawMessage{shape.Error, shape.Detail} {
		if len(raw) > 0 {
			return serverError{Message: clip(plain(raw), errorText)}
		}
	}
	return serverError{Message: clip(shape.Message, errorText)}
}

func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
