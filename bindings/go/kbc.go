package coco

// #include <coco/kbc.h>
import "C"

import (
	"context"
	"errors"
	"math"
	"time"
	"unsafe"

	"libcoco.example/coco/internal/native"
)

// TEEKey is the kind of key pair that the broker encrypts secrets to.
type TEEKey int

// The kinds of key pairs.
const (
	TEEKeyDefault TEEKey = C.COCO_TEE_KEY_DEFAULT // TEEKeyP256.
	TEEKeyP256    TEEKey = C.COCO_TEE_KEY_P256    // ECDH-ES+A256KW on P-256.
	TEEKeyP521    TEEKey = C.COCO_TEE_KEY_P521    // ECDH-ES+A256KW on P-521.
	TEEKeyRSA     TEEKey = C.COCO_TEE_KEY_RSA     // RSA-OAEP-256 with 2048 bits.
)

// KBC is a key broker client.
type KBC struct{ object[*C.coco_kbc] }

// NewKBC makes the KBC that params names, as in "cc_kbc::https://kbs.example:8080".
func NewKBC(params string) (*KBC, error) {
	var c *C.coco_kbc
	if err := call(func(f *frame) C.coco_status { return C.coco_kbc_new(f.text(0), &c, f.err) }, params); err != nil {
		return nil, err
	}
	k := &KBC{}
	k.own(c, func(c *C.coco_kbc) { C.coco_kbc_free(c) })
	return k, nil
}

// NewDefaultKBC makes the KBC that this machine was told to use: by $AA_KBC_PARAMS, or on
// the kernel's command line.
func NewDefaultKBC() (*KBC, error) {
	var c *C.coco_kbc
	if err := call(func(f *frame) C.coco_status { return C.coco_kbc_new(nil, &c, f.err) }); err != nil {
		return nil, err
	}
	k := &KBC{}
	k.own(c, func(c *C.coco_kbc) { C.coco_kbc_free(c) })
	return k, nil
}

// KBCPlugin is a key broker client that somebody else wrote. Any goroutine may ask it.
type KBCPlugin interface {
	// Name is as in <kbc>::<uri>: at most 32 of a to z, 0 to 9 and _.
	Name() string
	// GetResource gives the resource "<repository>/<type>/<tag>". An *Error, or a Status
	// that it wraps, is what the caller gets; any other is ErrIO.
	GetResource(path string) ([]byte, error)
}

// KBCAttester is what a KBCPlugin is, too, when it attests.
type KBCAttester interface {
	// Attest gives a token about this machine.
	Attest() (string, error)
}

// KBCWrapper is what a KBCPlugin is, too, when it has keys that wrap others.
type KBCWrapper interface {
	// WrapKey encrypts key by its own key id.
	WrapKey(id string, key []byte) ([]byte, error)
	// UnwrapKey decrypts what WrapKey gave.
	UnwrapKey(id string, wrapped []byte) ([]byte, error)
}

// NewPluginKBC makes a KBC of plugin. Whatever takes a KBC takes it.
func NewPluginKBC(plugin KBCPlugin) (*KBC, error) {
	p := &native.Plugin{
		Name: plugin.Name(),
		Get:  func(path string) ([]byte, *native.Failure) { return answered(plugin.GetResource(path)) },
	}
	if attester, ok := plugin.(KBCAttester); ok {
		p.Attest = func() ([]byte, *native.Failure) {
			token, err := attester.Attest()
			return answered([]byte(token), err)
		}
	}
	if wrapper, ok := plugin.(KBCWrapper); ok {
		p.Wrap = func(id string, key []byte) ([]byte, *native.Failure) { return answered(wrapper.WrapKey(id, key)) }
		p.Unwrap = func(id string, wrapped []byte) ([]byte, *native.Failure) {
			return answered(wrapper.UnwrapKey(id, wrapped))
		}
	}
	c, failure := native.NewPlugin(p)
	if failure != nil {
		return nil, failed(failure, nil)
	}
	k := &KBC{}
	k.own((*C.coco_kbc)(c), func(c *C.coco_kbc) { C.coco_kbc_free(c) })
	return k, nil
}

func answered(data []byte, err error) ([]byte, *native.Failure) {
	if err == nil {
		return data, nil
	}
	failure := &native.Failure{Status: int(ErrIO), Message: err.Error()}
	var status Status
	var whole *Error
	if errors.As(err, &whole) {
		failure.Status = int(whole.Status)
	} else if errors.As(err, &status) {
		failure.Status = int(status)
	}
	return nil, failure
}

// SetAttester sets who collects the evidence; without one, the TEE is detected.
// It closes a, whose evidence belongs to k from here on, also if it fails.
func (k *KBC) SetAttester(a *Attester) error {
	if err := k.open(); err != nil {
		return err
	}
	if a == nil || a.open() != nil {
		return errClosed()
	}
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_attester(c, a.disown(), f.err)
	})
}

// AddDevice adds a device whose evidence is sent along, one of a kind. It closes
// a, as SetAttester does.
func (k *KBC) AddDevice(a *Attester) error {
	if err := k.open(); err != nil {
		return err
	}
	if a == nil || a.open() != nil {
		return errClosed()
	}
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_add_device(c, a.disown(), f.err)
	})
}

