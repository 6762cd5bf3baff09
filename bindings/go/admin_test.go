package coco

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAdminRefuses(t *testing.T) {
	if _, err := NewAdmin("no url"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	params, _ := silent(t)
	a, err := NewAdmin(params[len("cc_kbc::"):])
	defer must(t, a, err).Close()
	if err := a.SetKey([]byte("no key")); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if err := a.SetTLSCA([]byte("no PEM")); !errors.Is(err, ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if err := a.Put(ctx, "no path", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	if _, err := a.Explain(ctx, "no id"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}

	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, list := a.List(ctx)
	_, explain := a.Explain(ctx, "0123")
	_, versions := a.Versions(ctx, "a/b/c")
	_, restore := a.Restore(ctx, "a/b/c", 0)
	_, policies := a.ListResourcePolicies(ctx)
	for n, err := range []error{
		list, explain, versions, restore, policies, a.SetPathPolicy(ctx, "a", ""), a.SetAttestationPolicy(ctx, "a", ""), a.Purge(ctx, "a/b/c"), a.Put(ctx, "a/b/c", nil), a.Delete(ctx, "a/b/c"), a.SetResourcePolicy(ctx, "package policy"),
	} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d: err = %v, want context.DeadlineExceeded", n, err)
		}
	}
}
