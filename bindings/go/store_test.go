package coco

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestStore(t *testing.T) {
	ctx := context.Background()
	dir, digest := layout(t)
	top := t.TempDir()
	store, err := OpenStore(filepath.Join(top, "store"))
	store = must(t, store, err)
	client, err := NewImageClient()
	client = must(t, client, err)
	ref, err := ParseImageRef("oci:" + dir + ":app")
	ref = must(t, ref, err)
	if err := errors.Join(client.SetPolicy([]byte(anything)), client.SetStore(store)); err != nil {
		t.Fatal(err)
	}
	opts := &ImageOptions{Flags: ImageIgnoreChown}
	for _, name := range []string{"a", "b"} {
		image, err := client.Pull(ctx, ref, filepath.Join(top, name), opts)
		if image = must(t, image, err); image.Digest != digest {
			t.Fatal(image.Digest)
		}
		text, err := os.ReadFile(filepath.Join(top, name, "rootfs/hello"))
		if text = must(t, text, err); string(text) != content {
			t.Fatal(string(text))
		}
	}

	var list struct{ Images []struct{ Digest string } }
	text, err := store.List(ctx)
	if err := json.Unmarshal(must(t, text, err), &list); err != nil || len(list.Images) != 1 || list.Images[0].Digest != digest {
		t.Fatal(err, string(text))
	}
	report, err := store.Verify(ctx)
	if report = must(t, report, err); string(report) != `{"bad":[],"trees":1}` {
		t.Fatal(string(report))
	}
	if err := store.Release(ctx, filepath.Join(top, "b")); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if err := store.Forget(ctx, digest); err != nil {
		t.Fatal(err)
	}
	if freed, err := store.Collect(ctx); err != nil || freed != uint64(len(content)) {
		t.Fatal(freed, err)
	}

	var plan struct {
		Fetch  uint64
		Layers []struct{ Here bool }
	}
	text, err = client.Plan(ctx, ref, nil)
	if err := json.Unmarshal(must(t, text, err), &plan); err != nil || len(plan.Layers) != 1 || plan.Layers[0].Here || plan.Fetch == 0 {
		t.Fatal(err, string(text))
	}

	opts.Flags |= ImageOverlay
	if err := client.SetStore(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pull(ctx, ref, filepath.Join(top, "c"), opts); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	if err := client.SetStore(store); err != nil {
		t.Fatal(err)
	}
	_ = store.Close()
	if _, err := client.Pull(ctx, ref, filepath.Join(top, "c"), opts); !errors.Is(err, ErrInvalid) {
		t.Fatal("a closed store was used:", err)
	}
}
