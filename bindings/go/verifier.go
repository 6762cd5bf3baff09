package coco

// #include <coco/verifier.h>
import "C"

// Verifier is trust anchors and rules. Once set up, several goroutines may use
// it at once.
type Verifier struct{ object[*C.coco_verifier] }

// Check is one thing a verdict rests on.
type Check struct {
	Name string
	OK   bool
	Want string // what it demands, for people
	Got  string // what the evidence has instead
}

// Verdict is what evidence came to. Believe Claims only if it is Valid.
type Verdict struct {
	Valid  bool
	Claims string // a JSON object
	Checks []Check
}

// NewVerifier makes a verifier that trusts no software.
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

// TrustSoftware accepts software TEEs whose root is key, PEM. For development.
func (v *Verifier) TrustSoftware(key []byte) error {
	return v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verifier_trust_software(c, data(key), size(key), f.err)
	})
}

// Verify verifies evidence of tee, which must be bound to reportData. Evidence
// that is well formed but wrong is no error: its verdict is not valid.
func (v *Verifier) Verify(tee, evidence string, reportData []byte) (*Verdict, error) {
	var ret *C.coco_verdict
	err := v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_verify(c, f.text(0), f.text(1), data(reportData), size(reportData), &ret, f.err)
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
		}
	}
	return verdict, nil
}
