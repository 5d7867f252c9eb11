package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"glovebox/store"
)

// longestPause is how long nothing happens in a cast, at most.
const longestPause = 2 * time.Second

// Cast writes an asciicast, version 2 or 3: the transcript as it came, with a
// marker at each step. Version 3 needs asciinema 3; older ones play version 2.
// Nobody's escape sequences are in it.
func Cast(w io.Writer, src Source, version int) error {
	out := bufio.NewWriter(w)
	head := map[string]any{"version": 2, "width": 100, "height": 30, "timestamp": src.StartedAt.Unix(), "title": src.title()}
	if version == 3 {
		head = map[string]any{"version": 3, "term": map[string]int{"cols": 100, "rows": 30}, "timestamp": src.StartedAt.Unix(), "title": src.title()}
	}
	line := func(v any) {
		data, _ := json.Marshal(v)    // of maps, numbers and text: it cannot fail
		out.Write(append(data, '\n')) //nolint:errcheck // Flush returns it
	}
	line(head)
	last, now := src.StartedAt, 0.0
	event := func(after time.Duration, code, data string) {
		pause := max(0, min(after, longestPause)).Seconds()
		now += pause
		if version == 3 {
			line([]any{round(pause), code, data})
		} else {
			line([]any{round(now), code, data})
		}
	}
	var text strings.Builder
	transcript := store.Transcript{W: &text, Reasoning: true, Lines: 200}
	for _, e := range src.Events {
		text.Reset()
		if err := transcript.Event(e); err != nil {
			return err
		}
		if text.Len() == 0 {
			continue
		}
		after := e.At.Sub(last)
		last = e.At
		it := describe(e)
		event(after, "m", fmt.Sprintf("%d %s", e.Seq, store.CleanLine(strings.TrimSpace(it.head+" "+it.line))))
		event(0, "o", strings.ReplaceAll(text.String(), "\n", "\r\n"))
	}
	if version == 3 {
		event(time.Second, "x", "0")
	}
	return out.Flush()
}

func round(s float64) json.Number { return json.Number(fmt.Sprintf("%.6f", s)) }
