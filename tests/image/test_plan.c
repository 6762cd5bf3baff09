/*
 * tests/image/test_plan.c - lib/image/plan.c, by a registry whose layers are but their ends
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/bytes.h"
#include "base/context.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OCI "application/vnd.oci.image."
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define DIFF_ID "\"sha256:" ZERO "\""
#define BLOB_SIZE 64

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* The layers, by the first digit of their digests. */
enum layer { GZIP, ZSTD, PLAIN, SEALED, N_LAYERS };

static const char *const types[N_LAYERS] = {
    [GZIP] = OCI "layer.v1.tar+gzip",
    [ZSTD] = OCI "layer.v1.tar+zstd",
    [PLAIN] = OCI "layer.v1.tar",
    [SEALED] = OCI "layer.v1.tar+gzip+encrypted",
};

struct fixture {
    struct httpd httpd;
    uint8_t blobs[N_LAYERS][BLOB_SIZE];
    char config[1024];
    char manifest[4096];
    bool no_parts;
    unsigned whole; /* layers that were asked for without a range */
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image_options opts;
    coco_error *err;
};

static struct fixture fixture;

/* The part that is asked for of a layer, or all of it when parts are not to be had. */
static bool
answer_layer(struct fixture *f, const struct httpd_request *request, const uint8_t *blob)
{
    char range[64];
    char head[200 + BLOB_SIZE];
    unsigned first = 0;
    unsigned last = BLOB_SIZE - 1;

    httpd_header(request, "Range", range, sizeof(range));
    if (sscanf(range, "bytes=%u-%u", &first, &last) != 2)
        f->whole++;
    if (f->no_parts) {
        first = 0;
        last = BLOB_SIZE - 1;
    }
    if (first > last || last >= BLOB_SIZE)
        return httpd_reply(request->httpd, "416 Range Not Satisfiable", "", "");
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %s\r\nContent-Range: bytes %u-%u/%d\r\nContent-Length: %u\r\n\r\n",
                       f->no_parts ? "200 OK" : "206 Partial Content", first, last, BLOB_SIZE,
                       last - first + 1);
    /* At once: a second piece would wait until the first was acknowledged. */
    memcpy(head + len, blob + first, last - first + 1);
    return httpd_send(request->httpd, head, (size_t)len + last - first + 1);
}

static bool
answer(void *user, const struct httpd_request *request)
{
    struct fixture *f = user;
    const char *blob = strstr(request->target, "/blobs/sha256:");

    if (!blob)
        return httpd_reply(request->httpd, "200 OK", "Content-Type: " OCI "manifest.v1+json\r\n",
                           f->manifest);
    unsigned i = (unsigned)(blob[strlen("/blobs/sha256:")] - '1');
    if (i < N_LAYERS && strncmp(blob + strlen("/blobs/sha256:") + 1, ZERO, 60) == 0)
        return answer_layer(f, request, f->blobs[i]);
    return httpd_reply(request->httpd, "200 OK", "", f->config);
}

/* RFC 8878 section 3.1.1: a frame of 300 bytes in a window of 1 << log. */
static void
make_zstd(uint8_t *blob, unsigned log)
{
    const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0x40, (uint8_t)((log - 10) << 3), 44, 0};

    memcpy(blob, head, sizeof(head));
}

static void
make_manifest(struct fixture *f)
{
    struct coco_digest digest = {0};
    char text[COCO_DIGEST_TEXT_SIZE];

    (void)snprintf(f->config, sizeof(f->config),
                   "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
                   "\"diff_ids\":[" DIFF_ID "," DIFF_ID "," DIFF_ID "," DIFF_ID "]}}");
    assert_ok(coco_digest_of(COCO_SHA256, f->config, strlen(f->config), &digest, &f->err), f->err);
    coco_digest_format(&digest, text);
    int len = snprintf(f->manifest, sizeof(f->manifest),
                       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI "config.v1+json\","
                       "\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
                       text, strlen(f->config));
    for (int i = 0; i < N_LAYERS; i++)
        len += snprintf(f->manifest + len, sizeof(f->manifest) - (size_t)len,
                        "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:%d%.63s\",\"size\":%d}",
                        i ? "," : "", types[i], i + 1, ZERO, BLOB_SIZE);
    (void)snprintf(f->manifest + len, sizeof(f->manifest) - (size_t)len, "]}");
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    coco_image_client_set_plain_http(f->client, true);
    f->opts = (coco_image_options){.size = sizeof(f->opts), .retries = UINT32_MAX};
    f->blobs[GZIP][BLOB_SIZE - 3] = 1; /* 256 */
    make_zstd(f->blobs[ZSTD], 20);
    make_manifest(f);
    httpd_start(&f->httpd, answer, f, NULL);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    httpd_stop(&f->httpd);
    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

static coco_status
plan(struct fixture *f, cJSON **ret)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    char text[100];

    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    coco_status status = coco_image_ref_parse(text, &ref, &f->err);
    if (status == COCO_OK)
        status = coco_image_plan(f->client, f->ctx, ref, &f->opts, &bytes, &f->err);
    if (status == COCO_OK)
        status = coco_json_parse_object((const char *)coco_bytes_data(bytes),
                                        coco_bytes_size(bytes), ret, &f->err);
    return status;
}

