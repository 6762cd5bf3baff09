package coco

import (
	"context"
	"errors"
	"net"
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
