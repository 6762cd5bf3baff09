package native

import (
	"runtime"
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
