package coco

// #include <coco/coco.h>
import "C"

import (
	"errors"
	"syscall"

	"libcoco.example/coco/internal/native"
)

// Status is a kind of failure, and itself an error for errors.Is.
type Status int

// The kinds of failure a caller can act on.
const (
	ErrNoMemory     Status = C.COCO_ERR_NOMEM    // Out of memory.
	ErrInvalid      Status = C.COCO_ERR_INVALID  // The caller broke the contract of the call.
	ErrNotFound     Status = C.COCO_ERR_NOTFOUND // No such image, resource, key or file.
	ErrNotSupported Status = C.COCO_ERR_NOTSUP   // Known but not supported by this build or machine.
	ErrIO           Status = C.COCO_ERR_IO       // The system failed; see Error.Errno.
	ErrNet          Status = C.COCO_ERR_NET      // The peer could not be reached, or TLS failed.
	ErrProto        Status = C.COCO_ERR_PROTO    // Input from outside is malformed.
	ErrLimit        Status = C.COCO_ERR_LIMIT    // Input from outside is larger than allowed.
	ErrVerify       Status = C.COCO_ERR_VERIFY   // A digest, signature or measurement differs.
	ErrDenied       Status = C.COCO_ERR_DENIED   // A policy or the peer said no.
	ErrCanceled     Status = C.COCO_ERR_CANCELED // The context was done.
)

// Error is the name of the status, such as "COCO_ERR_VERIFY".
func (s Status) Error() string { return C.GoString(C.coco_status_name(C.coco_status(s))) }

// Error is a failed call into libcoco. errors.Is finds its Status, its Errno
// and, after the context was done, the context's own error.
type Error struct {
	Status  Status
	Errno   syscall.Errno // behind ErrIO; 0 when there is none
	Message string
	cause   error
}

// Error is one line for a person.
func (e *Error) Error() string { return e.Message }

// Is reports whether target is the status, the errno or the cause of e.
func (e *Error) Is(target error) bool {
	if e.Errno != 0 && errors.Is(e.Errno, target) {
		return true
	}
	return target == e.Status || e.cause != nil && errors.Is(e.cause, target)
}

func failed(f *native.Failure, cause error) error {
	return &Error{Status(f.Status), f.Errno, f.Message, cause}
}
