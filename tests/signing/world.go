// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509util "github.com/google/certificate-transparency-go/x509util"
)

var (
	oidIssuer = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oidSCT    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
	oidUsage  = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidStamps = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// world is a Sigstore of its own: those who certify, log and stamp, in files.
type world struct {
	dir                                           string
	root, between, stampRoot, stamper             *x509.Certificate
	rootKey, betweenKey, stampRootKey, stamperKey *ecdsa.PrivateKey
	otherStampRoot, otherStamper                  *x509.Certificate // whom nobody trusts
	otherStamperKey                               *ecdsa.PrivateKey
	rekorKey, ctKey                               *ecdsa.PrivateKey
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) key(name string) *ecdsa.PrivateKey {
	text, err := os.ReadFile(w.path(name + ".key"))
	if err == nil {
		block, _ := pem.Decode(text)
		key, err := x509.ParseECPrivateKey(block.Bytes)
		check(err)
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	der, err := x509.MarshalECPrivateKey(key)
	check(err)
	w.write(name+".key", "EC PRIVATE KEY", der)
	w.write(name+".pub", "PUBLIC KEY", spki(&key.PublicKey))
	return key
}

func (w *world) write(name, kind string, ders ...[]byte) {
	text := []byte{}
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	check(os.WriteFile(w.path(name), text, 0o600))
}

func spki(key crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	check(err)
	return der
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (w *world) cert(name string, template, parent *x509.Certificate, public crypto.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	text, err := os.ReadFile(w.path(name + ".pem"))
	if err == nil {
		block, _ := pem.Decode(text)
		cert, err := x509.ParseCertificate(block.Bytes)
		check(err)
		return cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	check(err)
	w.write(name+".pem", "CERTIFICATE", der)
	cert, err := x509.ParseCertificate(der)
	check(err)
	return cert
}

func authority(name string, usage ...x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"libcoco tests"}},
		NotBefore: time.Now().Add(-2000 * time.Hour), NotAfter: time.Now().Add(2000 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: usage,
		BasicConstraintsValid: true, IsCA: true,
	}
}

// openWorld makes what is not there yet.
func openWorld(dir string) *world {
	check(os.MkdirAll(dir, 0o700))
	w := &world{dir: dir}
	w.rootKey, w.betweenKey, w.rekorKey, w.ctKey = w.key("root"), w.key("between"), w.key("rekor"), w.key("ctfe")
	w.stampRootKey, w.stamperKey = w.key("stamproot"), w.key("stamper")
	w.root = w.cert("root", authority("root"), authority("root"), &w.rootKey.PublicKey, w.rootKey)
	w.between = w.cert("between", authority("between", x509.ExtKeyUsageCodeSigning), w.root, &w.betweenKey.PublicKey, w.rootKey)
	w.stampRoot, w.stamper = w.stampers("stamproot", "stamper", w.stampRootKey, w.stamperKey)
	otherRootKey := w.key("otherstamproot")
	w.otherStamperKey = w.key("otherstamper")
	w.otherStampRoot, w.otherStamper = w.stampers("otherstamproot", "otherstamper", otherRootKey, w.otherStamperKey)
	w.write("ca.pem", "CERTIFICATE", w.between.Raw, w.root.Raw)
	w.write("tsa.pem", "CERTIFICATE", w.stamper.Raw, w.stampRoot.Raw)
	w.writeRoot()
	return w
}

// stampers are a time-stamping authority and its root.
func (w *world) stampers(rootName, name string, rootKey, key *ecdsa.PrivateKey) (*x509.Certificate, *x509.Certificate) {
	root := w.cert(rootName, authority(rootName), authority(rootName), &rootKey.PublicKey, rootKey)
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{oidStamps})
	check(err)
	return root, w.cert(name, &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name, Organization: []string{"libcoco tests"}},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtraExtensions: []pkix.Extension{{Id: oidUsage, Critical: true, Value: usage}},
	}, root, &key.PublicKey, rootKey)
}

func logID(key crypto.PublicKey) []byte {
	id := sha256.Sum256(spki(key))
	return id[:]
}

