package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"glovebox/store"
)

// OpenAIConfig names an OpenAI-compatible endpoint and a model behind it.
type OpenAIConfig struct {
	BaseURL       string        // up to and including /v1; "": OpenAI's own
	APIKey        string        // "": none is sent, as local servers like it
	Model         string        // as the server calls it
	HTTPClient    *http.Client  // nil: a client of its own, which Close closes
	HeaderTimeout time.Duration // until an answer begins; 0: 5 min, for models that load slowly
	IdleTimeout   time.Duration // between two pieces of an answer; 0: 2 min
	TotalTimeout  time.Duration // of one answer, with all that is waited for; 0: 30 min
}

// OpenAI is a Model behind an OpenAI-compatible endpoint. It is safe for
// concurrent use.
type OpenAI struct {
	cfg      OpenAIConfig
	own      *http.Transport // nil when the client came from outside
	noUsage  atomic.Bool     // the server refused stream_options
	noForm   atomic.Bool     // … and response_format
	endpoint string          // for messages: without credentials and query
	grace    time.Duration   // for the usage after the last piece: some servers then just stay silent

	resumes   atomic.Int64  // Unix time in ns from which the server takes requests again, as far as it said
	firstWait time.Duration // before a first retry
	random    func() float64
}

// NewOpenAI sends nothing. Its error says that the base URL is unusable.
func NewOpenAI(cfg OpenAIConfig) (*OpenAI, error) {
	cfg.BaseURL = strings.TrimRight(cmp.Or(cfg.BaseURL, "https://api.openai.com/v1"), "/")
	cfg.APIKey = strings.TrimSpace(cfg.APIKey)
	cfg.HeaderTimeout = cmp.Or(cfg.HeaderTimeout, 5*time.Minute)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 2*time.Minute)
	cfg.TotalTimeout = cmp.Or(cfg.TotalTimeout, 30*time.Minute)
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the model endpoint's address is not an http or https URL; set OPENAI_BASE_URL to something like http://127.0.0.1:11434/v1")
	}
	if cfg.Model == "" {
		return nil, errors.New("no model is named; use --model or the key model of the configuration")
	}
	m := &OpenAI{cfg: cfg, grace: 5 * time.Second, firstWait: time.Second, random: rand.Float64}
	m.endpoint = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if cfg.HTTPClient == nil {
		m.own = http.DefaultTransport.(*http.Transport).Clone()
		m.cfg.HTTPClient = &http.Client{Transport: m.own}
	}
	return m, nil
}

// Endpoint is the base URL without credentials.
func (m *OpenAI) Endpoint() string { return m.endpoint }

// Close drops idle connections.
func (m *OpenAI) Close() {
	if m.own != nil {
		m.own.CloseIdleConnections()
	}
}

// Stream implements Model. Its errors are a *ModelError, a *ScriptError from
// a scripted model, or the cause that ended ctx.
func (m *OpenAI) Stream(ctx context.Context, req Request, onDelta func(Delta)) (store.ModelResponse, error) {
	if onDelta == nil {
		onDelta = func(Delta) {}
	}
	start := time.Now()
	guarded, dog := newWatchdog(ctx, m.cfg.HeaderTimeout)
	defer dog.stop()
	whole := time.AfterFunc(m.cfg.TotalTimeout, func() { dog.cancel(errEndless) })
	defer whole.Stop()
	out := newAnswer(req.Messages, start, onDelta)
	send := &sender{model: m, dog: dog, notice: func(s string) { onDelta(Delta{Notice: s}) }}
	err := m.stream(guarded, req, send, out)
	for _, without := range []struct {
		name string
		off  *atomic.Bool
	}{{"stream_options", &m.noUsage}, {"response_format", &m.noForm}} {
		if refuses(err, without.name) && !without.off.Swap(true) {
			err = m.stream(guarded, req, send, out)
		}
	}
	resp := out.response()
	resp.Retries = send.retries
	resp.DurationMS = ms(time.Since(start))
	if err != nil {
		resp.Partial = true
		err = m.explain(ctx, guarded, err)
	}
	return resp, err
}

func (m *OpenAI) stream(ctx context.Context, req Request, send *sender, out *answer) error {
	cfg := openai.DefaultConfig(m.cfg.APIKey)
	cfg.BaseURL = m.cfg.BaseURL
	cfg.HTTPClient = send
	stream, err := openai.NewClientWithConfig(cfg).CreateChatCompletionStream(ctx, m.request(req))
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		raw, err := stream.RecvRaw()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) || out.finished():
			return nil // the server said [DONE], or left after it had finished
		default:
			return err
		}
		if err := out.add(raw); err != nil {
			var mid *midStream
			if errors.As(err, &mid) {
				err = m.refused(0, mid.body)
			}
			return err
		}
		if out.finished() {
			send.dog.feed(m.grace)
		}
	}
}

