/*
 * tests/ocicrypt/test_pgp_keys.c - lib/ocicrypt/pgp_keys.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/pgp_keys.h"

#include "ocicrypt/annotations.h"
#include "ocicrypt/layer.h"

#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/faults.h"
#include "tests/layout.h"
#include "tests/support.h"

#include <string.h>

#define KEYS "org.opencontainers.image.enc.keys.pgp"

/* "hello\n", compressed; skopeo looks at it to see that it is. */
static const uint8_t layer[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x48, 0xcd,
    0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00,
};

static struct gpg gpg;

static int
begin(void **state)
{
    (void)state;
    gpg_begin(&gpg);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    gpg_end(&gpg);
    return 0;
}

static struct coco_pgp_ring *
ring_of(const char *file)
{
    struct coco_pgp_ring *ring = NULL;
    coco_error *err = NULL;

    assert_ok(coco_pgp_ring_new(&ring, &err), err);
    if (file)
        gpg_load(&gpg, file, ring);
    return ring;
}

static cJSON *
json_of(const char *text)
{
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, strlen(text), &json, &err), err);
    return json;
}

/* Decrypts a blob, or encrypts one where the key has no MAC yet. */
static void
run(struct coco_layer_key *key, bool encrypt, const void *data, size_t len, struct coco_buf *ret)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_sink next = coco_sink_to_buf(ret);
    coco_error *err = NULL;

    assert_ok(encrypt ? coco_layer_encrypt(key, &next, &cipher, &err)
                      : coco_layer_decrypt(key, &next, &cipher, &err),
              err);
    struct coco_sink sink = coco_layer_cipher_sink(cipher);
    assert_ok(coco_sink_write(&sink, data, len, &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
}

/* The layer of a manifest that skopeo made, opened with the ring. */
static void
assert_layer_opens(const cJSON *descriptor, struct coco_pgp_ring *ring, const struct coco_buf *blob)
{
    const struct coco_pgp_keys keys = {.ring = ring};
    const struct coco_wrapper opener = coco_pgp_wrapper(&keys);
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
    const cJSON *annotations = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_object(descriptor, "annotations", &annotations, &err), err);
    assert_ok(coco_annotations_open(annotations, &opener, 1, NULL, &key, &err), err);
    run(&key, false, blob->data, blob->len, &plain);
    assert_int_equal(plain.len, sizeof(layer));
    assert_memory_equal(plain.data, layer, sizeof(layer));
}

#define RECORDED "ocicrypt/skopeo/enc-pgp/blobs/sha256/"
#define RECORDED_MANIFEST "0c1d74e5505afa4c8f1ebc5687ff2a47f9525788aedc93a9bc316343260b6f1a"

/* Each of its layers is encrypted to one of the keys of ocicrypt's tests, or to both. */
static void
recorded_layers_open(void **state)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = ring_of(NULL);
    static const char *const rings[] = {"ocicrypt/pgp/gpgPrivKey1.gpg",
                                        "ocicrypt/pgp/gpgPrivKey2.gpg"};
    const cJSON *layers = NULL;
    const cJSON *descriptor = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_free_ char *keys = read_fixture(rings[i], &len);

        assert_ok(coco_pgp_ring_add(ring, keys, len, &err), err);
    }
    _cleanup_free_ char *text = read_fixture(RECORDED RECORDED_MANIFEST, &len);
    _cleanup_json_ cJSON *manifest = json_of(text);
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
    assert_int_equal(cJSON_GetArraySize(layers), 2);
    cJSON_ArrayForEach(descriptor, layers) {
        const char *digest = NULL;
        const struct coco_pgp_keys keys = {.ring = ring};
        const struct coco_wrapper opener = coco_pgp_wrapper(&keys);
        _cleanup_layer_key_ struct coco_layer_key key = {0};
        _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
        const cJSON *annotations = NULL;
        char name[256];

        assert_ok(coco_json_get_string(descriptor, "digest", &digest, &err), err);
        (void)snprintf(name, sizeof(name), RECORDED "%s", digest + strlen("sha256:"));
        _cleanup_free_ char *blob = read_fixture(name, &len);
        assert_ok(coco_json_get_object(descriptor, "annotations", &annotations, &err), err);
        assert_ok(coco_annotations_open(annotations, &opener, 1, NULL, &key, &err), err);
        run(&key, false, blob, len, &plain);
        assert_int_equal(plain.data[0], 0x1f);
    }
}

/*
 * Keys that Debian's skopeo knows: RSA, and no other kind in the whole keyring. Whoever else signed
 * or has keys is in a keyring of their own.
 */
static void
make_rsa_keys(struct gpg *rsa)
{
    static const char *const names[] = {"ann", "ben"};

    make_temp_dir(rsa->dir, sizeof(rsa->dir));
    for (size_t i = 0; i < 2; i++) {
        gpg_run(rsa, "--quick-gen-key '%s <%s@example.org>' rsa2048 default never", names[i],
                names[i]);
        gpg_run(rsa,
                "--quick-add-key $(gpg --list-keys --with-colons %s | "
                "sed -n '/^fpr/{s/^fpr:*//;s/://;p;q}') rsa2048 encr never",
                names[i]);
        gpg_export(rsa, names[i]);
    }
    gpg_run(rsa, "--export >all.pub");
}

