package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"glovebox/store"
)

// OTLP's JSON, as far as spans need it.
type (
	otlpExport struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpAttribute `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
	otlpScope struct {
		Scope struct {
			Name    string `json:"name"`
			Version string `json:"version,omitempty"`
		} `json:"scope"`
		Spans []*otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		ParentID   string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"` // 1 internal, 3 client
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     *otlpStatus     `json:"status,omitempty"`
	}
	otlpStatus struct {
		Code    int    `json:"code"` // 2: error
		Message string `json:"message,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String *string    `json:"stringValue,omitempty"`
		Int    *string    `json:"intValue,omitempty"`
		Array  *otlpArray `json:"arrayValue,omitempty"`
	}
	otlpArray struct {
		Values []otlpValue `json:"values"`
	}
)

// maxAttribute is how many bytes of a text go into a span.
const maxAttribute = 32 << 10

func text(key, value string) otlpAttribute {
	if len(value) > maxAttribute {
		value = value[:maxAttribute]
	}
	value = store.Clean(value)
	return otlpAttribute{key, otlpValue{String: &value}}
}

func number(key string, n int) otlpAttribute {
	s := strconv.Itoa(n)
	return otlpAttribute{key, otlpValue{Int: &s}}
}

// nanos counts from 1970. What comes from elsewhere may say any time; one that
// does not fit is 0, not known.
func nanos(t time.Time) string {
	if t.Year() < 1970 || t.Year() > 2200 {
		return "0"
	}
	return strconv.FormatInt(t.UnixNano(), 10)
}

// OTLP writes the session as OpenTelemetry spans by the conventions for
// generative AI: invoke_agent, and in it a chat for each answer and an
// execute_tool for each call. The same session has the same IDs every time.
func OTLP(w io.Writer, src Source) error {
	var x otlpExport
	trace := sha256.Sum256([]byte("glovebox trace " + src.ID))
	id := func(seq int64) string {
		h := sha256.Sum256(fmt.Appendf(nil, "glovebox span %s %d", src.ID, seq))
		return hex.EncodeToString(h[:8])
	}
	traceID, root := hex.EncodeToString(trace[:16]), id(0)
	end := src.StartedAt
	if src.EndedAt != nil { // notes may follow
		end = *src.EndedAt
	} else if len(src.Events) > 0 {
		end = src.Events[len(src.Events)-1].At
	}
	agent := &otlpSpan{TraceID: traceID, SpanID: root, Name: "invoke_agent glovebox", Kind: 1, Start: nanos(src.StartedAt), End: nanos(end), Attributes: []otlpAttribute{
		text("gen_ai.operation.name", "invoke_agent"), text("gen_ai.agent.name", "glovebox"), text("gen_ai.conversation.id", src.ID),
		text("gen_ai.request.model", src.Model), text("glovebox.status", src.Status), text("glovebox.title", src.Title),
	}}
	if src.Status == "failed" {
		agent.Status = &otlpStatus{Code: 2}
	}
	spans := []*otlpSpan{agent}
	asked := map[int]store.Event{}   // requests by turn
	called := map[string]*otlpSpan{} // calls not yet answered
	prompt := ""
	for _, e := range src.Events {
		switch b := e.Body.(type) {
		case store.Prompt:
			prompt = b.Text
		case store.ModelRequest:
			asked[b.Turn] = e
		case store.ModelResponse:
			from := e.At.Add(-time.Duration(b.DurationMS * float64(time.Millisecond)))
			model := src.Model
			if req, ok := asked[b.Turn]; ok {
				from, model = req.At, req.Body.(store.ModelRequest).Model
			}
			spans = append(spans, chat(b, &otlpSpan{TraceID: traceID, SpanID: id(e.Seq), ParentID: root, Name: "chat " + store.CleanLine(model), Kind: 3, Start: nanos(from), End: nanos(e.At)}, model, prompt))
			prompt = ""
		case store.ToolCall:
			span := &otlpSpan{TraceID: traceID, SpanID: id(e.Seq), ParentID: root, Name: "execute_tool " + store.CleanLine(b.Tool), Kind: 1, Start: nanos(e.At), End: nanos(e.At), Attributes: []otlpAttribute{
				text("gen_ai.operation.name", "execute_tool"), text("gen_ai.tool.name", b.Tool), text("gen_ai.tool.call.id", b.CallID),
				text("gen_ai.tool.type", "function"), text("gen_ai.tool.call.arguments", string(b.Arguments)),
			}}
			called[b.CallID] = span
			spans = append(spans, span)
		case store.ToolResult:
			if span := called[b.CallID]; span != nil {
				span.End = nanos(e.At)
				span.Attributes = append(span.Attributes, text("gen_ai.tool.call.result", b.Stdout+b.Stderr))
				if it := result(b); it.failed {
					span.Status = &otlpStatus{Code: 2, Message: store.CleanLine(it.head)}
					span.Attributes = append(span.Attributes, text("error.type", "tool"))
				}
				delete(called, b.CallID)
			}
		}
	}
	r := otlpResource{}
	r.Resource.Attributes = []otlpAttribute{text("service.name", "glovebox")}
	scope := otlpScope{Spans: spans}
	scope.Scope.Name = "glovebox"
	r.ScopeSpans = []otlpScope{scope}
	x.ResourceSpans = []otlpResource{r}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(x)
}

func chat(b store.ModelResponse, span *otlpSpan, model, prompt string) *otlpSpan {
	span.Attributes = []otlpAttribute{
		text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", provider(model)), text("gen_ai.request.model", model),
	}
	if b.Model != "" {
		span.Attributes = append(span.Attributes, text("gen_ai.response.model", b.Model))
	}
	if b.Usage != nil {
		span.Attributes = append(span.Attributes, number("gen_ai.usage.input_tokens", b.Usage.Input), number("gen_ai.usage.output_tokens", b.Usage.Output))
	}
	if b.FinishReason != "" {
		reason := store.CleanLine(b.FinishReason)
		span.Attributes = append(span.Attributes, otlpAttribute{"gen_ai.response.finish_reasons", otlpValue{Array: &otlpArray{[]otlpValue{{String: &reason}}}}})
	}
	if prompt != "" {
		span.Attributes = append(span.Attributes, text("gen_ai.input.messages", messages("user", prompt, nil)))
	}
	span.Attributes = append(span.Attributes, text("gen_ai.output.messages", messages("assistant", b.Text, b.ToolCalls)))
	if b.Partial {
		span.Status = &otlpStatus{Code: 2, Message: "cut off"}
	}
	return span
}

func provider(model string) string {
	for i := range len(model) {
		if model[i] == '/' || model[i] == ':' {
			return store.CleanLine(model[:i])
		}
	}
	return "glovebox"
}

// messages is a message in the conventions' JSON. It is cut where it is too
// long for an attribute, and stays JSON.
func messages(role, content string, calls []store.CallSpec) string {
	type part struct {
		Type      string `json:"type"`
		Content   string `json:"content,omitempty"`
		ID        string `json:"id,omitempty"`
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments,omitempty"`
	}
	cut := func(s string) string { return store.Clean(s[:min(len(s), maxAttribute/4)]) }
	var parts []part
	if content != "" {
		parts = append(parts, part{Type: "text", Content: cut(content)})
	}
	for i, c := range calls {
		if i == 3 {
			break
		}
		parts = append(parts, part{Type: "tool_call", ID: c.ID, Name: c.Name, Arguments: cut(c.Arguments)})
	}
	data, _ := json.Marshal([]any{map[string]any{"role": role, "parts": parts}}) // of text: it cannot fail
	return string(data)
}

// Send posts spans to a collector: its base URL, or the whole one of its traces.
func Send(ctx context.Context, endpoint string, src Source) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not the URL of a collector; one is http://localhost:4318", store.CleanLine(endpoint))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	var b bytes.Buffer
	if err := OTLP(&b, src); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), &b)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	// Where the person sends it is where it goes: nobody there sends it on.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("sending to the collector: %w", err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector at %s answered %s: %s", u.Redacted(), resp.Status, store.CleanLine(string(answer)))
	}
	var partial struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"`
			ErrorMessage  string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &partial) == nil && partial.PartialSuccess.RejectedSpans != "" && partial.PartialSuccess.RejectedSpans != "0" {
		return fmt.Errorf("the collector at %s refused %s spans: %s", u.Redacted(), partial.PartialSuccess.RejectedSpans, store.CleanLine(partial.PartialSuccess.ErrorMessage))
	}
	return nil
}