func (w *world) writeRoot() {
	start := time.Now().Add(-2000 * time.Hour).UTC().Format(time.RFC3339)
	raw := func(der []byte) map[string]any {
		return map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(der)}
	}
	instance := func(public crypto.PublicKey, details string, id []byte, host string) map[string]any {
		key := raw(spki(public))
		key["keyDetails"] = details
		key["validFor"] = map[string]any{"start": start}
		return map[string]any{"baseUrl": "https://" + host, "hashAlgorithm": "SHA2_256", "publicKey": key,
			"logId": map[string]any{"keyId": base64.StdEncoding.EncodeToString(id)}}
	}
	log := func(key *ecdsa.PrivateKey, host string) map[string]any {
		return instance(&key.PublicKey, "PKIX_ECDSA_P256_SHA_256", logID(&key.PublicKey), host)
	}
	log2 := func(kind string) map[string]any {
		t := w.rekor2(kind)
		return instance(t.key.Public(), t.details, t.id(), t.name)
	}
	chain := func(uri string, certs ...*x509.Certificate) map[string]any {
		list := []any{}
		for _, cert := range certs {
			list = append(list, raw(cert.Raw))
		}
		return map[string]any{"uri": uri, "subject": map[string]any{"organization": "libcoco tests", "commonName": "test"},
			"certChain": map[string]any{"certificates": list}, "validFor": map[string]any{"start": start}}
	}
	text, err := json.Marshal(map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":                  []any{log(w.rekorKey, "rekor.test"), log2("ed25519"), log2("ecdsa")},
		"ctlogs":                 []any{log(w.ctKey, "ctfe.test")},
		"certificateAuthorities": []any{chain("https://fulcio.test", w.between, w.root)},
		"timestampAuthorities":   []any{chain("https://tsa.test", w.stamper, w.stampRoot)},
	})
	check(err)
	check(os.WriteFile(w.path("trusted_root.json"), text, 0o600))
}

// leaf is a certificate as Fulcio makes it, with the promise of a log unless sct is "none".
func (w *world) leaf(public crypto.PublicKey, o options) *x509.Certificate {
	issuer, err := asn1.MarshalWithParams(o.get("issuer", "https://issuer.test"), "utf8")
	check(err)
	begin := o.when("begin", time.Now().Add(-time.Minute))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: begin, NotAfter: begin.Add(10 * time.Minute),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: oidIssuer, Value: issuer}},
	}
	if o.get("usage", "") == "none" {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	subject := o.get("subject", "dev@example.test")
	if strings.Contains(subject, "://") {
		uri, err := url.Parse(subject)
		check(err)
		template.URIs = []*url.URL{uri}
	} else {
		template.EmailAddresses = []string{subject}
	}
	by := w.betweenKey
	if o.get("ca", "") == "other" {
		by = otherKey()
	}
	parent := *w.between
	parent.PublicKey = &by.PublicKey
	make := func() *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, &parent, public, by)
		check(err)
		cert, err := x509.ParseCertificate(der)
		check(err)
		return cert
	}
	if o.get("sct", "") != "none" {
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: oidSCT, Value: w.promise(make(), o)})
	}
	return make()
}

func otherKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

// promise is the list with one promise to log the certificate, which has none yet.
func (w *world) promise(cert *x509.Certificate, o options) []byte {
	key := w.ctKey
	if o.get("sct", "") == "other" {
		key = otherKey()
	}
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: uint64(cert.NotBefore.UnixMilli())}
	copy(sct.LogID.KeyID[:], logID(&w.ctKey.PublicKey))
	entry := ct.LogEntry{Leaf: ct.MerkleTreeLeaf{Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{EntryType: ct.PrecertLogEntryType, Timestamp: sct.Timestamp,
			PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(spki(&w.betweenKey.PublicKey)), TBSCertificate: cert.RawTBSCertificate}}}}
	text, err := ct.SerializeSCTSignatureInput(sct, entry)
	check(err)
	digest := sha256.Sum256(text)
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	check(err)
	sct.Signature = ct.DigitallySigned{Algorithm: tls.SignatureAndHashAlgorithm{Hash: tls.SHA256, Signature: tls.ECDSA}, Signature: sig}
	list, err := ctx509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&sct})
	check(err)
	inner, err := tls.Marshal(*list)
	check(err)
	outer, err := asn1.Marshal(inner)
	check(err)
	return outer
}

// options are name=value arguments.
type options map[string]string

func parseOptions(args []string) options {
	o := options{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		o[name] = value
	}
	return o
}

func (o options) get(name, otherwise string) string {
	if value, ok := o[name]; ok {
		return value
	}
	return otherwise
}

func (o options) when(name string, otherwise time.Time) time.Time {
	value, ok := o[name]
	if !ok {
		return otherwise
	}
	offset, err := time.ParseDuration(value)
	check(err)
	return time.Now().Add(offset)
}

func hexOf(data []byte) string { return hex.EncodeToString(data) }
