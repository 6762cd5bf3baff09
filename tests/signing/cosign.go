// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	"github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// loadSigner reads a private key as cosign does, which hashes by SHA-256 whatever the curve.
func loadSigner(path string) (signature.SignerVerifier, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := cryptoutils.UnmarshalPEMToPrivateKey(pem, cryptoutils.SkipPassword)
	if err != nil {
		return nil, err
	}
	return signature.LoadSignerVerifier(key, crypto.SHA256)
}

// resolve gives the digest that a reference means now.
func resolve(text string) (name.Digest, error) {
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		return name.Digest{}, err
	}
	return remote.ResolveDigest(ref)
}

// attach puts one more signature beside the image.
func attach(digest name.Digest, text []byte, sig []byte, opts ...static.Option) error {
	made, err := static.NewSignature(text, base64.StdEncoding.EncodeToString(sig), opts...)
	if err != nil {
		return err
	}
	entity, err := remote.SignedEntity(digest)
	if err != nil {
		return err
	}
	signed, err := mutate.AttachSignatureToEntity(entity, made)
	if err != nil {
		return err
	}
	return remote.WriteSignatures(digest.Repository, signed)
}

// cosign-sign KEY REF [IDENTITY]: as "cosign sign --key" with --tlog-upload=false.
func cosignSign(args []string) error {
	digest, err := resolve(args[1])
	if err != nil {
		return err
	}
	signer, err := loadSigner(args[0])
	if err != nil {
		return err
	}
	claims := payload.Cosign{Image: digest}
	if len(args) > 2 {
		claims.ClaimedIdentity = args[2]
	}
	text, err := claims.MarshalJSON()
	if err != nil {
		return err
	}
	sig, err := signer.SignMessage(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return attach(digest, text, sig)
}

// cosign-refer KEY REF FORM: the same as a referrer, as with --registry-referrers-mode=oci-1-1, or
// a bundle, as with --new-bundle-format.
func cosignRefer(args []string) error {
	digest, err := resolve(args[1])
	if err != nil {
		return err
	}
	signer, err := loadSigner(args[0])
	if err != nil {
		return err
	}
	if args[2] == "bundle" {
		return referByBundle(digest, signer)
	}
	text, err := payload.Cosign{Image: digest}.MarshalJSON()
	if err != nil {
		return err
	}
	sig, err := signer.SignMessage(bytes.NewReader(text))
	if err != nil {
		return err
	}
	made, err := static.NewSignature(text, base64.StdEncoding.EncodeToString(sig))
	if err != nil {
		return err
	}
	entity, err := remote.SignedEntity(digest)
	if err != nil {
		return err
	}
	signed, err := mutate.AttachSignatureToEntity(entity, made)
	if err != nil {
		return err
	}
	return remote.WriteSignaturesExperimentalOCI(digest, signed)
}

func referByBundle(digest name.Digest, signer signature.SignerVerifier) error {
	const kind = "https://sigstore.dev/cosign/sign/v1"
	hash, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{map[string]any{"digest": map[string]string{hash.Algorithm: hash.Hex}}},
		"predicateType": kind,
	})
	if err != nil {
		return err
	}
	envelope, err := dsse.WrapSigner(signer, "application/vnd.in-toto+json").SignMessage(bytes.NewReader(text))
	if err != nil {
		return err
	}
	public, err := signer.PublicKey()
	if err != nil {
		return err
	}
	pem, err := cryptoutils.MarshalPublicKeyToPEM(public)
	if err != nil {
		return err
	}
	made, err := bundle.MakeNewBundle(public, nil, text, envelope, pem, nil)
	if err != nil {
		return err
	}
	return remote.WriteAttestationNewBundleFormat(digest, made, kind)
}

// cosign-verify PUBLIC REF [FORM]: as "cosign verify --key" with --insecure-ignore-tlog. FORM is
// referrer or bundle.
func cosignVerify(args []string) error {
	pem, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return err
	}
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(args[1], name.Insecure)
	if err != nil {
		return err
	}
	form := ""
	if len(args) > 2 {
		form = args[2]
	}
	opts := &cosign.CheckOpts{
		SigVerifier:       verifier,
		IgnoreTlog:        true,
		ClaimVerifier:     cosign.SimpleClaimVerifier,
		ExperimentalOCI11: form == "referrer",
		NewBundleFormat:   form == "bundle",
	}
	verify := cosign.VerifyImageSignatures
	if form == "bundle" {
		opts.TrustedMaterial = &root.BaseTrustedMaterial{}
		verify = cosign.VerifyImageAttestations
	}
	found, _, err := verify(context.Background(), ref, opts)
	if err != nil {
		return err
	}
	fmt.Println(len(found))
	return nil
}

// cosign-key PREFIX PASSWORD [KEY]: as "cosign generate-key-pair", or "cosign import-key-pair" of KEY,
// writes PREFIX.key, which is under the password, and PREFIX.pub.
func cosignKey(args []string) error {
	pass := func(bool) ([]byte, error) { return []byte(args[1]), nil }
	var pair *cosign.KeysBytes
	var err error
	if len(args) > 2 {
		pair, err = cosign.ImportKeyPair(args[2], pass)
	} else {
		pair, err = cosign.GenerateKeyPair(pass)
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0]+".key", pair.PrivateBytes, 0o600); err != nil {
		return err
	}
	return os.WriteFile(args[0]+".pub", pair.PublicBytes, 0o600)
}

// accepting answers as the specification has it where the module does not: of a part of a blob.
type accepting struct{ http.ResponseWriter }

func (w accepting) WriteHeader(status int) {
	if status == http.StatusNoContent {
		status = http.StatusAccepted
	}
	w.ResponseWriter.WriteHeader(status)
}

// registry: one that lists what refers to an image, which Debian's does not, until stdin ends. Its
// address is told first.
func serveRegistry([]string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	handler := registry.New(quiet, registry.WithReferrersSupport(true))
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(accepting{w}, r)
		}))
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
