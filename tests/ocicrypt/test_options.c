/*
 * tests/ocicrypt/test_options.c - lib/ocicrypt/options.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/options.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define SYMKEY "\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\""
#define NONCE "\"cipheroptions\":{\"nonce\":\"EBESExQVFhcYGRobHB0eHw==\"}"
#define CIPHER "\"cipher\":\"AES_256_CTR_HMAC_SHA256\""
#define HMAC "\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=\""

static coco_status
read_private(const char *text, struct coco_layer_key *key, coco_error **err)
{
    char copy[512];

    (void)snprintf(copy, sizeof(copy), "%s", text);
    const struct coco_secret secret = {.data = (uint8_t *)copy, .len = strlen(text)};
    return coco_private_options_read(&secret, key, err);
}

static void
what_is_written_is_read(void **state)
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_layer_key_ struct coco_layer_key back = {0};
    _cleanup_buf_ struct coco_buf public = {.limit = COCO_LAYER_OPTIONS_MAX};
    _cleanup_buf_ struct coco_buf private = {.limit = COCO_LAYER_OPTIONS_MAX};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_layer_key_generate(&key, &err), err);
    memset(key.mac, 'm', sizeof(key.mac));
    assert_ok(coco_digest_of(COCO_SHA256, "x", 1, &key.plain, &err), err);
    assert_ok(coco_public_options_write(&key, &public, &err), err);
    assert_string_equal(coco_buf_text(&public), "{" CIPHER "," HMAC ",\"cipheroptions\":{}}");
    assert_ok(coco_public_options_read(coco_buf_text(&public), public.len, back.mac, &err), err);
    assert_memory_equal(back.mac, key.mac, sizeof(key.mac));
    assert_ok(coco_private_options_write(&key, &private, &err), err);
    assert_ok(read_private(coco_buf_text(&private), &back, &err), err);
    assert_true(coco_secret_equal(&back.key, key.key.data, key.key.len));
    assert_memory_equal(back.nonce, key.nonce, sizeof(key.nonce));
    assert_true(coco_digest_equal(&back.plain, &key.plain));
}

/* Go writes null for a map that nobody made; ocicrypt-rs wants all members, we what is needed. */
static void
the_forms_of_others_are_read(void **state)
{
    static const char *const publics[] = {
        "{" CIPHER "," HMAC "}",
        "{" CIPHER "," HMAC ",\"cipheroptions\":null}",
        "{" CIPHER "," HMAC ",\"cipheroptions\":{\"nonce\":\"AA==\"}}",
        " { " HMAC " , " CIPHER " } ",
    };
    static const char *const privates[] = {
        "{" SYMKEY ",\"digest\":\"\"," NONCE "}",
        "{" SYMKEY "," NONCE "}",
        "{" NONCE "," SYMKEY ",\"more\":1}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(publics) / sizeof(publics[0]); i++) {
        uint8_t mac[COCO_LAYER_MAC_SIZE] = {0};

        assert_ok(coco_public_options_read(publics[i], strlen(publics[i]), mac, &err), err);
        assert_int_equal(mac[0], 'm');
    }
    for (size_t i = 0; i < sizeof(privates) / sizeof(privates[0]); i++) {
        _cleanup_layer_key_ struct coco_layer_key key = {0};

        assert_ok(read_private(privates[i], &key, &err), err);
        assert_int_equal(key.key.data[31], 31);
        assert_int_equal(key.nonce[0], 16);
        assert_int_equal(key.plain.alg, 0);
    }
}

static void
what_is_none_of_them_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } publics[] = {
        {"", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"{" CIPHER "}", COCO_ERR_PROTO},
        {"{" HMAC "}", COCO_ERR_PROTO},
        {"{" CIPHER "," HMAC "," HMAC "}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"AA==\"}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":[1]}", COCO_ERR_PROTO},
        {"{\"cipher\":\"AES_256_CTR\"," HMAC "}", COCO_ERR_NOTSUP},
        {"{\"cipher\":\"aes_256_ctr_hmac_sha256\"," HMAC "}", COCO_ERR_NOTSUP},
        {"{\"cipher\":\"\"," HMAC "}", COCO_ERR_NOTSUP},
    };
    static const char *const privates[] = {
        "",
        "{}",
        "{" SYMKEY "}",
        "{" NONCE "}",
        "{" SYMKEY ",\"cipheroptions\":null}",
        "{" SYMKEY ",\"cipheroptions\":{}}",
        "{" SYMKEY ",\"cipheroptions\":{\"nonce\":\"AA==\"}}",
        "{\"symkey\":\"AA==\"," NONCE "}",
        "{\"symkey\":null," NONCE "}",
        "{" SYMKEY "," NONCE ",\"digest\":\"sha256:00\"}",
        "{" SYMKEY "," NONCE ",\"digest\":1}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(publics) / sizeof(publics[0]); i++) {
        uint8_t mac[COCO_LAYER_MAC_SIZE];

        assert_fails(coco_public_options_read(publics[i].text, strlen(publics[i].text), mac, &err),
                     err, publics[i].status, "");
    }
    for (size_t i = 0; i < sizeof(privates) / sizeof(privates[0]); i++) {
        _cleanup_layer_key_ struct coco_layer_key key = {0};

        assert_fails(read_private(privates[i], &key, &err), err, COCO_ERR_PROTO,
                     "private options of the layer");
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_layer_key_generate(&key, &err), err);
    for_each_fault()
    {
        _cleanup_layer_key_ struct coco_layer_key back = {0};
        _cleanup_buf_ struct coco_buf public = {.limit = COCO_LAYER_OPTIONS_MAX};
        _cleanup_buf_ struct coco_buf private = {.limit = COCO_LAYER_OPTIONS_MAX};

        coco_status status = coco_public_options_write(&key, &public, &err);
        if (status == COCO_OK)
            status = coco_public_options_read(coco_buf_text(&public), public.len, back.mac, &err);
        if (status == COCO_OK)
            status = coco_private_options_write(&key, &private, &err);
        if (status == COCO_OK)
            status = read_private(coco_buf_text(&private), &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_forms_of_others_are_read),
        cmocka_unit_test(what_is_none_of_them_is_refused),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
