package port

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// join runs a box's end with handler and returns the host's.
func join(t *testing.T, handler func(*Stream, Request)) *Conn {
	t.Helper()
	hostR, boxW := io.Pipe()
	boxR, hostW := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(boxR, boxW, Hello{Version: Version, PID: 1}, handler) }()
	c := Dial(hostR, hostW)
	if h := <-c.Hello(); h.Version != Version {
		t.Fatalf("hello says version %d", h.Version)
	}
	t.Cleanup(func() {
		hostW.Close()
		if err := <-served; !errors.Is(err, io.EOF) {
			t.Errorf("box's end: %v, want EOF", err)
		}
		boxW.Close()
		c.Wait()
		if c.Err() == nil {
			t.Error("the host's end outlived the pipe")
		}
	})
	return c
}

// The end of the connection is the end of the box's end, whatever its
// operations wait for.
func TestServeWaitsForNoOperation(t *testing.T) {
	began, let, ended := make(chan bool), make(chan bool), make(chan bool)
	r, w := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(r, io.Discard, Hello{}, func(*Stream, Request) {
			close(began)
			<-let
			close(ended)
		})
	}()
	request, err := json.Marshal(Request{Op: OpExec})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(appendFrame(nil, frameOpen, 1, request, nil)); err != nil {
		t.Fatal(err)
	}
	<-began
	w.Close()
	if err := <-served; !errors.Is(err, io.EOF) {
		t.Errorf("it ends with %v, want EOF", err)
	}
	close(let)
	<-ended
}

func open(t *testing.T, c *Conn, req Request) *Stream {
	t.Helper()
	s, err := c.Open(req)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// collect takes everything until the end of the stream.
func collect(t *testing.T, s *Stream) (out [4][]byte) {
	t.Helper()
	for {
		fd, data, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Error(err)
			return out
		}
		out[fd] = append(out[fd], data...)
	}
}

func finish(t *testing.T, s *Stream, r Reply) {
	if err := s.Finish(r); err != nil {
		t.Error(err)
	}
}

func TestEcho(t *testing.T) {
	c := join(t, func(s *Stream, req Request) {
		h := sha256.New()
		for {
			_, data, err := s.Recv()
			if err != nil || len(data) == 0 {
				break
			}
			h.Write(data)
			if err := s.Send(Stdout, data); err != nil {
				t.Error(err)
			}
		}
		if err := s.Send(Stderr, h.Sum(nil)); err != nil {
			t.Error(err)
		}
		code := 7
		finish(t, s, Reply{Exit: &code})
	})
	s := open(t, c, Request{Op: OpExec})
	sent := make([]byte, 5*Window+123) // far more than the credit at hand
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	go func() {
		for p := sent; len(p) > 0; {
			n := min(len(p), 1+rand.IntN(2*chunk))
			if err := s.Send(Stdin, p[:n]); err != nil {
				t.Error(err)
				return
			}
			p = p[n:]
		}
		if err := s.Send(Stdin, nil); err != nil {
			t.Error(err)
		}
	}()
	out := collect(t, s)
	if !bytes.Equal(out[Stdout], sent) {
		t.Errorf("%d bytes came back of %d, or others", len(out[Stdout]), len(sent))
	}
	if sum := sha256.Sum256(sent); !bytes.Equal(out[Stderr], sum[:]) {
		t.Error("the box saw other bytes")
	}
	if r := s.Reply(); r == nil || r.Exit == nil || *r.Exit != 7 {
		t.Errorf("reply %+v, want exit 7", r)
	}
}

// A stream whose output nobody takes holds up neither another nor its own kill.
func TestFloodDelaysNobody(t *testing.T) {
	c := join(t, func(s *Stream, req Request) {
		if req.Path == "quiet" {
			finish(t, s, Reply{})
			return
		}
		signal := make(chan byte)
		go func() { signal <- s.Signaled() }()
		go func() {
			for s.Send(Stdout, make([]byte, chunk)) == nil { // ends with the stream
			}
		}()
		finish(t, s, Reply{Signal: int(<-signal)})
	})
	flood := open(t, c, Request{Op: OpExec})
	for range 100 {
		quiet := open(t, c, Request{Op: OpExec, Path: "quiet"})
		collect(t, quiet)
		if quiet.Reply() == nil {
			t.Fatal("no reply beside a flood")
		}
	}
	flood.mu.Lock()
	if flood.held > Window {
		t.Errorf("%d bytes are held for a stream nobody reads, window is %d", flood.held, Window)
	}
	flood.mu.Unlock()
	if err := flood.Signal(9); err != nil {
		t.Fatal(err)
	}
	collect(t, flood)
	if r := flood.Reply(); r == nil || r.Signal != 9 {
		t.Errorf("reply %+v, want signal 9", r)
	}
}

// hostile is a box that says these frames after hello.
func hostile(t *testing.T, raw []byte) *Conn {
	t.Helper()
	hello, err := json.Marshal(Hello{Version: Version})
	if err != nil {
		t.Fatal(err)
	}
	c := Dial(bytes.NewReader(append(appendFrame(nil, frameHello, 0, hello, nil), raw...)), io.Discard)
	return c
}

