package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"glovebox/agent/policy"
	"glovebox/runner/egress"

	"github.com/adrg/xdg"
)

// config is what a person can set. Its values come from, later ones winning:
// defaults, the user's file (or --config), glovebox.toml in the working
// directory, the environment, flags.
type config struct {
	Model   string        `toml:"model" json:"model"` // "": not set, see modelName
	Rigor   string        `toml:"rigor" json:"rigor"`
	Sample  sampleConfig  `toml:"sampling" json:"sampling"`
	Data    dataConfig    `toml:"data" json:"data"`
	Box     boxConfig     `toml:"box" json:"box"`
	Limits  limitsConfig  `toml:"limits" json:"limits"`
	Rates   ratesConfig   `toml:"rates" json:"rates"`
	Tools   allowConfig   `toml:"tools" json:"tools"`
	Network networkConfig `toml:"network" json:"network"`
	Filters filtersConfig `toml:"filters" json:"filters"`
	Trips   tripsConfig   `toml:"tripwires" json:"tripwires"`
	Rules   []ruleConfig  `toml:"rule" json:"rule,omitempty"`
	Prices  []priceConfig `toml:"price" json:"price,omitempty"`
	Stubs   []stubConfig  `toml:"tool" json:"tool,omitempty"`

	from map[string]string // where each key was set last, by its name; the rest have their defaults
}

// sampleConfig is how the model picks its words. What is left out the server decides.
type sampleConfig struct {
	Temperature *float64 `toml:"temperature" json:"temperature,omitempty"`
	Seed        *int64   `toml:"seed" json:"seed,omitempty"` // servers that know it answer alike, as far as they can
}

type dataConfig struct {
	Schema string  `toml:"schema" json:"schema"`
	Seed   int64   `toml:"seed" json:"seed"`
	Rows   int     `toml:"rows" json:"rows"`
	Mess   float64 `toml:"mess" json:"mess"`
	Plan   string  `toml:"plan" json:"plan,omitempty"` // file; what it says of the dataset as a whole wins over the keys above

	text string // of the plan, once read
}

type boxConfig struct {
	Image       string   `toml:"image" json:"image"`
	Runtime     string   `toml:"runtime" json:"runtime"`
	CPUs        float64  `toml:"cpus" json:"cpus"`
	Memory      byteSize `toml:"memory" json:"memory"`
	PIDs        int      `toml:"pids" json:"pids"`
	Disk        byteSize `toml:"disk" json:"disk"`
	ExecTimeout duration `toml:"exec_timeout" json:"exec_timeout"`
	Pool        int      `toml:"pool" json:"pool"` // boxes that the workbench keeps ready
}

// limitsConfig bounds a session. Zero means no limit.
type limitsConfig struct {
	Turns       int       `toml:"turns" json:"turns"`
	ToolCalls   int       `toml:"tool_calls" json:"tool_calls"`
	Tokens      int       `toml:"tokens" json:"tokens"`         // both ways
	TokensIn    int       `toml:"tokens_in" json:"tokens_in"`   // to the model
	TokensOut   int       `toml:"tokens_out" json:"tokens_out"` // from it
	CostUSD     float64   `toml:"cost_usd" json:"cost_usd"`
	Wall        duration  `toml:"wall" json:"wall"`                 // time on prompts
	Working     duration  `toml:"working" json:"working"`           // the same without waiting for a person
	OutputBytes byteSize  `toml:"output_bytes" json:"output_bytes"` // printed by tools
	Repeats     int       `toml:"repeats" json:"repeats"`           // of calls that always have the same result
	Day         dayConfig `toml:"day" json:"day"`
}

// dayConfig bounds all sessions of a day, UTC, together.
type dayConfig struct {
	Turns   int     `toml:"turns" json:"turns"`
	Tokens  int     `toml:"tokens" json:"tokens"`
	CostUSD float64 `toml:"cost_usd" json:"cost_usd"`
}

