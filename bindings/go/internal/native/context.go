package native

// #include "callbacks.h"
import "C"

import (
	"context"
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// Sinks is where a call reports to; each may be nil.
type Sinks struct {
	Progress func(what string, phase int, done, total, files uint64)
	Log      func(level int, message string)
	LogLevel int

	Traceparent string // or ""
}

// Context is a coco_ctx.
type Context struct {
	ctx     *C.coco_ctx
	sinks   Sinks
	waiting bool                // someone is in Do, where panics come out
	panic   atomic.Pointer[any] // the first one
}

// NewContext makes one that reports to sinks. Free it.
func NewContext(sinks Sinks) (*Context, *Failure) {
	c := &Context{sinks: sinks}
	var cerr *C.coco_error
	if status := C.coco_ctx_new(&c.ctx, &cerr); status != C.COCO_OK {
		return nil, TakeError(int(status), unsafe.Pointer(cerr))
	}
	if sinks.Progress != nil {
		C.coco_go_set_progress(c.ctx, C.uintptr_t(cgo.NewHandle(c)))
	}
	if sinks.Log != nil {
		C.coco_go_set_log(c.ctx, C.coco_log_level(sinks.LogLevel), C.uintptr_t(cgo.NewHandle(c)))
	}
	if sinks.Traceparent == "" {
		return c, nil
	}
	texts, failure := NewTexts([]string{sinks.Traceparent})
	if failure == nil {
		defer texts.Free()
		if status := C.coco_ctx_set_traceparent(c.ctx, texts[0], &cerr); status != C.COCO_OK {
			failure = TakeError(int(status), unsafe.Pointer(cerr))
		}
	}
	if failure != nil {
		c.Free()
		return nil, failure
	}
	return c, nil
}

// Pointer is the coco_ctx.
func (c *Context) Pointer() unsafe.Pointer { return unsafe.Pointer(c.ctx) }

// Cancel makes every call that uses it fail soon.
func (c *Context) Cancel() { C.coco_ctx_cancel(c.ctx) }

// Canceled is whether it was canceled, by Cancel or by a sink that panicked.
func (c *Context) Canceled() bool { return bool(C.coco_ctx_canceled(c.ctx)) }

// Free frees it; no call may be using it.
func (c *Context) Free() {
	C.coco_ctx_free(c.ctx)
	c.ctx = nil
}

// Do runs call, which ends soon after ctx does. A panic of a sink comes out here.
func (c *Context) Do(ctx context.Context, call func()) {
	if ctx.Err() != nil {
		c.Cancel()
	}
	c.waiting = true
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		c.Cancel()
	})
	call()
	if !stop() {
		<-stopped
	}
	if p := c.panic.Load(); p != nil {
		panic(*p)
	}
}

// Guard runs what C has called, through which nothing may unwind: a panic is returned.
// runtime.Goexit, as FailNow of a test calls it, cannot be held up: it ends the program,
// which would go on with threads of C that use a stack that is gone.
func Guard(fn func()) (p any) {
	left := true
	defer func() {
		p = recover()
		if p == nil && left {
			end("libcoco: runtime.Goexit, or FailNow of a test, in a function that C has called")
		}
	}()
	fn()
	left = false
	return nil
}

// end ends the program by a panic, from a goroutine without C on its stack.
func end(p any) {
	go panic(p)
	select {}
}

// run runs a sink. If it panics, a call that waits is canceled and panics itself; on a
// thread of the library, a panic ends the program.
func (c *Context) run(sink func()) {
	p := Guard(sink)
	if p == nil {
		return
	}
	if !c.waiting {
		end(p)
	}
	c.panic.CompareAndSwap(nil, &p)
	c.Cancel()
}

//export coco_go_progress
func coco_go_progress(user C.uintptr_t, what *C.char, phase C.int, done, total, files C.uint64_t) {
	c := cgo.Handle(user).Value().(*Context)
	c.run(func() {
		c.sinks.Progress(C.GoString(what), int(phase), uint64(done), uint64(total), uint64(files))
	})
}

//export coco_go_log
func coco_go_log(user C.uintptr_t, level C.int, message *C.char) {
	c := cgo.Handle(user).Value().(*Context)
	c.run(func() { c.sinks.Log(int(level), C.GoString(message)) })
}

//export coco_go_destroy
func coco_go_destroy(user C.uintptr_t) { cgo.Handle(user).Delete() }