func (m *OpenAI) request(req Request) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{Model: m.cfg.Model, Messages: messages(req)}
	if !m.noUsage.Load() {
		r.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	if req.Seed != nil {
		seed := int(*req.Seed)
		r.Seed = &seed
	}
	if t := req.Temperature; t != nil {
		r.Temperature = max(float32(*t), math.SmallestNonzeroFloat32) // 0 would not be sent
	}
	if req.Form != nil && !m.noForm.Load() {
		r.ResponseFormat = &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: "answer", Schema: req.Form.schema},
		}
	}
	switch {
	case req.MaxOutput > 0 && newer.MatchString(m.cfg.Model):
		r.MaxCompletionTokens = int(req.MaxOutput)
	case req.MaxOutput > 0: // the name that every server knows
		r.MaxTokens = int(req.MaxOutput) //nolint:staticcheck // deprecated by one server of many
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, openai.Tool{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
			Name: t.Name, Description: t.Description, Parameters: t.Parameters,
		}})
	}
	if len(r.Tools) > 0 && (m.cfg.Model == openai.GPT6Sol || m.cfg.Model == openai.GPT6Luna) {
		r.ReasoningEffort = openai.ReasoningEffortNone // these take tools here only without reasoning
	}
	return r
}

// newer models of OpenAI refuse max_tokens.
var newer = regexp.MustCompile(`(^|/)(o\d|gpt-[5-9])`)

func messages(req Request) []openai.ChatCompletionMessage {
	var out []openai.ChatCompletionMessage
	if req.System != "" {
		out = append(out, openai.ChatCompletionMessage{Role: "system", Content: req.System})
	}
	for _, m := range req.Messages {
		msg := openai.ChatCompletionMessage{Role: m.Role, Content: m.Text, ToolCallID: m.CallID}
		if len(m.Images) > 0 {
			msg.Content = ""
			msg.MultiContent = []openai.ChatMessagePart{{Type: openai.ChatMessagePartTypeText, Text: m.Text}}
		}
		for _, i := range m.Images {
			msg.MultiContent = append(msg.MultiContent, openai.ChatMessagePart{
				Type: openai.ChatMessagePartTypeImageURL, ImageURL: &openai.ChatMessageImageURL{URL: "data:" + i.Type + ";base64," + i.Data},
			})
		}
		for _, c := range m.ToolCalls {
			msg.ToolCalls = append(msg.ToolCalls, openai.ToolCall{
				ID: c.ID, Type: openai.ToolTypeFunction,
				Function: openai.FunctionCall{Name: wireName(c.Name), Arguments: wireArguments(c.Arguments)},
			})
		}
		out = append(out, msg)
	}
	return out
}

var notName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// wireName and wireArguments make what a model got wrong fit to be sent back:
// servers refuse a whole conversation for a tool name with a dot, and some
// parse earlier arguments as JSON and fail where they are not.
func wireName(s string) string {
	return cmp.Or(notName.ReplaceAllString(s[:min(len(s), 64)], "_"), "unnamed")
}

func wireArguments(s string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(s), &object) == nil && object != nil {
		return s
	}
	out, err := json.Marshal(map[string]string{"malformed": valid(s)})
	if err != nil {
		panic(err) // a string
	}
	return string(out)
}

// refuses says whether a server does not know a part of the request that it can
// do without.
func refuses(err error, part string) bool {
	var e *ModelError
	return errors.As(err, &e) && (e.Status == 400 || e.Status == 422) && strings.Contains(e.Message, part)
}

// watchdog ends a request whose server has been silent for too long.
type watchdog struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
	idle   time.Duration
}

var (
	errSilent  = errors.New("the server was silent for too long")
	errEndless = errors.New("the answer took too long")
)

func newWatchdog(ctx context.Context, d time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watchdog{timer: time.AfterFunc(d, func() { cancel(errSilent) }), cancel: cancel, idle: d}
}

// feed sets how long silence may last from now on.
func (w *watchdog) feed(idle time.Duration) {
	w.idle = idle
	w.fed()
}

func (w *watchdog) fed() { w.timer.Reset(w.idle) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain turns any failure of a request into an error for people.
func (m *OpenAI) explain(ctx, guarded context.Context, err error) error {
	var model *ModelError
	var script *ScriptError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &script):
		return script
	case errors.As(err, &model):
	case errors.Is(context.Cause(guarded), errSilent):
		model = &ModelError{
			Code: "timeout", Message: fmt.Sprintf("the model at %s sent nothing for too long", m.endpoint),
			Hint: "is the server overloaded or still loading the model? Try again",
		}
	case errors.Is(context.Cause(guarded), errEndless):
		model = &ModelError{
			Code: "timeout", Message: fmt.Sprintf("the answer of %s had not ended after %s", m.endpoint, m.cfg.TotalTimeout),
			Hint: "what had arrived is recorded as partial; ask for less at a time, or try again",
		}
	default:
		model = m.transport(err)
	}
	clean := *model
	if m.cfg.APIKey != "" { // servers like to echo it
		clean.Message = strings.ReplaceAll(clean.Message, m.cfg.APIKey, "[key]")
	}
	return &clean
}
