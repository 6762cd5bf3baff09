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
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	"github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
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

// proof is that an entry is in a tree of 5 entries, of which it is the third.
type proof struct {
	at, size int
	hashes   [][]byte
	root     []byte
}

func prove(body []byte) *proof {
	leaf := func(text string) []byte { return sha([]byte{0}, []byte(text)) }
	node := func(a, b []byte) []byte { return sha([]byte{1}, a, b) }
	left, right, last := node(leaf("0"), leaf("1")), leaf("3"), leaf("4")
	root := node(node(left, node(leaf(string(body)), right)), last)
	return &proof{2, 5, [][]byte{right, left, last}, root}
}

// spoil makes it another, or one that is cut, or has too much.
func (p *proof) spoil(o options) {
	switch o.get("proof", "") {
	case "bad":
		p.hashes[1] = sha([]byte("x"))
	case "short":
		p.hashes = p.hashes[:2]
	case "long":
		p.hashes = append(p.hashes, sha([]byte("x")))
	}
}

func (p *proof) json(checkpoint string) map[string]any {
	hashes := []any{}
	for _, hash := range p.hashes {
		hashes = append(hashes, b64(hash))
	}
	return map[string]any{"logIndex": fmt.Sprint(p.at), "treeSize": fmt.Sprint(p.size), "hashes": hashes,
		"rootHash": b64(p.root), "checkpoint": map[string]any{"envelope": checkpoint}}
}

// entry is one of the log of Rekor 1, whose body is body.
type entry struct {
	body        []byte
	time, index int64
	set         []byte
	proof       *proof
	checkpoint  string
}

// promise is a SignedEntryTimestamp, without the signature.
func (e entry) promise(id []byte) []byte {
	text, err := json.Marshal(map[string]any{"body": b64(e.body), "integratedTime": e.time, "logIndex": e.index, "logID": hexOf(id)})
	check(err)
	text, err = jsoncanonicalizer.Transform(text)
	check(err)
	return text
}

func (w *world) entry(body any, o options) entry {
	text, err := json.Marshal(body)
	check(err)
	canonical, err := jsoncanonicalizer.Transform(text)
	check(err)
	e := entry{body: canonical, time: o.when("logged", time.Now()).Unix(), index: 4711, proof: prove(canonical)}
	key := w.rekorKey
	if o.get("log", "") == "other" {
		key = otherKey()
	}
	e.set = w.signECDSA(key, e.promise(logID(&w.rekorKey.PublicKey)))
	note := fmt.Sprintf("rekor.test - 1\n%d\n%s\n", e.proof.size, b64(e.proof.root))
	hint := logID(&w.rekorKey.PublicKey)[:4]
	if o.get("note", "") == "hint" {
		hint = []byte("hint")
	}
	e.checkpoint = fmt.Sprintf("%s\n— rekor.test %s\n", note, b64(append(hint, w.signECDSA(key, []byte(note))...)))
	e.proof.spoil(o)
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

// pae is what is signed of an envelope.
func pae(kind string, text []byte) []byte {
	return append([]byte(fmt.Sprintf("DSSEv1 %d %s %d ", len(kind), kind, len(text))), text...)
}

// world DIR makes one.
func makeWorld(args []string) error {
	openWorld(args[0])
	return nil
}

// attest WORLD REF [name=value…]: as "cosign attest" of cosign 2 does, an envelope with annotations; fill=N
// makes its statement longer.
func attest(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	predicate := map[string]any{}
	check(json.Unmarshal([]byte(o.get("predicate", "{}")), &predicate))
	if bytes, err := strconv.Atoi(o.get("fill", "0")); err == nil && bytes > 0 {
		predicate["fill"] = strings.Repeat("x", bytes)
	}
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
	check(json.Unmarshal(w.statementBundle(text, o), &made))
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
