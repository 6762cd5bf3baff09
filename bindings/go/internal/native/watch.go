package native

// #include "callbacks.h"
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// Watch is who is told of a resource.
type Watch struct {
	Told  func(data []byte) bool
	panic any
}

// Run watches with kbc, a coco_kbc, until Told returns false or ctx, a coco_ctx, is
// canceled. A panic of Told comes out here. uri is a C string, err a **coco_error.
func (w *Watch) Run(kbc, ctx, uri unsafe.Pointer, seconds uint32, err unsafe.Pointer) int {
	handle := cgo.NewHandle(w)
	defer handle.Delete()
	status := C.coco_go_watch((*C.coco_kbc)(kbc), (*C.coco_ctx)(ctx), (*C.char)(uri), C.uint32_t(seconds),
		C.uintptr_t(handle), (**C.coco_error)(err))
	if w.panic != nil {
		panic(w.panic)
	}
	return int(status)
}

//export coco_go_watched
func coco_go_watched(user C.uintptr_t, data *C.uint8_t, size C.size_t) (more C.bool) {
	w := cgo.Handle(user).Value().(*Watch)
	p := Guard(func() {
		if data == nil {
			more = C.bool(w.Told(nil))
		} else {
			more = C.bool(w.Told(C.GoBytes(unsafe.Pointer(data), C.int(size))))
		}
	})
	if p != nil {
		w.panic = p
	}
	return more
}
