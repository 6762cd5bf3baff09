package kbs

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/cgo"
	"unsafe"

	"libcoco.example/coco"
	"libcoco.example/coco/internal/native"
)

// Access is who may ask a plug-in for something.
type Access int

// Who may ask.
const (
	AccessNone   Access = C.COCO_KBS_ACCESS_NONE
	AccessGuest  Access = C.COCO_KBS_ACCESS_GUEST
	AccessOwner  Access = C.COCO_KBS_ACCESS_OWNER
	AccessPublic Access = C.COCO_KBS_ACCESS_PUBLIC
)

// Request is what a plug-in is asked.
type Request struct {
	Method string // "GET", "POST", "PUT" or "DELETE"
	Path   string // behind /kbs/v0/<plugin>/
	Query  map[string]string
	Body   []byte
	Claims []byte // verified, of the guest that asks, a JSON object; nil if no guest asks
	Role   string // of the owner who asks
}

// Reply is what a plug-in replies.
type Reply struct {
	Data []byte
	Type string // media type of what everybody may read; "": it is encrypted to a guest
	Note string // for the audit log: one line, without secrets
}

// Plugin is what answers at /kbs/v0/<plugin>/. Any goroutine may ask it.
type Plugin interface {
	// Name is 1 to 32 of a to z, 0 to 9 and -.
	Name() string
	// Handle replies to a request. A *coco.Error, or a coco.Status that it wraps, is what the
	// caller is told; any other is ErrIO.
	Handle(request *Request) (*Reply, error)
}

// PluginGate is what a Plugin is, too, if not just guests GET and owners do all else.
type PluginGate interface {
	// Access says who may ask what request does, which has neither body, claims nor role yet.
	Access(request *Request) Access
}

// PluginConfigurer is what a Plugin is, too, when it is configured.
type PluginConfigurer interface {
	// Configure takes what [[plugins]] says, a JSON object, before all else.
	Configure(config []byte) error
}

// AddPlugin adds plugin; before Start.
func (k *KBS) AddPlugin(plugin Plugin) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_go_kbs_add_plugin(k.c, text(0), C.uintptr_t(cgo.NewHandle(plugin)), err)
	}, plugin.Name())
}

func fail(to *C.coco_kbs_reply, err error) {
	status, message := coco.ErrIO, err.Error()
	var whole *coco.Error
	if errors.As(err, &whole) {
		status = whole.Status
	} else {
		errors.As(err, &status)
	}
	text := C.CString(message)
	defer C.free(unsafe.Pointer(text))
	C.coco_kbs_reply_fail(to, C.coco_status(status), text)
}

// caught runs ask, whose panic must not unwind through C: it is its error.
func caught(ask func() error) (err error) {
	if p := native.Guard(func() { err = ask() }); p != nil {
		return fmt.Errorf("panic: %v", p)
	}
	return err
}

func newRequest(c *C.coco_kbs_request) (*Request, error) {
	request := &Request{Method: C.GoString(c.method), Path: C.GoString(c.path), Role: C.GoString(c.role)}
	if c.body != nil {
		request.Body = C.GoBytes(unsafe.Pointer(c.body), C.int(c.len))
	}
	if c.claims != nil {
		request.Claims = []byte(C.GoString(c.claims))
	}
	return request, json.Unmarshal([]byte(C.GoString(c.query)), &request.Query)
}

func give(to *C.coco_kbs_reply, reply *Reply) error {
	data, size := (*C.uint8_t)(native.Bytes(reply.Data)), C.size_t(len(reply.Data))
	texts, failure := native.NewTexts([]string{reply.Type, reply.Note})
	if failure != nil {
		return failed(failure)
	}
	defer texts.Free()
	if reply.Type == "" {
		C.coco_kbs_reply_give(to, data, size)
	} else {
		C.coco_kbs_reply_give_public(to, (*C.char)(texts.At(0)), data, size)
	}
	if reply.Note != "" {
		C.coco_kbs_reply_note(to, (*C.char)(texts.At(1)))
	}
	return nil
}

//export coco_go_kbs_handle
func coco_go_kbs_handle(user C.uintptr_t, c *C.coco_kbs_request, to *C.coco_kbs_reply) {
	plugin := cgo.Handle(user).Value().(Plugin)
	err := caught(func() error {
		request, err := newRequest(c)
		if err != nil {
			return err
		}
		reply, err := plugin.Handle(request)
		if err != nil {
			return err
		}
		if reply == nil {
			reply = &Reply{}
		}
		return give(to, reply)
	})
	if err != nil {
		fail(to, err)
	}
}

//export coco_go_kbs_access
func coco_go_kbs_access(user C.uintptr_t, c *C.coco_kbs_request) C.int {
	plugin := cgo.Handle(user).Value().(Plugin)
	access := AccessNone // also of a panic
	_ = caught(func() error {
		request, err := newRequest(c)
		if err != nil {
			return err
		}
		if gate, ok := plugin.(PluginGate); ok {
			access = gate.Access(request)
		} else if request.Method == "GET" {
			access = AccessGuest
		} else {
			access = AccessOwner
		}
		return nil
	})
	return C.int(access)
}

//export coco_go_kbs_configure
func coco_go_kbs_configure(user C.uintptr_t, config *C.char, to *C.coco_kbs_reply) {
	plugin := cgo.Handle(user).Value().(Plugin)
	text := C.GoString(config)
	err := caught(func() error {
		if configurer, ok := plugin.(PluginConfigurer); ok {
			return configurer.Configure([]byte(text))
		}
		if text != "{}" {
			return &coco.Error{Status: coco.ErrProto, Message: "there is nothing to configure"}
		}
		return nil
	})
	if err != nil {
		fail(to, err)
	}
}

//export coco_go_kbs_destroy
func coco_go_kbs_destroy(user C.uintptr_t) { cgo.Handle(user).Delete() }