func TestHostileBox(t *testing.T) {
	data := func(stream uint32, n int) []byte {
		return appendFrame(nil, frameData, stream, []byte{Stdout}, make([]byte, n))
	}
	tests := []struct {
		name string
		raw  []byte
	}{
		{"unknown type", appendFrame(nil, 99, 1, nil, nil)},
		{"type zero", appendFrame(nil, 0, 1, nil, nil)},
		{"claims 4 GiB", []byte{byte(frameData), 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}},
		{"hello twice", appendFrame(appendFrame(nil, frameHello, 0, []byte("{}"), nil), frameHello, 0, []byte("{}"), nil)},
		{"hello no JSON", appendFrame(nil, frameHello, 0, []byte("x"), nil)},
		{"opens a stream on the host", appendFrame(nil, frameOpen, 1, []byte("{}"), nil)},
		{"signals the host", appendFrame(nil, frameSignal, 1, []byte{9}, nil)},
		{"data for nobody", data(77, 5)},
		{"credit for nobody", appendFrame(nil, frameCredit, 77, creditPayload(5), nil)},
		{"exit of nobody", appendFrame(nil, frameExit, 77, []byte("{}"), nil)},
		{"data without descriptor", appendFrame(nil, frameData, 1, nil, nil)},
		{"data on the connection", data(0, 5)},
		{"short credit", appendFrame(nil, frameCredit, 1, []byte{1}, nil)},
		{"short pong", appendFrame(nil, framePong, 0, []byte{1}, nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := hostile(t, tt.raw)
			c.Wait()
			if err := c.Err(); !errors.Is(err, ErrProtocol) {
				t.Errorf("error %v, want ErrProtocol", err)
			}
			if _, err := c.Open(Request{Op: OpExec}); !errors.Is(err, ErrProtocol) {
				t.Errorf("Open afterwards: %v, want ErrProtocol", err)
			}
		})
	}
}

// A box that sends on a stream beyond its window, or grants too much, is cut off.
func TestHostileStream(t *testing.T) {
	over := bytes.Repeat(appendFrame(nil, frameData, 1, []byte{Stdout}, make([]byte, chunk)), Window/chunk+1)
	ends := bytes.Repeat(appendFrame(nil, frameData, 1, []byte{Stdout}, nil), Window+10)
	for name, raw := range map[string][]byte{
		"beyond the window": over,
		"endless ends":      ends,
		"too much credit":   appendFrame(nil, frameCredit, 1, creditPayload(1), nil),
		"exit no JSON":      appendFrame(nil, frameExit, 1, []byte("x"), nil),
	} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			c := Dial(r, io.Discard)
			s := open(t, c, Request{Op: OpExec})
			if _, err := w.Write(raw); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				// The reader stops taking at the offence; close lets the writer go.
				t.Log(err)
			}
			<-c.Done()
			w.Close()
			c.Wait()
			for {
				if _, _, err := s.Recv(); err != nil {
					if !errors.Is(err, ErrProtocol) {
						t.Errorf("Recv: %v, want ErrProtocol", err)
					}
					break
				}
			}
		})
	}
}

func TestBoxDies(t *testing.T) {
	r, w := io.Pipe()
	c := Dial(r, io.Discard)
	s := open(t, c, Request{Op: OpExec})
	// Half a frame, then nothing.
	if _, err := w.Write([]byte{byte(frameData), 0, 0}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	c.Wait()
	if _, _, err := s.Recv(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Recv: %v, want unexpected EOF", err)
	}
	if err := s.Send(Stdin, make([]byte, 2*Window)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Send: %v, want unexpected EOF", err)
	}
}

func FuzzHost(f *testing.F) {
	f.Add(appendFrame(nil, frameData, 1, []byte{Stdout}, []byte("hi")))
	f.Add(appendFrame(appendFrame(nil, frameCredit, 1, creditPayload(9), nil), frameExit, 1, []byte(`{"exit":0}`), nil))
	f.Add([]byte{byte(framePong), 0, 0, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, w := io.Pipe()
		c := Dial(r, io.Discard)
		s := open(t, c, Request{Op: OpExec})
		go func() {
			w.Write(raw) //nolint:errcheck // the host may hang up on us
			w.Close()
		}()
		total := 0
		for {
			_, data, err := s.Recv()
			if total += len(data); err != nil {
				break
			}
		}
		if total > len(raw) {
			t.Errorf("%d bytes of data from %d bytes on the wire", total, len(raw))
		}
		<-c.Done()
		r.Close()
		c.Wait()
	})
}

func FuzzBox(f *testing.F) {
	f.Add(appendFrame(nil, frameOpen, 1, []byte(`{"op":"exec"}`), nil))
	f.Add(appendFrame(appendFrame(nil, frameOpen, 1, []byte(`{}`), nil), frameSignal, 1, []byte{9}, nil))
	f.Add(appendFrame(appendFrame(nil, frameOpen, 1, []byte(`{"op":"exec","tty":{"rows":24,"cols":80}}`), nil), frameData, 1, []byte{Resize}, []byte{0, 24, 0, 80}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := Serve(bytes.NewReader(raw), io.Discard, Hello{}, func(s *Stream, _ Request) {
			s.Finish(Reply{}) //nolint:errcheck // the connection may be over
		})
		if err == nil {
			t.Error("Serve ended without a reason")
		}
	})
}
