// Peer encrypts and decrypts the image of an OCI layout by the module that
// ocicrypt's tools are made of, in the place of those that Debian has not.
//
//	peer encrypt SRC DST RECIPIENT…
//	peer decrypt SRC DST KEY…
//
// SRC and DST are directories with one image each; recipients and keys are
// written as skopeo takes them.
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/containers/ocicrypt"
	"github.com/containers/ocicrypt/config"
	"github.com/containers/ocicrypt/helpers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	suffix = "+encrypted"
	prefix = "org.opencontainers.image.enc."
)

// layout is a directory as the image specification has it.
type layout string

func (l layout) blob(d digest.Digest) string {
	return filepath.Join(string(l), "blobs", d.Algorithm().String(), d.Encoded())
}

func (l layout) read(d digest.Digest) ([]byte, error) {
	return os.ReadFile(l.blob(d))
}

func (l layout) write(data []byte) (digest.Digest, error) {
	d := digest.FromBytes(data)
	if err := os.MkdirAll(filepath.Dir(l.blob(d)), 0o755); err != nil {
		return "", err
	}
	return d, os.WriteFile(l.blob(d), data, 0o644)
}

func (l layout) writeFile(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(string(l), name), data, 0o644)
}

// change is what becomes of one layer.
type change func(data []byte, layer ocispec.Descriptor) ([]byte, ocispec.Descriptor, error)

func encrypt(ec *config.EncryptConfig) change {
	return func(data []byte, layer ocispec.Descriptor) ([]byte, ocispec.Descriptor, error) {
		reader, finish, err := ocicrypt.EncryptLayer(ec, bytes.NewReader(data), layer)
		if err != nil {
			return nil, layer, err
		}
		sealed, err := io.ReadAll(reader)
		if err != nil {
			return nil, layer, err
		}
		annotations, err := finish()
		if err != nil {
			return nil, layer, err
		}
		layer.Annotations = annotations
		layer.MediaType += suffix
		return sealed, layer, nil
	}
}

func decrypt(dc *config.DecryptConfig) change {
	return func(data []byte, layer ocispec.Descriptor) ([]byte, ocispec.Descriptor, error) {
		reader, _, err := ocicrypt.DecryptLayer(dc, bytes.NewReader(data), layer, false)
		if err != nil {
			return nil, layer, err
		}
		plain, err := io.ReadAll(reader)
		if err != nil {
			return nil, layer, err
		}
		for name := range layer.Annotations {
			if strings.HasPrefix(name, prefix) {
				delete(layer.Annotations, name)
			}
		}
		layer.MediaType = strings.TrimSuffix(layer.MediaType, suffix)
		return plain, layer, nil
	}
}

func (l layout) changeLayers(to layout, manifest *ocispec.Manifest, change change) error {
	for i, layer := range manifest.Layers {
		data, err := l.read(layer.Digest)
		if err != nil {
			return err
		}
		changed, descriptor, err := change(data, layer)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		if descriptor.Digest, err = to.write(changed); err != nil {
			return err
		}
		descriptor.Size = int64(len(changed))
		manifest.Layers[i] = descriptor
	}
	return nil
}

// copyImage writes the image of l to another layout, with its layers changed.
func (l layout) copyImage(to layout, change change) error {
	var index ocispec.Index
	var manifest ocispec.Manifest
	data, err := os.ReadFile(filepath.Join(string(l), "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return err
	}
	if data, err = l.read(index.Manifests[0].Digest); err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		return err
	}
	if data, err = l.read(manifest.Config.Digest); err == nil {
		_, err = to.write(data)
	}
	if err != nil {
		return err
	}
	if err := l.changeLayers(to, &manifest, change); err != nil {
		return err
	}
	if data, err = json.Marshal(manifest); err != nil {
		return err
	}
	if index.Manifests[0].Digest, err = to.write(data); err != nil {
		return err
	}
	index.Manifests[0].Size = int64(len(data))
	index.Manifests = index.Manifests[:1]
	if err := to.writeFile("oci-layout", ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}); err != nil {
		return err
	}
	return to.writeFile("index.json", index)
}

func run(args []string) error {
	if len(args) < 4 {
		return fmt.Errorf("usage: peer encrypt|decrypt SRC DST WHO…")
	}
	from, to := layout(args[1]), layout(args[2])
	if args[0] == "decrypt" {
		cc, err := helpers.CreateDecryptCryptoConfig(args[3:], nil)
		if err != nil {
			return err
		}
		return from.copyImage(to, decrypt(cc.DecryptConfig))
	}
	cc, err := helpers.CreateCryptoConfig(args[3:], nil)
	if err != nil {
		return err
	}
	return from.copyImage(to, encrypt(cc.EncryptConfig))
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
