// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	"github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

func sha(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:]
}

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

func pemOf(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func (w *world) signECDSA(key *ecdsa.PrivateKey, data []byte) []byte {
	sig, err := ecdsa.SignASN1(rand.Reader, key, sha(data))
	check(err)
	return sig
}

// stamp is what the time-stamping authority answers for sig.
func (w *world) stamp(sig []byte, o options) []byte {
	key := w.stamperKey
	if o.get("stamp", "") == "other" {
		key = otherKey()
	}
	request, err := timestamp.CreateRequest(bytes.NewReader(sig), &timestamp.RequestOptions{Hash: crypto.SHA256})
	check(err)
	parsed, err := timestamp.ParseRequest(request)
	check(err)
	answer := timestamp.Timestamp{
		HashAlgorithm: parsed.HashAlgorithm, HashedMessage: parsed.HashedMessage, Time: o.when("stamped", time.Now()),
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: o.get("stamp", "") == "with",
	}
	der, err := answer.CreateResponseWithOpts(w.stamper, key, crypto.SHA256)
	check(err)
	return der
}

// entry is one of the log, whose body is body.
type entry struct {
	body            []byte
	time            int64
	index, at, size int64
	set             []byte
	hashes          [][]byte
	checkpoint      string
}

func (w *world) entry(body any, o options) entry {
	text, err := json.Marshal(body)
	check(err)
	canonical, err := jsoncanonicalizer.Transform(text)
	check(err)
	e := entry{body: canonical, time: o.when("logged", time.Now()).Unix(), index: 4711}
	key := w.rekorKey
	if o.get("log", "") == "other" {
		key = otherKey()
	}
	set, err := json.Marshal(map[string]any{"body": b64(e.body), "integratedTime": e.time, "logIndex": e.index,
		"logID": hexOf(logID(&w.rekorKey.PublicKey))})
	check(err)
	set, err = jsoncanonicalizer.Transform(set)
	check(err)
	e.set = w.signECDSA(key, set)
	// A tree of 5 entries, of which this is the third: left of it two, right of it two.
	leaf := func(text string) []byte { return sha([]byte{0}, []byte(text)) }
	node := func(a, b []byte) []byte { return sha([]byte{1}, a, b) }
	own := sha([]byte{0}, e.body)
	left, right, last := node(leaf("0"), leaf("1")), leaf("3"), leaf("4")
	top := node(node(left, node(own, right)), last)
	e.at, e.size, e.hashes = 2, 5, [][]byte{right, left, last}
	note := fmt.Sprintf("rekor.test - 1\n5\n%s\n", b64(top))
	hint := logID(&w.rekorKey.PublicKey)[:4]
	e.checkpoint = fmt.Sprintf("%s\n— rekor.test %s\n", note, b64(append(hint, w.signECDSA(key, []byte(note))...)))
	if o.get("proof", "") == "bad" {
		e.hashes[1] = leaf("x")
	}
	return e
}

// signer is a fresh key with its certificate, or the key of the file "key" without one.
func (w *world) signer(o options) (*ecdsa.PrivateKey, *x509.Certificate, []byte) {
	if name, ok := o["key"]; ok {
		key := w.key(name)
		return key, nil, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(&key.PublicKey)})
	}
	key := otherKey()
	cert := w.leaf(&key.PublicKey, o)
	return key, cert, pemOf(cert)
}

// has says whether one of the words of an option is word.
func (o options) has(name, word string) bool {
	for _, one := range strings.Split(o[name], ",") {
		if one == word {
			return true
		}
	}
	return false
}

