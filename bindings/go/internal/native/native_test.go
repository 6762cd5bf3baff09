package native

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Each sink is a handle that keeps the context; a handle that is not deleted keeps it for ever.
func TestFreeDropsTheSinks(t *testing.T) {
	gone := make(chan struct{})
	func() {
		c, failure := NewContext(Sinks{
			Progress: func(string, int, uint64, uint64, uint64) {},
			Log:      func(int, string) {},
		})
		if failure != nil {
			t.Fatal(failure.Message)
		}
		runtime.SetFinalizer(c, func(*Context) { close(gone) })
		c.Free()
	}()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the context is still held")
}

func TestTextsRefuseNUL(t *testing.T) {
	if _, failure := NewTexts([]string{"fine", "a\x00b"}); failure == nil {
		t.Error("taken")
	}
}

func TestAGuardReturnsAPanic(t *testing.T) {
	if p := Guard(func() { panic("enough") }); p != "enough" {
		t.Errorf("p = %v", p)
	}
	if p := Guard(func() {}); p != nil {
		t.Errorf("p = %v", p)
	}
}

// It ends the program, so another one does it.
func TestNothingExitsThroughC(t *testing.T) {
	if os.Getenv("COCO_TEST_GOEXIT") != "" {
		c, failure := NewContext(Sinks{Log: func(int, string) { runtime.Goexit() }})
		if failure == nil {
			c.run(func() { c.sinks.Log(0, "") })
		}
		return
	}
	program := exec.Command(os.Args[0], "-test.run=^TestNothingExitsThroughC$")
	program.Env = append(os.Environ(), "COCO_TEST_GOEXIT=1")
	said, err := program.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "libcoco: runtime.Goexit") {
		t.Errorf("err = %v\n%s", err, said)
	}
}
