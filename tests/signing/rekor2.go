// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbdsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	pb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/dsse"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore/pkg/signature"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// tiled is a log of Rekor 2.
type tiled struct {
	name    string
	key     crypto.Signer
	details string
}

// rekor2 is the world's log of that kind: "ed25519" or "ecdsa".
func (w *world) rekor2(kind string) tiled {
	if kind == "ecdsa" {
		return tiled{"log-ec.rekor.test", w.key("rekor2ec"), "PKIX_ECDSA_P256_SHA_256"}
	}
	return tiled{"log.rekor.test", w.edKey("rekor2"), "PKIX_ED25519"}
}

func (w *world) edKey(name string) ed25519.PrivateKey {
	text, err := os.ReadFile(w.path(name + ".key"))
	if err == nil {
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		check(err)
		return key.(ed25519.PrivateKey)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	w.write(name+".key", "PRIVATE KEY", der)
	w.write(name+".pub", "PUBLIC KEY", spki(public))
	return key
}

// id names the log in its entries: in full what its checkpoints begin with.
func (t tiled) id() []byte {
	_, id, err := rekornote.KeyHash(t.name, t.key.Public())
	check(err)
	return id
}

func (t tiled) signer(o options) note.Signer {
	name, key := t.name, t.key
	if o.get("log", "") == "other" {
		if _, ok := key.(ed25519.PrivateKey); ok {
			_, fresh, err := ed25519.GenerateKey(rand.Reader)
			check(err)
			key = fresh
		} else {
			key = otherKey()
		}
	}
	if o.get("origin", "") == "other" {
		name = "other.rekor.test"
	}
	sv, err := signature.LoadSignerVerifier(key, crypto.SHA256)
	check(err)
	made, err := rekornote.NewNoteSigner(context.Background(), name, sv)
	check(err)
	return made
}

// checkpoint is a note of a tree; "note" changes what of it is not signed, or who signs.
func (t tiled) checkpoint(size int, root []byte, o options) string {
	signers := []note.Signer{t.signer(o)}
	if o.get("note", "") == "witness" {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		check(err)
		signers = append([]note.Signer{tiled{"witness.test", key, ""}.signer(options{})}, signers...)
	}
	if o.get("note", "") == "twice" {
		signers = append([]note.Signer{tiled{t.name, otherKey(), ""}.signer(options{})}, signers...)
	}
	origin := signers[len(signers)-1].Name()
	if o.get("note", "") == "origin" {
		origin = "other.rekor.test"
	}
	if o.get("note", "") == "tree" {
		origin += " - 4711"
	}
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, b64(root))}, signers...)
	check(err)
	made := string(text)
	if o.get("note", "") == "hint" {
		at := strings.LastIndex(made, " ") + 1
		made = made[:at] + "AAAAAA" + made[at+6:]
	}
	if o.get("note", "") == "unsigned" {
		made = made[:strings.Index(made, "\n\n")+2]
	}
	return made
}

// body is what the log keeps of a signature.
func (s signed) body(o options) []byte {
	registry, err := signature.NewAlgorithmRegistryConfig([]common.PublicKeyDetails{common.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256})
	check(err)
	verifier := &pb.Verifier{KeyDetails: common.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256}
	if s.cert != nil {
		verifier.Verifier = &pb.Verifier_X509Certificate{X509Certificate: &common.X509Certificate{RawBytes: s.cert}}
	} else {
		block, _ := pem.Decode(s.public)
		verifier.Verifier = &pb.Verifier_PublicKey{PublicKey: &pb.PublicKey{RawBytes: block.Bytes}}
	}
	var entry *pb.Entry
	if s.kind == "dsse" {
		entry, err = dsse.ToLogEntry(&pb.DSSERequestV002{Verifiers: []*pb.Verifier{verifier}, Envelope: &pbdsse.Envelope{
			Payload: s.text, PayloadType: inToto, Signatures: []*pbdsse.Signature{{Sig: s.sig}}}}, registry)
	} else {
		entry, err = hashedrekord.ToLogEntry(&pb.HashedRekordRequestV002{Digest: sha(s.text),
			Signature: &pb.Signature{Content: s.sig, Verifier: verifier}}, registry)
	}
	check(err)
	if o.get("entry", "") == "other" {
		hash := entry.GetSpec().GetDsseV002().GetPayloadHash()
		if s.kind != "dsse" {
			hash = entry.GetSpec().GetHashedRekordV002().GetData()
		}
		hash.Digest = sha([]byte("other"))
	}
	text, err := protojson.Marshal(entry)
	check(err)
	canonical, err := jsoncanonicalizer.Transform(text)
	check(err)
	return canonical
}

// logged2 is the entry of a bundle, as Rekor 2 answers: no time, and no promise but what is there.
func (w *world) logged2(s signed, kind string, o options) map[string]any {
	log := w.rekor2(kind)
	body := s.body(o)
	proof := prove(body)
	proof.spoil(o)
	index := fmt.Sprint(proof.at)
	if o.get("index", "") == "other" {
		index = fmt.Sprint(proof.at + 1)
	}
	one := map[string]any{
		"logIndex": index, "logId": map[string]any{"keyId": b64(log.id())},
		"kindVersion": map[string]any{"kind": s.kind, "version": "0.0.2"}, "canonicalizedBody": b64(body),
	}
	if o.has("with", "promise") {
		e := entry{body: body, time: time.Now().Unix(), index: int64(proof.at)}
		sv, err := signature.LoadSignerVerifier(log.key, crypto.SHA256)
		check(err)
		set, err := sv.SignMessage(bytes.NewReader(e.promise(log.id())))
		check(err)
		one["integratedTime"] = fmt.Sprint(e.time)
		one["inclusionPromise"] = map[string]any{"signedEntryTimestamp": b64(set)}
	}
	if !o.has("without", "proof") {
		one["inclusionProof"] = proof.json(log.checkpoint(proof.size, proof.root, o))
	}
	return one
}
