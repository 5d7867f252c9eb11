package store

import "encoding/json"

// The part of the vocabulary that is about tools: what was decided on a call, what
// came of it, what it asked of the network, and what it left behind.

// Decision says what policy made of a tool call, before anything is done.
type Decision struct {
	CallID  string `json:"call_id"`
	Tool    string `json:"tool"`
	Verdict string `json:"verdict"` // allow, deny, invalid (unknown tool or unusable arguments), ask (a person is asked; another one follows)
	Rule    string `json:"rule,omitempty"`
	Reason  string `json:"reason,omitempty"`
	By      string `json:"by"` // policy, user, headless (nobody to ask), --yes, recording (as the session that is run again has it)

	From    string  `json:"from,omitempty"`    // where the rule is written
	Part    string  `json:"part,omitempty"`    // of a shell call: the command that decided
	Who     string  `json:"who,omitempty"`     // the person's account
	WaitMS  float64 `json:"wait_ms,omitempty"` // how long the person took
	Scope   string  `json:"scope,omitempty"`   // of what a person allowed: once, session (the tool), pattern
	Pattern string  `json:"pattern,omitempty"` // with scope pattern
	Edited  bool    `json:"edited,omitempty"`  // the person changed the arguments
}

// ToolCall is durable before the call runs in the box.
type ToolCall struct {
	CallID    string          `json:"call_id"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`        // parsed and re-encoded
	Edited    bool            `json:"edited,omitempty"` // by a person; the model is told
	Stub      bool            `json:"stub,omitempty"`   // it does nothing but stand here: the outbox
}

// ToolResult is what came of a call. What the model is told is derived from it.
type ToolResult struct {
	CallID    string `json:"call_id"`
	Tool      string `json:"tool"`
	Exit      *int   `json:"exit,omitempty"`   // exit status; nil: not a process, or it did not exit
	Signal    string `json:"signal,omitempty"` // name of the signal that ended it, e.g. SIGKILL
	TimedOut  bool   `json:"timed_out,omitempty"`
	Stdout    string `json:"stdout,omitempty"` // also the output of tools that are not processes
	Stderr    string `json:"stderr,omitempty"`
	StdoutCut int64  `json:"stdout_cut,omitempty"` // bytes left out of Stdout (from its middle)
	StderrCut int64  `json:"stderr_cut,omitempty"`
	// Of what is not here as it was printed: cut, or no valid UTF-8. nil: it is, or
	// it is not known (a log of old, or a filter took something out of it).
	StdoutWhole *Whole `json:"stdout_whole,omitempty"`
	StderrWhole *Whole `json:"stderr_whole,omitempty"`

	Error      string  `json:"error,omitempty"` // why there is no result; told to the model
	DurationMS float64 `json:"duration_ms"`
}

// Whole tells one output from another of which not every byte was recorded.
//
// Who knows all of an output but a few bytes can find those by trying: a digest
// is no secret's keeper. So there is none where a filter took something out, and
// it leaves this machine only if Clean; see package redact.
type Whole struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`          // in hex
	Clean  bool   `json:"clean,omitempty"` // all of it was looked through for secrets and personal data: there was none
}

// Egress is one request of the box to the network. It is durable before
// anything is done for it, the lookup of its name included.
type Egress struct {
	N        int64  `json:"n"`   // 1, 2, 3, … within the session
	Via      string `json:"via"` // http, connect, socks5
	Method   string `json:"method,omitempty"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Decision string `json:"decision"`         // allow, deny
	Rule     string `json:"rule,omitempty"`   // entry of the allowlist that allows it
	Reason   string `json:"reason,omitempty"` // why not, as the box was told
}

// EgressDone is what came of an allowed one.
type EgressDone struct {
	N          int64   `json:"n"`                 // of its Egress
	Refused    string  `json:"refused,omitempty"` // why it was not let out after all: its address, a cap
	Error      string  `json:"error,omitempty"`   // why it failed or broke off
	Addr       string  `json:"addr,omitempty"`    // that was dialled
	Status     int     `json:"status,omitempty"`  // of the answer to plain HTTP
	BytesUp    int64   `json:"bytes_up"`
	BytesDown  int64   `json:"bytes_down"`
	DurationMS float64 `json:"duration_ms"`
}

// BoxDiff says what the session left changed under /work and /data. It is
// recorded at the end of every session whose box is alive, before the box goes.
type BoxDiff struct {
	Box     string       `json:"box"`
	Changes []FileChange `json:"changes"`           // by path, at most 1,000
	Cut     int          `json:"cut,omitempty"`     // changes not listed
	Partial bool         `json:"partial,omitempty"` // the box held more than was looked at
	Error   string       `json:"error,omitempty"`   // why nothing is known
}

// FileChange is one file that is not as it was when the box was furnished.
type FileChange struct {
	Path      string `json:"path"`
	Change    string `json:"change"`             // added, modified, deleted, renamed, mode
	From      string `json:"from,omitempty"`     // old path of what was renamed
	Type      string `json:"type,omitempty"`     // file, dir, link, fifo, socket, device, other; "": deleted
	OldType   string `json:"old_type,omitempty"` // "": added
	Mode      string `json:"mode,omitempty"`     // octal, e.g. 0644
	OldMode   string `json:"old_mode,omitempty"`
	Size      int64  `json:"size"` // bytes, of a file
	OldSize   int64  `json:"old_size"`
	SHA256    string `json:"sha256,omitempty"` // hex; "": no file, or not known
	OldSHA256 string `json:"old_sha256,omitempty"`
	Link      string `json:"link,omitempty"`      // where a link leads
	Binary    bool   `json:"binary,omitempty"`    // not text
	Patch     string `json:"patch,omitempty"`     // unified diff; all of a session are at most 256 KiB
	PatchCut  bool   `json:"patch_cut,omitempty"` // too large for a patch
}
