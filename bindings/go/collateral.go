package coco

// #include <coco/collateral.h>
// #include <coco/verifier.h>
import "C"

// Collateral is where a verifier takes certificates and the like from. Several
// goroutines may use it at once.
type Collateral struct{ object[*C.coco_collateral] }

// NewCollateralDir takes collateral from files beneath dir.
func NewCollateralDir(dir string) (*Collateral, error) {
	var c *C.coco_collateral
	if err := call(func(f *frame) C.coco_status { return C.coco_collateral_new_dir(f.text(0), &c, f.err) }, dir); err != nil {
		return nil, err
	}
	collateral := &Collateral{}
	collateral.own(c, func(c *C.coco_collateral) { C.coco_collateral_free(c) })
	return collateral, nil
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
	return v.call(func(verifier *C.coco_verifier, _ *frame) C.coco_status {
		C.coco_verifier_set_collateral(verifier, c.disown())
		return C.COCO_OK
	})
}
