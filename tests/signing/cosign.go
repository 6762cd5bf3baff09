// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	"github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
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

// cosign-verify PUBLIC REF: as "cosign verify --key" with --insecure-ignore-tlog.
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
	found, _, err := cosign.VerifyImageSignatures(context.Background(), ref, &cosign.CheckOpts{
		SigVerifier:   verifier,
		IgnoreTlog:    true,
		ClaimVerifier: cosign.SimpleClaimVerifier,
	})
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
