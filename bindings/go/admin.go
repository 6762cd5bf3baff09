package coco

// #include <coco/admin.h>
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Admin is a key broker service, seen by its owner.
type Admin struct{ object[*C.coco_admin] }

// NewAdmin makes a client of the KBS at url.
func NewAdmin(url string) (*Admin, error) {
	var c *C.coco_admin
	if err := call(func(f *frame) C.coco_status { return C.coco_admin_new(f.text(0), &c, f.err) }, url); err != nil {
		return nil, err
	}
	a := &Admin{}
	a.own(c, func(c *C.coco_admin) { C.coco_admin_free(c) })
	return a, nil
}

// SetKey signs requests with a private key, PEM. Without one they go out unsigned.
func (a *Admin) SetKey(key []byte) error {
	return a.call(func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_set_key(c, data(key), size(key), f.err)
	})
}

// AdminToken makes a token for role, "" for admin, as requests carry it: for another program, or
// the broker's admin page. It is good for as long as life says, 0 for ten minutes, and signed with
// a private key, PEM.
func AdminToken(key []byte, role string, life time.Duration) (string, error) {
	var ret *C.coco_bytes
	if life < 0 || life > time.Duration(C.COCO_ADMIN_TOKEN_LIFE_MAX)*time.Second {
		return "", fmt.Errorf("%w: no such life of a token: %v", ErrInvalid, life)
	}
	if err := call(func(f *frame) C.coco_status {
		named := f.text(0)
		if role == "" {
			named = nil
		}
		return C.coco_admin_token(data(key), size(key), named, C.uint32_t(life/time.Second), &ret, f.err)
	}, role); err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// SetTLSCA trusts the CAs in pem for TLS, instead of the system's.
func (a *Admin) SetTLSCA(pem []byte) error {
	return a.call(func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_set_tls_ca(c, data(pem), size(pem), f.err)
	})
}

// SetProxy sets the proxy that the KBS is reached through, "" for none, but for
// the hosts in noProxy, with commas between.
func (a *Admin) SetProxy(url, noProxy string) error {
	return a.call(func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_set_proxy(c, f.text(0), f.text(1), f.err)
	}, url, noProxy)
}

// SetRetries sets how often a request is made again where that may help; 0 is never.
func (a *Admin) SetRetries(retries uint32) error {
	return a.call(func(c *C.coco_admin, f *frame) C.coco_status {
		C.coco_admin_set_retries(c, C.uint32_t(retries))
		return C.COCO_OK
	})
}

// Put stores secret as resource path, "<repository>/<type>/<tag>".
func (a *Admin) Put(ctx context.Context, path string, secret []byte) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_put_resource(c, f.ctx, f.text(0), data(secret), size(secret), f.err)
	}, path)
}

// Delete deletes resource path.
func (a *Admin) Delete(ctx context.Context, path string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_delete_resource(c, f.ctx, f.text(0), f.err)
	}, path)
}

// Purge deletes resource path with all its versions, for good.
func (a *Admin) Purge(ctx context.Context, path string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_purge_resource(c, f.ctx, f.text(0), f.err)
	}, path)
}

// Restore puts an earlier version of resource path again, and gives the number that it has
// now; version 0 is what was deleted, or replaced, last.
func (a *Admin) Restore(ctx context.Context, path string, version uint64) (uint64, error) {
	var ret C.uint64_t
	err := a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_restore_resource(c, f.ctx, f.text(0), C.uint64_t(version), &ret, f.err)
	}, path)
	return uint64(ret), err
}

// ResourceVersion is one version of a resource, without its content.
type ResourceVersion struct {
	Version uint64 `json:"version"`
	Time    int64  `json:"time"` // seconds since 1970
	Size    uint64 `json:"size"`
	Deleted bool   `json:"deleted"`
}

// Versions lists the versions of resource path that are kept, the newest first.
func (a *Admin) Versions(ctx context.Context, path string) (versions []ResourceVersion, err error) {
	var ret *C.coco_bytes
	err = a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_resource_versions(c, f.ctx, f.text(0), &ret, f.err)
	}, path)
	if err != nil {
		return nil, err
	}
	return versions, json.Unmarshal(takeBytes(ret), &versions)
}

// List gives the names of all resources, sorted.
func (a *Admin) List(ctx context.Context) (names []string, err error) {
	var ret *C.coco_bytes
	err = a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_list_resources(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return names, json.Unmarshal(takeBytes(ret), &names)
}

// SetResourcePolicy sets the resource policy to rego, a module of package policy.
func (a *Admin) SetResourcePolicy(ctx context.Context, rego string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_set_resource_policy(c, f.ctx, f.text(0), f.err)
	}, rego)
}

// SetPathPolicy sets the policy of the resources at path; of several the most specific
// decides. With "" for rego it is removed.
func (a *Admin) SetPathPolicy(ctx context.Context, path, rego string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		module := f.text(1)
		if rego == "" {
			module = nil
		}
		return C.coco_admin_set_path_policy(c, f.ctx, f.text(0), module, f.err)
	}, path, rego)
}

// ListResourcePolicies gives the ids of the policies that decide about resources.
func (a *Admin) ListResourcePolicies(ctx context.Context) (ids []string, err error) {
	var ret *C.coco_bytes
	err = a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_list_resource_policies(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return ids, json.Unmarshal(takeBytes(ret), &ids)
}

// SetAttestationPolicy sets attestation policy id, such as "default_cpu".
func (a *Admin) SetAttestationPolicy(ctx context.Context, id, rego string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_set_attestation_policy(c, f.ctx, f.text(0), f.text(1), f.err)
	}, id, rego)
}

// PutReferences registers reference values: what References.Format gives as
// "rvps", or another message for Trustee's RVPS.
func (a *Admin) PutReferences(ctx context.Context, message string) error {
	return a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_put_references(c, f.ctx, f.text(0), f.err)
	}, message)
}

// Rotation tells which keys a broker uses next.
type Rotation struct {
	KeyID string `json:"kid"`  // Of tokens.
	From  int64  `json:"from"` // When they are used, seconds since 1970.
}

// RotateKeys makes the next keys that sign tokens and seal sessions. What those before have made
// stays good.
func (a *Admin) RotateKeys(ctx context.Context) (rotation Rotation, err error) {
	var ret *C.coco_bytes
	err = a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_rotate_keys(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return Rotation{}, err
	}
	return rotation, json.Unmarshal(takeBytes(ret), &rotation)
}

// RegisteredReference is a reference value that a broker has.
type RegisteredReference struct {
	Name    string          `json:"name"`
	Value   json.RawMessage `json:"value"`
	Time    int64           `json:"time"`    // When it was registered, seconds since 1970.
	Expires int64           `json:"expires"` // When it ends; 0 is never.
}

// ListReferences gives the reference values, sorted by their names.
func (a *Admin) ListReferences(ctx context.Context) (references []RegisteredReference, err error) {
	var ret *C.coco_bytes
	err = a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_list_references(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return references, json.Unmarshal(takeBytes(ret), &references)
}

// Explain explains the refusal that a guest was told by its id: JSON.
func (a *Admin) Explain(ctx context.Context, id string) (json.RawMessage, error) {
	var ret *C.coco_bytes
	err := a.wait(ctx, func(c *C.coco_admin, f *frame) C.coco_status {
		return C.coco_admin_explain(c, f.ctx, f.text(0), &ret, f.err)
	}, id)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}
