package coco

// #include <string.h>
// #include <coco/collateral.h>
// #include <coco/verifier.h>
import "C"

import (
	"context"
	"runtime"
	"time"

	"libcoco.example/coco/internal/native"
)

// Collateral is where a verifier takes certificates and the like from. Several
// goroutines may use it at once.
type Collateral struct {
	object[*C.coco_collateral]
	contexts []*native.Context // of its requests: they outlive it
}

func freeCollateral(c *C.coco_collateral) { C.coco_collateral_free(c) }

// newCollateral makes a Collateral of what fn stores.
func newCollateral(contexts []*native.Context, fn func(f *frame, ret **C.coco_collateral) C.coco_status, texts ...string) (*Collateral, error) {
	var ret *C.coco_collateral
	if err := call(func(f *frame) C.coco_status { return fn(f, &ret) }, texts...); err != nil {
		return nil, err
	}
	c := &Collateral{contexts: contexts}
	c.own(ret, freeCollateral)
	return c, nil
}

// OpenCollateral opens what source names: "makers", an address of a PCCS,
// "intel=" or "amd=" and an address, a directory, a bundle that the owner of the
// public key (PEM) signed, or a file or directory of Trustee's. key may be nil.
// Requests log to what WithLog put into ctx.
func OpenCollateral(ctx context.Context, source string, key []byte, early bool) (*Collateral, error) {
	cctx, failure := native.NewContext(sinks(ctx))
	if failure != nil {
		return nil, failed(failure, nil)
	}
	runtime.SetFinalizer(cctx, (*native.Context).Free)
	return newCollateral([]*native.Context{cctx}, func(f *frame, ret **C.coco_collateral) C.coco_status {
		var owner *C.uint8_t
		if key != nil {
			owner = data(key)
		}
		return C.coco_collateral_open((*C.coco_ctx)(cctx.Pointer()), f.text(0), owner, size(key), C.bool(early), ret, f.err)
	}, source)
}

// NewCollateralDir takes collateral from files beneath dir.
func NewCollateralDir(dir string) (*Collateral, error) {
	return newCollateral(nil, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_dir(f.text(0), ret, f.err)
	}, dir)
}

// NewCollateralBundle takes collateral from the content of a file that Export
// made, signed by the owner of the public key, PEM.
func NewCollateralBundle(bundle, key []byte) (*Collateral, error) {
	return newCollateral(nil, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_bundle(data(bundle), size(bundle), data(key), size(key), ret, f.err)
	})
}

// NewCollateralTrustee takes collateral from where Trustee keeps it: a file
// {"collaterals":...} or a directory like its kds-store. Of two answers of
// Intel's, early takes that which came earlier.
func NewCollateralTrustee(path string, early bool) (*Collateral, error) {
	return newCollateral(nil, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_trustee(f.text(0), C.bool(early), ret, f.err)
	}, path)
}

// NewCollateralMemory holds what Add gives it.
func NewCollateralMemory() (*Collateral, error) {
	return newCollateral(nil, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_memory(ret, f.err)
	})
}

// CollateralServices says whom NewCollateralHTTP asks, and how. The zero value
// asks the makers themselves.
type CollateralServices struct {
	Intel, AMD   string // addresses; empty for the makers' own
	WithoutIntel bool   // nobody is asked for what is Intel's
	WithoutAMD   bool
	Cache        string // directory that keeps what comes, or empty
	TLSCA        []byte // CAs to trust instead of the system's, PEM
	Proxy        string // URL of a proxy; the environment's if empty
	NoProxy      string // hosts to reach directly, with commas between
	Direct       bool   // no proxy at all
	Early        bool   // answers that already demand what was published last
}

