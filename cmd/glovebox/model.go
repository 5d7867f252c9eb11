package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"glovebox/agent"
)

// provider is where an OpenAI-compatible server is found when nothing else is said.
type provider struct {
	baseURL string   // "": OpenAI's own
	keys    []string // environment variables that may hold the key, first wins
}

var providers = map[string]provider{
	"openai":     {keys: []string{"OPENAI_API_KEY"}},
	"azure":      {"", []string{"AZURE_OPENAI_API_KEY"}}, // OPENAI_BASE_URL=https://NAME.openai.azure.com/openai/v1
	"openrouter": {"https://openrouter.ai/api/v1", []string{"OPENROUTER_API_KEY"}},
	"gemini":     {"https://generativelanguage.googleapis.com/v1beta/openai", []string{"GEMINI_API_KEY"}},
	"anthropic":  {"https://api.anthropic.com/v1", []string{"ANTHROPIC_API_KEY"}},
	"mistral":    {"https://api.mistral.ai/v1", []string{"MISTRAL_API_KEY"}},
	"groq":       {"https://api.groq.com/openai/v1", []string{"GROQ_API_KEY"}},
	"deepseek":   {"https://api.deepseek.com/v1", []string{"DEEPSEEK_API_KEY"}},
	"ollama":     {"http://127.0.0.1:11434/v1", nil},
	"llamacpp":   {"http://127.0.0.1:8080/v1", nil},
	"vllm":       {"http://127.0.0.1:8000/v1", nil},
	"lmstudio":   {"http://127.0.0.1:1234/v1", nil},
}

// openModel finds the model that name means: script:FILE, or provider/model.
// OPENAI_BASE_URL overrides where the provider is. The caller calls stop.
func openModel(ctx context.Context, name string, getenv func(string) string) (m *agent.OpenAI, stop func(), err error) {
	if file, ok := strings.CutPrefix(name, "script:"); ok {
		return openScript(ctx, file)
	}
	kind, model, ok := strings.Cut(name, "/")
	if !ok {
		kind, model = "openai", name
	}
	if model == "" {
		return nil, nil, usageError(fmt.Sprintf("model %q names a provider and no model", name), "glovebox models --model "+kind+"/any, which lists them")
	}
	p, known := providers[kind]
	base := getenv("OPENAI_BASE_URL")
	switch {
	case !known && base == "":
		return nil, nil, usageError(fmt.Sprintf("model %q: no provider %q; there are %s", name, kind, strings.Join(slices.Sorted(maps.Keys(providers)), ", ")),
			"for any other OpenAI-compatible server set OPENAI_BASE_URL")
	case !known: // the server's own name for a model may hold a slash
		model, p = name, providers["openai"]
	case base == "":
		base = p.baseURL
	}
	if kind == "azure" && base == "" {
		return nil, nil, usageError("every Azure resource has an address of its own", "OPENAI_BASE_URL=https://NAME.openai.azure.com/openai/v1")
	}
	keys := slices.Clone(p.keys)
	if getenv("OPENAI_BASE_URL") != "" {
		keys = append(keys, "OPENAI_API_KEY") // a provider's own address gets no other provider's key
	}
	key := ""
	for _, env := range keys {
		if key == "" {
			key = getenv(env)
		}
	}
	if key == "" && base != "" && base == p.baseURL && len(p.keys) > 0 {
		return nil, nil, usageError("no API key for model "+name, "set "+p.keys[0])
	}
	if base == "" && key == "" {
		return nil, nil, usageError("no API key for model "+name, "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, or try `glovebox demo`, which needs neither")
	}
	m, err = agent.NewOpenAI(agent.OpenAIConfig{BaseURL: base, APIKey: key, Model: model})
	if err != nil {
		return nil, nil, usageError(err.Error(), "check OPENAI_BASE_URL")
	}
	return m, m.Close, nil
}

// providerOf is the provider of a model's name.
func providerOf(name string) string {
	kind, _, ok := strings.Cut(name, "/")
	if _, known := providers[kind]; ok && known {
		return kind
	}
	return "openai"
}

// openScript serves a scenario on loopback, to be reached like any other model.
func openScript(ctx context.Context, file string) (*agent.OpenAI, func(), error) {
	if file == "" {
		return nil, nil, usageError("model \"script:\" names no scenario", "script:demo, which is built in, or script:FILE; docs/script.md tells how to write one")
	}
	script, err := agent.LoadScript(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usageError("there is no scenario file "+file, "script:demo, which is built in; docs/script.md tells how to write one")
	}
	if err != nil {
		return nil, nil, usageError(err.Error(), "")
	}
	url, stopServer, err := agent.ServeScript(ctx, script)
	if err != nil {
		return nil, nil, err
	}
	m, err := agent.NewOpenAI(agent.OpenAIConfig{BaseURL: url, Model: "script"})
	if err != nil {
		stopServer()
		return nil, nil, err
	}
	return m, func() { m.Close(); stopServer() }, nil
}
