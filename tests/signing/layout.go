// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry"
)

// layout-list LAYOUT TAG TYPE: what ORAS finds that refers to an image of an OCI layout, and what is
// in its only layer.
func layoutList(args []string) error {
	ctx := context.Background()
	store, err := oci.New(args[0])
	if err != nil {
		return err
	}
	subject, err := store.Resolve(ctx, args[1])
	if err != nil {
		return err
	}
	found, err := registry.Referrers(ctx, store, subject, args[2])
	if err != nil {
		return err
	}
	for _, one := range found {
		layers, err := content.Successors(ctx, store, one)
		if err != nil {
			return err
		}
		for _, layer := range layers {
			if layer.MediaType != args[2] {
				continue
			}
			text, err := content.FetchAll(ctx, store, layer)
			if err != nil {
				return err
			}
			fmt.Println(string(text))
		}
	}
	return nil
}

// layout-refer LAYOUT TAG TYPE FILE: as "oras attach --oci-layout --artifact-type TYPE", the file
// being the only layer.
func layoutRefer(args []string) error {
	ctx := context.Background()
	store, err := oci.New(args[0])
	if err != nil {
		return err
	}
	subject, err := store.Resolve(ctx, args[1])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	layer, err := oras.PushBytes(ctx, store, args[2], text)
	if err != nil {
		return err
	}
	_, err = oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, args[2],
		oras.PackManifestOptions{Subject: &subject, Layers: []ocispec.Descriptor{layer}})
	return err
}