static void
skopeo_opens_what_is_wrapped_here_and_the_other_way_around(void **state)
{
    static const char *const encrypt[] = {"--encryption-key", "pgp:ann@example.org",
                                          "--encryption-key", "pgp:ben", NULL};
    static const char *const names[] = {"ann.sec", "ben.sec"};
    static const char *const decrypt[][3] = {
        {"--decryption-key", "%/ann.sec", NULL},
        {"--decryption-key", "%/ben.sec", NULL},
    };
    static const char *const who[] = {"ann@example.org", "ben"};
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *all = ring_of(NULL);
    const struct coco_pgp_keys keys = {.ring = all, .who = who, .n = 2};
    const struct coco_wrapper wrapper = coco_pgp_wrapper(&keys);
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_buf_ struct coco_buf blob = {.limit = 1 << 16};
    cJSON *annotations = json_of("{}");
    coco_error *err = NULL;
    struct gpg rsa;

    (void)state;
    make_rsa_keys(&rsa);
    gpg_load(&rsa, "all.pub", all);
    assert_int_equal(setenv("GNUPGHOME", rsa.dir, 1), 0);
    assert_ok(coco_layer_key_generate(&key, &err), err);
    run(&key, true, layer, sizeof(layer), &blob);
    assert_ok(coco_annotations_add(annotations, &key, &wrapper, 1, NULL, &err), err);
    layout_make(rsa.dir, "ours", blob.data, blob.len, annotations);
    layout_make(rsa.dir, "plain", layer, sizeof(layer), NULL);
    assert_true(skopeo_copy(rsa.dir, encrypt, "plain", "theirs"));
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = ring_of(NULL);
        _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
        _cleanup_buf_ struct coco_buf theirs = {.limit = 1 << 16};
        const char *opened = i ? "opened-b" : "opened-a";
        const cJSON *layers = NULL;

        gpg_load(&rsa, names[i], ring);
        assert_true(skopeo_copy(rsa.dir, decrypt[i], "ours", opened));
        _cleanup_json_ cJSON *ours = layout_read_manifest(rsa.dir, opened);
        assert_ok(coco_json_get_array(ours, "layers", &layers, &err), err);
        layout_read_blob(rsa.dir, opened, layers->child, &plain);
        assert_int_equal(plain.len, sizeof(layer));
        assert_memory_equal(plain.data, layer, sizeof(layer));

        _cleanup_json_ cJSON *manifest = layout_read_manifest(rsa.dir, "theirs");
        assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
        layout_read_blob(rsa.dir, "theirs", layers->child, &theirs);
        assert_layer_opens(layers->child, ring, &theirs);
    }
    gpg_end(&rsa);
}

/* T16: whether the key is another's, there is none, or the blob was changed, one text. */
static void
what_does_not_open_is_told_with_one_text(void **state)
{
    static const char *const files[] = {"bob.sec", "alice.pub", NULL, "eve.sec"};
    static const char *const who[] = {"alice@example.org"};
    static const char *const blobs[] = {"AA==", "yv4=", "wcA="};
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *alice = ring_of("alice.sec");
    const struct coco_pgp_keys keys = {.ring = alice, .who = who, .n = 1};
    const struct coco_wrapper to = coco_pgp_wrapper(&keys);
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_layer_key_ struct coco_layer_key back = {0};
    _cleanup_json_ cJSON *annotations = json_of("{}");
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_layer_key_generate(&key, &err), err);
    assert_ok(coco_annotations_add(annotations, &key, &to, 1, NULL, &err), err);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = ring_of(files[i]);
        const struct coco_pgp_keys other = {.ring = ring};
        const struct coco_wrapper opener = coco_pgp_wrapper(&other);

        assert_fails(coco_annotations_open(annotations, &opener, 1, NULL, &back, &err), err,
                     COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    }
    assert_ok(coco_annotations_open(annotations, &to, 1, NULL, &back, &err), err);
    assert_true(coco_secret_equal(&back.key, key.key.data, key.key.len));
    coco_layer_key_done(&back);
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(annotations, KEYS));
        assert_ok(coco_json_add_string(annotations, KEYS, blobs[i], &err), err);
        assert_fails(coco_annotations_open(annotations, &to, 1, NULL, &back, &err), err,
                     COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    }
}

static void
wrapping_survives_failed_allocations_and_leaves_nothing(void **state)
{
    static const char *const who[] = {"bob@example.org"};
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *bob = ring_of("bob.sec");
    const struct coco_pgp_keys keys = {.ring = bob, .who = who, .n = 1};
    const struct coco_wrapper wrapper = coco_pgp_wrapper(&keys);
    _cleanup_buf_ struct coco_buf options = {.limit = 1 << 10};
    coco_error *none = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&options, "the private options", &none), none);
    canary_begin(options.data, options.len);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = wrapper.wrap(wrapper.self, NULL, &options, &blob, &err);
        if (status == COCO_OK)
            status = wrapper.unwrap(wrapper.self, NULL, &blob, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_layers_open),
        cmocka_unit_test(skopeo_opens_what_is_wrapped_here_and_the_other_way_around),
        cmocka_unit_test(what_does_not_open_is_told_with_one_text),
        cmocka_unit_test(wrapping_survives_failed_allocations_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
