package coco

// #include <coco/coco.h>
import "C"

import "context"

// Store is a directory of unpacked layers and what is known of the images they
// are of. Layers that images have in common are fetched and unpacked once.
// Several processes may use one at once.
//
// SPDX-License-Identifier: Apache-2.0
type Store struct {
	object[*C.coco_store]
}

// OpenStore opens the store in dir, which is made if it is not there.
func OpenStore(dir string) (*Store, error) {
	var c *C.coco_store
	err := call(func(f *frame) C.coco_status { return C.coco_store_open(f.text(0), &c, f.err) }, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{}
	s.own(c, func(c *C.coco_store) { C.coco_store_free(c) })
	return s, nil
}

// List describes, in JSON, what is in it: images, bundles and trees.
func (s *Store) List(ctx context.Context) ([]byte, error) {
	var ret *C.coco_bytes
	err := s.wait(ctx, func(c *C.coco_store, f *frame) C.coco_status {
		return C.coco_store_list(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Forget forgets an image, by its digest or a reference as it was pulled by.
func (s *Store) Forget(ctx context.Context, image string) error {
	return s.wait(ctx, func(c *C.coco_store, f *frame) C.coco_status {
		return C.coco_store_forget(c, f.ctx, f.text(0), f.err)
	}, image)
}

// Collect removes the layers that no image and no bundle has, and tells the
// bytes of content that went.
func (s *Store) Collect(ctx context.Context) (uint64, error) {
	var ret C.uint64_t
	err := s.wait(ctx, func(c *C.coco_store, f *frame) C.coco_status {
		return C.coco_store_collect(c, f.ctx, &ret, f.err)
	})
	return uint64(ret), err
}

// Verify looks whether all files are as they were unpacked, and tells in JSON
// what is bad.
func (s *Store) Verify(ctx context.Context) ([]byte, error) {
	var ret *C.coco_bytes
	err := s.wait(ctx, func(c *C.coco_store, f *frame) C.coco_status {
		return C.coco_store_verify(c, f.ctx, &ret, f.err)
	})
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Release unmounts and removes a bundle that was pulled with ImageOverlay.
func (s *Store) Release(ctx context.Context, dir string) error {
	return s.wait(ctx, func(c *C.coco_store, f *frame) C.coco_status {
		return C.coco_store_release(c, f.ctx, f.text(0), f.err)
	}, dir)
}