// NewCollateralHTTP takes collateral from the services of the makers. Its
// requests log to what WithLog put into ctx; they end by themselves, for all
// have timeouts.
func NewCollateralHTTP(ctx context.Context, services CollateralServices) (*Collateral, error) {
	cctx, failure := native.NewContext(sinks(ctx))
	if failure != nil {
		return nil, failed(failure, nil)
	}
	runtime.SetFinalizer(cctx, (*native.Context).Free)
	c, err := newCollateral([]*native.Context{cctx}, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_http((*C.coco_ctx)(cctx.Pointer()), f.address(0, services.WithoutIntel),
			f.address(1, services.WithoutAMD), ret, f.err)
	}, services.Intel, services.AMD)
	if err == nil {
		err = c.set(services)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// address is the address in texts: NULL for the maker's own, "" for nobody's.
func (f *frame) address(i int, without bool) *C.char {
	if C.strlen(f.text(i)) == 0 && !without {
		return nil
	}
	return f.text(i)
}

func (c *Collateral) set(services CollateralServices) error {
	return c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		status := C.coco_collateral_set_early(c, C.bool(services.Early), f.err)
		if status == C.COCO_OK && services.Cache != "" {
			status = C.coco_collateral_set_cache(c, f.text(0), f.err)
		}
		if status == C.COCO_OK && services.TLSCA != nil {
			status = C.coco_collateral_set_tls_ca(c, data(services.TLSCA), size(services.TLSCA), f.err)
		}
		if status == C.COCO_OK && (services.Proxy != "" || services.NoProxy != "" || services.Direct) {
			status = C.coco_collateral_set_proxy(c, f.address(1, services.Direct), f.address(2, false), f.err)
		}
		return status
	}, services.Cache, services.Proxy, services.NoProxy)
}

// NewCollateralRecorder gets all from inner and remembers it for List and
// Export. It closes inner, which belongs to it from here on.
func NewCollateralRecorder(inner *Collateral) (*Collateral, error) {
	if inner == nil || inner.open() != nil {
		return nil, errClosed()
	}
	return newCollateral(inner.contexts, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_recorder(inner.disown(), ret, f.err)
	})
}

// NewCollateralEither asks second for what first does not have. It closes both,
// which belong to it from here on.
func NewCollateralEither(first, second *Collateral) (*Collateral, error) {
	if first == nil || second == nil || first == second || first.open() != nil || second.open() != nil {
		return nil, errClosed()
	}
	contexts := append(append([]*native.Context(nil), first.contexts...), second.contexts...)
	return newCollateral(contexts, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_new_either(first.disown(), second.disown(), ret, f.err)
	})
}

// Share is another Collateral for the same source, to be closed or given away
// by itself.
func (c *Collateral) Share() (*Collateral, error) {
	source, err := c.enter()
	if err != nil {
		return nil, err
	}
	defer c.leave()
	return newCollateral(c.contexts, func(f *frame, ret **C.coco_collateral) C.coco_status {
		return C.coco_collateral_share(source, ret, f.err)
	})
}

// Add adds what is called name to a source of NewCollateralMemory; fetched is
// when it was got from its maker, the zero time if nobody knows.
func (c *Collateral) Add(name string, content []byte, fetched time.Time) error {
	var seconds C.int64_t
	if !fetched.IsZero() {
		seconds = C.int64_t(fetched.Unix())
	}
	return c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		return C.coco_collateral_add(c, f.text(0), data(content), size(content), seconds, f.err)
	}, name)
}

// List describes, in JSON, what the source has: name, size, fetched, expires
// and, if there is one, problem.
func (c *Collateral) List() ([]byte, error) {
	var ret *C.coco_bytes
	err := c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		return C.coco_collateral_list(c, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Export makes a bundle of all that List tells, signed by the private key, PEM.
func (c *Collateral) Export(key []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		return C.coco_collateral_export(c, data(key), size(key), &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// WriteDir writes all that List tells to files beneath dir.
func (c *Collateral) WriteDir(dir string) error {
	return c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		return C.coco_collateral_write_dir(c, f.text(0), f.err)
	}, dir)
}

// Get gets what is called name.
func (c *Collateral) Get(name string) ([]byte, error) {
	var ret *C.coco_bytes
	err := c.call(func(c *C.coco_collateral, f *frame) C.coco_status {
		return C.coco_collateral_get(c, f.text(0), &ret, f.err)
	}, name)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// SetCollateral sets where v takes collateral from. It closes c, which belongs
// to v from here on.
func (v *Verifier) SetCollateral(c *Collateral) error {
	if err := v.open(); err != nil {
		return err
	}
	if c == nil || c.open() != nil {
		return errClosed()
	}
	v.contexts = c.contexts
	return v.call(func(verifier *C.coco_verifier, _ *frame) C.coco_status {
		C.coco_verifier_set_collateral(verifier, c.disown())
		return C.COCO_OK
	})
}
