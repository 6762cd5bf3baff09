/*
 * tests/ocicrypt/test_cms_keys.c - lib/ocicrypt/cms_keys.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/cms_keys.h"

#include "ocicrypt/annotations.h"
#include "ocicrypt/layer.h"

#include "tests/faults.h"
#include "tests/layout.h"
#include "tests/rsa_cert.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define KEYS "org.opencontainers.image.enc.keys.pkcs7"

/* "hello\n", compressed; skopeo looks at it to see that it is. */
static const uint8_t layer[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x48, 0xcd,
    0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00,
};

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

static void
a_recorded_layer_opens(void **state)
{
    struct coco_cms_key key = {0};
    const struct coco_cms_keys keys = {&key, 1};
    const struct coco_wrapper opener = coco_cms_wrapper(&keys);
    _cleanup_layer_key_ struct coco_layer_key layer_key = {0};
    _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
    const cJSON *annotations = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    _cleanup_free_ char *cert = read_fixture("ocicrypt/keys/public_certificate.pem", &len);
    assert_ok(coco_cert_parse(cert, len, &key.cert, &err), err);
    _cleanup_free_ char *pem = read_fixture("ocicrypt/keys/private_key.pem", &len);
    assert_ok(coco_key_parse_private(pem, len, &key.key, &err), err);
    _cleanup_free_ char *text = read_fixture("ocicrypt/generated/pkcs7.descriptor.json", &len);
    _cleanup_json_ cJSON *descriptor = json_of(text);
    assert_ok(coco_json_get_object(descriptor, "annotations", &annotations, &err), err);
    assert_ok(coco_annotations_open(annotations, &opener, 1, NULL, &layer_key, &err), err);

    _cleanup_free_ char *blob = read_fixture("ocicrypt/generated/pkcs7.enc", &len);
    run(&layer_key, false, blob, len, &plain);
    _cleanup_free_ char *want = read_fixture("ocicrypt/generated/layer.tar.gz", &len);
    assert_int_equal(plain.len, len);
    assert_memory_equal(plain.data, want, len);
    X509_free(key.cert);
    EVP_PKEY_free(key.key);
}

static void
skopeo_opens_what_is_wrapped_here_and_the_other_way_around(void **state)
{
    static const char *const encrypt[] = {"--encryption-key", "pkcs7:%/a.crt", "--encryption-key",
                                          "pkcs7:%/b.crt", NULL};
    static const char *const decrypt[][5] = {
        {"--decryption-key", "%/a.pem", "--decryption-key", "%/a.crt", NULL},
        {"--decryption-key", "%/b.pem", "--decryption-key", "%/b.crt", NULL},
    };
    struct rsa_cert certs[2];
    struct coco_cms_key keys[2];
    const struct coco_cms_keys all = {keys, 2};
    const struct coco_wrapper wrapper = coco_cms_wrapper(&all);
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_buf_ struct coco_buf blob = {.limit = 1 << 16};
    cJSON *annotations = json_of("{}");
    coco_error *err = NULL;
    char lab[64];

    (void)state;
    make_temp_dir(lab, sizeof(lab));
    for (size_t i = 0; i < 2; i++) {
        rsa_cert_make(&certs[i], i ? "b" : "a", 100 + (long)i);
        rsa_cert_write(&certs[i], lab, i ? "b" : "a");
        keys[i] = (struct coco_cms_key){certs[i].cert, certs[i].key};
    }
    assert_ok(coco_layer_key_generate(&key, &err), err);
    run(&key, true, layer, sizeof(layer), &blob);
    assert_ok(coco_annotations_add(annotations, &key, &wrapper, 1, NULL, &err), err);
    layout_make(lab, "ours", blob.data, blob.len, annotations);
    layout_make(lab, "plain", layer, sizeof(layer), NULL);
    assert_true(skopeo_copy(lab, encrypt, "plain", "theirs"));
    for (size_t i = 0; i < 2; i++) {
        const struct coco_cms_keys one = {&keys[i], 1};
        const struct coco_wrapper opener = coco_cms_wrapper(&one);
        _cleanup_layer_key_ struct coco_layer_key back = {0};
        _cleanup_buf_ struct coco_buf theirs = {.limit = 1 << 16};
        _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
        _cleanup_json_ cJSON *manifest = NULL;
        const cJSON *layers = NULL;

        assert_true(skopeo_copy(lab, decrypt[i], "ours", i ? "opened-b" : "opened-a"));
        manifest = layout_read_manifest(lab, i ? "opened-b" : "opened-a");
        assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
        layout_read_blob(lab, i ? "opened-b" : "opened-a", layers->child, &plain);
        assert_int_equal(plain.len, sizeof(layer));
        assert_memory_equal(plain.data, layer, sizeof(layer));

        coco_json_free(manifest);
        manifest = layout_read_manifest(lab, "theirs");
        assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
        const cJSON *their = NULL;
        assert_ok(coco_json_get_object(layers->child, "annotations", &their, &err), err);
        assert_ok(coco_annotations_open(their, &opener, 1, NULL, &back, &err), err);
        layout_read_blob(lab, "theirs", layers->child, &theirs);
        coco_buf_reset(&plain);
        run(&back, false, theirs.data, theirs.len, &plain);
        assert_memory_equal(plain.data, layer, sizeof(layer));
    }
    remove_temp_dir(lab);
    rsa_cert_done(&certs[0]);
    rsa_cert_done(&certs[1]);
}

