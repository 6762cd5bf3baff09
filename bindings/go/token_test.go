package coco

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
)

func TestTokensAreReliedOnOrRefused(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwks := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":%q}]}`, encode(public))
	token := func(more string) string {
		claims := `{"iss":"https://kbs.example","exp":1800000300` + more + `}`
		text := encode([]byte(`{"alg":"EdDSA","kid":"a"}`)) + "." + encode([]byte(claims))
		return text + "." + encode(ed25519.Sign(private, []byte(text)))
	}
	const good = `,"submods":{"cpu0":{"ear.status":"affirming"}}`
	const worse = `,"submods":{"cpu0":{"ear.status":"contraindicated"}}`
	const ours = `,"aud":"https://bank.example"` + good
	for _, c := range []struct {
		token, issuer, audience, accept string
		now                             int64
		want                            error
	}{
		{token(good), "", "", "", 1800000000, nil},
		{token(good), "https://kbs.example", "", "", 1800000000, nil},
		{token(good), "https://other.example", "", "", 1800000000, ErrVerify},
		{token(good), "", "", "", 1800000361, ErrVerify},
		{token(ours), "", "https://bank.example", "", 1800000000, nil},
		{token(ours), "", "", "", 1800000000, ErrVerify},
		{token(worse), "", "", "", 1800000000, ErrDenied},
		{token(worse), "", "", "contraindicated", 1800000000, nil},
		{token(""), "", "", "none", 1800000000, ErrProto},
		{token(good) + "AA", "", "", "", 1800000000, ErrVerify},
	} {
		v, err := NewTokenVerifier()
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			v.SetKeys([]byte(jwks)), v.SetIssuer(c.issuer), v.SetAudience(c.audience), v.SetTime(c.now),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if c.accept != "" {
			if err := v.Accept(c.accept); err != nil {
				t.Fatal(err)
			}
		}
		claims, err := v.Verify(context.Background(), c.token)
		if !errors.Is(err, c.want) || (err == nil) != (len(claims) > 0) {
			t.Errorf("%+v: %q, %v", c, claims, err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestATokenVerifierTrustsNobodyUnasked(t *testing.T) {
	v, err := NewTokenVerifier()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Verify(context.Background(), "e30.e30.AAAA"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	for _, err := range []error{v.SetKeys([]byte("{}")), v.SetRoots([]byte("x")), v.SetTLSCA([]byte("x"))} {
		if !errors.Is(err, ErrProto) {
			t.Errorf("err = %v, want ErrProto", err)
		}
	}
	if err := v.Accept("good"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}
