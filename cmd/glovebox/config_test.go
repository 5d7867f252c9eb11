package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// configured loads the configuration of a home in which files lie: "user" is
// the user's, "project" the one in the working directory.
func configured(t *testing.T, files map[string]string, change func(*app)) (config, error) {
	t.Helper()
	home, work := t.TempDir(), t.TempDir()
	t.Chdir(work)
	t.Setenv("XDG_CONFIG_HOME", home)
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	for name, text := range files {
		path := map[string]string{"user": filepath.Join(home, "glovebox", "config.toml"), "project": "glovebox.toml"}[name]
		if path == "" {
			path = name
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{}
	if change != nil {
		change(a)
	}
	return a.loadConfig()
}

// The whole of the documented file, at its defaults, changes nothing.
func TestTheDocumentedConfigIsTheDefault(t *testing.T) {
	const documented = `
rigor = "standard"
[data]
schema = "shop"
seed = 42
rows = 1000
mess = 0.0
[box]
image = "auto"
runtime = "auto"
cpus = 1.0
memory = "512MiB"
pids = 128
disk = "512MiB"
exec_timeout = "60s"
[limits]
turns = 50
tool_calls = 200
tokens = 200_000
cost_usd = 1.00
wall = "15m"
[rates]
model_calls_per_minute = 60
tool_calls_per_minute = 120
[tools]
allow = ["shell", "read_file", "write_file", "edit_file", "sql", "fetch"]
[network]
allow = []
methods = ["GET", "HEAD"]
max_requests = 1000
max_bytes = "256MiB"
[filters]
secrets = "redact"
personal = "flag"
injection = "flag"
own = "redact"
`
	got, err := configured(t, map[string]string{"project": documented}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaultConfig(), got, cmpopts.IgnoreUnexported(config{}, dataConfig{})); diff != "" {
		t.Error(diff)
	}
}

func TestConfigIsLayered(t *testing.T) {
	t.Setenv("GLOVEBOX_RIGOR", "standard")
	got, err := configured(t, map[string]string{
		"user":    "model = 'user/model'\n[data]\nrows = 10\nseed = 1\n[box]\nmemory = '1.5GiB'\n[tools]\nallow = ['sql', 'shell']",
		"project": "model = 'project/model'\nrigor = 'quick'\n[data]\nrows = 20\n[limits]\nwall = '1h30m'\n[tools]\nallow = ['sql']",
	}, func(a *app) {
		a.flags.model, a.flags.seed = "flag/model", 7
		a.changed = func(flag string) bool { return flag == "seed" }
	})
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.Model, want.Data.Rows, want.Data.Seed = "flag/model", 20, 7
	want.Box.Memory, want.Limits.Wall, want.Tools.Allow = 3<<29, duration(90*time.Minute), []string{"sql"}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config{}, dataConfig{})); diff != "" {
		t.Error(diff)
	}
}