/* T16: whether the key is another's, or the blob was changed, one text. */
static void
what_does_not_open_is_told_with_one_text(void **state)
{
    struct rsa_cert a, b;
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_layer_key_ struct coco_layer_key back = {0};
    _cleanup_json_ cJSON *annotations = json_of("{}");
    coco_error *err = NULL;

    (void)state;
    rsa_cert_make(&a, "a", 1);
    rsa_cert_make(&b, "b", 2);
    const struct coco_cms_key keys[] = {{a.cert, a.key}, {b.cert, b.key}};
    const struct coco_cms_keys only_a = {&keys[0], 1};
    const struct coco_cms_keys only_b = {&keys[1], 1};
    const struct coco_cms_keys none = {NULL, 0};
    const struct coco_wrapper to = coco_cms_wrapper(&only_a);
    const struct coco_wrapper other = coco_cms_wrapper(&only_b);
    const struct coco_wrapper nobody = coco_cms_wrapper(&none);
    assert_ok(coco_layer_key_generate(&key, &err), err);
    assert_ok(coco_annotations_add(annotations, &key, &to, 1, NULL, &err), err);
    assert_fails(coco_annotations_open(annotations, &other, 1, NULL, &back, &err), err,
                 COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    assert_fails(coco_annotations_open(annotations, &nobody, 1, NULL, &back, &err), err,
                 COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    const struct coco_wrapper both[] = {other, to};
    assert_ok(coco_annotations_open(annotations, both, 2, NULL, &back, &err), err);
    assert_true(coco_secret_equal(&back.key, key.key.data, key.key.len));
    coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(annotations, KEYS));
    assert_ok(coco_json_add_string(annotations, KEYS, "MAA=", &err), err);
    assert_fails(coco_annotations_open(annotations, &to, 1, NULL, &back, &err), err, COCO_ERR_PROTO,
                 "CMS envelope");
    const struct coco_cms_key many_keys[17] = {{a.cert, NULL}};
    const struct coco_cms_keys many = {many_keys, 17};
    const struct coco_wrapper too_many = coco_cms_wrapper(&many);
    coco_annotations_strip(annotations);
    assert_fails(coco_annotations_add(annotations, &key, &too_many, 1, NULL, &err), err,
                 COCO_ERR_INVALID, "more than 16 certificates");
    rsa_cert_done(&a);
    rsa_cert_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_layer_opens),
        cmocka_unit_test(skopeo_opens_what_is_wrapped_here_and_the_other_way_around),
        cmocka_unit_test(what_does_not_open_is_told_with_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
