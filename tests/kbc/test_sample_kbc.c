/*
 * tests/kbc/test_sample_kbc.c - lib/kbc/sample_kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/base64.h"
#include "base/context.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "tests/faults.h"

#include <string.h>

static coco_status
get(const char *uri, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;

    coco_status status = coco_ctx_new(&ctx, err);
    if (status == COCO_OK)
        status = coco_kbc_new("sample_kbc::", &kbc, err);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(kbc, ctx, uri, ret, err);
    return status;
}

static void
read_member(const cJSON *object, const char *name, struct coco_buf *ret)
{
    const char *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(object, name, &text, &err), err);
    assert_ok(coco_base64_decode(COCO_BASE64, text, strlen(text), ret, &err), err);
}

/* Upstream wrapped the recorded packet with its sample key: this KBC's must open it. */
static void
the_key_opens_what_upstream_wrapped(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    _cleanup_json_ cJSON *packet = NULL;
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 4096};
    _cleanup_buf_ struct coco_buf iv = {.limit = COCO_AEAD_IV_SIZE};
    _cleanup_secret_ struct coco_secret opened = {0};
    const char *uri = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    _cleanup_free_ char *text = read_fixture("ocicrypt/sample_kbc_annotation.json", &len);
    assert_ok(coco_json_parse_object(text, len, &packet, &err), err);
    read_member(packet, "wrapped_data", &wrapped);
    read_member(packet, "iv", &iv);
    assert_ok(coco_json_get_string(packet, "kid", &uri, &err), err);

    assert_ok(get(uri, &key, &err), err);
    assert_int_equal(coco_bytes_size(key), COCO_AEAD_KEY_SIZE);
    size_t ciphertext = wrapped.len - COCO_AEAD_TAG_SIZE;
    assert_ok(coco_aead_open(coco_bytes_data(key), iv.data, NULL, wrapped.data, ciphertext,
                             wrapped.data + ciphertext, &opened, &err),
              err);
    assert_contains((const char *)opened.data, "symkey");
}

static void
every_resource_is_the_one_key(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *one = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *two = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(get("kbs:///default/test-key/1", &one, &err), err);
    assert_ok(get("kbs:///default/image-kek/2", &two, &err), err);
    assert_int_equal(coco_bytes_size(one), 32);
    assert_memory_equal(coco_bytes_data(one), coco_bytes_data(two), 32);
}

static void
getting_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        coco_bytes *key = NULL;

        coco_status status = get("kbs:///default/test-key/1", &key, &err);
        fault_expect(status, err);
        coco_bytes_free(key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_opens_what_upstream_wrapped),
        cmocka_unit_test(every_resource_is_the_one_key),
        cmocka_unit_test(getting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
