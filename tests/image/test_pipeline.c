/*
 * tests/image/test_pipeline.c - lib/image/pipeline.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pipeline.h"

#include "tests/faults.h"
#include "tests/tarball.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static coco_error *err;
static struct tarball tar;
static char top[64];
static int root;

/* A layer as it travels, and what is said of it. */
struct layer {
    struct coco_digest diff_id;
    struct coco_layer_key key;
    struct coco_buf blob;
    struct coco_unpack_budget budget;
};

static void
layer_done(struct layer *layer)
{
    coco_layer_key_done(&layer->key);
    coco_buf_done(&layer->blob);
}
#define _cleanup_layer_ _cleanup_(layer_done)

static int
begin(void **state)
{
    static uint8_t content[(size_t)200 << 10];

    (void)state;
    make_temp_dir(top, sizeof(top));
    root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    memset(content, 'x', sizeof(content));
    tar.len = 0;
    tarball_add(&tar, '5', "etc", "", "", 0);
    tarball_add(&tar, '0', "etc/motd", "", "hello\n", 6);
    tarball_add(&tar, '0', "big", "", content, sizeof(content));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    (void)close(root);
    remove_temp_dir(top);
    return 0;
}

/* The tar as an encrypted layer that is not compressed. */
static void
make_listed_layer(struct layer *ret, size_t chunk_size)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;

    *ret = (struct layer){
        .blob = {.limit = 2 * sizeof(tar.data)},
        .budget = {.content = 1 << 20, .entries = 100},
    };
    const struct coco_sink next = coco_sink_to_buf(&ret->blob);
    tarball_end(&tar);
    assert_ok(coco_digest_of(COCO_SHA256, tar.data, tar.len, &ret->diff_id, &err), err);
    assert_ok(coco_layer_key_generate(&ret->key, &err), err);
    ret->key.chunks.size = chunk_size;
    assert_ok(coco_layer_encrypt(&ret->key, &next, &cipher, &err), err);
    const struct coco_sink sink = coco_layer_cipher_sink(cipher);
    assert_ok(coco_sink_write(&sink, tar.data, tar.len, &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
}

static void
make_layer(struct layer *ret)
{
    make_listed_layer(ret, 0);
}

static struct coco_pipeline_order
order_of(struct layer *layer, bool encrypted)
{
    return (struct coco_pipeline_order){
        .root = root,
        .budget = &layer->budget,
        .compression = COCO_UNCOMPRESSED,
        .diff_id = &layer->diff_id,
        .key = encrypted ? &layer->key : NULL,
        .max_ratio = 100,
        .max_memory = COCO_PIPELINE_MEMORY_MIN,
        .blob_size = tar.len,
    };
}

static coco_status
run(const struct coco_pipeline_order *order, const void *data, size_t len)
{
    _cleanup_pipeline_ struct coco_pipeline pipeline = {0};

    coco_status status = coco_pipeline_begin(&pipeline, order, &err);
    if (status == COCO_OK)
        status = coco_sink_write(&pipeline.sink, data, len, &err);
    if (status == COCO_OK)
        status = coco_sink_end(&pipeline.sink, &err);
    return status;
}

static void
a_layer_becomes_files(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, false);
    assert_ok(run(&order, tar.data, tar.len), err);
    assert_file(top, "etc/motd", "hello\n");
    assert_int_equal(layer.budget.entries, 97);
}

static void
an_encrypted_layer_becomes_files(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, true);
    assert_ok(run(&order, layer.blob.data, layer.blob.len), err);
    assert_file(top, "etc/motd", "hello\n");
}

/* Without the list, what stands before the change is in files already when the MAC is looked at. */
static void
with_a_list_of_chunks_nothing_is_unpacked_that_is_not_authentic(void **state)
{
    _cleanup_layer_ struct layer layer = {0};
    struct stat st;

    (void)state;
    make_listed_layer(&layer, COCO_CHUNK_SIZE_MIN);
    struct coco_pipeline_order order = order_of(&layer, true);
    order.max_memory = 16 * COCO_CHUNK_SIZE_MIN;
    layer.blob.data[COCO_CHUNK_SIZE_MIN - 1] ^= 1;
    assert_fails(run(&order, layer.blob.data, layer.blob.len), err, COCO_ERR_VERIFY,
                 COCO_LAYER_NOT_AUTHENTIC);
    assert_int_equal(fstatat(root, "etc", &st, AT_SYMLINK_NOFOLLOW), -1);
    layer.blob.data[COCO_CHUNK_SIZE_MIN - 1] ^= 1;
    assert_ok(run(&order, layer.blob.data, layer.blob.len), err);
    assert_file(top, "etc/motd", "hello\n");
}

/* A list that nobody looks at may be wrong. */
static void
a_list_of_chunks_that_do_not_fit_the_memory_is_left_alone(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_listed_layer(&layer, COCO_CHUNK_SIZE_MIN);
    struct coco_pipeline_order order = order_of(&layer, true);
    layer.key.chunks.tags.data[0] ^= 1;
    assert_ok(run(&order, layer.blob.data, layer.blob.len), err);
    assert_file(top, "etc/motd", "hello\n");
    order.max_memory = 16 * COCO_CHUNK_SIZE_MIN;
    assert_fails(run(&order, layer.blob.data, layer.blob.len), err, COCO_ERR_VERIFY,
                 COCO_LAYER_NOT_AUTHENTIC);
}

