// Package native is what the packages of libcoco share: cgo keeps C types
// apart between packages, so these pass as unsafe.Pointer.
//
// SPDX-License-Identifier: Apache-2.0
package native

// #cgo pkg-config: libcoco
// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import (
	"strings"
	"syscall"
	"unsafe"
)

// Failure is what a coco_error says.
type Failure struct {
	Status  int
	Errno   syscall.Errno
	Message string
}

// Invalid is the failure of an argument that C is not even asked about.
func Invalid(message string) *Failure {
	return &Failure{Status: int(C.COCO_ERR_INVALID), Message: message}
}

// TakeError is the failure with that status, and frees the coco_error.
func TakeError(status int, cerr unsafe.Pointer) *Failure {
	err := (*C.coco_error)(cerr)
	defer C.coco_error_free(err)
	if err != nil {
		status = int(C.coco_error_status(err))
	}
	return &Failure{
		Status:  status,
		Errno:   syscall.Errno(C.coco_error_errno(err)),
		Message: C.GoString(C.coco_error_message(err)),
	}
}

// TakeBytes copies a coco_bytes, and wipes and frees it.
func TakeBytes(cbytes unsafe.Pointer) []byte {
	bytes := (*C.coco_bytes)(cbytes)
	defer C.coco_bytes_free(bytes)
	size := C.coco_bytes_size(bytes)
	return append(make([]byte, 0, size), unsafe.Slice((*byte)(C.coco_bytes_data(bytes)), size)...)
}

// Bytes is the start of b for C, never NULL. C does not keep it.
func Bytes(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		b = []byte{0}
	}
	return unsafe.Pointer(&b[0])
}

// Texts are the C strings of one call.
type Texts []*C.char

// NewTexts copies the strings to C, which takes none with a NUL. Free them.
func NewTexts(strs []string) (Texts, *Failure) {
	for _, s := range strs {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, Invalid("text holds a NUL")
		}
	}
	texts := make(Texts, len(strs))
	for i, s := range strs {
		texts[i] = C.CString(s)
	}
	return texts, nil
}

// At is string i.
func (t Texts) At(i int) unsafe.Pointer { return unsafe.Pointer(t[i]) }

// Free frees all of them.
func (t Texts) Free() {
	for _, text := range t {
		C.free(unsafe.Pointer(text))
	}
}
