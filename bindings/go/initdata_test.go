package coco

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

func TestInitData(t *testing.T) {
	doc, err := NewInitData("sha256")
	doc = must(t, doc, err)
	if err := errors.Join(doc.Add("aa.toml", "x = 1\n"), doc.Add("b", "")); err != nil {
		t.Fatal(err)
	}
	if err := doc.Add("B", ""); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	packed, err := doc.Annotation()
	again, err2 := ParseInitData(must(t, packed, err))
	again = must(t, again, err2)
	files := again.Files()
	if again.Text() != doc.Text() || again.Algorithm() != "sha256" || len(files) != 2 || files[0] != (File{"aa.toml", "x = 1\n"}) {
		t.Fatal(again.Text(), files)
	}
	want := sha256.Sum256([]byte(doc.Text()))
	digest, err := again.Digest()
	if digest = must(t, digest, err); !bytes.Equal(digest, want[:]) {
		t.Fatal(digest)
	}
	field, err := again.Field("tdx")
	if field = must(t, field, err); !bytes.Equal(field, append(want[:], make([]byte, 16)...)) {
		t.Fatal(field)
	}
	if err := again.Check("tdx", field); err != nil {
		t.Fatal(err)
	}
	if err := again.Check("tdx", field[1:]); !errors.Is(err, ErrVerify) {
		t.Fatal(err)
	}
	if _, err := again.Field("csv"); !errors.Is(err, ErrNotSupported) {
		t.Fatal(err)
	}
	if InitDataPlace("snp") != "HOST_DATA" || InitDataPlace("csv") != "" || len(InitDataTEEs()) != 9 {
		t.Fatal(InitDataTEEs())
	}
}
