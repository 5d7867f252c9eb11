package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An Event is one immutable record of the log. The same stream feeds the
// screen, playback and export.
type Event struct {
	Session string    // session ID
	Seq     int64     // 1, 2, 3, … within the session, without gaps
	At      time.Time // UTC, microsecond precision
	Body    Body      // what happened; never nil, its dynamic type is one of the structs below (by value)
}

// Body is what an event says. Each implementation is one entry of the
// vocabulary; Kind is its stable name in the log and in --json output.
type Body interface{ Kind() string }

// SessionStarted is always event 1: everything needed to do the session again.
type SessionStarted struct {
	Program  string          `json:"program"`            // version of glovebox
	Model    string          `json:"model"`              // provider/model or script:NAME
	System   string          `json:"system"`             // system prompt, whole
	Tools    []ToolSpec      `json:"tools"`              // tools offered to the model
	Config   json.RawMessage `json:"config"`             // effective configuration, without secrets
	Policy   json.RawMessage `json:"policy"`             // effective policy
	Recipe   *Recipe         `json:"recipe,omitempty"`   // dataset; nil: none
	Rigor    string          `json:"rigor"`              // quick, standard, strict
	Seed     *int64          `json:"seed,omitempty"`     // sampling seed sent to the model, if any
	Endpoint string          `json:"endpoint,omitempty"` // base URL of the model endpoint, without credentials
	Price    *Price          `json:"price,omitempty"`    // of the model; nil in old logs
	Resumes  *Resumes        `json:"resumes,omitempty"`  // the session whose conversation goes on in this one
	Reruns   *Resumes        `json:"reruns,omitempty"`   // the session whose tool calls are run again in this one; no model is asked
}

// Price is what a model costs, in picodollars a token, and where that is from.
type Price struct {
	Input    int64  `json:"input"`
	Cached   int64  `json:"cached"`
	Output   int64  `json:"output"`
	Source   string `json:"source"` // the price list and its version, "configuration", "local", "unknown"
	Notional bool   `json:"notional,omitempty"`
}

// Resumes names an ended session and the last of its events that counts.
type Resumes struct {
	Session string `json:"session"`
	Through int64  `json:"through"`
}

// ToolSpec is a tool as the model was shown it.
type ToolSpec struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"` // JSON Schema
}

// Recipe reproduces a dataset byte for byte.
type Recipe struct {
	Schema    string  `json:"schema"` // built-in name or base name of the DDL file
	DDL       string  `json:"ddl"`    // the DDL itself: a file may change or vanish
	Seed      int64   `json:"seed"`
	Rows      int     `json:"rows"`           // of the largest tables
	Mess      float64 `json:"mess"`           // 0 to 1
	Clock     string  `json:"clock"`          // RFC 3339: "now" for every date in the dataset
	Generator string  `json:"generator"`      // fingerprint of the generator
	Plan      string  `json:"plan,omitempty"` // text of the plan: how tables and columns are made; "": all is inferred
}

// Masked says whether the dataset was not generated but is a masked file: seed,
// rows and mess then say nothing of it.
func (r Recipe) Masked() bool { return strings.HasPrefix(r.Generator, "mask/") }

// String is the dataset in a few words.
func (r Recipe) String() string {
	switch {
	case r.Masked():
		return r.Schema + ", a masked file"
	case r.Mess > 0:
		return fmt.Sprintf("%s, seed %d, %s, mess %g", r.Schema, r.Seed, Plural(r.Rows, "row"), r.Mess)
	}
	return fmt.Sprintf("%s, seed %d, %s", r.Schema, r.Seed, Plural(r.Rows, "row"))
}

