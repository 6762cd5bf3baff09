package coco

// #include <stdlib.h>
// #include <coco/verifier.h>
import "C"

import "libcoco.example/coco/internal/native"

// Verifier is trust anchors and rules. Once set up, several goroutines may use
// it at once.
type Verifier struct {
	object[*C.coco_verifier]
	contexts []*native.Context // of its collateral: they outlive it
}

// Check is one thing a verdict rests on.
type Check struct {
	Name string
	OK   bool
	Want string // what it demands, for people
	Got  string // what the evidence has instead

	Allowed bool   // not to hold
	Hint    string // what to do where it does not
}

// Binding is what evidence must be bound to.
type Binding struct {
	ReportData []byte // 1 to 64 bytes, usually the digest of a nonce and a key
	InitData   []byte // digest of what the machine was started with; nil for any
}

// Verdict is what evidence came to. Believe Claims only if it is Valid.
type Verdict struct {
	Valid  bool
	Claims string // a JSON object
	Checks []Check
}

// NewVerifier makes a verifier that trusts the makers of hardware, and no software.
func NewVerifier() (*Verifier, error) {
	var c *C.coco_verifier
	if err := call(func(f *frame) C.coco_status { return C.coco_verifier_new(&c, f.err) }); err != nil {
		return nil, err
	}
	v := &Verifier{}
	v.own(c, func(c *C.coco_verifier) { C.coco_verifier_free(c) })
	return v, nil
}

// AllowSample accepts evidence of the TEE "sample", which anybody can make. For tests.
func (v *Verifier) AllowSample() error {
	return v.call(func(c *C.coco_verifier, _ *frame) C.coco_status {
		C.coco_verifier_allow_sample(c)
		return C.COCO_OK
	})
}

// VerifierTEEs lists the TEEs whose evidence can be verified.
func VerifierTEEs() []string {
	return names(func(i C.size_t) *C.char { return C.coco_verifier_tee(i) })
}

// Allowances lists the checks that Verifier.Allow takes.
func Allowances() []string {
	return names(func(i C.size_t) *C.char { return C.coco_verifier_allowance(i) })
}

func names(get func(C.size_t) *C.char) []string {
	var all []string
	for {
		name := get(C.size_t(len(all)))
		if name == nil {
			return all
		}
		all = append(all, C.GoString(name))
	}
}

// Allow lets evidence be valid that fails check, one of Allowances.
func (v *Verifier) Allow(check string) error {
	return v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verifier_allow(c, f.text(0), f.err)
	}, check)
}

// TrustKey accepts evidence of tee ("software", "tpm", "cca") that rests on key, PEM; for "cca"
// also a store of trust anchors as Trustee keeps them, JSON.
func (v *Verifier) TrustKey(tee string, key []byte) error {
	return v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verifier_trust_key(c, f.text(0), data(key), size(key), f.err)
	}, tee)
}

// SetPrivateKey gives the verifier the private key of who asks for evidence of tee ("sev", "se").
func (v *Verifier) SetPrivateKey(tee string, key []byte) error {
	return v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verifier_set_private_key(c, f.text(0), data(key), size(key), f.err)
	}, tee)
}

// TrustRoot accepts certificates of maker whose root has that SHA-256, "sha256:" and hex.
func (v *Verifier) TrustRoot(maker, fingerprint string) error {
	return v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verifier_trust_root(c, f.text(0), f.text(1), f.err)
	}, maker, fingerprint)
}

// SetTime verifies as if it were now, seconds since 1970; 0 for the machine's clock.
func (v *Verifier) SetTime(now int64) error {
	return v.call(func(c *C.coco_verifier, _ *frame) C.coco_status {
		C.coco_verifier_set_time(c, C.int64_t(now))
		return C.COCO_OK
	})
}

// bind makes the C form of b.
func bind(b Binding) (*C.coco_binding, error) {
	var c *C.coco_binding
	err := call(func(f *frame) C.coco_status {
		status := C.coco_binding_new(&c, f.err)
		if status == C.COCO_OK {
			status = C.coco_binding_set_report_data(c, data(b.ReportData), size(b.ReportData), f.err)
		}
		if status == C.COCO_OK && b.InitData != nil {
			status = C.coco_binding_set_init_data(c, data(b.InitData), size(b.InitData), f.err)
		}
		return status
	})
	if err != nil {
		C.coco_binding_free(c)
		return nil, err
	}
	return c, nil
}

// Verify verifies evidence of tee, which must be bound as binding says. Evidence
// that is well formed but wrong is no error: its verdict is not valid.
func (v *Verifier) Verify(tee, evidence string, binding Binding) (*Verdict, error) {
	bound, err := bind(binding)
	if err != nil {
		return nil, err
	}
	defer C.coco_binding_free(bound)

	var ret *C.coco_verdict
	err = v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verify(c, f.text(0), f.text(1), bound, &ret, f.err)
	}, tee, evidence)
	if err != nil {
		return nil, err
	}
	defer C.coco_verdict_free(ret)

	verdict := &Verdict{
		Valid:  bool(C.coco_verdict_valid(ret)),
		Claims: C.GoString(C.coco_verdict_claims(ret)),
		Checks: make([]Check, C.coco_verdict_check_count(ret)),
	}
	for i := range verdict.Checks {
		n := C.size_t(i)
		verdict.Checks[i] = Check{
			Name: C.GoString(C.coco_verdict_check_name(ret, n)),
			OK:   bool(C.coco_verdict_check_ok(ret, n)),
			Want: C.GoString(C.coco_verdict_check_want(ret, n)),
			Got:  C.GoString(C.coco_verdict_check_got(ret, n)),

			Allowed: bool(C.coco_verdict_check_allowed(ret, n)),
			Hint:    C.GoString(C.coco_verdict_check_hint(ret, n)),
		}
	}
	return verdict, nil
}
