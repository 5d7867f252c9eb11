package export_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/scan/planted"
)

// What only its place gives away is in no format either, wherever it stands: a
// prompt, an answer, a call's arguments by name or in a command, an output in two
// events, compressed.
func TestNothingPlacedIsInAnyFormat(t *testing.T) {
	s, key := openLog(t)
	ses, err := s.Begin(t.Context(), store.SessionStarted{Program: "1", Model: "m"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	add := func(bodies ...store.Body) {
		t.Helper()
		for _, b := range bodies {
			if _, err := ses.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	values := map[string][]string{}
	for name, text := range planted.Placed(rand.New(rand.NewPCG(rand.Uint64(), 1))) {
		parts := strings.Split(text, "¦")
		text = strings.Join(parts, "")
		for i := 1; i < len(parts); i += 2 {
			values[name] = append(values[name], parts[i])
		}
		args, _ := json.Marshal(map[string]string{"command": text})
		add(store.Prompt{Text: text}, store.ModelResponse{Text: text, Reasoning: text, ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: string(args)}}},
			store.ToolCall{CallID: "a", Tool: "shell", Arguments: args}, store.ToolResult{CallID: "a", Tool: "shell", Stdout: text, Stderr: text}, store.Note{By: "ada", Text: text})
	}
	values["by name"] = []string{"blaubeere", "734981"}
	values["in two"] = []string{"ghp_k2J9xQwT", "4zLmN8vB3rY6uH1sD5fG7aPcE0iQ"}
	add(store.ToolCall{CallID: "b", Tool: "send_email", Arguments: json.RawMessage(`{"password":"blaubeere","pin":734981}`)},
		store.ToolResult{CallID: "b", Tool: "shell", Stdout: "it is ghp_k2J9xQwT"}, store.ToolResult{CallID: "b", Tool: "shell", Stdout: "4zLmN8vB3rY6uH1sD5fG7aPcE0iQ\n"}, store.SessionEnded{Status: "done"})
	texts, _ := everyFormat(t, s, key, ses.ID())
	for format, is := range texts {
		for name, texts := range values {
			for _, text := range texts {
				quoted, _ := json.Marshal(text)
				for _, form := range []string{text, string(quoted[1 : len(quoted)-1])} {
					if at := strings.Index(is, form); at >= 0 {
						t.Errorf("%s is in %s: …%s…", name, format, is[max(0, at-60):min(len(is), at+40)])
						break
					}
				}
			}
		}
	}
}
