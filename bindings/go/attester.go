package coco

// #include <coco/attester.h>
import "C"

import "context"

// TEEs are the names of the TEEs this build can attest, in order of detection.
func TEEs() []string {
	names := make([]string, C.coco_tee_count())
	for i := range names {
		names[i] = C.GoString(C.coco_tee_name(C.size_t(i)))
	}
	return names
}

// TEEDetected reports whether tee is what this machine is, judged by its devices.
func TEEDetected(tee string) bool {
	var detected C.bool
	err := call(func(f *frame) C.coco_status {
		detected = C.coco_tee_detected(f.text(0))
		return C.COCO_OK
	}, tee)
	return err == nil && bool(detected)
}

// LaunchSoftwareTEE boots a software TEE: it makes the directory dir hold what
// the TEE "software" attests. launch is what boots, any bytes; initData is what
// the host passed along, or nil.
func LaunchSoftwareTEE(dir string, launch, initData []byte) error {
	return call(func(f *frame) C.coco_status {
		var init *C.uint8_t
		if initData != nil {
			init = data(initData)
		}
		return C.coco_software_tee_launch(f.text(0), data(launch), size(launch), init, size(initData), f.err)
	}, dir)
}

// SoftwareTEERoot is the root key of the software TEE in dir as PEM, for
// Verifier.TrustKey.
func SoftwareTEERoot(dir string) ([]byte, error) {
	var ret *C.coco_bytes
	err := call(func(f *frame) C.coco_status { return C.coco_software_tee_root(f.text(0), &ret, f.err) }, dir)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Attester collects evidence of one TEE.
type Attester struct{ object[*C.coco_attester] }

func freeAttester(c *C.coco_attester) { C.coco_attester_free(c) }

// NewAttester makes the attester of tee, or with "" of the TEE that is detected.
func NewAttester(tee string) (*Attester, error) {
	var c *C.coco_attester
	if err := call(func(f *frame) C.coco_status { return C.coco_attester_new(f.text(0), &c, f.err) }, tee); err != nil {
		return nil, err
	}
	a := &Attester{}
	a.own(c, freeAttester)
	return a, nil
}

// NewSoftwareAttester makes the attester of the software TEE launched in dir.
func NewSoftwareAttester(dir string) (*Attester, error) {
	var c *C.coco_attester
	err := call(func(f *frame) C.coco_status { return C.coco_attester_new_software(f.text(0), &c, f.err) }, dir)
	if err != nil {
		return nil, err
	}
	a := &Attester{}
	a.own(c, freeAttester)
	return a, nil
}

// TEE is the name of the TEE, such as "sample"; empty once a is closed.
func (a *Attester) TEE() (name string) {
	_ = a.call(func(c *C.coco_attester, _ *frame) C.coco_status {
		name = C.GoString(C.coco_attester_tee(c))
		return C.COCO_OK
	})
	return name
}

// Collect gives evidence, JSON text, that holds the 1 to 64 bytes of reportData.
func (a *Attester) Collect(ctx context.Context, reportData []byte) (string, error) {
	var ret *C.coco_bytes
	err := a.wait(ctx, func(c *C.coco_attester, f *frame) C.coco_status {
		return C.coco_attester_collect(c, f.ctx, data(reportData), size(reportData), &ret, f.err)
	})
	if err != nil {
		return "", err
	}
	return string(takeBytes(ret)), nil
}

// RegisterAlg is the algorithm of the registers that can be extended at run time,
// such as "sha384"; empty if the TEE has none, and once a is closed.
func (a *Attester) RegisterAlg() (name string) {
	_ = a.call(func(c *C.coco_attester, _ *frame) C.coco_status {
		if alg := C.coco_attester_register_alg(c); alg != nil {
			name = C.GoString(alg)
		}
		return C.COCO_OK
	})
	return name
}

// Extend extends the register that plays the part of that PCR with digest.
func (a *Attester) Extend(pcr uint32, digest []byte) error {
	return a.call(func(c *C.coco_attester, f *frame) C.coco_status {
		return C.coco_attester_extend(c, C.uint(pcr), data(digest), size(digest), f.err)
	})
}

// ReadRegister is what the register that plays the part of that PCR holds.
func (a *Attester) ReadRegister(pcr uint32) ([]byte, error) {
	var ret *C.coco_bytes
	err := a.call(func(c *C.coco_attester, f *frame) C.coco_status {
		return C.coco_attester_read_register(c, C.uint(pcr), &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Measure measures an event: it extends the register that plays the part of that
// PCR, 17 unless there is a reason, and appends the event to the log that evidence has.
func (a *Attester) Measure(pcr uint32, domain, operation, content string) error {
	return a.call(func(c *C.coco_attester, f *frame) C.coco_status {
		return C.coco_attester_measure(c, C.uint(pcr), f.text(0), f.text(1), f.text(2), f.err)
	}, domain, operation, content)
}

// BindInitData makes sure that the machine was started with init data of digest.
func (a *Attester) BindInitData(digest []byte) error {
	return a.call(func(c *C.coco_attester, f *frame) C.coco_status {
		return C.coco_attester_bind_init_data(c, data(digest), size(digest), f.err)
	})
}
