package coco

// #include <coco/references.h>
import "C"

// References is a set of reference values, each by its own name.
type References struct{ object[*C.coco_references] }

func newReferences(make func(c **C.coco_references, f *frame) C.coco_status) (*References, error) {
	var c *C.coco_references
	if err := call(func(f *frame) C.coco_status { return make(&c, f) }); err != nil {
		return nil, err
	}
	r := &References{}
	r.own(c, func(c *C.coco_references) { C.coco_references_free(c) })
	return r, nil
}

// NewReferences makes a set of no values.
func NewReferences() (*References, error) {
	return newReferences(func(c **C.coco_references, f *frame) C.coco_status {
		return C.coco_references_new(c, f.err)
	})
}

// ParseReferences reads values that nobody signed, of any form that C knows.
func ParseReferences(file []byte) (*References, error) {
	return newReferences(func(c **C.coco_references, f *frame) C.coco_status {
		return C.coco_references_parse(data(file), size(file), c, f.err)
	})
}

// OpenReferences reads values from a manifest that the owner of key, a public
// key in PEM, signed. It is ErrVerify if he did not.
func OpenReferences(file, key []byte) (*References, error) {
	return newReferences(func(c **C.coco_references, f *frame) C.coco_status {
		return C.coco_references_open(data(file), size(file), data(key), size(key), c, f.err)
	})
}

// Add adds value, JSON, to the list that is called name, or else as one that is
// not there yet, unless it is to replace that. It ends at expires, seconds since
// 1970; 0 keeps what there is, or is in a year.
func (r *References) Add(name, value string, expires int64, replace bool) error {
	return r.call(func(c *C.coco_references, f *frame) C.coco_status {
		return C.coco_references_add(c, f.text(0), f.text(1), C.int64_t(expires), C.bool(replace), f.err)
	}, name, value)
}

// Remove removes what is under name: ErrNotFound if there is nothing.
func (r *References) Remove(name string) error {
	return r.call(func(c *C.coco_references, f *frame) C.coco_status {
		return C.coco_references_remove(c, f.text(0), f.err)
	}, name)
}

// Reference is what a claim must be.
type Reference struct {
	Name    string
	Value   string // JSON: mostly a list of what is accepted
	Expires int64  // seconds since 1970; 0 where nobody said
}

// Values are the values, in their order.
func (r *References) Values() []Reference {
	var values []Reference
	_ = r.call(func(c *C.coco_references, _ *frame) C.coco_status {
		for i := C.size_t(0); C.coco_references_name(c, i) != nil; i++ {
			values = append(values, Reference{
				Name:    C.GoString(C.coco_references_name(c, i)),
				Value:   C.GoString(C.coco_references_value(c, i)),
				Expires: int64(C.coco_references_expires(c, i)),
			})
		}
		return C.COCO_OK
	})
	return values
}

// Signer is who signed them, as he calls himself; "" unless OpenReferences made it.
func (r *References) Signer() string {
	var signer string
	_ = r.call(func(c *C.coco_references, _ *frame) C.coco_status {
		signer = C.GoString(C.coco_references_signer(c))
		return C.COCO_OK
	})
	return signer
}

// Check is ErrVerify, with its name, if a value is not good at now, seconds
// since 1970.
func (r *References) Check(now int64) error {
	return r.call(func(c *C.coco_references, f *frame) C.coco_status {
		return C.coco_references_check(c, C.int64_t(now), f.err)
	})
}

func (r *References) bytes(get func(c *C.coco_references, ret **C.coco_bytes, f *frame) C.coco_status, texts ...string) ([]byte, error) {
	var ret *C.coco_bytes
	err := r.call(func(c *C.coco_references, f *frame) C.coco_status { return get(c, &ret, f) }, texts...)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Format is a file of them: "json", "values", "rvps" or "corim".
func (r *References) Format(form string) ([]byte, error) {
	return r.bytes(func(c *C.coco_references, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_references_format(c, f.text(0), ret, f.err)
	}, form)
}

// Sign is a manifest of them that is signed by key, a private key in PEM.
func (r *References) Sign(key []byte, signer string) ([]byte, error) {
	return r.bytes(func(c *C.coco_references, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_references_sign(c, data(key), size(key), f.text(0), ret, f.err)
	}, signer)
}

// Diff tells, as JSON, how other differs.
func (r *References) Diff(other *References) ([]byte, error) {
	if other == nil {
		return nil, errClosed()
	}
	o, err := other.enter()
	if err != nil {
		return nil, err
	}
	defer other.leave()
	return r.bytes(func(c *C.coco_references, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_references_diff(c, o, ret, f.err)
	})
}

// Compare tells, as JSON, how they and the claims of a verdict differ.
func (r *References) Compare(tee, claims string) ([]byte, error) {
	return r.bytes(func(c *C.coco_references, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_references_compare(c, f.text(0), f.text(1), ret, f.err)
	}, tee, claims)
}
