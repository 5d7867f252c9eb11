package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"glovebox/agent"
	"glovebox/runner/egress"
	"glovebox/store"
)

// proxy is the session's way out: whatever the box asks for is in the log
// before it is done.
func (s *session) proxy(c networkConfig, rules []egress.Rule) *egress.Proxy {
	o := egress.Options{
		Rules: rules, Methods: c.Methods, MaxRequests: int64(c.MaxRequests), MaxBytes: int64(c.MaxBytes),
		Record: func(a egress.Attempt) error {
			decision := "deny"
			if a.Allowed {
				decision = "allow"
			}
			return s.record(context.Background(), store.Egress{
				N: a.N, Via: a.Via, Method: a.Method, Host: a.Host, Port: int(a.Port), Decision: decision, Rule: a.Rule, Reason: a.Reason,
			})
		},
		Done: func(o egress.Outcome) {
			s.record(context.Background(), store.EgressDone{ //nolint:errcheck // it is over; the next thing that cannot be recorded does not happen
				N: o.N, Refused: o.Refused, Error: o.Error, Addr: o.Addr, Status: o.Status, BytesUp: o.Up, BytesDown: o.Down,
				DurationMS: float64(o.Took.Microseconds()) / 1000,
			})
		},
	}
	if s.trips.Wires != nil && s.trips.Network != agent.TripOff {
		o.Inspect = s.inspect
	}
	return egress.New(o)
}

// inOrder lets several goroutines of a session report: one at a time, and
// events as they stand in the log. Every one of them passes here but those that
// others write, which are notes: noted reads event number seq if it is one.
func inOrder(observe func(agent.Update), noted func(seq int64) (e store.Event, ok bool)) func(agent.Update) {
	var mu sync.Mutex
	next, early := int64(1), map[int64]agent.Update{}
	return func(u agent.Update) {
		mu.Lock()
		defer mu.Unlock()
		if u.Event == nil {
			observe(u)
			return
		}
		if u.Event.Seq >= next {
			early[u.Event.Seq] = u
		}
		for len(early) > 0 {
			u, ok := early[next]
			if !ok {
				e, ok := noted(next)
				if !ok {
					return // it is on its way
				}
				u = agent.Update{Event: &e}
			}
			delete(early, next)
			next++
			observe(u)
		}
	}
}

// fetchCommand fetches a URL in the box with what its image has: curl, else
// Python. Both use the proxy that the environment names.
func fetchCommand(url, method string, within time.Duration) agent.Command {
	seconds := fmt.Sprint(max(1, int(within/time.Second)-1)) // so that it can say that it timed out
	return agent.Command{Argv: []string{"/bin/sh", "-c", fetchScript, "fetch", url, method, seconds}, Timeout: within}
}

const fetchScript = `if command -v curl >/dev/null; then
  case "$2" in GET) set -- "$1" "$3" ;; HEAD) set -- "$1" "$3" -I ;; *) set -- "$1" "$3" -X "$2" ;; esac
  url=$1 seconds=$2; shift 2
  exec curl -sS -i -g --proto =http,https --max-time "$seconds" "$@" -- "$url"
fi
exec python3 -c '
import sys, urllib.error, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args): return None
try:
    request = urllib.request.Request(sys.argv[1], method=sys.argv[2])
    answer = urllib.request.build_opener(Stay).open(request, timeout=int(sys.argv[3]))
except urllib.error.HTTPError as e:
    answer = e
except (OSError, ValueError) as e:
    sys.exit("Error: %s" % e)
print("HTTP", answer.status, answer.reason)
print(answer.headers, end="", flush=True)
sys.stdout.buffer.write(answer.read())
' "$@"`
