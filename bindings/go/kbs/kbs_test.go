package kbs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"libcoco.example/coco"
)

const anyPort = "[http_server]\nsockets = [\"127.0.0.1:0\"]\n"

func serve(t *testing.T) *KBS {
	t.Helper()
	k, err := New(anyPort, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestResourcesOfTheOwner(t *testing.T) {
	k := serve(t)
	for _, path := range []string{"default/key/2", "default/key/1"} {
		if err := k.Put(path, []byte("secret of "+path)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := k.List()
	if err != nil || fmt.Sprint(names) != "[default/key/1 default/key/2]" {
		t.Errorf("names = %v, %v", names, err)
	}
	secret, err := k.Get("default/key/1")
	if err != nil || string(secret) != "secret of default/key/1" {
		t.Errorf("secret = %q, %v", secret, err)
	}
	if err := k.Delete("default/key/1"); err != nil {
		t.Error(err)
	}
	if _, err := k.Get("default/key/1"); !errors.Is(err, coco.ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
}

func TestVersionsOfAResource(t *testing.T) {
	k := serve(t)
	for _, text := range []string{"one", "second"} {
		if err := k.Put("a/b/c", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Delete("a/b/c"); err != nil {
		t.Fatal(err)
	}
	versions, err := k.Versions("a/b/c")
	if err != nil || len(versions) != 3 || !versions[0].Deleted || versions[1].Size != 6 {
		t.Fatalf("versions = %v, %v", versions, err)
	}
	if version, err := k.Restore("a/b/c", 1); version != 4 || err != nil {
		t.Errorf("restored as %d, %v", version, err)
	}
	if got, err := k.Get("a/b/c"); string(got) != "one" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := k.Purge("a/b/c"); err != nil {
		t.Error(err)
	}
	if _, err := k.Versions("a/b/c"); !errors.Is(err, coco.ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
}

func TestPoliciesOfPaths(t *testing.T) {
	k := serve(t)
	if err := k.SetPathPolicy("a/b", "package policy\nallow := true\n"); err != nil {
		t.Fatal(err)
	}
	ids, err := k.ListResourcePolicies()
	if err != nil || len(ids) != 2 || ids[1] != "resource-policy/a/b" {
		t.Errorf("ids = %q, %v", ids, err)
	}
	if err := k.SetPathPolicy("a/b", ""); err != nil {
		t.Error(err)
	}
	if err := k.SetPathPolicy("a/b", ""); !errors.Is(err, coco.ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
	if err := k.SetAttestationPolicy("resource-policy", "package policy"); !errors.Is(err, coco.ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestADatabaseIsSealed(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := fmt.Sprintf("[storage_backend]\nstorage_type = \"Sqlite\"\nbackends = {sqlite = {path = %q}}\n", filepath.Join(dir, "db"))
	sealed := plain + fmt.Sprintf("seal = {key_file = %q}\n", key)
	k, err := New(plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = k.Close()
	if err := Reseal(sealed, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := New(plain, nil); !errors.Is(err, coco.ErrDenied) {
		t.Errorf("err = %v, want ErrDenied", err)
	}
	if err := Reseal(plain, key); err != nil {
		t.Fatal(err)
	}
}

func TestABackupIsRestored(t *testing.T) {
	dir := t.TempDir()
	config := func(name string) string {
		return fmt.Sprintf("[storage_backend]\nstorage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\npath = %q\n", dir+"/"+name)
	}
	k, err := New(config("one"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Put("a/b/c", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(config("one"), dir+"/backup", false); !errors.Is(err, coco.ErrDenied) {
		t.Errorf("err = %v, want ErrDenied", err)
	}
	made, err := Backup(config("one"), dir+"/backup", true)
	if err != nil || made.Sealed || made.Rows == 0 {
		t.Fatalf("%+v: %v", made, err)
	}
	got, err := Restore(config("two"), dir+"/backup", made.Digest, false)
	if err != nil || *got != *made {
		t.Fatalf("%+v: %v", got, err)
	}
	if _, err := Restore(config("two"), dir+"/backup", "", false); !errors.Is(err, coco.ErrDenied) {
		t.Errorf("err = %v, want ErrDenied", err)
	}
	if _, err := Restore(config("two"), dir+"/backup", "", true); err != nil {
		t.Error(err)
	}
}

func TestAKeyIsWrappedByATokenAlone(t *testing.T) {
	sealed := `storage_backend = {storage_type = "Sqlite", backends = {sqlite = {path = "/nowhere/kbs.db"}}, ` +
		`seal = {key_file = "/nowhere/key"`
	if _, err := WrapKey(sealed+"}}", nil); !errors.Is(err, coco.ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	sealed += `, pkcs11 = "pkcs11:token=t?module-path=/nowhere.so", pkcs11_key = "kek"}}`
	for _, key := range [][]byte{nil, make([]byte, 32)} {
		_, err := WrapKey(sealed, key)
		if !errors.Is(err, coco.ErrNotFound) && !errors.Is(err, coco.ErrNotSupported) {
			t.Errorf("err = %v, want ErrNotFound", err)
		}
	}
}

func TestItServesUntilItIsStopped(t *testing.T) {
	k := serve(t)
	url := k.URL()
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("url = %q", url)
	}
	reply, err := http.Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body.Close()
	k.Stop()
	if k.URL() != "" {
		t.Errorf("url = %q after stop", k.URL())
	}
}

func TestRefusals(t *testing.T) {
	k := serve(t)
	_, config := New("no such key = 1", nil)
	_, explain := k.Explain("no such id")
	for _, c := range []struct {
		got  error
		want coco.Status
	}{
		{config, coco.ErrProto},
		{explain, coco.ErrNotFound},
		{k.Delete("no/such/resource"), coco.ErrNotFound},
		{k.Put("a\x00/b/c", nil), coco.ErrInvalid},
		{k.SetResourcePolicy("no rego"), coco.ErrProto},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("err = %v, want %v", c.got, c.want)
		}
	}
	if err := k.SetReferenceValue("launch_digest", []string{"00"}); err != nil {
		t.Error(err)
	}
	_ = k.Close()
	if err := k.Start(); !errors.Is(err, coco.ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestAGuestWithoutEvidenceIsDenied(t *testing.T) {
	k := serve(t)
	if err := k.Put("default/key/1", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	kbc, err := coco.NewKBC("cc_kbc::" + k.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer kbc.Close()
	attester, err := coco.NewAttester("sample")
	if err != nil {
		t.Fatal(err)
	}
	if err := kbc.SetAttester(attester); err != nil {
		t.Fatal(err)
	}
	if _, err := kbc.Get(context.Background(), "kbs:///default/key/1"); !errors.Is(err, coco.ErrDenied) {
		t.Errorf("err = %v, want ErrDenied", err)
	}
}

func TestAPassportServesInsteadOfEvidence(t *testing.T) {
	k, err := New(anyPort+"[attestation_service]\nallow_sample = true\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"launch_digest": []string{"abcde"}, "svn": []string{"1"}, "major_version": 1, "minimum_minor_version": 1,
	} {
		if err := k.SetReferenceValue(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Put("default/key/1", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	attested, err := coco.NewKBC("cc_kbc::" + k.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer attested.Close()
	sample, err := coco.NewAttester("sample")
	if err == nil {
		err = attested.SetAttester(sample)
	}
	if err != nil {
		t.Fatal(err)
	}
	passport, err := attested.Passport(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := coco.NewKBC("cc_kbc::" + k.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer shown.Close()
	if err := errors.Join(shown.SetProxy("", ""), shown.SetRetries(0), shown.SetPassport(passport)); err != nil {
		t.Fatal(err)
	}
	secret, err := shown.Get(context.Background(), "kbs:///default/key/1")
	if err != nil || string(secret) != "secret" {
		t.Errorf("secret = %q, %v", secret, err)
	}
	if err := shown.SetPassport([]byte("{}")); !errors.Is(err, coco.ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
}

// echo says what it was asked.
type echo struct {
	config string
	last   *Request
}

func (*echo) Name() string { return "echo" }

func (e *echo) Configure(config []byte) error {
	e.config = string(config)
	return nil
}

func (*echo) Access(r *Request) Access {
	switch r.Path {
	case "guest", "panic", "fail":
		return AccessGuest
	case "public":
		return AccessPublic
	case "gate":
		panic("no gate")
	}
	return AccessNone
}

func (e *echo) Handle(r *Request) (*Reply, error) {
	e.last = r
	switch r.Path {
	case "panic":
		panic("oh")
	case "fail":
		return nil, fmt.Errorf("no: %w", coco.ErrDenied)
	case "public":
		return &Reply{Data: []byte("hello"), Type: "text/plain", Note: "said hello"}, nil
	}
	return &Reply{Data: append([]byte("echo of "), r.Body...)}, nil
}

// pluginServer is a KBS with e that trusts the software TEE in dir.
func pluginServer(t *testing.T, dir string, e *echo) *KBS {
	t.Helper()
	if err := coco.LaunchSoftwareTEE(dir, []byte("kernel"), nil); err != nil {
		t.Fatal(err)
	}
	key, err := coco.SoftwareTEERoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(anyPort+"[attestation_service]\nsoftware_roots = ['''\n%s''']\n", key)
	k, err := New(config+"[[plugins]]\nname = \"echo\"\nword = \"x\"\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	if err := k.Start(); !errors.Is(err, coco.ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if err := k.AddPlugin(e); err != nil || e.config != `{"word":"x"}` {
		t.Fatalf("config = %q, %v", e.config, err)
	}
	if err := k.AddPlugin(e); !errors.Is(err, coco.ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
	err = k.SetResourcePolicy("package policy\nimport rego.v1\ndefault allow := false\nallow if data.plugin == \"echo\"\n")
	if errors.Is(err, coco.ErrNotSupported) {
		t.Skip("this build has no policy engine")
	}
	if err := errors.Join(err, k.Start()); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAPluginAnswers(t *testing.T) {
	dir, e := t.TempDir(), &echo{}
	k := pluginServer(t, dir, e)
	guest, err := coco.NewKBC("cc_kbc::" + k.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	attester, err := coco.NewSoftwareAttester(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := guest.SetAttester(attester); err != nil {
		t.Fatal(err)
	}
	guest.SetRetries(0)
	ctx := context.Background()
	got, err := guest.Ask(ctx, "kbs+echo:///guest?a=b", []byte("question"))
	if err != nil || string(got) != "echo of question" {
		t.Fatalf("got %q, %v", got, err)
	}
	if e.last.Method != "POST" || e.last.Query["a"] != "b" || !strings.Contains(string(e.last.Claims), "submods") || e.last.Role != "" {
		t.Errorf("request = %+v", e.last)
	}
	if got, err := guest.Get(ctx, "kbs+echo:///public"); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for path, want := range map[string]coco.Status{
		"fail": coco.ErrDenied, "none": coco.ErrNotFound, "gate": coco.ErrNotFound, "panic": coco.ErrNet,
	} {
		if _, err := guest.Get(ctx, "kbs+echo:///"+path); !errors.Is(err, want) {
			t.Errorf("%s: err = %v, want %v", path, err, want)
		}
	}
}

// late uses its KBS while that is being closed.
type late struct {
	k     *KBS
	began chan struct{}
	err   error
}

func (*late) Name() string { return "late" }

func (*late) Access(*Request) Access { return AccessPublic }

func (l *late) Handle(*Request) (*Reply, error) {
	close(l.began)
	for l.k.URL() != "" {
		runtime.Gosched()
	}
	l.err = l.k.Put("default/key/1", []byte("secret"))
	return &Reply{Data: []byte("late"), Type: "text/plain"}, nil
}

func TestCloseWaitsForAPluginThatUsesTheKBS(t *testing.T) {
	k, err := New(anyPort, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &late{k: k, began: make(chan struct{})}
	if err := errors.Join(k.AddPlugin(l), k.Start()); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error)
	url := k.URL()
	go func() {
		response, err := http.Get(url + "/kbs/v0/late/x")
		if err == nil {
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-l.began
	_ = k.Close()
	if err := errors.Join(<-answered, l.err); err != nil {
		t.Error(err)
	}
}

func TestTheAuditLogIsVerified(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit")
	k, err := New(fmt.Sprintf(anyPort+"[audit]\npath = %q\n", log), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put("default/key/1", []byte("secret")); err != nil {
		t.Error(err)
	}
	_ = k.Close()
	report, err := AuditVerify(log, nil)
	if err != nil || report.Entries != 3 || report.Last != 3 || len(report.Head) != 64 {
		t.Errorf("report = %+v, %v", report, err)
	}
	if _, err := AuditVerify(log, []byte("no key")); !errors.Is(err, coco.ErrProto) {
		t.Errorf("err = %v, want ErrProto", err)
	}
	if _, err := AuditVerify(log+"x", nil); !errors.Is(err, coco.ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
}
