package coco

// #include <coco/image_owner.h>
import "C"

import (
	"context"
)

// ImageRef is a parsed image reference, such as "ghcr.io/acme/app:1" or
// "oci:PATH:TAG". It never changes, and needs no Close.
type ImageRef struct{ object[*C.coco_image_ref] }

// ParseImageRef parses text.
func ParseImageRef(text string) (*ImageRef, error) {
	var c *C.coco_image_ref
	if err := call(func(f *frame) C.coco_status { return C.coco_image_ref_parse(f.text(0), &c, f.err) }, text); err != nil {
		return nil, err
	}
	r := &ImageRef{}
	r.own(c, func(c *C.coco_image_ref) { C.coco_image_ref_free(c) })
	return r, nil
}

// part is what get says of r; empty if that is NULL, or once r is closed.
func (r *ImageRef) part(get func(*C.coco_image_ref) *C.char) (text string) {
	_ = r.call(func(c *C.coco_image_ref, _ *frame) C.coco_status {
		text = C.GoString(get(c))
		return C.COCO_OK
	})
	return text
}

// Transport is "docker", "oci", "dir", "oci-archive" or "docker-archive".
func (r *ImageRef) Transport() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_transport(c) })
}

// Registry is the host and optional port; empty for all but "docker".
func (r *ImageRef) Registry() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_registry(c) })
}

// Repository is that without the registry, or the path.
func (r *ImageRef) Repository() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_repository(c) })
}

// Tag is the tag; empty if there is none.
func (r *ImageRef) Tag() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_tag(c) })
}

// Digest is "sha256:<64 hex digits>"; empty if there is none.
func (r *ImageRef) Digest() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_digest(c) })
}

// String is the whole reference in its full form.
func (r *ImageRef) String() string {
	return r.part(func(c *C.coco_image_ref) *C.char { return C.coco_image_ref_text(c) })
}

// ImageIgnoreChown, of a pull without the privileges for it, leaves out owners and capabilities that
// cannot be set, and puts an empty file in the place of a device.
const ImageIgnoreChown = uint32(C.COCO_IMAGE_IGNORE_CHOWN)

// ImageOverlay, of a pull with a store, mounts rootfs over the store's files
// instead of copying them.
const ImageOverlay = uint32(C.COCO_IMAGE_OVERLAY)

// ImageKeepRecipients, of Rekey, lets those who can open the image now still open it.
const ImageKeepRecipients = uint32(C.COCO_IMAGE_KEEP_RECIPIENTS)

// ImageUnproved, of Encrypt, does not read again what was put.
const ImageUnproved = uint32(C.COCO_IMAGE_UNPROVED)

// ImageUnchunked, of Encrypt, makes no list of the layers' chunks and their MACs.
const ImageUnchunked = uint32(C.COCO_IMAGE_UNCHUNKED)

// ImageAllPlatforms, of Encrypt, Decrypt and Rekey, makes an index of all images
// of an index.
const ImageAllPlatforms = uint32(C.COCO_IMAGE_ALL_PLATFORMS)

// ImageOptions are limits of one pull or push; what is 0 has its default.
type ImageOptions struct {
	MaxBytes   uint64 // bytes of all layers, compressed; 16 GiB
	MaxContent uint64 // bytes of all files; 64 GiB
	MaxEntries uint64 // files in all layers; 4 million
	MaxLayers  uint32 // number of layers; 128
	MaxRatio   uint32 // compression of a layer, n to 1; 1100
	Flags      uint32 // such as ImageOverlay, added up

	// How often a request that failed for a reason that may pass is made again, with
	// nothing gained in between; 4, and math.MaxUint32 for never.
	Retries      uint32
	StallSeconds uint32 // without progress until a transfer failed; 60
	MaxMemory    uint64 // bytes of buffers and windows of a pull; 16 MiB
}

func (o *ImageOptions) c() *C.coco_image_options {
	if o == nil {
		return nil
	}
	return &C.coco_image_options{
		size:        C.sizeof_coco_image_options,
		max_bytes:   C.uint64_t(o.MaxBytes),
		max_content: C.uint64_t(o.MaxContent),
		max_entries: C.uint64_t(o.MaxEntries),
		max_layers:  C.uint32_t(o.MaxLayers),
		max_ratio:   C.uint32_t(o.MaxRatio),
		flags:       C.uint32_t(o.Flags),

		retries:       C.uint32_t(o.Retries),
		stall_seconds: C.uint32_t(o.StallSeconds),
		max_memory:    C.uint64_t(o.MaxMemory),
	}
}