// SetTLSCA trusts the CAs in pem for the broker's TLS, instead of the system's.
func (k *KBC) SetTLSCA(pem []byte) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_tls_ca(c, data(pem), size(pem), f.err)
	})
}

// SetProxy sets the proxy that the broker is reached through, "" for none, but for
// the hosts in noProxy, with commas between.
func (k *KBC) SetProxy(url, noProxy string) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_proxy(c, f.text(0), f.text(1), f.err)
	}, url, noProxy)
}

// SetRetries sets how often a request is made again where that may help; 0 is never.
func (k *KBC) SetRetries(retries uint32) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		C.coco_kbc_set_retries(c, C.uint32_t(retries))
		return C.COCO_OK
	})
}

// SetPassport shows a token that was got elsewhere instead of attesting: what
// Passport gave, or upstream's attestation-agent.
func (k *KBC) SetPassport(passport []byte) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_passport(c, data(passport), size(passport), f.err)
	})
}

// SetTEEKey sets the kind of the key pair; before the first request.
func (k *KBC) SetTEEKey(kind TEEKey) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_tee_key(c, C.coco_tee_key(kind), f.err)
	})
}

// SetInitData sends the initdata document toml along, which the evidence is bound to.
func (k *KBC) SetInitData(toml string) error {
	return k.call(func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_set_init_data(c, f.text(0), f.err)
	}, toml)
}

// Get gets the resource "kbs:///<repository>/<type>/<tag>". The C library has
// wiped its copy; this one is the caller's.
func (k *KBC) Get(ctx context.Context, uri string) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_get_resource(c, f.ctx, f.text(0), &ret, f.err)
	}, uri)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Unlimited is the lease of a resource that may be used for as long as one likes.
const Unlimited = time.Duration(math.MaxInt64)

// GetLeased gets a resource as Get does, and how long it may be used, from the begin of the
// call on: who wants it for longer gets it again by then.
func (k *KBC) GetLeased(ctx context.Context, uri string) ([]byte, time.Duration, error) {
	var ret *C.coco_bytes
	var lease C.uint32_t
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_get_leased(c, f.ctx, f.text(0), &ret, &lease, f.err)
	}, uri)
	if err != nil {
		return nil, 0, err
	}
	if lease == C.COCO_KBC_NO_LEASE {
		return takeBytes(ret), Unlimited, nil
	}
	return takeBytes(ret), time.Duration(lease) * time.Second, nil
}

// Watch calls told with the resource "kbs:///<repository>/<type>/<tag>", and again
// whenever it is another, until told returns false or ctx is done. It looks every
// interval, in whole seconds and a minute for 0, up to a quarter more or less, and before
// a lease is over. told is given nil when what it was told may not be used any more; the
// watch ends then, with the reason.
func (k *KBC) Watch(ctx context.Context, uri string, interval time.Duration, told func(secret []byte) bool) error {
	w := &native.Watch{Told: told}
	seconds := (interval + time.Second - 1) / time.Second
	if interval < 0 || seconds > math.MaxUint32 {
		return failed(native.Invalid("no such interval"), nil)
	}
	return k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_status(w.Run(unsafe.Pointer(c), unsafe.Pointer(f.ctx), unsafe.Pointer(f.text(0)),
			uint32(seconds), unsafe.Pointer(f.err)))
	}, uri)
}

// WrapKey has key encrypted by the key id, which stays where it is: envelopes of
// sealed secrets are made so.
func (k *KBC) WrapKey(ctx context.Context, id string, key []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_wrap_key(c, f.ctx, f.text(0), data(key), size(key), &ret, f.err)
	}, id)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// UnwrapKey has a key decrypted that WrapKey gave.
func (k *KBC) UnwrapKey(ctx context.Context, id string, wrapped []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_unwrap_key(c, f.ctx, f.text(0), data(wrapped), size(wrapped), &ret, f.err)
	}, id)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Ask gives what a plug-in of the broker, "kbs+<plugin>:///<path>", replies to question; Get GETs.
func (k *KBC) Ask(ctx context.Context, uri string, question []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_ask_plugin(c, f.ctx, f.text(0), data(question), size(question), &ret, f.err)
	}, uri)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Attest attests, and gives the broker's token about this machine, a JWT.
func (k *KBC) Attest(ctx context.Context) (string, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_attest(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// AttestFor attests, and gives a token about this machine for audience alone.
func (k *KBC) AttestFor(ctx context.Context, audience string) (string, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_attest_for(c, f.ctx, f.text(0), &ret, f.err)
	}, audience)
	if err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// Passport gives a token that is still valid with the private key that it is for,
// {"token", "tee_keypair"} in JSON; it attests only if it has none.
func (k *KBC) Passport(ctx context.Context) ([]byte, error) {
	var ret *C.coco_bytes
	err := k.wait(ctx, func(c *C.coco_kbc, f *frame) C.coco_status {
		return C.coco_kbc_get_passport(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// lend is the C object and who takes it back, or neither for a nil k.
func (k *KBC) lend() (*C.coco_kbc, lender, error) {
	if k == nil {
		return nil, nil, nil
	}
	c, err := k.enter()
	if err != nil {
		return nil, nil, err
	}
	return c, k, nil
}
