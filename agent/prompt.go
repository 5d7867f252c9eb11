package agent

import (
	"fmt"
	"strings"
)

// System builds the system prompt. data says what the dataset is (the gist of
// DATA.md); "" where there is none. tools are the names of those offered,
// allowed the hosts that a proxy lets through; none: there is no network.
func System(data string, tools []string, allowed ...string) string {
	var b strings.Builder
	network, reach := "no network at all", "There is no internet, no DNS, no package registry. Use what is installed."
	if len(allowed) > 0 {
		network = "no network but a proxy"
		reach = fmt.Sprintf("The proxy (HTTP_PROXY and HTTPS_PROXY are set) lets requests through to these hosts only: %s. It resolves names; the box itself has no DNS.", strings.Join(allowed, ", "))
	}
	b.WriteString(`You work inside a sealed box: a throwaway Linux sandbox with ` + network + `.
Nothing in it is real and nothing you do in it can hurt anyone, so be bold: explore, try unusual ideas, break things, try again.
Every prompt, decision, command and output is recorded.

- /work is your scratch space and where commands start. It vanishes with the box.
- ` + reach + "\n")
	if data != "" {
		b.WriteString("- /data holds the dataset. It is synthetic: no person in it exists. /data/DATA.md describes it.\n")
	}
	if len(tools) > 0 {
		fmt.Fprintf(&b, "- Your tools: %s. Results are cut in the middle when they are long.\n", strings.Join(tools, ", "))
	}
	b.WriteString("\nCheck results before you build on them. When you are done, answer in Markdown, shortly.\n")
	if data != "" {
		b.WriteString("\nThe dataset:\n\n" + strings.TrimSpace(data) + "\n")
	}
	return b.String()
}
