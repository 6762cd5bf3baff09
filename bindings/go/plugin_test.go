package coco

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// vault is a plugin; what it gets is what failing is, or "secret of " and the path.
type vault struct {
	name    string
	failing error
}

func (v *vault) Name() string { return v.name }

func (v *vault) GetResource(path string) ([]byte, error) {
	if v.name == "panic_kbc" {
		panic("out of order")
	}
	return []byte("secret of " + path), v.failing
}

type attestingVault struct{ vault }

func (v *attestingVault) Attest() (string, error) { return "a.b.c", v.failing }

func TestAPluginGivesWhatItHas(t *testing.T) {
	k, err := NewPluginKBC(&vault{name: "vault_kbc"})
	defer must(t, k, err).Close()
	secret, err := k.Get(ctx, "kbs:///default/key/1")
	if err != nil || string(secret) != "secret of default/key/1" {
		t.Errorf("secret = %q, %v", secret, err)
	}
	if _, err := k.Attest(ctx); !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v, want ErrNotSupported", err)
	}
	a, err := NewPluginKBC(&attestingVault{vault{name: "vault_kbc"}})
	defer must(t, a, err).Close()
	if token, err := a.Attest(ctx); err != nil || token != "a.b.c" {
		t.Errorf("token = %q, %v", token, err)
	}
	if _, err := a.AttestFor(ctx, "https://bank.example"); !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v, want ErrNotSupported", err)
	}
}

func TestATokenIsAskedForSomebody(t *testing.T) {
	params, _ := silent(t)
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	k := client(t, params)
	if _, err := k.AttestFor(ctx, "a b"); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	if _, err := k.AttestFor(ctx, "https://bank.example"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v, want DeadlineExceeded", err)
	}
}

func TestWhatAPluginFailsWithIsWhatTheCallFailsWith(t *testing.T) {
	for _, c := range []struct {
		failing error
		want    Status
	}{
		{ErrNotFound, ErrNotFound},
		{fmt.Errorf("no: %w", ErrDenied), ErrDenied},
		{&Error{Status: ErrVerify, Message: "wrong"}, ErrVerify},
		{errors.New("strange"), ErrIO},
	} {
		k, err := NewPluginKBC(&vault{"vault_kbc", c.failing})
		must(t, k, err)
		_, err = k.Get(ctx, "kbs:///default/key/1")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.failing.Error()) {
			t.Errorf("err = %v, want %v", err, c.want)
		}
		k.Close()
	}
	k, err := NewPluginKBC(&vault{name: "panic_kbc"})
	defer must(t, k, err).Close()
	if _, err = k.Get(ctx, "kbs:///default/key/1"); !errors.Is(err, ErrIO) || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("err = %v, want a panic", err)
	}
}

func TestWhatIsNoPluginIsRefused(t *testing.T) {
	for _, name := range []string{"", "Vault", "a::b", "nul\x00"} {
		if _, err := NewPluginKBC(&vault{name: name}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: err = %v, want ErrInvalid", name, err)
		}
	}
}

func TestTheMachineMaySayWhichBroker(t *testing.T) {
	t.Setenv("AA_KBC_PARAMS", "sample_kbc::")
	k, err := NewDefaultKBC()
	defer must(t, k, err).Close()
	if _, err := k.Get(ctx, "kbs:///default/key/1"); err != nil {
		t.Error(err)
	}
	t.Setenv("AA_KBC_PARAMS", "no_such_kbc::")
	if _, err := NewDefaultKBC(); !errors.Is(err, ErrNotSupported) {
		t.Errorf("err = %v, want ErrNotSupported", err)
	}
}

// rotating is a plugin whose secret is another each time.
type rotating struct{ asked int }

func (r *rotating) Name() string { return "rotating_kbc" }

func (r *rotating) GetResource(string) ([]byte, error) {
	r.asked++
	return []byte(fmt.Sprint("secret ", r.asked)), nil
}

func TestAResourceIsWatched(t *testing.T) {
	k, err := NewPluginKBC(&rotating{})
	defer must(t, k, err).Close()
	var seen []string
	err = k.Watch(ctx, "kbs:///default/key/1", time.Second, func(secret []byte) bool {
		seen = append(seen, string(secret))
		return len(seen) < 2
	})
	if err != nil || len(seen) != 2 || seen[0] != "secret 1" || seen[1] != "secret 2" {
		t.Errorf("seen = %q, %v", seen, err)
	}
}

func TestAWatcherIsToldOfWhatIsTakenBack(t *testing.T) {
	v := &vault{name: "vault_kbc"}
	k, err := NewPluginKBC(v)
	defer must(t, k, err).Close()
	secret, lease, err := k.GetLeased(ctx, "kbs:///default/key/1")
	if err != nil || string(secret) != "secret of default/key/1" || lease != Unlimited {
		t.Errorf("secret = %q for %v, %v", secret, lease, err)
	}
	told := 0
	err = k.Watch(ctx, "kbs:///default/key/1", time.Second, func(secret []byte) bool {
		if told++; (secret == nil) != (told == 2) {
			t.Errorf("told %q", secret)
		}
		v.failing = ErrDenied
		return true
	})
	if !errors.Is(err, ErrDenied) || told != 2 {
		t.Errorf("told %d times, %v", told, err)
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	k, err := NewPluginKBC(&rotating{})
	defer must(t, k, err).Close()
	c, cancel := context.WithCancel(ctx)
	defer cancel()
	err = k.Watch(c, "kbs:///default/key/1", 0, func([]byte) bool { cancel(); return true })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	if err := k.Watch(ctx, "kbs:///default/key/1", -time.Second, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestAPanicOfAWatcherComesOut(t *testing.T) {
	k, err := NewPluginKBC(&rotating{})
	defer must(t, k, err).Close()
	defer func() {
		if p := recover(); p != "enough" {
			t.Errorf("panic = %v", p)
		}
	}()
	_ = k.Watch(ctx, "kbs:///default/key/1", 0, func([]byte) bool { panic("enough") })
	t.Error("no panic")
}
