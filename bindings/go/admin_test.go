package coco

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAdminTokenIsSignedByItsKey(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	der, err := x509.MarshalPKCS8PrivateKey(must(t, private, err))
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(t, der, err)})

	token, err := AdminToken(key, "reader", time.Hour)
	parts := strings.Split(must(t, token, err), ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if !ed25519.Verify(private.Public().(ed25519.PublicKey), []byte(parts[0]+"."+parts[1]), must(t, signature, err)) {
		t.Error("another signature")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Role     string
		Iat, Exp int64
	}
	if err := json.Unmarshal(must(t, payload, err), &claims); err != nil || claims.Role != "reader" || claims.Exp-claims.Iat != 3600 {
		t.Errorf("%s: %v", payload, err)
	}
	if _, err := AdminToken([]byte("no key"), "", 0); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	for _, life := range []time.Duration{-time.Second, 25 * time.Hour} {
		if _, err := AdminToken(key, "", life); !errors.Is(err, ErrInvalid) {
			t.Errorf("err = %v, want ErrInvalid", err)
		}
	}
}

func TestAdminRefuses(t *testing.T) {
	if _, err := NewAdmin("no url"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	params, _ := silent(t)
	a, err := NewAdmin(params[len("cc_kbc::"):])
	defer must(t, a, err).Close()
	if err := a.SetKey([]byte("no key")); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if err := a.SetTLSCA([]byte("no PEM")); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if err := a.Put(ctx, "no path", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	if _, err := a.Explain(ctx, "no id"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}

	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, list := a.List(ctx)
	_, explain := a.Explain(ctx, "0123")
	_, references := a.ListReferences(ctx)
	_, rotation := a.RotateKeys(ctx)
	_, versions := a.Versions(ctx, "a/b/c")
	_, restore := a.Restore(ctx, "a/b/c", 0)
	_, policies := a.ListResourcePolicies(ctx)
	for n, err := range []error{
		list, explain, references, rotation, versions, restore, policies, a.SetPathPolicy(ctx, "a", ""), a.SetAttestationPolicy(ctx, "a", ""), a.Purge(ctx, "a/b/c"), a.Put(ctx, "a/b/c", nil), a.Delete(ctx, "a/b/c"), a.SetResourcePolicy(ctx, "package policy"),
	} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d: err = %v, want context.DeadlineExceeded", n, err)
		}
	}
}
