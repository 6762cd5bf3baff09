package coco

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"testing"
)

func sevMAC(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

func sevKDF(key []byte, label string, context []byte) []byte {
	return sevMAC(key, []byte{1, 0, 0, 0}, []byte(label), []byte{0}, context, []byte{128, 0, 0, 0})[:16]
}

func sevCTR(key, iv, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, iv).XORKeyStream(out, text)
	return out
}

func reversed(b []byte) []byte {
	out := make([]byte, 72)
	for i, c := range b {
		out[len(b)-1-i] = c
	}
	return out
}

// sevCertificate is one of a platform, that nobody signed.
func sevCertificate(key *ecdh.PublicKey) []byte {
	cert := make([]byte, 2084)
	point := key.Bytes()
	copy(cert, []byte{1, 0, 0, 0, 1, 0, 0, 0, 3, 0x10, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0})
	copy(cert[20:], reversed(point[1:49]))
	copy(cert[92:], reversed(point[49:]))
	copy(cert[1044:], []byte{0, 0x10, 0, 0})
	copy(cert[1564:], []byte{0, 0x10, 0, 0})
	return cert
}

// sevState is a launch that was saved, of policy 1, and the keys that the firmware has then.
func sevState(t *testing.T) (state string, tek, tik []byte) {
	t.Helper()
	own, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pdh, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	z, err := own.ECDH(pdh.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	tek, tik = bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)
	nonce, iv := bytes.Repeat([]byte{3}, 16), bytes.Repeat([]byte{4}, 16)
	master := sevKDF(z, "sev-master-secret", nonce)
	wrapped := sevCTR(sevKDF(master, "sev-kek", nil), iv, append(bytes.Clone(tek), tik...))
	session := bytes.Join([][]byte{nonce, wrapped, iv, sevMAC(sevKDF(master, "sev-kik", nil), wrapped),
		sevMAC(tik, []byte{1, 0, 0, 0})}, nil)
	text, err := json.Marshal(map[string]any{
		"owner_key":         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"certificate_chain": bytes.Repeat(sevCertificate(pdh.PublicKey()), 4),
		"session":           session,
		"policy":            1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), tek, tik
}

func TestALaunchThatWasSavedGetsItsSecrets(t *testing.T) {
	state, tek, tik := sevState(t)
	owner, err := LoadSEVOwner(state)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	digest, nonce := bytes.Repeat([]byte{5}, 32), bytes.Repeat([]byte{6}, 16)
	measurement := append(sevMAC(tik, []byte{4, 1, 55, 24, 1, 0, 0, 0}, digest, nonce), nonce...)
	firmware := SEVFirmware{APIMajor: 1, APIMinor: 55, BuildID: 24}
	if err := owner.AddSecret("kbs:///default/key/1", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Packet(); !errors.Is(err, ErrInvalid) {
		t.Fatalf("before it was checked: %v", err)
	}
	if err := owner.Check(measurement, digest, SEVFirmware{APIMajor: 2}); !errors.Is(err, ErrVerify) {
		t.Fatalf("of another firmware: %v", err)
	}
	if err := owner.Check(measurement, digest, firmware); err != nil {
		t.Fatal(err)
	}
	packet, err := owner.Packet()
	if err != nil {
		t.Fatal(err)
	}
	table := sevCTR(tek, packet[4:20], packet[52:])
	if !bytes.HasPrefix(table[40:], []byte(`{"default/key/1":"c2VjcmV0"}`)) {
		t.Fatalf("table %q", table)
	}
	n := binary.LittleEndian.AppendUint32(nil, uint32(len(table)))
	if !bytes.Equal(packet[20:52], sevMAC(tik, []byte{1}, packet[:20], n, n, packet[52:], measurement[:32])) {
		t.Fatal("the packet is for another launch")
	}
	for name, get := range map[string]func() ([]byte, error){
		"certificate": owner.Certificate, "session": owner.Session, "key": owner.Key,
		"evidence": owner.Evidence, "state": owner.Save,
	} {
		if got, err := get(); err != nil || len(got) == 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWhatIsNoPlatformOrNoStateIsRefused(t *testing.T) {
	v, err := NewVerifier()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := NewSEVOwner(v, []byte("certificates"), SEVNoDebug); !errors.Is(err, ErrProto) {
		t.Errorf("NewSEVOwner: %v", err)
	}
	if _, err := LoadSEVOwner("{}"); !errors.Is(err, ErrProto) {
		t.Errorf("LoadSEVOwner: %v", err)
	}
}