// Image is what a pull or push came to.
type Image struct {
	Digest       string // of the manifest, "sha256:<64 hex digits>"
	Layers       int
	BytesRead    uint64 // of blobs, from the network or this machine
	BytesWritten uint64 // of files unpacked, or of blobs sent
	IDsIgnored   uint64 // files that ImageIgnoreChown left something out of
}

// takeImage copies and frees c.
func takeImage(c *C.coco_image) *Image {
	defer C.coco_image_free(c)
	return &Image{
		Digest:       C.GoString(C.coco_image_digest(c)),
		Layers:       int(C.coco_image_layer_count(c)),
		BytesRead:    uint64(C.coco_image_bytes_read(c)),
		BytesWritten: uint64(C.coco_image_bytes_written(c)),
		IDsIgnored:   uint64(C.coco_image_ids_ignored(c)),
	}
}

// ImageClient is how images are reached and opened.
type ImageClient struct {
	object[*C.coco_image_client]
	kbc   *KBC   // borrowed by the C object
	store *Store // so is this
}

// NewImageClient makes a client that knows no credentials, no keys and no policy.
func NewImageClient() (*ImageClient, error) {
	var c *C.coco_image_client
	if err := call(func(f *frame) C.coco_status { return C.coco_image_client_new(&c, f.err) }); err != nil {
		return nil, err
	}
	i := &ImageClient{}
	i.own(c, func(c *C.coco_image_client) { C.coco_image_client_free(c) })
	return i, nil
}

// SetPlainHTTP speaks HTTP without TLS to registries, if on.
func (i *ImageClient) SetPlainHTTP(on bool) error {
	return i.call(func(c *C.coco_image_client, _ *frame) C.coco_status {
		C.coco_image_client_set_plain_http(c, C.bool(on))
		return C.COCO_OK
	})
}

// SetKEKPrefix restricts which resources the broker of SetKBC may be asked for
// as keys of layers: "kbs:///", which is all of them and the default,
// "kbs:///repository/" or "kbs:///repository/type/".
func (i *ImageClient) SetKEKPrefix(prefix string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_kek_prefix(c, f.text(0), f.err)
	}, prefix)
}

// SetRequireEncryption pulls only images all of whose layers are encrypted, if on.
func (i *ImageClient) SetRequireEncryption(on bool) error {
	return i.call(func(c *C.coco_image_client, _ *frame) C.coco_status {
		C.coco_image_client_set_require_encryption(c, C.bool(on))
		return C.COCO_OK
	})
}

// SetTLSCA trusts the CAs in pem for registries, instead of the system's.
func (i *ImageClient) SetTLSCA(pem []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_tls_ca(c, data(pem), size(pem), f.err)
	})
}

// SetCertsDir sets the directory of certificates that every registry has: CAs
// in *.crt, client certificates in *.cert with their keys in *.key; none with an
// empty dir, which is the default.
func (i *ImageClient) SetCertsDir(dir string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		if dir == "" {
			return C.coco_image_client_set_certs_dir(c, nil, f.err)
		}
		return C.coco_image_client_set_certs_dir(c, f.text(0), f.err)
	}, dir)
}

// AddCertsTree adds a tree of such directories, each for one host, such as
// /etc/containers/certs.d.
func (i *ImageClient) AddCertsTree(dir string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_certs_tree(c, f.text(0), f.err)
	}, dir)
}

// SetProxy sets the proxy that registries are reached through, but for the hosts
// of noProxy, which has "," between; none with an empty url, whatever the
// environment says, which counts without this call.
func (i *ImageClient) SetProxy(url, noProxy string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_proxy(c, f.text(0), f.text(1), f.err)
	}, url, noProxy)
}

// SetCache sets a cache of the host, at unix:/PATH, vsock:CID:PORT or IP:PORT, that
// is asked before registries for what has a digest.
func (i *ImageClient) SetCache(address string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_cache(c, f.text(0), f.err)
	}, address)
}

