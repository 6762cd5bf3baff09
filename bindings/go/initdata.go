package coco

// #include <coco/initdata.h>
import "C"

// InitData is one document of configuration that a host passes to a
// confidential machine at its start. Several goroutines may use one that is
// not added to any more.
type InitData struct{ object[*C.coco_initdata] }

func newInitData(make func(c **C.coco_initdata, f *frame) C.coco_status, text string) (*InitData, error) {
	var c *C.coco_initdata
	if err := call(func(f *frame) C.coco_status { return make(&c, f) }, text); err != nil {
		return nil, err
	}
	i := &InitData{}
	i.own(c, func(c *C.coco_initdata) { C.coco_initdata_free(c) })
	return i, nil
}

// NewInitData makes a document without texts, whose digest is by algorithm:
// "sha256", "sha384" or "sha512".
func NewInitData(algorithm string) (*InitData, error) {
	return newInitData(func(c **C.coco_initdata, f *frame) C.coco_status {
		return C.coco_initdata_new(f.text(0), c, f.err)
	}, algorithm)
}

// ParseInitData reads TOML, or what Kata's annotation cc_init_data holds.
func ParseInitData(text string) (*InitData, error) {
	return newInitData(func(c **C.coco_initdata, f *frame) C.coco_status {
		return C.coco_initdata_parse(f.text(0), c, f.err)
	}, text)
}

// Add adds a text to a document of NewInitData.
func (i *InitData) Add(name, content string) error {
	return i.call(func(c *C.coco_initdata, f *frame) C.coco_status {
		return C.coco_initdata_add(c, f.text(0), f.text(1), f.err)
	}, name, content)
}

func (i *InitData) string(get func(c *C.coco_initdata) *C.char) (text string, ok bool) {
	_ = i.call(func(c *C.coco_initdata, _ *frame) C.coco_status {
		if s := get(c); s != nil {
			text, ok = C.GoString(s), true
		}
		return C.COCO_OK
	})
	return text, ok
}

// Text is the document, TOML; its digest is over just this.
func (i *InitData) Text() string {
	text, _ := i.string(func(c *C.coco_initdata) *C.char { return C.coco_initdata_text(c) })
	return text
}

// Algorithm is that of the digest.
func (i *InitData) Algorithm() string {
	text, _ := i.string(func(c *C.coco_initdata) *C.char { return C.coco_initdata_algorithm(c) })
	return text
}

// File is one text of a document.
type File struct{ Name, Content string }

// Files are the texts, in their order.
func (i *InitData) Files() []File {
	var files []File
	for {
		n := C.size_t(len(files))
		name, ok := i.string(func(c *C.coco_initdata) *C.char { return C.coco_initdata_name(c, n) })
		if !ok {
			return files
		}
		content, _ := i.string(func(c *C.coco_initdata) *C.char { return C.coco_initdata_content(c, n) })
		files = append(files, File{name, content})
	}
}

func (i *InitData) bytes(get func(c *C.coco_initdata, ret **C.coco_bytes, f *frame) C.coco_status, texts ...string) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.call(func(c *C.coco_initdata, f *frame) C.coco_status { return get(c, &ret, f) }, texts...)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Digest is the digest of the document.
func (i *InitData) Digest() ([]byte, error) {
	return i.bytes(func(c *C.coco_initdata, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_initdata_digest(c, ret, f.err)
	})
}

// Annotation is what Kata's annotation
// io.katacontainers.config.hypervisor.cc_init_data holds.
func (i *InitData) Annotation() (string, error) {
	packed, err := i.bytes(func(c *C.coco_initdata, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_initdata_annotation(c, ret, f.err)
	})
	return string(packed), err
}

// Field is what evidence of a machine that was started with it holds.
func (i *InitData) Field(tee string) ([]byte, error) {
	return i.bytes(func(c *C.coco_initdata, ret **C.coco_bytes, f *frame) C.coco_status {
		return C.coco_initdata_field(c, f.text(0), ret, f.err)
	}, tee)
}

// Check is ErrVerify unless field, of evidence that holds, is that of the document.
func (i *InitData) Check(tee string, field []byte) error {
	return i.call(func(c *C.coco_initdata, f *frame) C.coco_status {
		return C.coco_initdata_check(c, f.text(0), data(field), size(field), f.err)
	}, tee)
}

// InitDataTEEs lists the TEEs that bind evidence to init data.
func InitDataTEEs() []string {
	return names(func(i C.size_t) *C.char { return C.coco_initdata_tee(i) })
}

// InitDataPlace is where tee keeps the digest of init data, such as
// "MRCONFIGID", or "" if it does not.
func InitDataPlace(tee string) string {
	var place string
	_ = call(func(f *frame) C.coco_status {
		place = C.GoString(C.coco_initdata_place(f.text(0)))
		return C.COCO_OK
	}, tee)
	return place
}
