// Package coco is libcoco for Go: attest, get secrets from a key broker, pull
// encrypted images.
//
// Calls block and end soon after their context does. What fails is an *Error;
// errors.Is tells its kind. Objects are closed by Close, and in the end by the
// collector; after Close their methods fail with ErrInvalid, but for those under way,
// which end as they would have. An object is used by one goroutine at a time, unless its
// type says otherwise; any may close it.
//
// The key broker service itself is in package kbs.
//
// SPDX-License-Identifier: Apache-2.0
package coco

// #cgo pkg-config: libcoco
// #include <coco/coco.h>
import "C"

import (
	"context"
	"runtime"
	"sync"
	"unsafe"

	"libcoco.example/coco/internal/native"
)

// Version is that of the library at run time, such as "0.1.0".
func Version() string { return C.GoString(C.coco_version()) }

// Supports reports whether this build of libcoco has an optional feature.
func Supports(feature string) bool {
	texts, failure := native.NewTexts([]string{feature})
	if failure != nil {
		return false
	}
	defer texts.Free()
	return bool(C.coco_supports((*C.char)(texts.At(0))))
}

// LogLevel is how much a log line matters.
type LogLevel int

// The levels of log lines.
const (
	LogDebug LogLevel = C.COCO_LOG_DEBUG // For whoever looks for a bug.
	LogInfo  LogLevel = C.COCO_LOG_INFO  // For whoever operates the program.
	LogWarn  LogLevel = C.COCO_LOG_WARN  // Something was worked around.
)

type sinksKey struct{}

func sinks(ctx context.Context) native.Sinks {
	s, _ := ctx.Value(sinksKey{}).(native.Sinks)
	return s
}

// Phase is what is being done to a thing; a layer is unpacked while it is fetched.
type Phase int

// The phases of a thing.
const (
	PhaseFetch  Phase = C.COCO_PHASE_FETCH  // Its bytes come.
	PhaseUnpack Phase = C.COCO_PHASE_UNPACK // Its files are written.
	PhaseWait   Phase = C.COCO_PHASE_WAIT   // Another process does it.
	PhaseCopy   Phase = C.COCO_PHASE_COPY   // Its files come from a store.
	PhaseVerify Phase = C.COCO_PHASE_VERIFY // Its files are read again.
	PhaseSync   Phase = C.COCO_PHASE_SYNC   // It is made to outlive a loss of power.
)

func (p Phase) String() string { return C.GoString(C.coco_phase_name(C.coco_phase(p))) }

// Progress is how far one thing is in one of its phases.
type Progress struct {
	What  string // a blob's digest, a tree's ChainID or the name of a directory
	Phase Phase
	Done  uint64 // bytes
	Total uint64 // bytes it will be, 0 while unknown; Done once the phase is over
	Files uint64 // 0 in phases that count none
}

// WithProgress returns a context whose calls report their progress, while an
// image is pulled once a second at least.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	s := sinks(ctx)
	s.Progress = func(what string, phase int, done, total, files uint64) {
		report(Progress{what, Phase(phase), done, total, files})
	}
	return context.WithValue(ctx, sinksKey{}, s)
}

// WithLog returns a context whose calls log lines of at least level to log.
func WithLog(ctx context.Context, level LogLevel, log func(level LogLevel, message string)) context.Context {
	s := sinks(ctx)
	s.LogLevel = int(level)
	s.Log = func(level int, message string) { log(LogLevel(level), message) }
	return context.WithValue(ctx, sinksKey{}, s)
}

// WithTraceparent returns a context whose requests to key brokers are part of a
// trace (W3C Trace Context); what is no traceparent makes its calls fail with ErrInvalid.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	s := sinks(ctx)
	s.Traceparent = traceparent
	return context.WithValue(ctx, sinksKey{}, s)
}

// frame is what one call into C is made with.
type frame struct {
	ctx   *C.coco_ctx
	texts native.Texts
	err   **C.coco_error
}

func (f *frame) text(i int) *C.char { return (*C.char)(f.texts.At(i)) }

// call runs fn with the strings in texts as C has them.
func call(fn func(f *frame) C.coco_status, texts ...string) error {
	ctexts, failure := native.NewTexts(texts)
	if failure != nil {
		return failed(failure, nil)
	}
	defer ctexts.Free()
	var cerr *C.coco_error
	if status := fn(&frame{texts: ctexts, err: &cerr}); status != C.COCO_OK {
		return failed(native.TakeError(int(status), unsafe.Pointer(cerr)), nil)
	}
	return nil
}