// SetAuth sets credentials from a containers auth.json.
func (i *ImageClient) SetAuth(json []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_auth(c, data(json), size(json), f.err)
	})
}

// AddAuth adds another auth.json, for what the ones before it lack.
func (i *ImageClient) AddAuth(json []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_auth(c, data(json), size(json), f.err)
	})
}

// SetAuthResource takes another auth.json, for what the others lack, from the key
// broker when it is needed: "kbs:///repository/type/tag"; none with an empty uri.
func (i *ImageClient) SetAuthResource(uri string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		if uri == "" {
			return C.coco_image_client_set_auth_resource(c, nil, f.err)
		}
		return C.coco_image_client_set_auth_resource(c, f.text(0), f.err)
	}, uri)
}

// SetHelpers allows credential helpers in the directories of path, with ":"
// between, to be run; none with an empty path, which is the default.
func (i *ImageClient) SetHelpers(path string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		if path == "" {
			return C.coco_image_client_set_helpers(c, nil, f.err)
		}
		return C.coco_image_client_set_helpers(c, f.text(0), f.err)
	}, path)
}

// SetRegistries sets where images are got from, by a containers registries.conf.
func (i *ImageClient) SetRegistries(toml []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_registries(c, data(toml), size(toml), f.err)
	})
}

// SetPolicy sets the containers policy.json that pulled images must meet.
// Without one only references with a digest are pulled.
func (i *ImageClient) SetPolicy(json []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_policy(c, data(json), size(json), f.err)
	})
}

// SetPlatform chooses "os/architecture[/variant]" from multi-platform images.
func (i *ImageClient) SetPlatform(platform string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_platform(c, f.text(0), f.err)
	}, platform)
}

// AddLookaside adds a file of a registries.d, YAML, which says where signatures are kept.
func (i *ImageClient) AddLookaside(yaml []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_lookaside(c, data(yaml), size(yaml), f.err)
	})
}

// AddKey adds a private key, PEM, DER or JWK, that opens layers encrypted to
// its public half.
func (i *ImageClient) AddKey(key []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_key(c, data(key), size(key), f.err)
	})
}

// SetKBC gets the keys of layers encrypted for a key broker from k, which must
// stay open as long as i; nil for none.
func (i *ImageClient) SetKBC(k *KBC) error {
	kbc, from, err := k.lend()
	if err != nil {
		return err
	}
	return i.borrow("kbc", from, func(c *C.coco_image_client, _ *frame) C.coco_status {
		C.coco_image_client_set_kbc(c, kbc)
		i.kbc = k
		return C.COCO_OK
	})
}

// SetStore lets pulls unpack layers into s, and use those that are there
// already; s must stay open as long as i; nil for none.
func (i *ImageClient) SetStore(s *Store) error {
	var store *C.coco_store
	var from lender
	if s != nil {
		var err error
		if store, err = s.enter(); err != nil {
			return err
		}
		from = s
	}
	return i.borrow("store", from, func(c *C.coco_image_client, _ *frame) C.coco_status {
		C.coco_image_client_set_store(c, store)
		i.store = s
		return C.COCO_OK
	})
}

// AddRecipient adds a recipient for Encrypt: the holder of the private half of key.
func (i *ImageClient) AddRecipient(key []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_recipient(c, data(key), size(key), f.err)
	})
}

// AddCertificate adds the certificate, PEM or DER, of a key that opens layers
// encrypted by PKCS #7.
func (i *ImageClient) AddCertificate(cert []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_certificate(c, data(cert), size(cert), f.err)
	})
}

// AddCertificateRecipient adds a recipient for Encrypt, by PKCS #7: the holder
// of the key of cert.
func (i *ImageClient) AddCertificateRecipient(cert []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_certificate_recipient(c, data(cert), size(cert), f.err)
	})
}

// AddPassword adds a password that keys under one are tried with: those of
// OpenPGP, and those that are added later.
func (i *ImageClient) AddPassword(password []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_password(c, data(password), size(password), f.err)
	})
}

