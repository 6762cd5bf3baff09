// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

const (
	inToto        = "application/vnd.in-toto+json"
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	signPredicate = "https://sigstore.dev/cosign/sign/v1"
)

// signed is what a bundle holds: who signed, and how the log and the bundle say what.
type signed struct {
	text, sig    []byte // what is signed: of an envelope what is in it
	public, cert []byte
	kind         string
	spec         map[string]any // of the log's entry
	content      map[string]any // of the bundle
}

func hashOf(data []byte) map[string]any {
	return map[string]any{"algorithm": "sha256", "value": hexOf(sha(data))}
}

// signStatement is an envelope, as cosign 3 makes it.
func (w *world) signStatement(text []byte, o options) signed {
	key, cert, public := w.signer(o)
	sig := w.signECDSA(key, pae(inToto, text))
	envelope := map[string]any{"payload": b64(text), "payloadType": inToto, "signatures": []any{map[string]any{"sig": b64(sig)}}}
	whole, err := json.Marshal(envelope)
	check(err)
	logged := text
	if o.get("entry", "") == "other" {
		logged = []byte("other")
	}
	s := signed{text: text, sig: sig, public: public, kind: "dsse", content: map[string]any{"dsseEnvelope": envelope},
		spec: map[string]any{"envelopeHash": hashOf(whole), "payloadHash": hashOf(logged),
			"signatures": []any{map[string]any{"signature": b64(sig), "verifier": b64(public)}}}}
	if cert != nil {
		s.cert = cert.Raw
	}
	return s
}

// signMessage is a signature of bytes, as "cosign sign-blob" and sigstore-go make it.
func (w *world) signMessage(text []byte, o options) signed {
	key, cert, public := w.signer(o)
	sig := w.signECDSA(key, text)
	said, logged := text, text
	if o.get("said", "") == "other" {
		said = []byte("other")
	}
	if o.get("entry", "") == "other" {
		logged = []byte("other")
	}
	s := signed{text: text, sig: sig, public: public, kind: "hashedrekord",
		content: map[string]any{"messageSignature": map[string]any{"signature": b64(sig),
			"messageDigest": map[string]any{"algorithm": o.get("algorithm", "SHA2_256"), "digest": b64(sha(said))}}},
		spec: map[string]any{"data": map[string]any{"hash": hashOf(logged)},
			"signature": map[string]any{"content": b64(sig), "publicKey": map[string]any{"content": b64(public)}}}}
	if cert != nil {
		s.cert = cert.Raw
	}
	return s
}

// logged is the entry of a bundle.
func (w *world) logged(s signed, o options) map[string]any {
	e := w.entry(map[string]any{"apiVersion": "0.0.1", "kind": s.kind, "spec": s.spec}, o)
	one := map[string]any{
		"logIndex": fmt.Sprint(e.index), "logId": map[string]any{"keyId": b64(logID(&w.rekorKey.PublicKey))},
		"kindVersion": map[string]any{"kind": s.kind, "version": "0.0.1"}, "canonicalizedBody": b64(e.body),
		"integratedTime": fmt.Sprint(e.time),
	}
	if !o.has("without", "promise") {
		one["inclusionPromise"] = map[string]any{"signedEntryTimestamp": b64(e.set)}
	}
	if !o.has("without", "proof") {
		one["inclusionProof"] = e.proof.json(e.checkpoint)
	}
	return one
}

func (w *world) bundle(s signed, o options) []byte {
	material := map[string]any{"publicKey": map[string]any{"hint": "test"}}
	if s.cert != nil {
		material = map[string]any{"certificate": map[string]any{"rawBytes": b64(s.cert)}}
	}
	if !o.has("without", "log") {
		entries := []any{}
		for _, kind := range strings.Split(o.get("rekor", "1"), ",") {
			if kind == "1" {
				entries = append(entries, w.logged(s, o))
			} else {
				entries = append(entries, w.logged2(s, kind, o))
			}
		}
		material["tlogEntries"] = entries
	}
	if o.has("with", "stamp") {
		material["timestampVerificationData"] = map[string]any{"rfc3161Timestamps": []any{
			map[string]any{"signedTimestamp": b64(w.stamp(s.sig, o))}}}
	}
	s.content["mediaType"] = bundleType
	s.content["verificationMaterial"] = material
	made, err := json.Marshal(s.content)
	check(err)
	return made
}