// BoxCreated is recorded when a box is sealed, before anything of the session
// runs in it.
type BoxCreated struct {
	Box         string  `json:"box"`          // name, also the Podman container's
	Container   string  `json:"container"`    // Podman container ID
	Image       string  `json:"image"`        // reference the user asked for
	ImageDigest string  `json:"image_digest"` // what was really used: sha256:…
	Runtime     string  `json:"runtime"`      // OCI runtime: runc, crun, runsc, …
	Engine      string  `json:"engine"`       // e.g. "podman 4.3.1 rootless"
	UID         int     `json:"uid"`          // inside the box
	Seal        []Proof `json:"seal"`         // isolation as probed from inside
	Limits      []Limit `json:"limits"`
	ReadyMS     float64 `json:"ready_ms"` // create to sealed

	Base *BaseImage `json:"base,omitempty"` // nil in logs of old
}

// BaseImage is what the image of a box was made from, by adding glovebox-init.
type BaseImage struct {
	Digest  string `json:"digest"`             // sha256:…, as its registry has it
	Was     string `json:"was,omitempty"`      // digest of the same reference when it was prepared before, if another
	HostUsr bool   `json:"host_usr,omitempty"` // /usr in the box was the host's, read-only
	Root    string `json:"root,omitempty"`     // digest of what is in it, whoever made it, and when: sha256:…; "": not known
	Init    string `json:"init,omitempty"`     // SHA-256 of the glovebox-init that was added, hex; "": not known
}

// Proof is what one core probe found.
type Proof struct {
	Probe    string `json:"probe"`
	Layer    string `json:"layer"`   // data, execution, network
	Verdict  string `json:"verdict"` // PASS, FAIL, INCONCLUSIVE
	Evidence string `json:"evidence"`
}

// Limit is one limit of a box and who enforces it.
type Limit struct {
	Name     string `json:"name"`     // memory, pids, cpu, disk, files
	Value    string `json:"value"`    // with unit, as shown
	Enforced string `json:"enforced"` // cgroup, rlimit, watchdog, tmpfs, none
}

// FilePut is recorded before glovebox itself places a file in the box
// (the dataset, DATA.md). Files the agent writes are tool calls.
type FilePut struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// Prompt is what the person asked.
type Prompt struct {
	Text   string  `json:"text"`
	Images []Image `json:"images,omitempty"`
}

// Image goes to the model with a prompt.
type Image struct {
	Name string `json:"name"` // of the file
	Type string `json:"type"` // image/png, image/jpeg, image/gif, image/webp
	Data string `json:"data"` // base64
}

// ModelRequest is recorded before a request leaves. Its messages are not
// copied: they are the system prompt of event 1 and what the prompt,
// model.response and tool.result events up to and including Through say.
type ModelRequest struct {
	Turn    int    `json:"turn"` // 1, 2, … within the session
	Model   string `json:"model"`
	Through int64  `json:"through"` // sequence number of the last event it includes

	Reserved  *Charge `json:"reserved,omitempty"`   // what it may cost at worst, kept free until the answer
	MaxOutput int64   `json:"max_output,omitempty"` // most tokens of answer that were asked for; 0: as many as the model likes
}

// Charge is what one request to a model costs, in tokens and money.
type Charge struct {
	Input     int64 `json:"input"`
	Output    int64 `json:"output"`
	PicoUSD   int64 `json:"pico_usd"`            // 10⁻¹² US dollars
	Notional  bool  `json:"notional,omitempty"`  // what it would cost elsewhere: nobody is paid
	Estimated bool  `json:"estimated,omitempty"` // the server did not say; never less than it was
}

// ModelResponse is one whole answer, or what there was of it when it broke off.
type ModelResponse struct {
	Turn         int        `json:"turn"`
	Model        string     `json:"model,omitempty"` // as the server named itself
	Text         string     `json:"text"`
	Reasoning    string     `json:"reasoning,omitempty"`
	ToolCalls    []CallSpec `json:"tool_calls,omitempty"`
	FinishReason string     `json:"finish_reason,omitempty"`
	Usage        *Usage     `json:"usage,omitempty"` // nil: the server sent none
	FirstTokenMS float64    `json:"first_token_ms"`
	DurationMS   float64    `json:"duration_ms"`
	Retries      int        `json:"retries,omitempty"` // requests repeated at the server's demand (429, 503)
	Partial      bool       `json:"partial,omitempty"` // interrupted or cut off
	Charge       *Charge    `json:"charge,omitempty"`  // nil in old logs
}

