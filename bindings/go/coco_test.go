package coco

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var ctx = context.Background()

func must[T any](t *testing.T, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func sample(t *testing.T) *Attester {
	t.Helper()
	a, err := NewAttester("sample")
	return must(t, a, err)
}

func TestVersion(t *testing.T) {
	if strings.Count(Version(), ".") != 2 {
		t.Errorf("version = %q", Version())
	}
	if Supports("no such feature") || Supports("isal\x00") {
		t.Error("supports what it does not know")
	}
}

func TestStatusesAreErrors(t *testing.T) {
	names := map[Status]string{
		ErrNoMemory: "COCO_ERR_NOMEM", ErrInvalid: "COCO_ERR_INVALID", ErrNotFound: "COCO_ERR_NOTFOUND",
		ErrNotSupported: "COCO_ERR_NOTSUP", ErrIO: "COCO_ERR_IO", ErrNet: "COCO_ERR_NET",
		ErrProto: "COCO_ERR_PROTO", ErrLimit: "COCO_ERR_LIMIT", ErrVerify: "COCO_ERR_VERIFY",
		ErrDenied: "COCO_ERR_DENIED", ErrCanceled: "COCO_ERR_CANCELED",
	}
	if len(names) != 11 {
		t.Errorf("%d statuses", len(names))
	}
	for status, name := range names {
		if status.Error() != name {
			t.Errorf("%d is %s, want %s", status, status, name)
		}
		err := fmt.Errorf("outer: %w", &Error{Status: status})
		for other := range names {
			if errors.Is(err, other) != (other == status) {
				t.Errorf("errors.Is(%v, %v) is wrong", status, other)
			}
		}
	}
}

func TestImageRefIsTakenApart(t *testing.T) {
	ref, err := ParseImageRef("ghcr.io/acme/app:1")
	must(t, ref, err)
	got := []string{ref.Transport(), ref.Registry(), ref.Repository(), ref.Tag(), ref.Digest(), ref.String()}
	want := []string{"docker", "ghcr.io", "acme/app", "1", "", "ghcr.io/acme/app:1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorsTellTheirKind(t *testing.T) {
	_, err := ParseImageRef("a b")
	var e *Error
	if !errors.Is(err, ErrInvalid) || errors.Is(err, ErrNet) || !errors.As(err, &e) || e.Message == "" {
		t.Errorf("err = %#v", err)
	}
	_, err = NewAttester("no such TEE")
	if !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v, want ErrNotSupported", err)
	}
}

func TestErrnoComesAlong(t *testing.T) {
	err := LaunchSoftwareTEE("/proc/self/no/such/place", []byte("x"), nil)
	var e *Error
	if !errors.As(err, &e) || e.Errno == 0 || !errors.Is(err, e.Errno) {
		t.Fatalf("err = %#v", err)
	}
	if e.Errno == syscall.ENOENT && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestTextWithNULIsRefused(t *testing.T) {
	if _, err := ParseImageRef("ghcr.io/acme/app\x00:1"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	if TEEDetected("sample\x00") {
		t.Error("detected")
	}
}

func TestEvidenceIsVerified(t *testing.T) {
	a := sample(t)
	defer a.Close()
	v, err := NewVerifier()
	defer must(t, v, err).Close()
	evidence, err := a.Collect(ctx, []byte("bound"))
	must(t, evidence, err)

	for _, c := range []struct {
		what  string
		data  string
		allow bool
		valid bool
	}{
		{"sample before it is allowed", "bound", false, false},
		{"sample", "bound", true, true},
		{"other report data", "other", true, false},
	} {
		if c.allow {
			if err := v.AllowSample(); err != nil {
				t.Fatal(err)
			}
		}
		verdict, err := v.Verify(a.TEE(), evidence, Binding{ReportData: []byte(c.data)})
		must(t, verdict, err)
		if verdict.Valid != c.valid || len(verdict.Checks) == 0 {
			t.Errorf("%s: %+v", c.what, verdict)
		}
	}
	if _, err := v.Verify("no such TEE", evidence, Binding{ReportData: []byte("bound")}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v, want ErrNotSupported", err)
	}
}

func TestEmptyBytesReachC(t *testing.T) {
	a := sample(t)
	defer a.Close()
	for _, empty := range [][]byte{nil, {}} {
		if _, err := a.Collect(ctx, empty); !errors.Is(err, ErrInvalid) {
			t.Errorf("err = %v, want ErrInvalid", err)
		}
	}
}

func TestSoftwareTEE(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewSoftwareAttester(dir); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
	if err := LaunchSoftwareTEE(dir, []byte("kernel"), nil); err != nil {
		t.Fatal(err)
	}
	a, err := NewSoftwareAttester(dir)
	defer must(t, a, err).Close()
	root, err := SoftwareTEERoot(dir)
	v, verr := NewVerifier()
	defer must(t, v, verr).Close()
	if err := v.TrustKey("software", must(t, root, err)); err != nil {
		t.Fatal(err)
	}
	evidence, err := a.Collect(ctx, []byte("bound"))
	verdict, verr := v.Verify("software", must(t, evidence, err), Binding{ReportData: []byte("bound")})
	if !must(t, verdict, verr).Valid {
		t.Errorf("%+v", verdict)
	}
}

func TestRegistersAndInitData(t *testing.T) {
	a := sample(t)
	defer a.Close()
	if a.RegisterAlg() != "" {
		t.Error("a sample has registers")
	}
	err1 := a.Extend(8, make([]byte, 48))
	_, err2 := a.ReadRegister(8)
	err3 := a.BindInitData(make([]byte, 48))
	err4 := a.Measure(17, "domain", "operation", "content")
	for n, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrNotSupported) {
			t.Errorf("%d: err = %v, want ErrNotSupported", n, err)
		}
	}
	dir := t.TempDir()
	if err := LaunchSoftwareTEE(dir, []byte("kernel"), []byte("init")); err != nil {
		t.Fatal(err)
	}
	s, err := NewSoftwareAttester(dir)
	defer must(t, s, err).Close()
	digest := sha512.Sum384([]byte("init"))
	if err := s.BindInitData(digest[:]); err != nil {
		t.Error(err)
	}
	digest[0] ^= 1
	if err := s.BindInitData(digest[:]); !errors.Is(err, ErrVerify) {
		t.Errorf("err = %v, want ErrVerify", err)
	}
}

func TestADeviceIsOneOfAKind(t *testing.T) {
	k, err := NewKBC("cc_kbc::http://127.0.0.1:1")
	defer must(t, k, err).Close()
	for n := 0; n < 2; n++ {
		device, err := NewAttester("sampledevice")
		err = k.AddDevice(must(t, device, err))
		if (n == 0) != (err == nil) || n == 1 && !errors.Is(err, ErrInvalid) {
			t.Errorf("%d: err = %v", n, err)
		}
		if device.TEE() != "" {
			t.Error("still there")
		}
	}
	if err := k.AddDevice(nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestAfterCloseMethodsFail(t *testing.T) {
	k, err := NewKBC("sample_kbc::")
	must(t, k, err)
	i, err := NewImageClient()
	must(t, i, err)
	ref, err := ParseImageRef("oci:" + t.TempDir())
	must(t, ref, err)
	if err := i.SetKBC(k); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 2; n++ {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err1 := k.Get(ctx, "kbs:///a/b/c")
	_, err2 := i.Pull(ctx, ref, filepath.Join(t.TempDir(), "x"), nil)
	err3 := i.SetKBC(k)
	_, err4 := i.Inspect(ctx, nil, nil)
	for n, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%d: err = %v, want ErrInvalid", n, err)
		}
	}
}

func TestAGivenAttesterIsUsedUp(t *testing.T) {
	k, err := NewKBC("cc_kbc::http://127.0.0.1:1")
	defer must(t, k, err).Close()
	a := sample(t)
	if err := k.SetAttester(a); err != nil {
		t.Fatal(err)
	}
	if err := k.SetAttester(a); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	if a.TEE() != "" || a.Close() != nil {
		t.Error("still there")
	}
	if err := k.SetAttester(nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestTheCollectorClosesWhatNobodyDid(t *testing.T) {
	for n := 0; n < 200; n++ {
		i, err := NewImageClient()
		must(t, i, err)
		k, err := NewKBC("sample_kbc::")
		if err := i.SetKBC(must(t, k, err)); err != nil {
			t.Fatal(err)
		}
		if n%50 == 0 {
			runtime.GC()
		}
	}
	runtime.GC()
}

func TestGoroutinesWorkSideBySide(t *testing.T) {
	var group sync.WaitGroup
	for n := 0; n < 16; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for m := 0; m < 100; m++ {
				a, err := NewAttester("sample")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := a.Collect(ctx, []byte{byte(m)}); err != nil {
					t.Error(err)
				}
				if _, err := ParseImageRef("a b"); !errors.Is(err, ErrInvalid) {
					t.Error(err)
				}
				_ = a.Close()
			}
		}()
	}
	group.Wait()
}