// wait is call for what may block: it ends soon after ctx does.
func wait(ctx context.Context, fn func(f *frame) C.coco_status, texts ...string) error {
	c, failure := native.NewContext(sinks(ctx))
	if failure != nil {
		return failed(failure, nil)
	}
	defer c.Free()
	var err error
	c.Do(ctx, func() {
		err = call(func(f *frame) C.coco_status {
			f.ctx = (*C.coco_ctx)(c.Pointer())
			return fn(f)
		}, texts...)
	})
	if e, ok := err.(*Error); ok && e.Status == ErrCanceled {
		e.cause = ctx.Err()
	}
	return err
}

// object is something of C that is freed once: by Close, or by the last call that is
// under way then, so that no goroutine loses what it uses. It is the first member of what
// embeds it, so that its finalizer is that of the whole.
type object[T comparable] struct {
	mu     sync.Mutex
	c      T
	free   func(T)
	closed bool
	users  int               // calls under way, and objects that borrowed it
	lent   map[string]lender // what the C object was lent, by what for
}

// lender is an object that another one uses; leave ends that.
type lender interface{ leave() }

// own makes o free c in the end.
func (o *object[T]) own(c T, free func(T)) {
	o.c, o.free = c, free
	runtime.SetFinalizer(o, (*object[T]).finalize)
}

func (o *object[T]) finalize() { _ = o.Close() }

// Close frees it, once the calls under way have returned; fine to call again.
func (o *object[T]) Close() error {
	if _, err := o.enter(); err == nil {
		o.mu.Lock()
		o.closed = true
		o.mu.Unlock()
		runtime.SetFinalizer(o, nil)
		o.leave()
	}
	return nil
}

// enter is the C object, which lives until leave.
func (o *object[T]) enter() (c T, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.isOpen() {
		return c, errClosed()
	}
	o.users++
	return o.c, nil
}

// leave ends what enter began.
func (o *object[T]) leave() {
	var none T
	o.mu.Lock()
	o.users--
	c := o.c
	over := o.closed && o.users == 0 && c != none
	if over {
		o.c = none
	}
	o.mu.Unlock()
	if !over {
		return
	}
	o.free(c)
	for _, from := range o.lent {
		from.leave()
	}
}

// disown leaves o closed and its C object to the caller.
func (o *object[T]) disown() T {
	var none T
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.c
	o.c = none
	runtime.SetFinalizer(o, nil)
	return c
}

func (o *object[T]) isOpen() bool {
	var none T
	return o.c != none && !o.closed
}

// open is an error once o is closed.
func (o *object[T]) open() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.isOpen() {
		return errClosed()
	}
	return nil
}

func errClosed() error { return failed(native.Invalid("the object is closed or nil"), nil) }

// call is call with the C object of o, which lives until it returns.
func (o *object[T]) call(fn func(c T, f *frame) C.coco_status, texts ...string) error {
	c, err := o.enter()
	if err != nil {
		return err
	}
	defer o.leave()
	return call(func(f *frame) C.coco_status { return fn(c, f) }, texts...)
}

// wait is wait with the C object of o, which lives until it returns.
func (o *object[T]) wait(ctx context.Context, fn func(c T, f *frame) C.coco_status, texts ...string) error {
	c, err := o.enter()
	if err != nil {
		return err
	}
	defer o.leave()
	return wait(ctx, func(f *frame) C.coco_status { return fn(c, f) }, texts...)
}

// borrow is call with fn lending the C object of from, which was entered or is nil, to
// that of o until o is closed or something else is lent it for what.
func (o *object[T]) borrow(what string, from lender, fn func(c T, f *frame) C.coco_status, texts ...string) error {
	err := o.call(func(c T, f *frame) C.coco_status {
		status := fn(c, f)
		if status == C.COCO_OK {
			from = o.lend(what, from)
		}
		return status
	}, texts...)
	if from != nil {
		from.leave()
	}
	return err
}

// lend notes that from was lent, and is who had been before.
func (o *object[T]) lend(what string, from lender) lender {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.lent[what]
	if o.lent == nil {
		o.lent = map[string]lender{}
	}
	delete(o.lent, what)
	if from != nil {
		o.lent[what] = from
	}
	return before
}

func data(b []byte) *C.uint8_t { return (*C.uint8_t)(native.Bytes(b)) }

func size(b []byte) C.size_t { return C.size_t(len(b)) }

func takeBytes(bytes *C.coco_bytes) []byte { return native.TakeBytes(unsafe.Pointer(bytes)) }
