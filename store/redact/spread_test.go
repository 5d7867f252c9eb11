package redact_test

import (
	"fmt"
	"strings"
	"testing"

	"glovebox/store"
)

// What is said in pieces is taken out of each, wherever it was cut.
func TestSpreadSecretsAreSeen(t *testing.T) {
	streams := map[string]func(text string) store.Body{
		"prompts":   func(text string) store.Body { return store.Prompt{Text: text} },
		"answers":   func(text string) store.Body { return store.ModelResponse{Text: text} },
		"outputs":   func(text string) store.Body { return store.ToolResult{Stdout: text} },
		"errors":    func(text string) store.Body { return store.ToolResult{Stderr: text} },
		"reasoning": func(text string) store.Body { return store.ModelResponse{Reasoning: text} },
	}
	for name, secret := range map[string]string{"aws-access-token": "AKIAZ5Q7RTYUIOPLKJHG", "github-pat": "ghp_k2J9xQwT4zLmN8vB3rY6uH1sD5fG7aPcE0iQ", "iban": "DE89370400440532013000", "card": "4539148803436467"} {
		for stream, say := range streams {
			for _, long := range []string{"", strings.Repeat("a \"quoted\" line\n", 30)} {
				for at := 4; at < len(secret)-3; at += 11 {
					out, removed := redacted(t, say(long+"take "+secret[:at]), store.Decision{Tool: "x"}, say(secret[at:]+" it is\n"+long))
					left := strings.NewReplacer("\\n", " ", long, "").Replace(out)
					if strings.Contains(left, " "+secret[:at]) || strings.Contains(left, secret[at:]+" ") || len(removed) != 2 {
						t.Fatalf("%s in %s, cut at %d: %v, %s", name, stream, at, removed, out)
					}
				}
			}
		}
	}
	const secret = "ghp_k2J9xQwT4zLmN8vB3rY6uH1sD5fG7aPcE0iQ"
	var pieces []store.Body
	for i := 0; i < len(secret); i += 8 { // head -c 8, again and again; cut -c, which ends the line
		pieces = append(pieces, store.ToolResult{Stdout: secret[i:min(len(secret), i+8)] + "\n"})
	}
	out, removed := redacted(t, append(pieces, store.ToolResult{Stdout: "done"})...)
	if strings.Contains(out, "qQ") || len(removed) != len(pieces) || strings.Contains(out, secret[8:16]) || !strings.Contains(out, "done") {
		t.Errorf("%d pieces: %v, %s", len(pieces), removed, out)
	}
	out, removed = redacted(t, store.Prompt{Text: "The password of the box is:"}, store.Prompt{Text: "swordfish"})
	if strings.Contains(out, "swordfish") || len(removed) != 1 {
		t.Errorf("%v, %s", removed, out)
	}
}

// Two numbers, two lines, two sentences do not make one.
func TestNothingIsMadeOfTwo(t *testing.T) {
	for _, pair := range [][2]string{
		{"45391488\n", "03436467\n"}, {"total 12", "plain"}, {"total 4539", " 1488 0343 6467"}, {"id AKIAZ5Q7RT ", "YUIOPLKJHG"}, {"enter the password:", "yes"}, {"the password:\n", "\nsee below"}, {"-rw 1 root", "root 4096"},
	} {
		if out, removed := redacted(t, store.ToolResult{Stdout: pair[0]}, store.ToolResult{Stdout: pair[1]}); len(removed) > 0 {
			t.Errorf("%q became %s", pair, out)
		}
	}
	out, removed := redacted(t, store.ToolResult{Stdout: "jane.roe@acme-widgets.com"}, store.ToolResult{Stdout: "plain\n"})
	if !strings.Contains(out, `"plain\n"`) || len(removed) != 1 {
		t.Errorf("%v, %s", removed, out)
	}
	_, removed = redacted(t, store.Prompt{Text: "AKIAZ5Q7RT"}, store.ToolResult{Stdout: "YUIOPLKJHG"})
	if len(removed) > 0 {
		t.Errorf("of two who speak: %v", fmt.Sprint(removed))
	}
}
