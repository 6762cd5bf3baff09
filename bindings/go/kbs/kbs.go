// Package kbs is an embedded key broker service; it needs libcoco-kbs.
//
// SPDX-License-Identifier: Apache-2.0
package kbs

// #cgo pkg-config: libcoco-kbs
// #include <coco/kbs.h>
import "C"

import (
	"encoding/json"
	"runtime"
	"sync"
	"unsafe"

	"libcoco.example/coco"
	"libcoco.example/coco/internal/native"
)

// Options are what a server may have besides its configuration.
type Options struct {
	// Log gets the lines of at least LogLevel, from threads of the server.
	Log      func(level coco.LogLevel, message string)
	LogLevel coco.LogLevel
}

// KBS is a key broker service. Any goroutine may use it; but its log and its plug-ins do not
// Start, Stop or Close it, for these wait for them.
type KBS struct {
	mu  sync.RWMutex // held for writing by Close alone
	c   *C.coco_kbs
	ctx *native.Context
}

// New makes a KBS from the text of a kbs-config.toml; an empty one lives in memory, at
// 127.0.0.1:8080. It does not serve before Start. opts may be nil.
func New(config string, opts *Options) (*KBS, error) {
	var sinks native.Sinks
	if opts != nil && opts.Log != nil {
		log := opts.Log
		sinks.LogLevel = int(opts.LogLevel)
		sinks.Log = func(level int, message string) { log(coco.LogLevel(level), message) }
	}
	ctx, failure := native.NewContext(sinks)
	if failure != nil {
		return nil, failed(failure)
	}
	k := &KBS{ctx: ctx}
	err := call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_new((*C.coco_ctx)(ctx.Pointer()), text(0), &k.c, err)
	}, config)
	if err != nil {
		ctx.Free()
		return nil, err
	}
	runtime.SetFinalizer(k, func(k *KBS) { _ = k.Close() })
	return k, nil
}

// Close stops the server, if it runs, and frees it; fine to call again.
func (k *KBS) Close() error {
	k.Stop() // first: a plug-in that still answers may use it
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c != nil {
		C.coco_kbs_free(k.c)
		k.ctx.Free()
		k.c = nil
	}
	runtime.SetFinalizer(k, nil)
	return nil
}

// Start starts to serve, on threads of its own.
func (k *KBS) Start() error {
	return k.call(func(_ func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_start(k.c, err)
	})
}

// Stop stops serving after the requests under way; fine if it never started.
func (k *KBS) Stop() {
	_ = k.call(func(func(int) *C.char, **C.coco_error) C.coco_status {
		C.coco_kbs_stop(k.c)
		return C.COCO_OK
	})
}

// URL is the address it serves at; empty while it does not.
func (k *KBS) URL() (url string) {
	_ = k.call(func(func(int) *C.char, **C.coco_error) C.coco_status {
		url = C.GoString(C.coco_kbs_url(k.c))
		return C.COCO_OK
	})
	return url
}

// Put stores secret as resource path, "<repository>/<type>/<tag>"; durable on return.
func (k *KBS) Put(path string, secret []byte) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_put_resource(k.c, text(0), (*C.uint8_t)(native.Bytes(secret)), C.size_t(len(secret)), err)
	}, path)
}

// Get gets resource path as its owner.
func (k *KBS) Get(path string) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_get_resource(k.c, text(0), &ret, err)
	}, path)
	if err != nil {
		return nil, err
	}
	return native.TakeBytes(unsafe.Pointer(ret)), nil
}

// Delete deletes resource path.
func (k *KBS) Delete(path string) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_delete_resource(k.c, text(0), err)
	}, path)
}

// Purge deletes resource path with all its versions, for good.
func (k *KBS) Purge(path string) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_purge_resource(k.c, text(0), err)
	}, path)
}

// Restore puts an earlier version of resource path again, and gives the number that it has
// now; version 0 is what was deleted, or replaced, last.
func (k *KBS) Restore(path string, version uint64) (uint64, error) {
	var ret C.uint64_t
	err := k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_restore_resource(k.c, text(0), C.uint64_t(version), &ret, err)
	}, path)
	return uint64(ret), err
}

// Versions lists the versions of resource path that are kept, the newest first.
func (k *KBS) Versions(path string) (versions []coco.ResourceVersion, err error) {
	var ret *C.coco_bytes
	err = k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_resource_versions(k.c, text(0), &ret, err)
	}, path)
	if err != nil {
		return nil, err
	}
	return versions, json.Unmarshal(native.TakeBytes(unsafe.Pointer(ret)), &versions)
}

// List gives the names of all resources, sorted.
func (k *KBS) List() (names []string, err error) {
	var ret *C.coco_bytes
	err = k.call(func(_ func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_list_resources(k.c, &ret, err)
	})
	if err != nil {
		return nil, err
	}
	return names, json.Unmarshal(native.TakeBytes(unsafe.Pointer(ret)), &names)
}

// SetResourcePolicy sets the resource policy to rego, a module of package policy.
func (k *KBS) SetResourcePolicy(rego string) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_set_resource_policy(k.c, text(0), err)
	}, rego)
}

// SetPathPolicy sets the policy of the resources at path; of several the most specific
// decides. With "" for rego it is removed.
func (k *KBS) SetPathPolicy(path, rego string) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		module := text(1)
		if rego == "" {
			module = nil
		}
		return C.coco_kbs_set_path_policy(k.c, text(0), module, err)
	}, path, rego)
}

