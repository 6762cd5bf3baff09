package coco

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

func keyPair(t *testing.T) (private, public []byte) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	privDER, err := x509.MarshalPKCS8PrivateKey(priv)
	pubDER, err2 := x509.MarshalPKIXPublicKey(pub)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privDER}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER})
}

func TestReferences(t *testing.T) {
	values, err := NewReferences()
	values = must(t, values, err)
	defer values.Close()
	if err := errors.Join(values.Add("a", `["00"]`, 1900000000, false), values.Add("a", `["11"]`, 0, false), values.Add("b", "7", 2000000000, false)); err != nil {
		t.Fatal(err)
	}
	if err := values.Add("b", "8", 0, false); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	list := values.Values()
	if len(list) != 2 || list[0] != (Reference{"a", `["00","11"]`, 1900000000}) || values.Signer() != "" {
		t.Fatal(list)
	}
	file, err := values.Format("json")
	again, err2 := ParseReferences(must(t, file, err))
	again = must(t, again, err2)
	if err := again.Remove("b"); err != nil {
		t.Fatal(err)
	}
	difference, err := values.Diff(again)
	if text := string(must(t, difference, err)); text != `[{"name":"b","change":"removed"}]` {
		t.Fatal(text)
	}
	if _, err := values.Diff(nil); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	compared, err := values.Compare("software", `{"b":7}`)
	if text := string(must(t, compared, err)); !strings.Contains(text, `"state":"same"`) {
		t.Fatal(text)
	}
}

func TestReferencesAreSigned(t *testing.T) {
	private, public := keyPair(t)
	_, stranger := keyPair(t)
	values, err := ParseReferences([]byte(`{"a":1}`))
	values = must(t, values, err)
	if err := values.Add("a", "1", 1900000000, false); err != nil {
		t.Fatal(err)
	}
	sealed, err := values.Sign(private, "Ann")
	sealed = must(t, sealed, err)
	opened, err := OpenReferences(sealed, public)
	opened = must(t, opened, err)
	if opened.Signer() != "Ann" || opened.Check(1900000000) != nil || !errors.Is(opened.Check(1900000001), ErrVerify) {
		t.Fatal(opened.Signer())
	}
	if _, err := OpenReferences(sealed, stranger); !errors.Is(err, ErrVerify) {
		t.Fatal(err)
	}
	if _, err := ParseReferences(sealed); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}