type ratesConfig struct {
	ModelCalls int `toml:"model_calls_per_minute" json:"model_calls_per_minute"`
	ToolCalls  int `toml:"tool_calls_per_minute" json:"tool_calls_per_minute"`
}

type allowConfig struct {
	Allow   []string `toml:"allow" json:"allow"`
	Default string   `toml:"default" json:"default"` // decision where no rule matches
}

// networkConfig is the way out of the box; an empty allowlist is none at all.
type networkConfig struct {
	Allow       []string `toml:"allow" json:"allow"`
	Methods     []string `toml:"methods" json:"methods"` // of plain HTTP
	MaxRequests int      `toml:"max_requests" json:"max_requests"`
	MaxBytes    byteSize `toml:"max_bytes" json:"max_bytes"`             // both ways
	Production  []string `toml:"production" json:"production,omitempty"` // hosts that no box may reach: verify tries each
}

type filtersConfig struct {
	Secrets   string   `toml:"secrets" json:"secrets"`
	Personal  string   `toml:"personal" json:"personal"`
	Injection string   `toml:"injection" json:"injection"` // orders to the model in what tools print
	Own       string   `toml:"own" json:"own"`             // what patterns match
	Patterns  []string `toml:"patterns" json:"patterns,omitempty"`
}

// tripsConfig says what is done where a value of the dataset is on its way out.
type tripsConfig struct {
	Network string `toml:"network" json:"network"` // canaries, in a request
	Stubs   string `toml:"stubs" json:"stubs"`     // in the arguments of a stub tool
	Paths   string `toml:"paths" json:"paths"`     // in a path outside of the box's own places
	Values  string `toml:"values" json:"values"`   // the most for other values of the dataset
}

type ruleConfig struct {
	Tool        string   `toml:"tool" json:"tool"`
	Match       string   `toml:"match" json:"match"`
	Argument    string   `toml:"argument" json:"argument,omitempty"`
	Decision    string   `toml:"decision" json:"decision"`
	Reason      string   `toml:"reason" json:"reason"`
	Matching    []string `toml:"matching" json:"matching,omitempty"`
	NotMatching []string `toml:"not_matching" json:"not_matching,omitempty"`
	From        string   `toml:"-" json:"from"` // file:line
}

// stubConfig declares a tool that only records and answers.
type stubConfig struct {
	Name       string         `toml:"name" json:"name"`
	About      string         `toml:"about" json:"about"`
	Parameters map[string]any `toml:"parameters" json:"parameters"` // JSON Schema
	Answer     string         `toml:"answer" json:"answer"`         // template
}

func defaultConfig() config {
	return config{
		from:  map[string]string{},
		Rigor: "standard",
		Data:  dataConfig{Schema: "shop", Seed: 42, Rows: 1000},
		Box: boxConfig{
			Image: "auto", Runtime: "auto", CPUs: 1, Memory: 512 << 20, PIDs: 128, Disk: 512 << 20,
			ExecTimeout: duration(60 * time.Second), Pool: 1,
		},
		Limits:  limitsConfig{Turns: 50, ToolCalls: 200, Tokens: 200_000, CostUSD: 1, Wall: duration(15 * time.Minute), Repeats: 6},
		Rates:   ratesConfig{ModelCalls: 60, ToolCalls: 120},
		Tools:   allowConfig{Allow: []string{"shell", "read_file", "write_file", "edit_file", "sql", "fetch"}, Default: policy.Allow},
		Network: networkConfig{Allow: []string{}, Methods: egress.DefaultMethods(), MaxRequests: 1000, MaxBytes: 256 << 20},
		Filters: filtersConfig{Secrets: "redact", Personal: "flag", Injection: "flag", Own: "redact"},
		Trips:   tripsConfig{Network: "stop", Stubs: "flag", Paths: "flag", Values: "flag"},
	}
}

