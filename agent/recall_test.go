package agent

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"glovebox/store"
)

// spelled makes a session's events of words such as "allow 1", "call 1", "result 1".
func spelled(words string) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for i, w := range strings.Split(words, ", ") {
			what, id, _ := strings.Cut(w, " ")
			var body store.Body
			switch what {
			case "allow", "deny", "ask", "invalid":
				body = store.Decision{CallID: id, Tool: "shell", Verdict: what}
			case "call":
				body = store.ToolCall{CallID: id, Tool: "shell"}
			case "result":
				body = store.ToolResult{CallID: id, Tool: "shell"}
			case "answer":
				body = store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "1"}}}
			case "prompt":
				body = store.Prompt{}
			case "stop":
				body = store.Interrupted{}
			default:
				yield(store.Event{}, errors.New(what))
				return
			}
			if !yield(store.Event{Seq: int64(i + 1), Body: body}, nil) {
				return
			}
		}
	}
}

// The log alone says which calls ran, which were refused, and which at the same
// time. A group is in brackets; + ran, - did not, ? has no result; then its number.
func TestRecall(t *testing.T) {
	for words, want := range map[string]string{
		"answer, allow 1, call 1, result 1, answer, allow 1, call 1, result 1":                               "[+4] [+8]",
		"allow 1, call 1, result 1, allow 2, call 2, result 2":                                               "[+3] [+6]",
		"allow 1, call 1, allow 2, call 2, result 1, result 2, allow 3, call 3, result 3":                    "[+5 +6] [+9]",
		"allow 1, call 1, deny 2, result 2, allow 3, call 3, result 1, result 3":                             "[+7 -4 +8]",
		"deny 1, result 1, invalid 2, result 2":                                                              "[-2 -4]",
		"ask 1, allow 1, call 1, result 1":                                                                   "[+4]",
		"ask 1, deny 1, result 1, ask 1, allow 1, call 1, result 1":                                          "[-3 +7]",
		"allow 1, call 1, stop":                                                                              "[+?2]",
		"ask 1, stop, prompt, answer, allow 1, call 1, result 1":                                             "[-?1] [+7]",
		"call 1, result 1, call 1, result 1":                                                                 "[+2] [+4]",
		"allow 1, call 1, allow 1, call 1, result 1, result 1":                                               "[+5 +6]",
		"result 1, result 2, prompt":                                                                         "[-1 -2]",
		"allow 1, call 1, result 1, result 1, allow 2, result 2":                                             "[+3] [-4 -6]",
		"allow 1, call 1, answer, allow 2, call 2, result 2":                                                 "[+?2] [+6]",
		"answer, allow 1, call 1, result 1, allow 2, call 2, allow 3, call 3, result 2, result 3, prompt, x": "[+4] [+9 +10] failed: x",
	} {
		var got []string
		err := recall(spelled(words), func(group []*recalled) error {
			var all []string
			for _, r := range group {
				s := "-"
				if r.call != nil {
					s = "+"
				}
				if r.result == nil {
					s += "?"
				}
				all = append(all, fmt.Sprint(s, r.seq))
			}
			got = append(got, "["+strings.Join(all, " ")+"]")
			return nil
		})
		if err != nil {
			got = append(got, "failed: "+err.Error())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s:\n%s, want %s", words, s, want)
		}
	}
}

// Whatever stands in a log, no call is run that is not in it, and none twice.
func FuzzRecall(f *testing.F) {
	f.Add([]byte{0, 5, 6, 1, 6, 17, 20, 21, 4})
	f.Fuzz(func(t *testing.T, log []byte) {
		words := []string{"allow 1", "call 1", "result 1", "deny 1", "ask 1", "allow 2", "call 2", "result 2", "invalid 2", "answer", "prompt", "stop"}
		var all []string
		for _, b := range log {
			all = append(all, words[int(b)%len(words)])
		}
		if len(all) == 0 {
			return
		}
		ran := map[*store.ToolCall]bool{}
		err := recall(spelled(strings.Join(all, ", ")), func(group []*recalled) error {
			for _, r := range group {
				if r.call != nil && ran[r.call] || r.seq < 1 || r.seq > int64(len(all)) {
					t.Fatalf("%v: %+v", all, r)
				}
				if r.call != nil {
					ran[r.call] = true
				}
			}
			return nil
		})
		calls := 0
		for _, w := range all {
			if strings.HasPrefix(w, "call") {
				calls++
			}
		}
		if err != nil || len(ran) != calls {
			t.Fatalf("%v: %d of %d calls, %v", all, len(ran), calls, err)
		}
	})
}