// ListResourcePolicies gives the ids of the policies that decide about resources.
func (k *KBS) ListResourcePolicies() (ids []string, err error) {
	var ret *C.coco_bytes
	err = k.call(func(_ func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_list_resource_policies(k.c, &ret, err)
	})
	if err != nil {
		return nil, err
	}
	return ids, json.Unmarshal(native.TakeBytes(unsafe.Pointer(ret)), &ids)
}

// SetAttestationPolicy sets attestation policy id, such as "default_cpu".
func (k *KBS) SetAttestationPolicy(id, rego string) error {
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_set_attestation_policy(k.c, text(0), text(1), err)
	}, id, rego)
}

// SetReferenceValue sets what attestation policies compare with: anything that
// JSON can say, usually a []string.
func (k *KBS) SetReferenceValue(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_set_reference_value(k.c, text(0), text(1), err)
	}, name, string(text))
}

// Explain explains the decision whose id a refusal carried, as a JSON object.
func (k *KBS) Explain(id string) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_explain(k.c, text(0), &ret, err)
	}, id)
	if err != nil {
		return nil, err
	}
	return native.TakeBytes(unsafe.Pointer(ret)), nil
}

// Reseal seals the database that config names with the key that it names, or with none.
// oldKeyFile has the key that it was sealed with so far; "": it was not.
func Reseal(config, oldKeyFile string) error {
	return call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		old := text(1)
		if oldKeyFile == "" {
			old = nil
		}
		return C.coco_kbs_reseal(text(0), old, err)
	}, config, oldKeyFile)
}

// BackupReport tells what a backup is.
type BackupReport struct {
	Time   int64  `json:"time"` // When it was made, seconds since 1970.
	Rows   uint64 `json:"rows"`
	Sealed bool   `json:"sealed"`
	Digest string `json:"digest"` // In hex, to be noted elsewhere.
}

// Backup writes all that the KBS of config keeps to the new file path, while it serves. With plain
// secrets may lie there as they are, if its database is not sealed.
func Backup(config, path string, plain bool) (*BackupReport, error) {
	var ret *C.coco_bytes
	err := call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		return C.coco_kbs_backup(text(0), text(1), C.bool(plain), &ret, err)
	}, config, path)
	return backupReport(ret, err)
}

// Restore puts a backup into the database that config names, all of it or nothing. digest is that
// which it must have, "" for any; with force what is in the database goes.
func Restore(config, path, digest string, force bool) (*BackupReport, error) {
	var ret *C.coco_bytes
	err := call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		wanted := text(2)
		if digest == "" {
			wanted = nil
		}
		return C.coco_kbs_restore(text(0), text(1), wanted, C.bool(force), &ret, err)
	}, config, path, digest)
	return backupReport(ret, err)
}

func backupReport(ret *C.coco_bytes, err error) (*BackupReport, error) {
	if err != nil {
		return nil, err
	}
	report := &BackupReport{}
	return report, json.Unmarshal(native.TakeBytes(unsafe.Pointer(ret)), report)
}

// WrapKey gives what the key_file of config has to hold: key, or a new one if that is nil,
// wrapped by the key in a token that config names.
func WrapKey(config string, key []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		var start *C.uint8_t
		if key != nil {
			start = (*C.uint8_t)(native.Bytes(key))
		}
		return C.coco_kbs_wrap_key(text(0), start, C.size_t(len(key)), &ret, err)
	}, config)
	if err != nil {
		return nil, err
	}
	return native.TakeBytes(unsafe.Pointer(ret)), nil
}

// AuditReport is what an audit log comes to.
type AuditReport struct {
	Entries     uint64 `json:"entries"`
	First       uint64 `json:"first"` // number of the first entry
	Last        uint64 `json:"last"`
	From        int64  `json:"from"` // seconds since 1970
	To          int64  `json:"to"`
	Checkpoints uint64 `json:"checkpoints"`
	SignedTo    uint64 `json:"signed_to"` // number of the last checkpoint; 0 without a key
	Head        string `json:"head"`      // SHA-256 of the last line, to be noted elsewhere
}

// AuditVerify verifies the audit log that a KBS wrote to path. With key, its public
// key or certificate, nobody else can have written what is before its last checkpoint;
// with nil signatures are not looked at.
func AuditVerify(path string, key []byte) (*AuditReport, error) {
	var ret *C.coco_bytes
	err := call(func(text func(int) *C.char, err **C.coco_error) C.coco_status {
		var start *C.uint8_t
		if key != nil {
			start = (*C.uint8_t)(native.Bytes(key))
		}
		return C.coco_kbs_audit_verify(text(0), start, C.size_t(len(key)), &ret, err)
	}, path)
	if err != nil {
		return nil, err
	}
	report := &AuditReport{}
	return report, json.Unmarshal(native.TakeBytes(unsafe.Pointer(ret)), report)
}

func failed(f *native.Failure) error {
	return &coco.Error{Status: coco.Status(f.Status), Errno: f.Errno, Message: f.Message}
}

// call is the package's call, while k is open.
func (k *KBS) call(fn func(text func(int) *C.char, err **C.coco_error) C.coco_status, texts ...string) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.c == nil {
		return failed(native.Invalid("the KBS is closed"))
	}
	return call(fn, texts...)
}

// call runs fn with the strings in texts as C has them.
func call(fn func(text func(int) *C.char, err **C.coco_error) C.coco_status, texts ...string) error {
	ctexts, failure := native.NewTexts(texts)
	if failure != nil {
		return failed(failure)
	}
	defer ctexts.Free()
	var cerr *C.coco_error
	status := fn(func(i int) *C.char { return (*C.char)(ctexts.At(i)) }, &cerr)
	if status != C.COCO_OK {
		return failed(native.TakeError(int(status), unsafe.Pointer(cerr)))
	}
	return nil
}
