package coco

// #include <coco/sealed.h>
import "C"

import "context"

// Sealer is somebody who seals secrets, so that they may travel with what needs
// them. Several goroutines may use one that is set up.
type Sealer struct {
	object[*C.coco_sealer]
}

// NewSealer makes one who signs by key, a private one on P-256 (JWK, PEM or DER),
// whose public half is found as kid: "kbs:///repository/type/tag" or another name.
func NewSealer(kid string, key []byte) (*Sealer, error) {
	var c *C.coco_sealer
	err := call(func(f *frame) C.coco_status {
		return C.coco_sealer_new(f.text(0), data(key), size(key), &c, f.err)
	}, kid)
	if err != nil {
		return nil, err
	}
	s := &Sealer{}
	s.own(c, func(c *C.coco_sealer) { C.coco_sealer_free(c) })
	return s, nil
}

// SetSettings sets the provider_settings of what is sealed, an object of JSON.
func (s *Sealer) SetSettings(json string) error {
	return s.call(func(c *C.coco_sealer, f *frame) C.coco_status {
		return C.coco_sealer_set_settings(c, f.text(0), f.err)
	}, json)
}

// SetAnnotations sets the annotations in the same way.
func (s *Sealer) SetAnnotations(json string) error {
	return s.call(func(c *C.coco_sealer, f *frame) C.coco_status {
		return C.coco_sealer_set_annotations(c, f.text(0), f.err)
	}, json)
}

// SetProvider sets who encrypts keys of envelopes; k must stay open as long as s.
func (s *Sealer) SetProvider(name string, k *KBC) error {
	kbc, from, err := k.lend()
	if err != nil {
		return err
	}
	if kbc == nil {
		return errClosed()
	}
	return s.borrow("provider", from, func(c *C.coco_sealer, f *frame) C.coco_status {
		return C.coco_sealer_set_provider(c, f.text(0), kbc, f.err)
	}, name)
}

// SealName makes a vault secret: the name of one that provider has.
func (s *Sealer) SealName(provider, name string) (string, error) {
	var ret *C.coco_bytes
	err := s.call(func(c *C.coco_sealer, f *frame) C.coco_status {
		return C.coco_sealer_seal_name(c, f.text(0), f.text(1), &ret, f.err)
	}, provider, name)
	if err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// Seal makes an envelope of secret, whose key the provider's key id encrypts.
func (s *Sealer) Seal(ctx context.Context, id string, secret []byte) (string, error) {
	var ret *C.coco_bytes
	err := s.wait(ctx, func(c *C.coco_sealer, f *frame) C.coco_status {
		return C.coco_sealer_seal_data(c, f.ctx, f.text(0), data(secret), size(secret), &ret, f.err)
	}, id)
	if err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// Unsealer is somebody who unseals them. Several goroutines may use one that is
// set up.
type Unsealer struct {
	object[*C.coco_unsealer]
}

// NewUnsealer makes one who knows no key and no provider yet.
func NewUnsealer() (*Unsealer, error) {
	var c *C.coco_unsealer
	if err := call(func(f *frame) C.coco_status { return C.coco_unsealer_new(&c, f.err) }); err != nil {
		return nil, err
	}
	u := &Unsealer{}
	u.own(c, func(c *C.coco_unsealer) { C.coco_unsealer_free(c) })
	return u, nil
}

// SetProvider sets the provider name, which must stay open as long as u. That of
// "kbs" also gives the keys that are called "kbs:///repository/type/tag".
func (u *Unsealer) SetProvider(name string, k *KBC) error {
	kbc, from, err := k.lend()
	if err != nil {
		return err
	}
	if kbc == nil {
		return errClosed()
	}
	return u.borrow(name, from, func(c *C.coco_unsealer, f *frame) C.coco_status {
		return C.coco_unsealer_set_provider(c, f.text(0), kbc, f.err)
	}, name)
}

// TrustKey trusts what is signed by key, a public one that sealed secrets call
// kid. If kid is "", all must be signed by this key or another that was given.
func (u *Unsealer) TrustKey(kid string, key []byte) error {
	return u.call(func(c *C.coco_unsealer, f *frame) C.coco_status {
		name := f.text(0)
		if kid == "" {
			name = nil
		}
		return C.coco_unsealer_trust_key(c, name, data(key), size(key), f.err)
	}, kid)
}

// SetKeyPrefix asks the broker for keys under "kbs:///repository/" or
// "kbs:///repository/type/" alone.
func (u *Unsealer) SetKeyPrefix(prefix string) error {
	return u.call(func(c *C.coco_unsealer, f *frame) C.coco_status {
		return C.coco_unsealer_set_key_prefix(c, f.text(0), f.err)
	}, prefix)
}

// SetAllowUnsigned takes what nobody signed, too.
func (u *Unsealer) SetAllowUnsigned(allow bool) error {
	return u.call(func(c *C.coco_unsealer, _ *frame) C.coco_status {
		C.coco_unsealer_set_allow_unsigned(c, C.bool(allow))
		return C.COCO_OK
	})
}

// Unseal gives the secret that text is of. The C library has wiped its copy; this
// one is the caller's.
func (u *Unsealer) Unseal(ctx context.Context, text string) ([]byte, error) {
	var ret *C.coco_bytes
	err := u.wait(ctx, func(c *C.coco_unsealer, f *frame) C.coco_status {
		return C.coco_unsealer_unseal(c, f.ctx, f.text(0), &ret, f.err)
	}, text)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// SealedInspect tells what is in a sealed secret, as JSON; nothing of it is verified.
func SealedInspect(text string) ([]byte, error) {
	var ret *C.coco_bytes
	err := call(func(f *frame) C.coco_status { return C.coco_sealed_inspect(f.text(0), &ret, f.err) }, text)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}