// CallSpec is a tool call as the model wrote it; Arguments may be anything.
type CallSpec struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// Usage counts tokens as the server reported them.
type Usage struct {
	Input     int `json:"input"`
	Output    int `json:"output"`
	Cached    int `json:"cached,omitempty"`    // part of Input
	Reasoning int `json:"reasoning,omitempty"` // part of Output
}

// LimitReached is recorded when a limit stops the session.
type LimitReached struct {
	Limit string  `json:"limit"` // turns, tool_calls, tokens, wall, …
	Value float64 `json:"value"`
	Max   float64 `json:"max"`
	Needs float64 `json:"needs,omitempty"` // what the next call may have needed; 0: the limit was reached
	Of    string  `json:"of,omitempty"`    // day, batch; "": the session
}

// Interrupted says that the session was broken off from outside.
type Interrupted struct {
	By string `json:"by"` // user, signal, crash (found at the next start)
}

// Failure is an error that ended the session or a turn of it.
type Failure struct {
	Code    string `json:"code"` // model, engine, seal, box, script, store
	Message string `json:"message"`
}

// Probed is what one probe of the battery found (glovebox verify).
type Probed struct {
	Probe    string `json:"probe"`
	Layer    string `json:"layer"`   // data, execution, network
	Verdict  string `json:"verdict"` // PASS, FAIL, INCONCLUSIVE
	Evidence string `json:"evidence"`
	Gain     string `json:"gain,omitempty"`    // what an attacker would have, in an imperative
	Tries    string `json:"tries,omitempty"`   // what was tried
	Control  *Proof `json:"control,omitempty"` // in a box that is weak on purpose; Probe names the weakness. nil: not tried
}

// Verified ends a battery that was tried to its end.
type Verified struct {
	Of           map[string]string `json:"of"` // what it holds for: kernel, podman, runtime, image, policy, glovebox
	Passed       int               `json:"passed"`
	Failed       []string          `json:"failed,omitempty"`       // probes that got out
	Unproven     []string          `json:"unproven,omitempty"`     // probes that did not fail in their control
	Inconclusive []string          `json:"inconclusive,omitempty"` // probes that could not be tried
	Untried      []string          `json:"untried,omitempty"`      // those of them that ought to have been: they hold nothing
	DurationMS   float64           `json:"duration_ms"`
}

// BoxDestroyed is recorded when the box is gone.
type BoxDestroyed struct {
	Box    string `json:"box"`
	Reason string `json:"reason"` // done, died, reaped
}

// SessionEnded ends every session. After it come only notes.
type SessionEnded struct {
	Status string `json:"status"` // done, limited, denied, failed, interrupted
	Reason string `json:"reason,omitempty"`
}

// Note is what somebody says about a session, or about one step of it, while it
// runs or afterwards. Nothing is ever edited: a later note says otherwise.
type Note struct {
	By     string   `json:"by"`             // account, or program
	Step   int64    `json:"step,omitempty"` // sequence number of the event it is about; 0: the session
	Title  string   `json:"title,omitempty"`
	Tags   []string `json:"tags,omitempty"`   // added; of the session
	Untags []string `json:"untags,omitempty"` // taken away
	Star   *bool    `json:"star,omitempty"`   // of the session
	Text   string   `json:"text,omitempty"`   // comment
	Score  *Score   `json:"score,omitempty"`
}

