package coco

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const content = "hello from a layer\n"

const anything = `{"default":[{"type":"insecureAcceptAnything"}]}`

type dict = map[string]any

// layout makes an OCI layout with one image "app" of one layer with one file.
func layout(t *testing.T) (dir, digest string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "layout")
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	blob := func(mediaType string, data []byte) dict {
		hex := fmt.Sprintf("%x", sha256.Sum256(data))
		write("blobs/sha256/"+hex, data)
		return dict{"mediaType": mediaType, "digest": "sha256:" + hex, "size": len(data)}
	}
	encode := func(value any) []byte {
		text, err := json.Marshal(value)
		return must(t, text, err)
	}

	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	header := &tar.Header{Name: "hello", Mode: 0o644, Size: int64(len(content))}
	if err := errors.Join(w.WriteHeader(header), second(w.Write([]byte(content))), w.Close()); err != nil {
		t.Fatal(err)
	}
	const oci = "application/vnd.oci.image."
	config := dict{
		"architecture": "amd64", "os": "linux", "config": dict{"Cmd": []string{"/hello"}},
		"rootfs": dict{
			"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer.Bytes()))},
		},
	}
	manifest := blob(oci+"manifest.v1+json", encode(dict{
		"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
		"config": blob(oci+"config.v1+json", encode(config)),
		"layers": []any{blob(oci+"layer.v1.tar", layer.Bytes())},
	}))
	manifest["annotations"] = dict{"org.opencontainers.image.ref.name": "app"}
	write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	write("index.json", encode(dict{"schemaVersion": 2, "manifests": []any{manifest}}))
	return dir, manifest["digest"].(string)
}

func second(_ int, err error) error { return err }

func imageClient(t *testing.T) *ImageClient {
	t.Helper()
	i, err := NewImageClient()
	must(t, i, err)
	t.Cleanup(func() { _ = i.Close() })
	if err := errors.Join(i.SetPolicy([]byte(anything)), i.SetPlatform("linux/amd64")); err != nil {
		t.Fatal(err)
	}
	return i
}

func reference(t *testing.T, text string) *ImageRef {
	t.Helper()
	ref, err := ParseImageRef(text)
	return must(t, ref, err)
}

func TestPullUnpacksABundle(t *testing.T) {
	dir, digest := layout(t)
	bundle := filepath.Join(t.TempDir(), "bundle")
	image, err := imageClient(t).Pull(ctx, reference(t, "oci:"+dir+":app"), bundle, &ImageOptions{MaxLayers: 1})
	if must(t, image, err); image.Digest != digest || image.Layers != 1 || image.BytesRead == 0 {
		t.Errorf("image = %+v", image)
	}
	got, err := os.ReadFile(filepath.Join(bundle, "rootfs/hello"))
	if string(must(t, got, err)) != content {
		t.Errorf("content = %q", got)
	}
}