// AddPGPKeys adds keys of OpenPGP, binary or armored: recipients', and secret
// ones that open layers.
func (i *ImageClient) AddPGPKeys(keys []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_pgp_keys(c, data(keys), size(keys), f.err)
	})
}

// AddPGPRecipient adds a recipient for Encrypt, by OpenPGP: the name, address or
// fingerprint of a key.
func (i *ImageClient) AddPGPRecipient(who string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_pgp_recipient(c, f.text(0), f.err)
	}, who)
}

// SetPKCS11Modules sets which modules of PKCS#11 may be loaded, by a
// configuration of ocicrypt's.
func (i *ImageClient) SetPKCS11Modules(yaml []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_pkcs11_modules(c, data(yaml), size(yaml), f.err)
	})
}

// SetPKCS11Hash sets the hash of RSA-OAEP for recipients by PKCS#11: "sha1" or
// "sha256", which is the default.
func (i *ImageClient) SetPKCS11Hash(hash string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_pkcs11_hash(c, f.text(0), f.err)
	}, hash)
}

// AddPKCS11Key adds a private key in a token of PKCS#11, by a key file of
// ocicrypt's, that opens layers encrypted to it.
func (i *ImageClient) AddPKCS11Key(yaml []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_pkcs11_key(c, data(yaml), size(yaml), f.err)
	})
}

// AddPKCS11Recipient adds a recipient for Encrypt, by PKCS#11: an RSA public
// key, or a key file of ocicrypt's.
func (i *ImageClient) AddPKCS11Recipient(key []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_pkcs11_recipient(c, data(key), size(key), f.err)
	})
}

// AddEncryptedLayer lets Encrypt encrypt this layer, 0 for the bottom or -1 for
// the top, and not all of them.
func (i *ImageClient) AddEncryptedLayer(layer int) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_encrypted_layer(c, C.int32_t(layer), f.err)
	})
}

// SetKeyProviders sets which key providers there are, by a configuration of
// ocicrypt's.
func (i *ImageClient) SetKeyProviders(json []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_key_providers(c, data(json), size(json), f.err)
	})
}

// AddProviderKey lets the key provider of that name open layers encrypted for it.
// It is told parameter, or nothing where that is empty.
func (i *ImageClient) AddProviderKey(name, parameter string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		if parameter == "" {
			return C.coco_image_client_add_provider_key(c, f.text(0), nil, f.err)
		}
		return C.coco_image_client_add_provider_key(c, f.text(0), f.text(1), f.err)
	}, name, parameter)
}

// AddProviderRecipient adds a recipient for Encrypt: the key provider of that
// name. It is told parameter, or nothing where that is empty.
func (i *ImageClient) AddProviderRecipient(name, parameter string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		if parameter == "" {
			return C.coco_image_client_add_provider_recipient(c, f.text(0), nil, f.err)
		}
		return C.coco_image_client_add_provider_recipient(c, f.text(0), f.text(1), f.err)
	}, name, parameter)
}

// AddKBSRecipient adds a recipient for Encrypt: whoever gets key, 32 bytes, as
// the resource uri from a key broker.
func (i *ImageClient) AddKBSRecipient(uri string, key []byte) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_add_kbs_recipient(c, f.text(0), data(key), size(key), f.err)
	}, uri)
}

// use is call for what i does with images: it is an error if something that i borrows is
// closed, and refs live until fn has returned.
func (i *ImageClient) use(fn func() error, refs ...*ImageRef) error {
	for _, ref := range refs {
		if ref == nil {
			return errClosed()
		}
		if _, err := ref.enter(); err != nil {
			return err
		}
		defer ref.leave()
	}
	if i.open() == nil && i.store != nil && i.store.open() != nil {
		return errClosed()
	}
	if i.open() == nil && i.kbc != nil && i.kbc.open() != nil {
		return errClosed()
	}
	return fn()
}

// Pull pulls the image and unpacks it: dir, new or empty, becomes an OCI bundle.
func (i *ImageClient) Pull(ctx context.Context, ref *ImageRef, dir string, opts *ImageOptions) (*Image, error) {
	var ret *C.coco_image
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_pull(c, f.ctx, ref.c, f.text(0), opts.c(), &ret, f.err)
		}, dir)
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeImage(ret), nil
}

