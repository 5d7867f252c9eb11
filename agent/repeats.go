package agent

import (
	"crypto/sha256"
	"fmt"

	"glovebox/agent/budget"
	"glovebox/store"
)

// maxPeriod is how many calls may take turns and still count as going in
// circles: one and the same, ping-pong, or three.
const maxPeriod = 3

const repeatsRule = "limits.repeats"

// repeats sees when a model goes in circles: the same calls with the same
// results, over and over. It counts what was recorded only.
type repeats struct {
	asked map[string]string // call ID: call, as the model wrote it
	told  map[string]bool   // call IDs that did not run because of this
	done  [][2]string       // call and its result
}

func (r *repeats) add(e store.Event) {
	switch b := e.Body.(type) {
	case store.Prompt:
		r.done = nil // a person has said something new
	case store.ModelResponse:
		r.asked, r.told = map[string]string{}, map[string]bool{}
		for _, c := range b.ToolCalls {
			r.asked[c.ID] = digest(c.Name + "\x00" + c.Arguments)
		}
	case store.Decision:
		if b.Rule == repeatsRule {
			r.told[b.CallID] = true
		}
	case store.ToolResult:
		one := [2]string{r.asked[b.CallID], digest(resultText(b))}
		if r.told[b.CallID] { // it would have had the same result again
			for i := len(r.done) - 1; i >= 0; i-- {
				if r.done[i][0] == one[0] {
					one = r.done[i]
					break
				}
			}
		}
		r.done = append(r.done, one)
	}
}

func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return string(h[:])
}

// rounds is how often the circle that a call would close has been gone through
// already; 0: none.
func (r *repeats) rounds(call store.CallSpec) int {
	next, most := digest(call.Name+"\x00"+call.Arguments), 0
	for period := 1; period <= maxPeriod && period <= len(r.done); period++ {
		if r.done[len(r.done)-period][0] != next {
			continue
		}
		same := period
		for i := len(r.done) - 1 - period; i >= 0 && r.done[i] == r.done[i+period]; i-- {
			same++
		}
		most = max(most, same/period)
	}
	return most
}

// circles says what is made of a call that repeats others: after some rounds
// the model is told instead of served, after one more the work ends.
func (a *Agent) circles(call store.CallSpec) (tell string, err error) {
	limit := a.cfg.Repeats
	n := a.again.rounds(call)
	switch {
	case limit <= 0 || n < limit-1:
		return "", nil
	case n >= limit:
		return "", &LimitError{Over: budget.Over{Limit: "repeats", Value: float64(n), Max: float64(limit)}}
	}
	return fmt.Sprintf("you have made this call %d times, and its result was always the same; it did not run again: do something else, or say what hinders you", n), nil
}
