package coco

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

// hsm is a plugin that wraps keys by turning their bits.
type hsm struct{ public []byte }

func (h *hsm) Name() string { return "hsm_kbc" }

func (h *hsm) GetResource(path string) ([]byte, error) {
	if path == "default/keys/owner" {
		return h.public, nil
	}
	return []byte("secret of " + path), nil
}

func (h *hsm) WrapKey(id string, key []byte) ([]byte, error) {
	if id != "kek" {
		return nil, ErrNotFound
	}
	turned := make([]byte, len(key))
	for i, b := range key {
		turned[i] = ^b
	}
	return turned, nil
}

func (h *hsm) UnwrapKey(id string, wrapped []byte) ([]byte, error) { return h.WrapKey(id, wrapped) }

func signingKey(t *testing.T) (private, public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	spki, err2 := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	return private, public
}

func TestSealed(t *testing.T) {
	private, public := signingKey(t)
	k, err := NewPluginKBC(&hsm{public})
	defer must(t, k, err).Close()
	s, err := NewSealer("kbs:///default/keys/owner", private)
	defer must(t, s, err).Close()
	u, err := NewUnsealer()
	defer must(t, u, err).Close()
	if err := errors.Join(s.SetProvider("hsm", k), s.SetSettings("{}"), s.SetAnnotations(`{"a":1}`),
		u.SetProvider("kbs", k), u.SetProvider("hsm", k), u.SetKeyPrefix("kbs:///default/")); err != nil {
		t.Fatal(err)
	}
	name, err := s.SealName("kbs", "kbs:///default/key/1")
	name = must(t, name, err)
	envelope, err := s.Seal(ctx, "kek", []byte("secret"))
	envelope = must(t, envelope, err)
	if secret, err := u.Unseal(ctx, name); err != nil || string(secret) != "secret of default/key/1" {
		t.Errorf("secret = %q, %v", secret, err)
	}
	if secret, err := u.Unseal(ctx, envelope); err != nil || string(secret) != "secret" {
		t.Errorf("secret = %q, %v", secret, err)
	}
	if told, err := SealedInspect(envelope); err != nil || !strings.Contains(string(told), `"annotations":{"a":1}`) {
		t.Errorf("told = %s, %v", told, err)
	}
	if _, err := s.Seal(ctx, "other", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
	_, other := signingKey(t)
	if err := u.TrustKey("", other); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Unseal(ctx, name); !errors.Is(err, ErrVerify) {
		t.Errorf("err = %v, want ErrVerify", err)
	}
	if err := u.TrustKey("kbs:///default/keys/owner", public); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Unseal(ctx, name); err != nil {
		t.Error(err)
	}
}

func TestWhatNobodySignedMustBeAllowed(t *testing.T) {
	const text = "sealed.fakejwsheader.eyJ2ZXJzaW9uIjoiMC4xLjAiLCJ0eXBlIjoidmF1bHQiLCJuYW1lIjoia2JzOi8vL2RlZmF1bHQva2V5LzEiLCJwcm92aWRlciI6ImticyJ9.fakesignature"
	k, err := NewPluginKBC(&hsm{})
	defer must(t, k, err).Close()
	u, err := NewUnsealer()
	defer must(t, u, err).Close()
	if err := u.SetProvider("kbs", k); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Unseal(ctx, text); !errors.Is(err, ErrDenied) {
		t.Errorf("err = %v, want ErrDenied", err)
	}
	if err := u.SetAllowUnsigned(true); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Unseal(ctx, text); err != nil {
		t.Error(err)
	}
}

func TestAClientWrapsKeys(t *testing.T) {
	k, err := NewPluginKBC(&hsm{})
	defer must(t, k, err).Close()
	wrapped, err := k.WrapKey(ctx, "kek", []byte("0123"))
	wrapped = must(t, wrapped, err)
	if key, err := k.UnwrapKey(ctx, "kek", wrapped); err != nil || string(key) != "0123" {
		t.Errorf("key = %q, %v", key, err)
	}
}