func (w *world) statementBundle(text []byte, o options) []byte {
	return w.bundle(w.signStatement(text, o), o)
}

// trusted is whom Sigstore's own module trusts: the world's root, and the key of the file "key".
func (w *world) trusted(o options) root.TrustedMaterial {
	trusted, err := root.NewTrustedRootFromPath(w.path("trusted_root.json"))
	check(err)
	return root.TrustedMaterialCollection{trusted, root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		verifier, err := signature.LoadVerifier(&w.key(o.get("key", "")).PublicKey, crypto.SHA256)
		check(err)
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	})}
}

// asSigstore is what Sigstore's own module says of a bundle.
func (w *world) asSigstore(text []byte, digest name.Digest, o options) error {
	b := &sgbundle.Bundle{}
	if err := b.UnmarshalJSON(text); err != nil {
		return err
	}
	wanted := []verify.VerifierOption{}
	if _, ok := o["key"]; ok {
		wanted = append(wanted, verify.WithNoObserverTimestamps())
	} else {
		wanted = append(wanted, verify.WithSignedCertificateTimestamps(1), verify.WithObserverTimestamps(1))
	}
	if !o.has("without", "log") {
		wanted = append(wanted, verify.WithTransparencyLog(1))
	}
	v, err := verify.NewVerifier(w.trusted(o), wanted...)
	check(err)
	raw, err := hex.DecodeString(strings.TrimPrefix(digest.DigestStr(), "sha256:"))
	check(err)
	_, err = v.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", raw), verify.WithoutIdentitiesUnsafe()))
	return err
}

// judge holds a bundle against what "check" says that Sigstore's own module makes of it.
func (w *world) judge(made []byte, digest name.Digest, o options) error {
	wanted, ok := o["check"]
	if !ok {
		return nil
	}
	err := w.asSigstore(made, digest, o)
	if wanted == "refused" && err == nil {
		return fmt.Errorf("sigstore-go accepts it")
	}
	if wanted == "refused" {
		return nil
	}
	return err
}

// statementFor is the statement that options ask for.
func statementFor(digest name.Digest, o options) []byte {
	predicate := map[string]any{}
	if text, ok := o["predicate"]; ok {
		check(json.Unmarshal([]byte(text), &predicate))
	}
	return statement(digest, o, o.get("type", signPredicate), predicate)
}

// bundle-sign WORLD REF [name=value…]: as cosign 3 does, as a referrer.
func bundleSign(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	made := w.statementBundle(statementFor(digest, o), o)
	if err := w.judge(made, digest, o); err != nil {
		return err
	}
	return ociremote.WriteAttestationNewBundleFormat(digest, made, o.get("type", signPredicate))
}

// message-sign WORLD REF [name=value…]: as "cosign sign-blob" signs the manifest, as a referrer.
func messageSign(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := resolve(args[1])
	check(err)
	manifest, err := remote.Get(digest)
	check(err)
	text := manifest.Manifest
	if o.get("of", "") == "other" {
		text = append([]byte(" "), text...)
	}
	made := w.bundle(w.signMessage(text, o), o)
	if err := w.judge(made, digest, o); err != nil {
		return err
	}
	layer := static.NewLayer(made, types.MediaType(bundleType))
	return ociremote.WriteReferrer(digest, bundleType, []v1.Layer{layer},
		map[string]string{"dev.sigstore.bundle.content": "message-signature"})
}

// bundle-for WORLD DIGEST [name=value…] writes the bundle of an image that is nowhere; with "message=TEXT" of TEXT.
func bundleFor(args []string) error {
	w, o := openWorld(args[0]), parseOptions(args[2:])
	digest, err := name.NewDigest("registry.test/app@" + args[1])
	check(err)
	made := []byte{}
	if text, ok := o["message"]; ok {
		made = w.bundle(w.signMessage([]byte(text), o), o)
	} else {
		made = w.statementBundle(statementFor(digest, o), o)
	}
	fmt.Println(string(made))
	return w.judge(made, digest, o)
}
