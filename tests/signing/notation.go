// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/digitorus/timestamp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/tspclient-go"
	"github.com/sigstore/cosign/v2/pkg/oci/remote"
)

const (
	notationArtifact = "application/vnd.cncf.notary.signature"
	notationPayload  = "application/vnd.cncf.notary.payload.v1+json"
)

func notationKey(kind string) crypto.Signer {
	switch kind {
	case "rsa2048", "rsa3072", "rsa4096":
		var bits int
		fmt.Sscanf(kind, "rsa%d", &bits)
		key, err := rsa.GenerateKey(rand.Reader, bits)
		check(err)
		return key
	}
	curves := map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()}
	key, err := ecdsa.GenerateKey(curves[kind], rand.Reader)
	check(err)
	return key
}

// timestamper is the world's time-stamping authority, as Notation asks one.
type timestamper struct {
	w *world
	o options
}

func (t timestamper) Timestamp(_ context.Context, request *tspclient.Request) (*tspclient.Response, error) {
	imprint := request.MessageImprint.HashedMessage
	if t.o.get("stamp", "") == "replayed" {
		imprint = sha512Of([]byte("another signature"))[:len(imprint)]
	}
	accuracy, err := time.ParseDuration(t.o.get("accuracy", "0s"))
	check(err)
	hash := map[int]crypto.Hash{32: crypto.SHA256, 48: crypto.SHA384, 64: crypto.SHA512}[len(imprint)]
	answer := timestamp.Timestamp{
		HashAlgorithm: hash, HashedMessage: imprint, Time: t.o.when("stamped", time.Now()), Accuracy: accuracy,
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: true, Nonce: request.Nonce,
	}
	stamper, key := t.w.stamper, t.w.stamperKey
	if t.o.get("stamp", "") == "other" {
		stamper, key = t.w.otherStamper, t.w.otherStamperKey
	}
	answer.Certificates = []*x509.Certificate{}
	der, err := answer.CreateResponseWithOpts(stamper, key, crypto.SHA256)
	check(err)
	made := &tspclient.Response{}
	return made, made.UnmarshalBinary(der)
}

func sha512Of(data []byte) []byte {
	sum := sha512.Sum512(data)
	return sum[:]
}

// notationEnvelope signs digest by a fresh key, whose certificate the world's root has signed.
func (w *world) notationEnvelope(digest string, size int64, o options) (string, []byte) {
	mediaType := map[string]string{"jws": "application/jose+json", "cose": "application/cose"}[o.get("format", "jws")]
	key := notationKey(o.get("kind", "p256"))
	now := o.when("begin", time.Now().Add(-time.Minute))
	by := w.rootKey
	if o.get("ca", "") == "other" {
		by = otherKey()
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: now, NotAfter: now.Add(10 * time.Minute),
		Subject: pkix.Name{Country: []string{"DE"}, Province: []string{"BE"}, Organization: []string{o.get("organization", "Acme")},
			CommonName: "signer"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		BasicConstraintsValid: true,
	}
	parent := *w.root
	parent.PublicKey = &by.PublicKey
	der, err := x509.CreateCertificate(rand.Reader, template, &parent, key.Public(), by)
	check(err)
	cert, err := x509.ParseCertificate(der)
	check(err)
	root := w.root
	if o.get("ca", "") == "other" {
		self := *w.root
		self.PublicKey = &by.PublicKey
		der, err = x509.CreateCertificate(rand.Reader, &self, &self, &by.PublicKey, by)
		check(err)
		root, err = x509.ParseCertificate(der)
		check(err)
	}
	signer, err := signature.NewLocalSigner([]*x509.Certificate{cert, root}, key)
	check(err)
	payload, err := json.Marshal(map[string]any{"targetArtifact": map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size}})
	check(err)
	envelope, err := signature.NewEnvelope(mediaType)
	check(err)
	request := &signature.SignRequest{
		Payload: signature.Payload{ContentType: o.get("cty", notationPayload), Content: payload}, Signer: signer,
		SigningTime: now.Add(time.Second).Truncate(time.Second), SigningScheme: signature.SigningScheme(o.get("scheme", "notary.x509")),
	}
	if o.has("with", "stamp") {
		request.Timestamper, request.TSARootCAs = timestamper{w, o}, x509.NewCertPool()
		request.TSARootCAs.AddCert(w.stampRoot)
		request.TSARootCAs.AddCert(w.otherStampRoot)
	}
	if offset, ok := o["expiry"]; ok {
		delta, err := time.ParseDuration(offset)
		check(err)
		request.Expiry = time.Now().Add(delta).Truncate(time.Second)
	}
	if _, ok := o["zone"]; ok {
		zone := time.FixedZone("there", 5*3600+1800)
		request.SigningTime, request.Expiry = request.SigningTime.In(zone), request.Expiry.In(zone)
	}
	if name, ok := o["crit"]; ok {
		request.ExtendedSignedAttributes = []signature.Attribute{{Key: name, Critical: true, Value: "x"}}
	}
	made, err := envelope.Sign(request)
	check(err)
	return mediaType, made
}

// notation-sign WORLD REF [name=value…]: as "notation sign" does, as a referrer.
func notationSign(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	said := digest.DigestStr()
	if o.get("of", "") == "other" {
		said = "sha256:" + hexOf(sha([]byte("other")))
	}
	mediaType, made := w.notationEnvelope(said, 7, o)
	if o.get("flip", "") != "" {
		made[len(made)-20] ^= 1
	}
	layer := static.NewLayer(made, types.MediaType(mediaType))
	return remote.WriteReferrer(digest, notationArtifact, []v1.Layer{layer}, nil)
}

// notation-for WORLD DIGEST [name=value…] writes the envelope of an image that is nowhere.
func notationFor(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	_, made := w.notationEnvelope(args[1], 7, o)
	fmt.Print(string(made))
	return nil
}