static void
assert_number(const cJSON *json, const char *name, uint64_t want)
{
    uint64_t got = ~want;
    coco_error *err = NULL;

    assert_ok(coco_json_get_u64(json, name, &got, &err), err);
    assert_int_equal(got, want);
}

static const cJSON *
layer(const cJSON *json, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "layers"), i);
}

static void
it_is_made_of_the_ends_of_layers(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *json = NULL;

    assert_ok(plan(f, &json), f->err);
    assert_int_equal(f->whole, 0);
    assert_number(layer(json, GZIP), "content", 256);
    assert_number(layer(json, GZIP), "window", 32 << 10);
    assert_number(layer(json, ZSTD), "content", 300);
    assert_number(layer(json, ZSTD), "window", 1 << 20);
    assert_number(layer(json, PLAIN), "content", BLOB_SIZE);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(layer(json, SEALED), "content")));
    assert_number(json, "fetch", N_LAYERS * BLOB_SIZE);
    assert_number(json, "content", 256 + 300 + BLOB_SIZE);
    assert_number(json, "content_unknown", 1);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json, "limits")));
}

static void
without_parts_it_knows_less(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *json = NULL;

    f->no_parts = true;
    assert_ok(plan(f, &json), f->err);
    assert_int_equal(f->whole, 0);
    assert_number(json, "content", BLOB_SIZE);
    assert_number(json, "content_unknown", 3);
    assert_number(json, "fetch", N_LAYERS * BLOB_SIZE);
}

static void
it_tells_which_limit_would_refuse_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t bytes, content, memory;
        const char *why;
    } cases[] = {
        {4 * BLOB_SIZE - 1, 0, 0, "layers of 256 bytes, and max_bytes is 255"},
        {0, 619, 0, "files of 620 bytes, and max_content is 619"},
        {0, 0, 1 << 20, "it takes a max_memory of "},
        {4 * BLOB_SIZE, 620, 16 << 20, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = NULL;
        const char *why = NULL;

        f->opts.max_bytes = cases[i].bytes;
        f->opts.max_content = cases[i].content;
        f->opts.max_memory = cases[i].memory;
        assert_ok(plan(f, &json), f->err);
        assert_ok(coco_json_get_string_opt(json, "limits", &why, &f->err), f->err);
        assert_int_equal(why != NULL, cases[i].why != NULL);
        if (why)
            assert_contains(why, cases[i].why);
    }
}

/* Small windows fit into the least there is, which a pull works with, too. */
static void
the_least_memory_is_enough_for_most(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *json = NULL;

    make_zstd(f->blobs[ZSTD], 18);
    f->opts.max_memory = 1 << 20;
    assert_ok(plan(f, &json), f->err);
    assert_number(json, "memory", 1 << 20);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json, "limits")));
}

/* What the ends say is anybody's: nothing of it is believed, or fails. */
static void
hostile_ends_are_but_numbers(void **state)
{
    struct fixture *f = *state;

    for (unsigned byte = 0; byte < 256; byte += 17) {
        _cleanup_json_ cJSON *json = NULL;

        memset(f->blobs[GZIP], (int)byte, BLOB_SIZE);
        memset(f->blobs[ZSTD] + 4, (int)byte, BLOB_SIZE - 4);
        assert_ok(plan(f, &json), f->err);
        assert_number(json, "fetch", N_LAYERS * BLOB_SIZE);
    }
}

static void
what_is_wrong_with_the_image_is_told(void **state)
{
    struct fixture *f = *state;
    cJSON *json = NULL;

    f->opts.max_layers = 3;
    assert_fails(plan(f, &json), f->err, COCO_ERR_LIMIT, "");
    f->opts.max_layers = 0;
    f->opts.flags = 1 << 30;
    assert_fails(plan(f, &json), f->err, COCO_ERR_NOTSUP, "flags");
    f->opts.flags = 0;
    f->config[strlen(f->config) - 1] = ' ';
    assert_fails(plan(f, &json), f->err, COCO_ERR_VERIFY, "");
}

static void
plans_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        cJSON *json = NULL;
        coco_status status = plan(f, &json);

        fault_expect(status, f->err);
        coco_json_free(json);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_wrong_with_the_image_is_told), TEST(it_is_made_of_the_ends_of_layers),
        TEST(without_parts_it_knows_less),          TEST(it_tells_which_limit_would_refuse_it),
        TEST(the_least_memory_is_enough_for_most),  TEST(hostile_ends_are_but_numbers),
        TEST(plans_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/plan", tests, NULL, NULL);
}