// keyless-sign WORLD REF [name=value…]: as cosign 2 does, in annotations.
func keylessSign(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	text, err := payload.Cosign{Image: digest}.MarshalJSON()
	check(err)
	key, cert, public := w.signer(o)
	sig := w.signECDSA(key, text)
	logged := text
	if o.get("entry", "") == "other" {
		logged = []byte("something else")
	}
	opts := []static.Option{}
	if !o.has("without", "log") {
		e := w.entry(map[string]any{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": map[string]any{
			"data":      map[string]any{"hash": map[string]any{"algorithm": "sha256", "value": hexOf(sha(logged))}},
			"signature": map[string]any{"content": b64(sig), "publicKey": map[string]any{"content": b64(public)}},
		}}, o)
		opts = append(opts, static.WithBundle(&bundle.RekorBundle{SignedEntryTimestamp: e.set, Payload: bundle.RekorPayload{
			Body: b64(e.body), IntegratedTime: e.time, LogIndex: e.index, LogID: hexOf(logID(&w.rekorKey.PublicKey))}}))
	}
	if o.has("with", "stamp") {
		opts = append(opts, static.WithRFC3161Timestamp(&bundle.RFC3161Timestamp{SignedRFC3161Timestamp: w.stamp(sig, o)}))
	}
	if cert != nil {
		opts = append(opts, static.WithCertChain(pemOf(cert), append(pemOf(w.between), pemOf(w.root)...)))
	}
	return attach(digest, text, sig, opts...)
}

// statement is what is said of the image.
func statement(digest name.Digest, o options, predicateType string, predicate any) []byte {
	said := strings.TrimPrefix(digest.DigestStr(), "sha256:")
	if o.get("of", "") == "other" {
		said = hexOf(sha([]byte("other")))
	}
	text, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicateType, "predicate": predicate,
		"subject": []any{map[string]any{"name": o.get("name", ""), "digest": map[string]any{"sha256": said}}},
	})
	check(err)
	return text
}

func pae(kind string, text []byte) []byte {
	return append([]byte(fmt.Sprintf("DSSEv1 %d %s %d ", len(kind), kind, len(text))), text...)
}

// makeBundle signs a statement, as cosign 3 does.
func (w *world) makeBundle(text []byte, o options) []byte {
	const kind = "application/vnd.in-toto+json"
	key, cert, public := w.signer(o)
	sig := w.signECDSA(key, pae(kind, text))
	material := map[string]any{"publicKey": map[string]any{"hint": "test"}}
	if cert != nil {
		material = map[string]any{"certificate": map[string]any{"rawBytes": b64(cert.Raw)}}
	}
	if !o.has("without", "log") {
		payloadHash := hexOf(sha(text))
		if o.get("entry", "") == "other" {
			payloadHash = hexOf(sha([]byte("other")))
		}
		envelope, err := json.Marshal(map[string]any{"payload": b64(text), "payloadType": kind, "signatures": []any{map[string]any{"sig": b64(sig)}}})
		check(err)
		e := w.entry(map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{
			"envelopeHash": map[string]any{"algorithm": "sha256", "value": hexOf(sha(envelope))},
			"payloadHash":  map[string]any{"algorithm": "sha256", "value": payloadHash},
			"signatures":   []any{map[string]any{"signature": b64(sig), "verifier": b64(public)}},
		}}, o)
		one := map[string]any{
			"logIndex": fmt.Sprint(e.index), "logId": map[string]any{"keyId": b64(logID(&w.rekorKey.PublicKey))},
			"kindVersion": map[string]any{"kind": "dsse", "version": "0.0.1"}, "canonicalizedBody": b64(e.body),
			"integratedTime": fmt.Sprint(e.time),
		}
		if !o.has("without", "promise") {
			one["inclusionPromise"] = map[string]any{"signedEntryTimestamp": b64(e.set)}
		}
		if !o.has("without", "proof") {
			hashes := []any{}
			for _, hash := range e.hashes {
				hashes = append(hashes, b64(hash))
			}
			one["inclusionProof"] = map[string]any{"logIndex": fmt.Sprint(e.at), "treeSize": fmt.Sprint(e.size), "hashes": hashes,
				"rootHash": b64(rootOf(e)), "checkpoint": map[string]any{"envelope": e.checkpoint}}
		}
		material["tlogEntries"] = []any{one}
	}
	if o.has("with", "stamp") {
		material["timestampVerificationData"] = map[string]any{"rfc3161Timestamps": []any{
			map[string]any{"signedTimestamp": b64(w.stamp(sig, o))}}}
	}
	made, err := json.Marshal(map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": material,
		"dsseEnvelope":         map[string]any{"payload": b64(text), "payloadType": kind, "signatures": []any{map[string]any{"sig": b64(sig)}}},
	})
	check(err)
	return made
}