// Push copies the image from as it is.
func (i *ImageClient) Push(ctx context.Context, from, to *ImageRef, opts *ImageOptions) (*Image, error) {
	var ret *C.coco_image
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_push(c, f.ctx, from.c, to.c, opts.c(), &ret, f.err)
		})
	}, from, to)
	if err != nil {
		return nil, err
	}
	return takeImage(ret), nil
}

// Encrypt copies the image from, every layer encrypted for the recipients.
func (i *ImageClient) Encrypt(ctx context.Context, from, to *ImageRef, opts *ImageOptions) (*Image, error) {
	var ret *C.coco_image
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_encrypt(c, f.ctx, from.c, to.c, opts.c(), &ret, f.err)
		})
	}, from, to)
	if err != nil {
		return nil, err
	}
	return takeImage(ret), nil
}

// Decrypt copies the image from, every layer decrypted.
func (i *ImageClient) Decrypt(ctx context.Context, from, to *ImageRef, opts *ImageOptions) (*Image, error) {
	var ret *C.coco_image
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_decrypt(c, f.ctx, from.c, to.c, opts.c(), &ret, f.err)
		})
	}, from, to)
	if err != nil {
		return nil, err
	}
	return takeImage(ret), nil
}

// Rekey copies the encrypted image from for the recipients, its layers as they are.
func (i *ImageClient) Rekey(ctx context.Context, from, to *ImageRef, opts *ImageOptions) (*Image, error) {
	var ret *C.coco_image
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_rekey(c, f.ctx, from.c, to.c, opts.c(), &ret, f.err)
		})
	}, from, to)
	if err != nil {
		return nil, err
	}
	return takeImage(ret), nil
}

// Plan tells, in JSON, what a pull would take: bytes to fetch, disk and memory.
func (i *ImageClient) Plan(ctx context.Context, ref *ImageRef, opts *ImageOptions) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_plan(c, f.ctx, ref.c, opts.c(), &ret, f.err)
		})
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Judge tells, in JSON, whether the policy accepts an image, and what was checked. A refusal
// is no error.
func (i *ImageClient) Judge(ctx context.Context, ref *ImageRef, opts *ImageOptions) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_judge(c, f.ctx, ref.c, opts.c(), &ret, f.err)
		})
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// SetSignatureForm sets what Sign makes: a "tag", as it does otherwise, or a "referrer" or "bundle",
// which refer to the image.
func (i *ImageClient) SetSignatureForm(form string) error {
	return i.call(func(c *C.coco_image_client, f *frame) C.coco_status {
		return C.coco_image_client_set_signature_form(c, f.text(0), f.err)
	}, form)
}

// Sign signs an image in a registry as cosign does, by a private key, PEM, DER or JWK, or one that
// stays in a token of PKCS#11: its URI, or a key file. It tells, in JSON, what and where.
func (i *ImageClient) Sign(ctx context.Context, ref *ImageRef, key []byte) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_sign(c, f.ctx, ref.c, data(key), size(key), &ret, f.err)
		})
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// SignPGP signs an image in a registry by a secret key of AddPGPKeys, as skopeo does, in a lookaside
// that AddLookaside tells of. Who is a fingerprint, an e-mail address or a name; "" is for the only
// key. It tells, in JSON, what and where.
func (i *ImageClient) SignPGP(ctx context.Context, ref *ImageRef, who string) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			if who == "" {
				return C.coco_image_sign_pgp(c, f.ctx, ref.c, nil, &ret, f.err)
			}
			return C.coco_image_sign_pgp(c, f.ctx, ref.c, f.text(0), &ret, f.err)
		}, who)
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}

// Inspect describes the image in JSON, without pulling its layers.
func (i *ImageClient) Inspect(ctx context.Context, ref *ImageRef, opts *ImageOptions) ([]byte, error) {
	var ret *C.coco_bytes
	err := i.use(func() error {
		return i.wait(ctx, func(c *C.coco_image_client, f *frame) C.coco_status {
			return C.coco_image_inspect(c, f.ctx, ref.c, opts.c(), &ret, f.err)
		})
	}, ref)
	if err != nil {
		return nil, err
	}
	return takeBytes(ret), nil
}
