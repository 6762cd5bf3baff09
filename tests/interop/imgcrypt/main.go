// Imgcrypt encrypts and decrypts the image of an OCI layout as containerd's
// imgcrypt does it, which keeps its images in a content store: a directory of
// blobs, as a layout is.
//
//	imgcrypt encrypt LAYOUT RECIPIENT…
//	imgcrypt decrypt LAYOUT KEY…
//
// The image is replaced. Recipients and keys are written as ctr-enc takes them.
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/content/local"
	"github.com/containerd/imgcrypt/images/encryption"
	"github.com/containers/ocicrypt/config"
	"github.com/containers/ocicrypt/helpers"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func all(ocispec.Descriptor) bool { return true }

// change makes the image that desc says into another, and says which.
func change(ctx context.Context, layout string, what string, who []string, desc ocispec.Descriptor) (ocispec.Descriptor, error) {
	store, err := local.NewStore(layout)
	if err != nil {
		return desc, err
	}
	var cc config.CryptoConfig
	if what == "decrypt" {
		cc, err = helpers.CreateDecryptCryptoConfig(who, nil)
	} else {
		cc, err = helpers.CreateCryptoConfig(who, nil)
	}
	if err != nil {
		return desc, err
	}
	run := encryption.EncryptImage
	if what == "decrypt" {
		run = encryption.DecryptImage
	}
	changed, modified, err := run(ctx, store, desc, &cc, all)
	if err == nil && !modified {
		err = fmt.Errorf("nothing was changed")
	}
	return changed, err
}

func run(args []string) error {
	if len(args) < 3 || (args[0] != "encrypt" && args[0] != "decrypt") {
		return fmt.Errorf("usage: imgcrypt encrypt|decrypt LAYOUT WHO…")
	}
	var index ocispec.Index
	name := filepath.Join(args[1], "index.json")
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return err
	}
	image := index.Manifests[0]
	changed, err := change(context.Background(), args[1], args[0], args[2:], image)
	if err != nil {
		return err
	}
	changed.Annotations = image.Annotations
	index.Manifests[0] = changed
	if data, err = json.Marshal(index); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "imgcrypt:", err)
		os.Exit(1)
	}
}