// rootOf is the third line of a checkpoint.
func rootOf(e entry) []byte {
	hash, err := base64.StdEncoding.DecodeString(strings.Split(e.checkpoint, "\n")[2])
	check(err)
	return hash
}

// asSigstore lets Sigstore's own module verify a bundle, which must hold.
func (w *world) asSigstore(text []byte, digest name.Digest, o options) {
	trusted, err := root.NewTrustedRootFromPath(w.path("trusted_root.json"))
	check(err)
	b := &sgbundle.Bundle{}
	check(b.UnmarshalJSON(text))
	wanted := []verify.VerifierOption{verify.WithSignedCertificateTimestamps(1), verify.WithObserverTimestamps(1)}
	if !o.has("without", "log") {
		wanted = append(wanted, verify.WithTransparencyLog(1))
	}
	v, err := verify.NewVerifier(trusted, wanted...)
	check(err)
	raw, err := hex.DecodeString(strings.TrimPrefix(digest.DigestStr(), "sha256:"))
	check(err)
	_, err = v.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", raw), verify.WithoutIdentitiesUnsafe()))
	check(err)
}

// bundle-sign WORLD REF [name=value…]: as cosign 3 does, as a referrer.
func bundleSign(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	kind := o.get("type", "https://sigstore.dev/cosign/sign/v1")
	predicate := map[string]any{}
	if text, ok := o["predicate"]; ok {
		check(json.Unmarshal([]byte(text), &predicate))
	}
	made := w.makeBundle(statement(digest, o, kind, predicate), o)
	if o.has("check", "sigstore") {
		w.asSigstore(made, digest, o)
	}
	return remote.WriteAttestationNewBundleFormat(digest, made, kind)
}

// world DIR makes one.
func makeWorld(args []string) error {
	openWorld(args[0])
	return nil
}

// bundle-for WORLD DIGEST [name=value…] writes the bundle of an image that is nowhere.
func bundleFor(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := name.NewDigest("registry.test/app@" + args[1])
	check(err)
	kind := o.get("type", "https://sigstore.dev/cosign/sign/v1")
	predicate := map[string]any{}
	if text, ok := o["predicate"]; ok {
		check(json.Unmarshal([]byte(text), &predicate))
	}
	fmt.Println(string(w.makeBundle(statement(digest, o, kind, predicate), o)))
	return nil
}

// attest WORLD REF [name=value…]: as "cosign attest" of cosign 2 does, an envelope with annotations.
func attest(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	predicate := map[string]any{}
	check(json.Unmarshal([]byte(o.get("predicate", "{}")), &predicate))
	kind := o.get("type", "https://slsa.dev/provenance/v1")
	text := statement(digest, o, kind, predicate)
	var made struct {
		VerificationMaterial struct {
			Certificate struct{ RawBytes []byte } `json:"certificate"`
			TlogEntries []struct {
				CanonicalizedBody []byte
				IntegratedTime    int64 `json:",string"`
				LogIndex          int64 `json:",string"`
				InclusionPromise  struct{ SignedEntryTimestamp []byte }
			}
		}
		DsseEnvelope json.RawMessage
	}
	check(json.Unmarshal(w.makeBundle(text, o), &made))
	opts := []static.Option{static.WithLayerMediaType("application/vnd.dsse.envelope.v1+json")}
	if raw := made.VerificationMaterial.Certificate.RawBytes; raw != nil {
		cert, err := x509.ParseCertificate(raw)
		check(err)
		opts = append(opts, static.WithCertChain(pemOf(cert), append(pemOf(w.between), pemOf(w.root)...)))
	}
	for _, e := range made.VerificationMaterial.TlogEntries {
		opts = append(opts, static.WithBundle(&bundle.RekorBundle{SignedEntryTimestamp: e.InclusionPromise.SignedEntryTimestamp,
			Payload: bundle.RekorPayload{Body: b64(e.CanonicalizedBody), IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex,
				LogID: hexOf(logID(&w.rekorKey.PublicKey))}}))
	}
	made2, err := static.NewAttestation(made.DsseEnvelope, opts...)
	check(err)
	entity, err := remote.SignedEntity(digest)
	check(err)
	signed, err := mutate.AttachAttestationToEntity(entity, made2)
	check(err)
	return remote.WriteAttestations(digest.Repository, signed)
}