static void
another_diff_id_is_refused(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    layer.diff_id.bytes[0] ^= 1;
    struct coco_pipeline_order order = order_of(&layer, true);
    assert_fails(run(&order, layer.blob.data, layer.blob.len), err, COCO_ERR_VERIFY, "want sha256");
}

static void
what_no_stage_understands_is_refused(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    tarball_add(&tar, '0', "../out", "", "", 0);
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, false);
    assert_fails(run(&order, tar.data, tar.len), err, COCO_ERR_PROTO, "..");
    order.compression = COCO_GZIP;
    assert_fails(run(&order, tar.data, tar.len), err, COCO_ERR_PROTO, "not a gzip stream");
    order.compression = COCO_ZSTD;
    assert_fails(run(&order, tar.data, tar.len), err, COCO_ERR_PROTO, "zstd");
}

/* A zstd frame of nothing (RFC 8878 section 3.1.1), whose reader must have a window of 1 << log. */
static void
a_window_is_refused_with_the_memory_it_needs(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, false);
    order.compression = COCO_ZSTD;
    for (uint8_t log = 19; log <= 27; log++) {
        const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, (uint8_t)((log - 10) << 3), 1, 0, 0};
        static const char before[] = "max_memory has to be ";

        order.max_memory = COCO_PIPELINE_MEMORY_MIN;
        assert_int_equal(run(&order, frame, sizeof(frame)), COCO_ERR_LIMIT);
        const char *number = strstr(coco_error_message(err), before);
        assert_non_null(number);
        order.max_memory = strtoull(number + strlen(before), NULL, 10);
        assert_true(order.max_memory > UINT64_C(1) << log);
        coco_error_free(err);
        err = NULL;
        assert_fails(run(&order, frame, sizeof(frame)), err, COCO_ERR_VERIFY, "want sha256");
    }
}

/* Whoever gives what a plan says gets the layer. */
static void
the_memory_of_a_window_is_what_it_takes(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, false);
    order.compression = COCO_ZSTD;
    order.blob_size = UINT64_MAX; /* rings of their full size */
    for (uint8_t log = 10; log <= 27; log++) {
        const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, (uint8_t)((log - 10) << 3), 1, 0, 0};

        order.max_memory = coco_pipeline_memory(UINT64_C(1) << log);
        assert_fails(run(&order, frame, sizeof(frame)), err, COCO_ERR_VERIFY, "want sha256");
        assert_true(coco_pipeline_ahead(order.max_memory) + (UINT64_C(1) << log)
                    < order.max_memory);
        if (order.max_memory == COCO_PIPELINE_MEMORY_MIN)
            assert_true(log <= 18);
        else
            assert_true(log > 18);
    }
    assert_int_equal(coco_pipeline_memory(0), COCO_PIPELINE_MEMORY_MIN);
    assert_int_equal(coco_pipeline_memory((1 << 20) + 1), coco_pipeline_memory(2 << 20));
    assert_true(coco_pipeline_memory(UINT64_MAX) > UINT64_C(1) << 61);
}

/* T16: whoever changes a layer is not told what it decrypts to, on whichever thread that shows. */
static void
of_a_changed_layer_only_the_mac_is_told(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    struct coco_pipeline_order order = order_of(&layer, true);
    for (size_t i = 0; i < layer.blob.len; i += 997) {
        layer.blob.data[i] ^= 0x80;
        assert_fails(run(&order, layer.blob.data, layer.blob.len), err, COCO_ERR_VERIFY,
                     "layer authentication failed");
        layer.blob.data[i] ^= 0x80;
    }
}

static void
a_pipeline_may_be_given_up_anywhere(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    const struct coco_pipeline_order order = order_of(&layer, false);
    for (size_t len = 0; len <= tar.len; len += 8191) {
        _cleanup_pipeline_ struct coco_pipeline pipeline = {0};

        assert_ok(coco_pipeline_begin(&pipeline, &order, &err), err);
        assert_ok(coco_sink_write(&pipeline.sink, tar.data, len, &err), err);
    }
}

static void
a_pipeline_survives_any_failed_allocation(void **state)
{
    _cleanup_layer_ struct layer layer = {0};

    (void)state;
    make_layer(&layer);
    const struct coco_pipeline_order order = order_of(&layer, true);
    for_each_fault()
    {
        coco_status status = run(&order, layer.blob.data, layer.blob.len);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_layer_becomes_files, begin, end),
        cmocka_unit_test_setup_teardown(an_encrypted_layer_becomes_files, begin, end),
        cmocka_unit_test_setup_teardown(
            with_a_list_of_chunks_nothing_is_unpacked_that_is_not_authentic, begin, end),
        cmocka_unit_test_setup_teardown(a_list_of_chunks_that_do_not_fit_the_memory_is_left_alone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(another_diff_id_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_no_stage_understands_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_window_is_refused_with_the_memory_it_needs, begin, end),
        cmocka_unit_test_setup_teardown(the_memory_of_a_window_is_what_it_takes, begin, end),
        cmocka_unit_test_setup_teardown(of_a_changed_layer_only_the_mac_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_pipeline_may_be_given_up_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_pipeline_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
