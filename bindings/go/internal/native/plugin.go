package native

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// Plugin is a key broker client of Go functions. What they return is given to C, or
// the failure if there is one.
type Plugin struct {
	Name   string
	Get    func(path string) ([]byte, *Failure)
	Attest func() ([]byte, *Failure) // or nil
	Wrap   func(id string, key []byte) ([]byte, *Failure)
	Unwrap func(id string, wrapped []byte) ([]byte, *Failure) // nil as Wrap is
}

// NewPlugin is a coco_kbc of p.
func NewPlugin(p *Plugin) (unsafe.Pointer, *Failure) {
	texts, failure := NewTexts([]string{p.Name})
	if failure != nil {
		return nil, failure
	}
	defer texts.Free()
	var kbc *C.coco_kbc
	var cerr *C.coco_error
	status := C.coco_go_new_plugin(texts[0], C.bool(p.Attest != nil), C.bool(p.Wrap != nil), C.uintptr_t(cgo.NewHandle(p)), &kbc, &cerr)
	if status != C.COCO_OK {
		return nil, TakeError(int(status), unsafe.Pointer(cerr))
	}
	return unsafe.Pointer(kbc), nil
}

// answer runs ask, whose panic must not unwind through C: it is the answer.
func answer(to *C.coco_kbc_answer, ask func() ([]byte, *Failure)) {
	var data []byte
	var failure *Failure
	if p := Guard(func() { data, failure = ask() }); p != nil {
		failure = &Failure{Status: int(C.COCO_ERR_IO), Message: fmt.Sprint("panic: ", p)}
	}
	if failure == nil {
		C.coco_kbc_answer_give(to, (*C.uint8_t)(Bytes(data)), C.size_t(len(data)))
		return
	}
	message := C.CString(failure.Message)
	defer C.free(unsafe.Pointer(message))
	C.coco_kbc_answer_fail(to, C.coco_status(failure.Status), message)
}

//export coco_go_get_resource
func coco_go_get_resource(user C.uintptr_t, path *C.char, to *C.coco_kbc_answer) {
	p := cgo.Handle(user).Value().(*Plugin)
	answer(to, func() ([]byte, *Failure) { return p.Get(C.GoString(path)) })
}

//export coco_go_attest
func coco_go_attest(user C.uintptr_t, to *C.coco_kbc_answer) {
	p := cgo.Handle(user).Value().(*Plugin)
	answer(to, p.Attest)
}

//export coco_go_wrap_key
func coco_go_wrap_key(user C.uintptr_t, id *C.char, key *C.uint8_t, size C.size_t, to *C.coco_kbc_answer) {
	p := cgo.Handle(user).Value().(*Plugin)
	answer(to, func() ([]byte, *Failure) {
		return p.Wrap(C.GoString(id), C.GoBytes(unsafe.Pointer(key), C.int(size)))
	})
}

//export coco_go_unwrap_key
func coco_go_unwrap_key(user C.uintptr_t, id *C.char, wrapped *C.uint8_t, size C.size_t, to *C.coco_kbc_answer) {
	p := cgo.Handle(user).Value().(*Plugin)
	answer(to, func() ([]byte, *Failure) {
		return p.Unwrap(C.GoString(id), C.GoBytes(unsafe.Pointer(wrapped), C.int(size)))
	})
}
