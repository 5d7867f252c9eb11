package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// timeLayout has a fixed width, so that times sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// header is the part of a JSON event that every kind has.
type header struct {
	Seq     int64  `json:"seq"`
	Session string `json:"session"`
	At      string `json:"at"`
	Kind    string `json:"kind"`
}

// MarshalJSON writes one flat object: seq, session, at and kind, then the
// fields of the body.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Body == nil {
		return nil, errors.New("event without a body")
	}
	head, err := encode(header{e.Seq, e.Session, e.At.UTC().Format(timeLayout), e.Body.Kind()})
	if err != nil {
		return nil, err
	}
	body, err := encode(e.Body)
	if err != nil {
		return nil, err
	}
	if len(body) > len("{}") {
		head = append(append(head[:len(head)-1], ','), body[1:]...)
	}
	return head, nil
}

// UnmarshalJSON reads what MarshalJSON wrote. A kind that this program does
// not know is an error that names it.
func (e *Event) UnmarshalJSON(data []byte) error {
	var h header
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, h.At)
	if err != nil {
		return fmt.Errorf("event %d: %w", h.Seq, err)
	}
	body, err := decodeBody(h.Kind, data)
	if err != nil {
		return fmt.Errorf("event %d: %w", h.Seq, err)
	}
	*e = Event{Session: h.Session, Seq: h.Seq, At: at.UTC().Truncate(time.Microsecond), Body: body}
	return nil
}

// encode is json.Marshal that leaves <, > and & readable.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeBody is the vocabulary, read: one line per kind.
func decodeBody(kind string, data []byte) (Body, error) {
	switch kind {
	case SessionStarted{}.Kind():
		return decode[SessionStarted](data)
	case BoxCreated{}.Kind():
		return decode[BoxCreated](data)
	case FilePut{}.Kind():
		return decode[FilePut](data)
	case Prompt{}.Kind():
		return decode[Prompt](data)
	case ModelRequest{}.Kind():
		return decode[ModelRequest](data)
	case ModelResponse{}.Kind():
		return decode[ModelResponse](data)
	case Decision{}.Kind():
		return decode[Decision](data)
	case Filtered{}.Kind():
		return decode[Filtered](data)
	case Tripwire{}.Kind():
		return decode[Tripwire](data)
	case Compacted{}.Kind():
		return decode[Compacted](data)
	case ToolCall{}.Kind():
		return decode[ToolCall](data)
	case ToolResult{}.Kind():
		return decode[ToolResult](data)
	case Egress{}.Kind():
		return decode[Egress](data)
	case EgressDone{}.Kind():
		return decode[EgressDone](data)
	case LimitReached{}.Kind():
		return decode[LimitReached](data)
	case Interrupted{}.Kind():
		return decode[Interrupted](data)
	case Failure{}.Kind():
		return decode[Failure](data)
	case BoxDiff{}.Kind():
		return decode[BoxDiff](data)
	case Probed{}.Kind():
		return decode[Probed](data)
	case Verified{}.Kind():
		return decode[Verified](data)
	case BoxDestroyed{}.Kind():
		return decode[BoxDestroyed](data)
	case Drift{}.Kind():
		return decode[Drift](data)
	case Compared{}.Kind():
		return decode[Compared](data)
	case SessionEnded{}.Kind():
		return decode[SessionEnded](data)
	case Note{}.Kind():
		return decode[Note](data)
	}
	return nil, problemf(ErrNewer, "kind %q is not known to this glovebox; a newer one wrote it", kind)
}

func decode[T Body](data []byte) (Body, error) {
	var body T
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, fmt.Errorf("%s: %w", body.Kind(), err)
	}
	return body, nil
}