// loadConfig reads everything that is set, and fails on the first thing that
// is not understood, not allowed or not available yet.
func (a *app) loadConfig() (config, error) {
	c := defaultConfig()
	user, required := a.flags.config, true
	if user == "" {
		user = os.Getenv("GLOVEBOX_CONFIG")
	}
	if user == "" {
		user, required = filepath.Join(xdg.ConfigHome, "glovebox", "config.toml"), false
	}
	for _, file := range []string{user, "glovebox.toml"} {
		err := c.readFile(file)
		if errors.Is(err, os.ErrNotExist) && (file != user || !required) {
			continue
		}
		if err != nil {
			var known *exitError
			if !errors.As(err, &known) {
				err = &exitError{code: exitUsage, msg: err.Error(), err: err}
			}
			return config{}, err
		}
	}
	for _, from := range []struct {
		name, value string
		set         *string
	}{
		{"GLOVEBOX_MODEL", os.Getenv("GLOVEBOX_MODEL"), &c.Model},
		{"GLOVEBOX_RIGOR", os.Getenv("GLOVEBOX_RIGOR"), &c.Rigor},
		{"--model", a.flags.model, &c.Model},
		{"--rigor", a.flags.rigor, &c.Rigor},
	} {
		if from.value == "" {
			continue
		}
		*from.set = from.value
		c.from[map[bool]string{true: "model", false: "rigor"}[from.set == &c.Model]] = from.name
		if key, why := c.wrong(); key != "" {
			return config{}, usageError(from.name+": "+why, "")
		}
	}
	if c.Data.Plan != "" {
		if err := c.Data.takePlan(c.Data.Plan); err != nil {
			return config{}, err
		}
	}
	if a.changed != nil && a.changed("seed") {
		c.Data.Seed = a.flags.seed
		c.from["data.seed"] = "--seed"
	}
	return c, nil
}

// modelName is the model that was asked for, or the usual one where there is
// an endpoint to ask.
func (c config) modelName() (string, error) {
	switch {
	case c.Model != "":
		return c.Model, nil
	case os.Getenv("OPENAI_API_KEY") != "" || os.Getenv("OPENAI_BASE_URL") != "":
		return "openai/gpt-5-mini", nil
	}
	return "", usageError("there is no model to ask: set OPENAI_API_KEY, or name a local one, such as --model ollama/NAME",
		"glovebox demo, which needs no model")
}

// json is the configuration as the log keeps it. It holds no secrets: keys to
// model endpoints come from the environment only.
func (c config) json() json.RawMessage {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("the configuration is not JSON: %v", err)) // it has no type that could fail
	}
	return data
}

// byteSize is a number of bytes, written as "512MiB" or "1.5GB".
type byteSize int64

var byteUnits = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// UnmarshalText reads a size.
func (s *byteSize) UnmarshalText(text []byte) error {
	for _, unit := range byteUnits {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		var n float64
		if err := json.Unmarshal([]byte(strings.TrimSpace(number)), &n); err != nil || n*unit.bytes > 1<<60 {
			break
		}
		*s = byteSize(n * unit.bytes)
		return nil
	}
	return fmt.Errorf(`%q is not a size; write it like "512MiB" or "2GB"`, text)
}

// MarshalText writes a size in the largest binary unit that divides it.
func (s byteSize) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // the interface has the error

func (s byteSize) String() string {
	for i := 3; i >= 0; i-- {
		if unit := int64(byteUnits[i].bytes); s != 0 && int64(s)%unit == 0 {
			return fmt.Sprint(int64(s)/unit, byteUnits[i].name)
		}
	}
	return fmt.Sprint(int64(s), "B")
}

// duration is a time.Duration, written as "90s" or "15m".
type duration time.Duration

// UnmarshalText reads a duration.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf(`%q is not a duration; write it like "90s" or "15m"`, text)
	}
	*d = duration(v)
	return nil
}

// MarshalText writes a duration as Go does.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil } //nolint:unparam // as above
