// Command lyinginit is PID 1 of boxes that tests make: it breaks the port's
// protocol in the way that its argument names.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"glovebox/runner/port"
)

// The frames, spelt here again: a liar does not use our encoder.
const (
	hello, open, data, exit, ping, pong = 1, 2, 3, 6, 7, 8
)

func say(typ byte, stream uint32, payload []byte) {
	b := append([]byte{typ}, binary.BigEndian.AppendUint32(nil, stream)...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	if _, err := os.Stdout.Write(append(b, payload...)); err != nil {
		os.Exit(1)
	}
}

func sayJSON(typ byte, stream uint32, v any) {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	say(typ, stream, payload)
}

func hear() (typ byte, stream uint32, payload []byte) {
	h := make([]byte, 9)
	if _, err := io.ReadFull(os.Stdin, h); err != nil {
		os.Exit(1)
	}
	payload = make([]byte, binary.BigEndian.Uint32(h[5:]))
	if _, err := io.ReadFull(os.Stdin, payload); err != nil {
		os.Exit(1)
	}
	return h[0], binary.BigEndian.Uint32(h[1:]), payload
}

func main() {
	how := os.Args[1]
	switch how {
	case "garbage":
		fmt.Println("Welcome to this box. It speaks no protocol.")
	case "endless frame":
		os.Stdout.Write([]byte{data, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}) //nolint:errcheck // see say
	case "dies":
		fmt.Fprintln(os.Stderr, "my last words")
		os.Exit(1)
	case "never says hello":
	case "another uid":
		sayJSON(hello, 0, port.Hello{Version: port.Version, PID: 1, UID: os.Getuid() + 1})
	case "hello twice":
		sayJSON(hello, 0, port.Hello{Version: port.Version, PID: 1, UID: os.Getuid()})
		sayJSON(hello, 0, port.Hello{Version: port.Version, PID: 1, UID: os.Getuid()})
	default:
		sayJSON(hello, 0, port.Hello{Version: port.Version, PID: 1, UID: os.Getuid()})
		serve(how)
	}
	time.Sleep(time.Hour)
}

func serve(how string) {
	if how == "takes nothing" {
		defer func() {
			for range time.Tick(time.Second) { // alive, it says
				say(pong, 0, make([]byte, 8))
			}
		}()
	}
	for {
		typ, stream, payload := hear()
		switch {
		case typ == ping && how != "silent":
			say(pong, 0, payload)
		case typ == open:
			var req port.Request
			if err := json.Unmarshal(payload, &req); err != nil {
				panic(err)
			}
			if req.Op == port.OpSeal {
				seal(how, stream)
				if how == "takes nothing" {
					return
				}
				continue
			}
			command(how, stream)
		}
	}
}

func seal(how string, stream uint32) {
	var report port.SealReport
	if how != "proves nothing" {
		for _, layer := range []string{"data", "execution", "network"} {
			report.Proofs = append(report.Proofs, port.Proof{Probe: "a lie", Layer: layer, Verdict: port.Pass})
		}
	}
	detail, err := json.Marshal(report)
	if err != nil {
		panic(err)
	}
	sayJSON(exit, stream, port.Reply{Detail: detail})
}

func command(how string, stream uint32) {
	switch how {
	case "speaks for another":
		say(data, stream+7, []byte{port.Stdout, 'x'})
	case "opens on the host":
		sayJSON(open, stream+1, port.Request{Op: port.OpGet, Path: "/etc/passwd"})
	case "goes on after a kill":
		output := make([]byte, port.Window/8)
		output[0] = port.Stdout
		for ; ; hear() { // the credit for what was said; a kill is as good
			for range 4 {
				say(data, stream, output)
			}
		}
	case "ignores the window":
		output := make([]byte, 32<<10)
		output[0] = port.Stdout
		for range 1000 {
			say(data, stream, output)
		}
	}
}
