package coco

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// item is of a form that has no dates.
const item = "amd/Rome/ask_ark.cert"

func memory(t *testing.T) *Collateral {
	t.Helper()
	c, err := NewCollateralMemory()
	c = must(t, c, err)
	if err := c.Add(item, []byte("some"), time.Unix(1790000000, 0)); err != nil {
		t.Fatal(err)
	}
	return c
}

func expectItem(t *testing.T, c *Collateral) {
	t.Helper()
	got, err := c.Get(item)
	if got = must(t, got, err); string(got) != "some" {
		t.Errorf("got %q", got)
	}
}

func TestCollateralFiles(t *testing.T) {
	dir := t.TempDir()
	if err := memory(t).WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	c, err := NewCollateralDir(dir)
	c = must(t, c, err)
	expectItem(t, c)
	list, err := c.List()
	if list = must(t, list, err); !strings.Contains(string(list), `"fetched":1790000000`) {
		t.Errorf("list = %s", list)
	}
	if err := c.Add(item, nil, time.Time{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v", err)
	}
}

func TestCollateralBundle(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(t, der, err)})
	der, err = x509.MarshalPKIXPublicKey(public)
	owner := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(t, der, err)})
	bundle, err := memory(t).Export(key)
	bundle = must(t, bundle, err)
	c, err := NewCollateralBundle(bundle, owner)
	expectItem(t, must(t, c, err))
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = OpenCollateral(context.Background(), path, owner, false)
	expectItem(t, must(t, c, err))
	if _, err := OpenCollateral(context.Background(), path, nil, false); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
	bundle[len(bundle)-1] ^= 1
	if _, err := NewCollateralBundle(bundle, owner); !errors.Is(err, ErrVerify) {
		t.Errorf("err = %v", err)
	}
}

func TestCollateralOfOthers(t *testing.T) {
	inner := memory(t)
	recorder, err := NewCollateralRecorder(inner)
	recorder = must(t, recorder, err)
	if _, err := inner.Get(item); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
	shared, err := recorder.Share()
	shared = must(t, shared, err)
	none, err := NewCollateralMemory()
	either, err := NewCollateralEither(must(t, none, err), recorder)
	expectItem(t, must(t, either, err))
	list, err := shared.List()
	if list = must(t, list, err); !strings.Contains(string(list), item) {
		t.Errorf("list = %s", list)
	}
	if _, err := NewCollateralEither(shared, shared); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
}

func TestCollateralOfTrustee(t *testing.T) {
	path := filepath.Join(t.TempDir(), "collaterals.json")
	if err := os.WriteFile(path, []byte(`{"collaterals":{"certificates":{},"rootcacrl":"0102"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := NewCollateralTrustee(path, false)
	got, err := must(t, c, err).Get("intel/root-ca.crl")
	if got = must(t, got, err); string(got) != "\x01\x02" {
		t.Errorf("got %q", got)
	}
}

func TestCollateralServices(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer server.Close()
	services := CollateralServices{AMD: server.URL, WithoutIntel: true, Direct: true, Cache: filepath.Join(t.TempDir(), "cache")}
	c, err := NewCollateralHTTP(context.Background(), services)
	c = must(t, c, err)
	for range [2]int{} {
		if _, err := c.Get("amd/Milan/vcek.crl"); !errors.Is(err, ErrNotFound) {
			t.Errorf("err = %v", err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	if _, err := c.Get("intel/root-ca.crl"); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v", err)
	}
	services.TLSCA = []byte("no certificate")
	if _, err := NewCollateralHTTP(context.Background(), services); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v", err)
	}
	v, err := NewVerifier()
	v = must(t, v, err)
	if err := v.SetCollateral(c); err != nil {
		t.Fatal(err)
	}
}
