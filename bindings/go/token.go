package coco

// #include <coco/token.h>
import "C"

import "context"

// TokenVerifier is somebody who relies on what a broker says of guests: on
// attestation tokens. Several goroutines may use one that is set up.
type TokenVerifier struct {
	object[*C.coco_token_verifier]
}

// NewTokenVerifier makes one who trusts nobody yet, and accepts guests that are
// "affirming".
func NewTokenVerifier() (*TokenVerifier, error) {
	var c *C.coco_token_verifier
	if err := call(func(f *frame) C.coco_status { return C.coco_token_verifier_new(&c, f.err) }); err != nil {
		return nil, err
	}
	v := &TokenVerifier{}
	v.own(c, func(c *C.coco_token_verifier) { C.coco_token_verifier_free(c) })
	return v, nil
}

// SetKeys trusts what is signed by one of the keys of jwks, a JWK set.
func (v *TokenVerifier) SetKeys(jwks []byte) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		return C.coco_token_verifier_set_keys(c, data(jwks), size(jwks), f.err)
	})
}

// SetRoots trusts those whose tokens bring along a certificate below one of pem.
func (v *TokenVerifier) SetRoots(pem []byte) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		return C.coco_token_verifier_set_roots(c, data(pem), size(pem), f.err)
	})
}

// SetIssuer demands tokens of issuer; "" is any. Without keys and roots it is asked
// for its keys, at https.
func (v *TokenVerifier) SetIssuer(issuer string) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		text := f.text(0)
		if issuer == "" {
			text = nil
		}
		return C.coco_token_verifier_set_issuer(c, text, f.err)
	}, issuer)
}

// SetTLSCA trusts servers of issuers with a certificate below one of pem, instead of
// the system's.
func (v *TokenVerifier) SetTLSCA(pem []byte) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		return C.coco_token_verifier_set_tls_ca(c, data(pem), size(pem), f.err)
	})
}

// SetAudience demands tokens that are for audience. With "" one that is for somebody
// is refused.
func (v *TokenVerifier) SetAudience(audience string) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		text := f.text(0)
		if audience == "" {
			text = nil
		}
		return C.coco_token_verifier_set_audience(c, text, f.err)
	}, audience)
}

// Accept sets the worst that a part of a guest may have come to: "affirming",
// "warning", "contraindicated" or "none".
func (v *TokenVerifier) Accept(status string) error {
	return v.call(func(c *C.coco_token_verifier, f *frame) C.coco_status {
		return C.coco_token_verifier_accept(c, f.text(0), f.err)
	}, status)
}

// SetTime verifies as of now, seconds since 1970; 0 is the time of each call.
func (v *TokenVerifier) SetTime(now int64) error {
	return v.call(func(c *C.coco_token_verifier, _ *frame) C.coco_status {
		C.coco_token_verifier_set_time(c, C.int64_t(now))
		return C.COCO_OK
	})
}

// Verify gives the claims of a token that may be relied on, as the JSON that was signed.
func (v *TokenVerifier) Verify(ctx context.Context, token string) ([]byte, error) {
	var ret *C.coco_bytes
	text := []byte(token)
	err := v.wait(ctx, func(c *C.coco_token_verifier, f *frame) C.coco_status {
		return C.coco_token_verify(c, f.ctx, data(text), size(text), &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}