func TestConfigFileOfOnesOwn(t *testing.T) {
	files := map[string]string{"user": "nonsense = 1", "my.toml": "[data]\nrows = 5"}
	got, err := configured(t, files, func(a *app) { a.flags.config = "my.toml" })
	if err != nil || got.Data.Rows != 5 {
		t.Errorf("rows %d, %v: --config must replace the user's file", got.Data.Rows, err)
	}
	_, err = configured(t, nil, func(a *app) { a.flags.config = "none.toml" })
	if err == nil || !strings.Contains(err.Error(), "there is no configuration file none.toml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Whatever is wrong is refused in one line that names file, line and key.
func TestConfigIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"\n\nnodel = 'x'":                      `glovebox.toml:3: there is no key "nodel"; did you mean "model"?`,
		"[data]\nrow = 3":                      `glovebox.toml:2: there is no key "data.row"; did you mean "data.rows"?`,
		"[limits]\n# x\n  turn=3":              `glovebox.toml:3: there is no key "limits.turn"; did you mean "limits.turns"?`,
		"seed = 3":                             `glovebox.toml:1: there is no key "seed"; did you mean "data.seed"?`,
		"[boxx]\ncpus = 1":                     `glovebox.toml:1: there is no key "boxx"; did you mean "box"?`,
		"[box]\nCPUs = 1":                      `glovebox.toml:2: there is no key "box.CPUs"; did you mean "box.cpus"?`,
		"zzzzzzzzz = 1":                        `glovebox.toml:1: there is no key "zzzzzzzzz"`,
		"limits.turn = 3":                      `glovebox.toml:1: there is no key "limits.turn"; did you mean "limits.turns"?`,
		"[[rule]]\ntool = 'shell'\nmach = 'x'": `glovebox.toml:3: there is no key "rule.mach"; did you mean "rule.match"?`,
		"rigor = 'standart'":                   `glovebox.toml:1: rigor cannot be "standart"; there are quick, standard, strict; did you mean standard?`,
		"[data]\n\nrows = 0":                   `glovebox.toml:3: data.rows is 0; it must be from 1 to 100000000`,
		"[data]\nmess = 1.5":                   `glovebox.toml:2: data.mess is 1.5; it must be from 0 to 0.5`,
		"[data]\nrows = 'many'":                `glovebox.toml:2: data.rows: this is a text in quotes; it must be a whole number`,
		"[network]\nallow = 'x.org'":           `glovebox.toml:2: network.allow: this is a text in quotes; it must be a list`,
		"[tools]\nallow = {}":                  `glovebox.toml:2: tools.allow: this is a table; it must be a list`,
		"tools = 3":                            `glovebox.toml:1: tools: this is a whole number; it must be a table`,
		"[[rule]]\ntool = true":                `glovebox.toml:2: rule.tool: this is true or false; it must be a text in quotes`,
		"[limits.day]\ncost = 1":               `glovebox.toml:2: there is no key "limits.day.cost"; did you mean "limits.day.cost_usd"?`,
		"[rates]\nmodel_calls = 3":             `glovebox.toml:2: there is no key "rates.model_calls"; did you mean "rates.model_calls_per_minute"?`,
		"[data]\nrows = 1.5":                   `glovebox.toml:2: data.rows: this is a number; it must be a whole number`,
		"[data]\nseed = 99999999999999999999":  `glovebox.toml:2: data.seed: 99999999999999999999 is out of range for int64`,
		"[box]\nmemory = 'lots'":               `glovebox.toml:2: box.memory: "lots" is not a size; write it like "512MiB" or "2GB"`,
		"[box]\nmemory = 512":                  `glovebox.toml:2: box.memory: "512" is not a size; write it like "512MiB" or "2GB"`,
		"[box]\nmemory = '512B'":               `glovebox.toml:2: box.memory is 512B; a box needs at least 16MiB`,
		"[box]\nmemory = '-1GiB'":              `glovebox.toml:2: box.memory is -1GiB; a box needs at least 16MiB`,
		"[box]\ndisk = '99999999TiB'":          `glovebox.toml:2: box.disk: "99999999TiB" is not a size; write it like "512MiB" or "2GB"`,
		"[box]\ncpus = nan":                    `glovebox.toml:2: box.cpus is NaN; it must be from 0.05 to 1024`,
		"[box]\npids = -5":                     `glovebox.toml:2: box.pids is -5; it must be from 8 to 4194304`,
		"[box]\nexec_timeout = 'soon'":         `glovebox.toml:2: box.exec_timeout: "soon" is not a duration; write it like "90s" or "15m"`,
		"[box]\nexec_timeout = '-1s'":          `glovebox.toml:2: box.exec_timeout is -1s; it must be at least 1s`,
		"[limits]\ntokens = -1":                `glovebox.toml:2: limits.tokens is negative; 0 means no limit`,
		"[limits]\nwall = '-1h'":               `glovebox.toml:2: limits.wall is negative; 0 means no limit`,
		"[tools]\nallow = ['shel']":            `glovebox.toml:2: tools.allow: a tool cannot be "shel"; there are shell, read_file, write_file, edit_file, sql, fetch; did you mean shell?`,
		"[tools]\nallow = ['sql', 'sql']":      `glovebox.toml:2: tools.allow names "sql" twice`,
		"[filters]\nsecrets = 'hide'":          `glovebox.toml:2: filters.secrets cannot be "hide"; there are off, flag, redact, block`,
		"rigor = 'quick'\nrigor = 'quick'":     `glovebox.toml:2: rigor: Key 'rigor' has already been defined.`,
		"[data\nrows = 1":                      `glovebox.toml:2: expected '.' or ']' to end table name`,
		"model = \"\x00\"":                     `glovebox.toml:1: `,
		"rigor = 'Strict'":                     `glovebox.toml:1: rigor cannot be "Strict"; there are quick, standard, strict; did you mean strict?`,
		"[network]\nallow = ['ok.example',\n'http://example.org/']":             `glovebox.toml:2: network.allow: "http://example.org/" cannot be allowed: it must be a host, without scheme, user or path; write`,
		"[network]\nallow = ['127.0.0.1:80']":                                   `glovebox.toml:2: network.allow: "127.0.0.1:80" cannot be allowed: the address is loopback`,
		"[network]\nallow = ['*.org']":                                          `glovebox.toml:2: network.allow: "*.org" cannot be allowed: that is a whole top-level domain`,
		"[network]\nallows = []":                                                `glovebox.toml:2: there is no key "network.allows"; did you mean "network.allow"?`,
		"[network]\nmethods = ['PSOT']":                                         `glovebox.toml:2: network.methods: a method cannot be "PSOT"`,
		"[network]\nmax_requests = 0":                                           `glovebox.toml:2: network.max_requests is 0; it must be from 1 to 1000000`,
		"[network]\nmax_bytes = '1B'":                                           `glovebox.toml:2: network.max_bytes is 1B; it must be at least 1KiB`,
		"[filters]\ninjection = 'hide'":                                         `glovebox.toml:2: filters.injection cannot be "hide"; there are off, flag, redact, block`,
		"[filters]\npatterns = ['a(']":                                          "glovebox.toml:2: filters.patterns: \"a(\" is not a regular expression: error parsing regexp: missing closing ): `a(`",
		"[limits]\ncost_usd = 1e9":                                              `glovebox.toml:2: limits.cost_usd is more than a million dollars`,
		"[limits.day]\ntokens = -1":                                             `glovebox.toml:2: limits.day.tokens is negative; 0 means no limit`,
		"[limits.day]\ncosts_usd = 1":                                           `glovebox.toml:2: there is no key "limits.day.costs_usd"; did you mean "limits.day.cost_usd"?`,
		"[[tool]]\nname = 'shell'":                                              `glovebox.toml:1: the tool "shell": there is a built-in tool of this name`,
		"[[tool]]\nname = 'mail'\nabout = 'x'\nanswr = 'x'":                     `glovebox.toml:4: there is no key "tool.answr"; did you mean "tool.answer"?`,
		"\n[[tool]]\nname = 'mail'\nabout = 'x'\nanswer = '{{fake \"emali\"}}'": `glovebox.toml:2: the tool "mail": answer: gofakeit has no function "emali"`,
		"[[price]]\ninput = 1.0":                                                `glovebox.toml:1: price 1: it needs a model: provider/model, or a pattern such as ollama/*`,
		"[[price]]\nmodel = 'x'\noutput = -1.0":                                 `glovebox.toml:1: price 1: a price of -1 USD per million tokens; it must be from 0 to 10000`,
		"[[price]]\nmodel = 'x'\nlike = 'openai/gpt-17'":                        `glovebox.toml:1: price 1: no price is known of "openai/gpt-17"`,
		"[rates]\ntool_calls_per_minute = -5":                                   `glovebox.toml:2: rates.tool_calls_per_minute is negative; 0 means no limit`,
		"[tools]\ndefault = 'maybe'":                                            `glovebox.toml:2: tools.default cannot be "maybe"; there are allow, ask, deny`,
		"[[rule]]\ntool = 'shell'\ndecision = 'denyy'":                          `glovebox.toml:3: rule 1, decision: a decision cannot be "denyy"; there are allow, ask, deny; did you mean deny?`,
		"[[rule]]\ntool = 'shell'\n":                                            `glovebox.toml:1: rule 1, decision: a decision cannot be ""; there are allow, ask, deny`,
		"[[rule]]\ntool='*'\ndecision='ask'\n\n[[rule]]\ndecision = 'deny'\n\n tool = 'shel'":              `glovebox.toml:8: rule 2, tool: a tool cannot be "shel"; there are shell, read_file, write_file, edit_file, sql, fetch; did you mean shell?`,
		"[[rule]]\ntool = 'shell'\nmatch = 'git push *'\ndecision = 'deny'\nmatching = ['git psuh']":       `glovebox.toml:5: rule 1, matching: the rule shell "git push *" does not match its example "git psuh"`,
		"[[rule]]\ntool = 'shell'\nmatch = 'git *'\ndecision = 'deny'\nnot_matching = [\"sh -c 'git x'\"]": `glovebox.toml:5: rule 1, not_matching: the rule shell "git *" matches "sh -c 'git x'", which it says it must not (by git x)`,
		"[[rule]]\ntool = '*'\nmatch = 'x'\ndecision = 'deny'":                                             `glovebox.toml:3: rule 1, match: say which argument of * the pattern is about: argument = "…"`,
		"[[rule]]\ntol = '*'": `glovebox.toml:2: there is no key "rule.tol"; did you mean "rule.tool"?`,
	} {
		_, err := configured(t, map[string]string{"project": text}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestConfigFromTheCommandLineIsChecked(t *testing.T) {
	_, err := configured(t, nil, func(a *app) { a.flags.rigor = "hasty" })
	if err == nil || err.Error() != `--rigor: rigor cannot be "hasty"; there are quick, standard, strict` {
		t.Error(err)
	}
	t.Setenv("GLOVEBOX_RIGOR", "stricter")
	_, err = configured(t, nil, nil)
	if err == nil || err.Error() != `GLOVEBOX_RIGOR: rigor cannot be "stricter"; there are quick, standard, strict; did you mean strict?` {
		t.Error(err)
	}
}

func TestOffIsAlwaysAvailable(t *testing.T) {
	_, err := configured(t, map[string]string{"project": `
[limits]
cost_usd = 0
[rates]
model_calls_per_minute = 0
tool_calls_per_minute = 0
[filters]
secrets = "off"
personal = "off"`}, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestModelName(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_BASE_URL", "")
	if name, err := (config{Model: "ollama/x"}).modelName(); name != "ollama/x" || err != nil {
		t.Errorf("%s, %v", name, err)
	}
	if _, err := (config{}).modelName(); err == nil || !strings.Contains(err.Error(), "set OPENAI_API_KEY") {
		t.Errorf("without an endpoint: %v", err)
	}
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
	if name, err := (config{}).modelName(); name != "openai/gpt-5-mini" || err != nil {
		t.Errorf("%s, %v", name, err)
	}
}

// The log says in what words the configuration was written.
func TestConfigJSON(t *testing.T) {
	var got struct {
		Box    map[string]any
		Limits map[string]any
	}
	if err := json.Unmarshal(defaultConfig().json(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Box["memory"] != "512MiB" || got.Limits["wall"] != "15m0s" {
		t.Errorf("%s", defaultConfig().json())
	}
}

func FuzzByteSize(f *testing.F) {
	for _, s := range []string{"512MiB", "1.5GB", "0B", "-3kB", "1e3B", "9e99TiB", " 7 KiB", "\"7\"B", "nullB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, again byteSize
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(size.String())); err != nil || again != size {
			t.Errorf("%q is %d bytes, shown as %s, read as %d (%v)", text, size, size, again, err)
		}
	})
}
