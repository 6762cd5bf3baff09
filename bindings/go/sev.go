package coco

// #include <coco/sev.h>
import "C"

// SEVPolicy has bits of a policy; bits 16 to 31 are the oldest firmware that will do.
type SEVPolicy uint32

// The bits that are known.
const (
	SEVNoDebug        SEVPolicy = C.COCO_SEV_NO_DEBUG
	SEVNoKeySharing   SEVPolicy = C.COCO_SEV_NO_KEY_SHARING
	SEVEncryptedState SEVPolicy = C.COCO_SEV_ENCRYPTED_STATE // SEV-ES
	SEVNoSend         SEVPolicy = C.COCO_SEV_NO_SEND
	SEVDomain         SEVPolicy = C.COCO_SEV_DOMAIN
	SEVOnly           SEVPolicy = C.COCO_SEV_SEV_ONLY
)

// SEVFirmware is what the firmware says of itself in a launch.
type SEVFirmware struct {
	APIMajor, APIMinor, BuildID uint32
}

// SEVOwner is the owner of one guest, in one launch of it on AMD SEV or SEV-ES.
type SEVOwner struct{ object[*C.coco_sev_owner] }

func ownSEV(c *C.coco_sev_owner) *SEVOwner {
	o := &SEVOwner{}
	o.own(c, func(c *C.coco_sev_owner) { C.coco_sev_owner_free(c) })
	return o
}

// NewSEVOwner begins a launch: makes a key of the owner, and a session with the platform
// of chain, certificates as "sevctl export --full" writes them, which v must trust.
func NewSEVOwner(v *Verifier, chain []byte, policy SEVPolicy) (*SEVOwner, error) {
	var ret *C.coco_sev_owner
	err := v.call(func(c *C.coco_verifier, f *frame) C.coco_status {
		return C.coco_sev_owner_new(c, data(chain), size(chain), C.uint32_t(policy), &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return ownSEV(ret), nil
}

// LoadSEVOwner goes on with a launch that was saved.
func LoadSEVOwner(state string) (*SEVOwner, error) {
	var ret *C.coco_sev_owner
	err := call(func(f *frame) C.coco_status { return C.coco_sev_owner_load(f.text(0), &ret, f.err) }, state)
	if err != nil {
		return nil, err
	}
	return ownSEV(ret), nil
}

func (o *SEVOwner) get(fn func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status) ([]byte, error) {
	var ret *C.coco_bytes
	if err := o.call(func(c *C.coco_sev_owner, f *frame) C.coco_status { return fn(c, &ret, f) }); err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Save gives what the owner knows, which is secret: for LoadSEVOwner.
func (o *SEVOwner) Save() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_save(c, ret, f.err)
	})
}

// Certificate is the owner's (GODH), for who launches: QEMU's dh-cert-file, before base64.
func (o *SEVOwner) Certificate() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_get_certificate(c, ret, f.err)
	})
}

// Session is QEMU's session-file, before base64.
func (o *SEVOwner) Session() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_get_session(c, ret, f.err)
	})
}

// Key is the owner's private key (PEM), for Verifier.SetPrivateKey of "sev".
func (o *SEVOwner) Key() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_get_key(c, ret, f.err)
	})
}

// AddSecret adds a secret by the name "kbs:///...", which offline_sev_kbc has it by, or a GUID.
func (o *SEVOwner) AddSecret(name string, secret []byte) error {
	return o.call(func(c *C.coco_sev_owner, f *frame) C.coco_status {
		return C.coco_sev_owner_add_secret(c, f.text(0), data(secret), size(secret), f.err)
	}, name)
}

// Check checks that what was launched has that digest, of 32 bytes; measurement is what the
// firmware answers, 48 bytes.
func (o *SEVOwner) Check(measurement, digest []byte, firmware SEVFirmware) error {
	is := C.coco_sev_firmware{
		size:      C.sizeof_coco_sev_firmware,
		api_major: C.uint32_t(firmware.APIMajor),
		api_minor: C.uint32_t(firmware.APIMinor),
		build_id:  C.uint32_t(firmware.BuildID),
	}
	return o.call(func(c *C.coco_sev_owner, f *frame) C.coco_status {
		return C.coco_sev_owner_check(c, data(measurement), size(measurement), data(digest), size(digest), &is, f.err)
	})
}

// Packet has all secrets, for the launch that was checked: a header of 52 bytes, and what
// is behind it.
func (o *SEVOwner) Packet() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_get_packet(c, ret, f.err)
	})
}

// Evidence is that of the launch that was checked, as Verifier.Verify of "sev" reads it.
func (o *SEVOwner) Evidence() ([]byte, error) {
	return o.get(func(c *C.coco_sev_owner, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_sev_owner_get_evidence(c, ret, f.err)
	})
}