// Score is a mark.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Filtered says what a filter found in a text, and what was done about it. It
// comes before the event that has the text.
type Filtered struct {
	Where  string `json:"where"` // prompt, result, answer, call, file
	CallID string `json:"call_id,omitempty"`
	What   string `json:"what"`   // secrets, personal, own, injection
	Rule   string `json:"rule"`   // e.g. aws-access-token
	Action string `json:"action"` // flag, redact, block
	Count  int    `json:"count"`
}

// Tripwire says that a value of the dataset was, or could not be seen not to be, on its way out. It comes before
// the event of what carries it, where that goes on.
type Tripwire struct {
	Where  string `json:"where"`             // network, stub, path
	CallID string `json:"call_id,omitempty"` // of a stub or a path
	N      int64  `json:"n,omitempty"`       // of the Egress
	Part   string `json:"part,omitempty"`    // host, url, headers, body; the tool
	What   string `json:"what"`              // canary, value; unseen: more is packed in it than can be looked through
	Table  string `json:"table"`
	Column string `json:"column"`
	As     string `json:"as,omitempty"` // how it was written: escaped, base64, hex, …; "": as it is
	Action string `json:"action"`       // flag, stop
}

// Compacted says that from here on the model is told earlier results shortened,
// to make room in its context window. The log keeps them whole.
type Compacted struct {
	Kept   int   `json:"kept"`   // latest messages that stay whole
	Before int64 `json:"before"` // bytes of the conversation
	After  int64 `json:"after"`
}

// Drift says how something in a rerun differs from the session that it runs
// again, or that this cannot be told. What no Drift names is the same, byte for byte.
type Drift struct {
	Of      int64  `json:"of"`                // event of the session that is run again; 0: it has none like that
	Now     int64  `json:"now,omitempty"`     // event of this session that was compared with it; 0: there is none
	What    string `json:"what"`              // image, limits, data, call, decision, exit, stdout, stderr, error, file
	Unknown bool   `json:"unknown,omitempty"` // it cannot be told whether they differ
	How     string `json:"how,omitempty"`     // where all of the difference is: order, times, names, numbers; a help for who reads, no excuse
	Detail  string `json:"detail"`            // the first difference, or why nothing can be told; bounded
}

// Compared ends the comparisons of a rerun that came to its end. It counts the
// tool calls that were recorded as run or refused.
type Compared struct {
	Calls   int `json:"calls"`
	Same    int `json:"same"`
	Drifted int `json:"drifted"`
	Unknown int `json:"unknown"`
	Other   int `json:"other"` // Drift of something else than a call: image, limits, data, files
}

func (Filtered) Kind() string       { return "filtered" }
func (Tripwire) Kind() string       { return "tripwire" }
func (Compacted) Kind() string      { return "compacted" }
func (SessionStarted) Kind() string { return "session.started" }
func (BoxCreated) Kind() string     { return "box.created" }
func (FilePut) Kind() string        { return "file.put" }
func (Prompt) Kind() string         { return "prompt" }
func (ModelRequest) Kind() string   { return "model.request" }
func (ModelResponse) Kind() string  { return "model.response" }
func (LimitReached) Kind() string   { return "limit" }
func (Interrupted) Kind() string    { return "interrupted" }
func (Failure) Kind() string        { return "error" }
func (Probed) Kind() string         { return "probe" }
func (Verified) Kind() string       { return "verified" }
func (BoxDestroyed) Kind() string   { return "box.destroyed" }
func (SessionEnded) Kind() string   { return "session.ended" }
func (Note) Kind() string           { return "note" }
func (Drift) Kind() string          { return "drift" }
func (Compared) Kind() string       { return "compared" }
func (Decision) Kind() string       { return "decision" }
func (ToolCall) Kind() string       { return "tool.call" }
func (ToolResult) Kind() string     { return "tool.result" }
func (Egress) Kind() string         { return "egress" }
func (EgressDone) Kind() string     { return "egress.done" }
func (BoxDiff) Kind() string        { return "box.diff" }
