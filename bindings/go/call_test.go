package coco

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// soon is far less than any timeout of the library.
const soon = 5 * time.Second

// silent serves connections and says nothing; asked is closed at the first byte.
func silent(t *testing.T) (params string, asked chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, listener, err)
	asked = make(chan struct{})
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop); _ = listener.Close() })
	go func() {
		peer, err := listener.Accept()
		if err != nil {
			return
		}
		defer peer.Close()
		if _, err := peer.Read(make([]byte, 1)); err == nil {
			close(asked)
		}
		<-stop
	}()
	return "cc_kbc::http://" + listener.Addr().String(), asked
}

func client(t *testing.T, params string) *KBC {
	t.Helper()
	k, err := NewKBC(params)
	must(t, k, err)
	if err := k.SetAttester(sample(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func TestCancelWakesACall(t *testing.T) {
	params, asked := silent(t)
	ctx, cancel := context.WithCancel(ctx)
	go func() { <-asked; cancel() }()
	began := time.Now()
	_, err := client(t, params).Get(ctx, "kbs:///a/b/c")
	if !errors.Is(err, ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("took %v", took)
	}
}

func TestADeadlineEndsACall(t *testing.T) {
	params, _ := silent(t)
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err := client(t, params).Attest(ctx)
	if !errors.Is(err, ErrCanceled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

func TestATraceparentIsChecked(t *testing.T) {
	params, _ := silent(t)
	for _, text := range []string{"00-0-0-0", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\x00"} {
		ctx := WithTraceparent(ctx, text)
		if _, err := client(t, params).Get(ctx, "kbs:///a/b/c"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: err = %v", text, err)
		}
	}
}

func TestAContextThatIsDoneStartsNothing(t *testing.T) {
	params, asked := silent(t)
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := client(t, params).Get(ctx, "kbs:///a/b/c"); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	select {
	case <-asked:
		t.Error("the broker was asked")
	default:
	}
}

// freed is set once the C object of o is freed.
func freed[T comparable](o *object[T]) *atomic.Bool {
	done, free := &atomic.Bool{}, o.free
	o.free = func(c T) { free(c); done.Store(true) }
	return done
}

func TestCloseTakesNothingFromACall(t *testing.T) {
	params, asked := silent(t)
	k := client(t, params)
	done := freed(&k.object)
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error)
	go func() {
		_, err := k.Get(ctx, "kbs:///a/b/c")
		failed <- err
	}()
	<-asked
	if err := k.Close(); err != nil || done.Load() {
		t.Errorf("err = %v, freed = %v", err, done.Load())
	}
	if _, err := k.Attest(ctx); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if !done.Load() {
		t.Error("it is not freed")
	}
}

func TestCloseTakesNothingFromWhoBorrowed(t *testing.T) {
	params, _ := silent(t)
	u, err := NewUnsealer()
	must(t, u, err)
	first, second := client(t, params), client(t, params)
	gone, kept := freed(&first.object), freed(&second.object)
	for _, k := range []*KBC{first, second} {
		if err := u.SetProvider("kbs", k); err != nil {
			t.Fatal(err)
		}
		_ = k.Close()
	}
	if !gone.Load() || kept.Load() {
		t.Errorf("freed: first %v, second %v", gone.Load(), kept.Load())
	}
	if err := u.SetProvider("kbs", second); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
	_ = u.Close()
	if !kept.Load() {
		t.Error("the second is not freed")
	}
}