func TestPullRefuses(t *testing.T) {
	dir, _ := layout(t)
	ref := reference(t, "oci:"+dir+":app")
	trusting, strict := imageClient(t), imageClient(t)
	if err := strict.SetPolicy([]byte(`{"default":[{"type":"reject"}]}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		client *ImageClient
		ref    *ImageRef
		opts   *ImageOptions
		want   Status
	}{
		{"more bytes than allowed", trusting, ref, &ImageOptions{MaxBytes: 10}, ErrLimit},
		{"what the policy rejects", strict, ref, nil, ErrDenied},
		{"what is not there", trusting, reference(t, "oci:"+dir+":other"), nil, ErrNotFound},
		{"unknown flags", trusting, ref, &ImageOptions{Flags: 1 << 31}, ErrNotSupported},
	} {
		bundle := filepath.Join(t.TempDir(), "bundle")
		if _, err := c.client.Pull(ctx, c.ref, bundle, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%s: err = %v, want %v", c.what, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(bundle, "rootfs")); err == nil {
			t.Errorf("%s: left a rootfs", c.what)
		}
	}
}

func TestPoliciesAreJudgedAndExplained(t *testing.T) {
	dir, digest := layout(t)
	ref := reference(t, "oci:"+dir+":app")
	client := imageClient(t)
	var verdict struct {
		Digest   string
		Accepted bool
		Reason   string
	}
	text, err := client.Judge(ctx, ref, nil)
	if err := json.Unmarshal(must(t, text, err), &verdict); err != nil || !verdict.Accepted || verdict.Digest != digest {
		t.Fatal(err, string(text))
	}
	signed := `{"default":[{"type":"sigstoreSigned","keyPath":"/nowhere"}]}`
	if err := errors.Join(client.SetPolicy([]byte(signed)), client.AddLookaside([]byte("docker:\n"))); err != nil {
		t.Fatal(err)
	}
	text, err = client.Judge(ctx, ref, nil)
	if err := json.Unmarshal(must(t, text, err), &verdict); err != nil || verdict.Accepted || !strings.Contains(verdict.Reason, "/nowhere") {
		t.Fatal(err, string(text))
	}
	if err := client.AddLookaside([]byte("x: y\n")); !errors.Is(err, ErrProto) {
		t.Error(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	private, err1 := x509.MarshalPKCS8PrivateKey(must(t, key, err))
	if _, err := client.Sign(ctx, ref, must(t, private, err1)); !errors.Is(err, ErrNotSupported) {
		t.Error("signed in a layout:", err)
	}
	if _, err := client.SignPGP(ctx, ref, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("signing without a key of OpenPGP gives %v", err)
	}
	if err := client.SetSignatureForm("label"); !errors.Is(err, ErrInvalid) {
		t.Errorf("another form of signatures gives %v", err)
	}
	if _, err := client.Sign(ctx, ref, []byte("no key")); !errors.Is(err, ErrProto) {
		t.Error(err)
	}
}

func TestWhatIsEncryptedNeedsItsKey(t *testing.T) {
	dir, plain := layout(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	private, err1 := x509.MarshalPKCS8PrivateKey(must(t, key, err))
	public, err2 := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	client := imageClient(t)
	from, to := reference(t, "oci:"+dir+":app"), reference(t, "oci:"+dir+"-secret:app")
	if _, err := client.Encrypt(ctx, from, to, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid without a recipient", err)
	}
	if err := client.AddRecipient(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})); err != nil {
		t.Fatal(err)
	}
	image, err := client.Encrypt(ctx, from, to, nil)
	if must(t, image, err).Digest == plain {
		t.Error("nothing changed")
	}
	described, err := client.Inspect(ctx, to, nil)
	if !bytes.Contains(must(t, described, err), []byte(`"encrypted":true`)) {
		t.Errorf("inspect = %s", described)
	}
	copied, err := client.Push(ctx, to, reference(t, "oci:"+dir+"-copy:app"), nil)
	if must(t, copied, err).Digest != image.Digest {
		t.Error("push changed the image")
	}

	bundle := filepath.Join(t.TempDir(), "bundle")
	if _, err := client.Pull(ctx, to, bundle, nil); err == nil {
		t.Error("pulled without the key")
	}
	if err := client.AddKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pull(ctx, to, bundle, nil); err != nil {
		t.Error(err)
	}
}

const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

// token makes a pair of keys in a token: the key file of ocicrypt that names it.
func token(t *testing.T) []byte {
	t.Helper()
	if _, err := os.Stat(softHSM); err != nil {
		t.Skip("no SoftHSM")
	}
	top := t.TempDir()
	config := filepath.Join(top, "softhsm.conf")
	text := "directories.tokendir = " + top + "/tokens\nlog.level = ERROR\n"
	if err := errors.Join(os.Mkdir(top+"/tokens", 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"softhsm2-util", "--init-token", "--free", "--label", "coco", "--pin", "1234", "--so-pin", "1234"},
		{"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", top + "/pair.pem"},
		{"softhsm2-util", "--import", top + "/pair.pem", "--token", "coco", "--label", "pair", "--id", "a1", "--pin", "1234"},
	} {
		run := exec.Command(args[0], args[1:]...)
		run.Env = append(os.Environ(), "SOFTHSM2_CONF="+config)
		if said, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, said)
		}
	}
	return []byte("pkcs11:\n  uri: pkcs11:token=coco;object=pair?module-path=" + softHSM + "&pin-value=1234\n" +
		"module:\n  env:\n    SOFTHSM2_CONF: " + config + "\n")
}

func TestWhatIsEncryptedToATokenNeedsIt(t *testing.T) {
	dir, _ := layout(t)
	key := token(t)
	modules := []byte("pkcs11:\n  module-directories:\n  - " + filepath.Dir(softHSM) + "/\n  allowed-module-paths:\n  - " +
		softHSM + "\n")
	from, to := reference(t, "oci:"+dir+":app"), reference(t, "oci:"+dir+"-secret:app")
	owner := imageClient(t)
	err := errors.Join(owner.SetPKCS11Modules(modules), owner.SetPKCS11Hash("sha1"), owner.AddPKCS11Recipient(key),
		owner.AddEncryptedLayer(-1))
	if err != nil {
		t.Fatal(err)
	}
	image, err := owner.Encrypt(ctx, from, to, &ImageOptions{Flags: ImageUnchunked})
	must(t, image, err)
	guest, bundle := imageClient(t), filepath.Join(t.TempDir(), "bundle")
	if _, err := guest.Pull(ctx, to, bundle, nil); err == nil {
		t.Error("pulled without the token")
	}
	if err := errors.Join(guest.SetPKCS11Modules(modules), guest.AddPKCS11Key(key)); err != nil {
		t.Fatal(err)
	}
	if _, err := guest.Pull(ctx, to, bundle, nil); err != nil {
		t.Error(err)
	}
}

func TestProgressIsReported(t *testing.T) {
	dir, _ := layout(t)
	seen := map[Phase]Progress{}
	ctx := WithProgress(ctx, func(p Progress) { seen[p.Phase] = p })
	ctx = WithLog(ctx, LogDebug, func(level LogLevel, message string) {})
	_, err := imageClient(t).Pull(ctx, reference(t, "oci:"+dir+":app"), filepath.Join(t.TempDir(), "x"), nil)
	fetched, unpacked := seen[PhaseFetch], seen[PhaseUnpack]
	if err != nil || fetched.Done == 0 || unpacked.Files == 0 || unpacked.Done != unpacked.Total {
		t.Errorf("%v, %v", seen, err)
	}
	if _, synced := seen[PhaseSync]; !synced || PhaseSync.String() != "sync" {
		t.Errorf("%v, %v", seen, PhaseSync)
	}
}

func TestAPanicOfTheSinkComesOutOfTheCall(t *testing.T) {
	dir, _ := layout(t)
	bundle := filepath.Join(t.TempDir(), "bundle")
	defer func() {
		if p := recover(); p != "enough" {
			t.Errorf("recovered %v", p)
		}
		if _, err := os.Stat(filepath.Join(bundle, "rootfs")); err == nil {
			t.Error("the call was not canceled")
		}
	}()
	ctx := WithProgress(ctx, func(Progress) { panic("enough") })
	_, err := imageClient(t).Pull(ctx, reference(t, "oci:"+dir+":app"), bundle, nil)
	t.Errorf("returned %v", err)
}

func TestCertificatesAreInDirectories(t *testing.T) {
	i, dir := imageClient(t), t.TempDir()
	if err := errors.Join(i.SetCertsDir(dir), i.AddCertsTree(dir), i.SetCertsDir("")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := i.SetCertsDir(dir); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v, want ErrInvalid", err)
	}
}

func TestSettersRefuseWhatTheyCannotRead(t *testing.T) {
	i := imageClient(t)
	for n, err := range []error{
		i.SetPolicy([]byte("{")), i.SetAuth([]byte("[]")), i.SetTLSCA([]byte("no PEM")), i.AddKey([]byte("no key")),
		i.AddRecipient(nil),
		i.AddCertificate(nil),
		i.AddCertificateRecipient([]byte("x")), i.SetKeyProviders([]byte("[]")), i.AddPGPKeys([]byte("no key")),
		i.SetPKCS11Modules([]byte("x")), i.AddPKCS11Key([]byte("x")), i.AddPKCS11Recipient([]byte("x")),
	} {
		if !errors.Is(err, ErrProto) {
			t.Errorf("%d: err = %v, want ErrProto", n, err)
		}
	}
	for n, err := range []error{
		i.SetPlatform("linux"), i.AddKBSRecipient("kbs:///a/b/c", []byte("short")), i.AddKBSRecipient("x", make([]byte, 32)),
		i.SetKEKPrefix("kbs:///a/b/c"), i.SetProxy("http://h/path", ""), i.SetCache("cache"),
		i.SetAuthResource("kbs:///a/b"), i.AddPassword([]byte("a\x00b")), i.SetPKCS11Hash("md5"),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%d: err = %v, want ErrInvalid", n, err)
		}
	}
	if err := i.SetKeyProviders([]byte(`{"key-providers":{"p":{"cmd":{"path":"/bin/false"}}}}`)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(i.AddProviderKey("p", ""), i.AddProviderKey("p", "x"), i.AddProviderRecipient("p", ""), i.AddProviderRecipient("p", "x")); err != nil {
		t.Error(err)
	}
	for n, err := range []error{i.AddProviderKey("q", ""), i.AddProviderRecipient("q", "x"), i.AddPGPRecipient("x")} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%d: err = %v, want ErrNotFound", n, err)
		}
	}
	if err := errors.Join(i.SetPlainHTTP(true), i.SetKBC(nil), i.SetKEKPrefix("kbs:///a/"), i.SetCache("vsock:2:5050"), i.SetRequireEncryption(true)); err != nil {
		t.Error(err)
	}
}
