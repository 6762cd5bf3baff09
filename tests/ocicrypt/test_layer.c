/*
 * tests/ocicrypt/test_layer.c - lib/ocicrypt/layer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/layer.h"

#include "base/fail.h"
#include "base/text.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <string.h>

#define PLAIN "hello ocicrypt layer\n"
#define CIPHER "81a683e6dd143c859917eeaf469388e298b82ee8f1"
#define MAC "171f2f6c70288a3d9662e02f2d5b245942faac4fd4b64ced81250d13ab72d8ad"
#define DIGEST "sha256:a9e78cd0602b622bc9b2edd3dcd908f942b74e0978a8c025fc2ab1c9e635866b"
#define LEN (sizeof(PLAIN) - 1)
/* GMAC by openssl mac, its key by openssl kdf. */
#define CHUNK_TAG "a8a8d2d0b6a3b520abe462f0ae726c82"

/* Where a layer goes; whether its end was told is what counts. */
struct target {
    struct coco_buf buf;
    bool ended;
    bool fails;
    size_t lends; /* at most so many bytes, and at times fewer, or none */
    uint8_t lent[COCO_CHUNK_SIZE_MIN];
};

static uint8_t *
target_lend(void *self, size_t *room)
{
    struct target *target = self;

    *room = target->buf.len % target->lends;
    return *room > 0 ? target->lent : NULL;
}

static coco_status
target_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct target *target = self;

    /* What room was lent for is where it was lent, and fits. */
    if (target->lends && target->buf.len % target->lends > 0) {
        assert_ptr_equal(data, target->lent);
        assert_true(len <= target->buf.len % target->lends);
    }
    if (target->fails)
        return coco_fail(err, COCO_ERR_IO, "disk full");
    return coco_buf_append(&target->buf, data, len, err);
}

static coco_status
target_end(void *self, coco_error **err)
{
    struct target *target = self;

    (void)err;
    target->ended = true;
    return COCO_OK;
}

static struct coco_sink
sink_to(struct target *target)
{
    target->buf.limit = 1 << 20;
    return (struct coco_sink){.write = target_write,
                              .end = target_end,
                              .lend = target->lends ? target_lend : NULL,
                              .self = target};
}

/* The key of the published vector; it was made with Go's ocicrypt. */
static struct coco_layer_key
vector_key(void)
{
    struct coco_layer_key key = {0};
    uint8_t bytes[COCO_LAYER_KEY_SIZE];
    coco_error *err = NULL;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_ok(coco_secret_copy(bytes, sizeof(bytes), &key.key, &err), err);
    memcpy(key.nonce, bytes + 16, sizeof(key.nonce));
    assert_true(coco_unhex(MAC, strlen(MAC), key.mac, sizeof(key.mac)));
    assert_ok(coco_digest_parse(DIGEST, &key.plain, &err), err);
    return key;
}

/* Decrypts len bytes of data, step at a time. */
static coco_status
decrypt(const struct coco_layer_key *key, const uint8_t *data, size_t len, size_t step,
        struct target *target, coco_error **err)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_sink next = sink_to(target);

    coco_status status = coco_layer_decrypt(key, &next, &cipher, err);
    if (status != COCO_OK)
        return status;
    struct coco_sink sink = coco_layer_cipher_sink(cipher);
    for (size_t at = 0; at < len && status == COCO_OK; at += step)
        status = coco_sink_write(&sink, data + at, len - at < step ? len - at : step, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    return status;
}

static coco_status
encrypt(struct coco_layer_key *key, const void *data, size_t len, struct target *target,
        coco_error **err)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_sink next = sink_to(target);

    coco_status status = coco_layer_encrypt(key, &next, &cipher, err);
    if (status != COCO_OK)
        return status;
    struct coco_sink sink = coco_layer_cipher_sink(cipher);
    status = coco_sink_write(&sink, data, len, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    return status;
}

static void
decrypt_gives_the_published_plaintext_in_any_portions(void **state)
{
    struct coco_layer_key key = vector_key();
    uint8_t cipher[LEN];
    coco_error *err = NULL;

    (void)state;
    assert_true(coco_unhex(CIPHER, strlen(CIPHER), cipher, sizeof(cipher)));
    for (size_t step = 1; step <= LEN; step++) {
        struct target target = {0};

        assert_ok(decrypt(&key, cipher, LEN, step, &target, &err), err);
        assert_true(target.ended);
        assert_string_equal(coco_buf_text(&target.buf), PLAIN);
        coco_buf_done(&target.buf);
    }
    coco_layer_key_done(&key);
}

static void
encrypt_gives_the_published_ciphertext_mac_and_digest(void **state)
{
    struct coco_layer_key key = vector_key();
    struct target target = {0};
    uint8_t want[LEN];
    uint8_t mac[COCO_LAYER_MAC_SIZE];
    char digest[COCO_DIGEST_TEXT_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_true(coco_unhex(CIPHER, strlen(CIPHER), want, sizeof(want)));
    assert_true(coco_unhex(MAC, strlen(MAC), mac, sizeof(mac)));
    memset(key.mac, 0, sizeof(key.mac));
    key.plain = (struct coco_digest){0};
    assert_ok(encrypt(&key, PLAIN, LEN, &target, &err), err);
    assert_true(target.ended);
    assert_int_equal(target.buf.len, LEN);
    assert_memory_equal(target.buf.data, want, LEN);
    assert_memory_equal(key.mac, mac, sizeof(mac));
    coco_digest_format(&key.plain, digest);
    assert_string_equal(digest, DIGEST);
    coco_buf_done(&target.buf);
    coco_layer_key_done(&key);
}

static void
what_is_encrypted_decrypts_across_blocks_and_counter_overflow(void **state)
{
    enum { SIZE = 100000 };
    static uint8_t plain[SIZE];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (uint8_t)(i * i >> 3);
    for (size_t len = 0; len <= SIZE; len += SIZE / 4) {
        struct coco_layer_key key = {0};
        struct target there = {0};
        struct target back = {0};

        assert_ok(coco_layer_key_generate(&key, &err), err);
        /* The counter is all 128 bits: it wraps within the first blocks. */
        memset(key.nonce, 0xff, sizeof(key.nonce));
        assert_ok(encrypt(&key, plain, len, &there, &err), err);
        assert_int_equal(there.buf.len, len);
        assert_ok(decrypt(&key, there.buf.data, len, 12345, &back, &err), err);
        assert_int_equal(back.buf.len, len);
        if (len > 0)
            assert_memory_equal(back.buf.data, plain, len);
        coco_buf_done(&there.buf);
        coco_buf_done(&back.buf);
        coco_layer_key_done(&key);
    }
}

/* With a list of chunks, which looks at what passes, and without. */
static void
blocks_come_out_where_the_next_stage_lends(void **state)
{
    enum { SIZE = 100000 };
    static uint8_t plain[SIZE];
    static struct target there;
    static struct target back;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (uint8_t)(i * i >> 3);
    for (size_t chunks = 0; chunks <= COCO_CHUNK_SIZE_MIN; chunks += COCO_CHUNK_SIZE_MIN) {
        struct coco_layer_key key = {0};

        there = (struct target){.lends = 4099};
        back = (struct target){.lends = 40009};
        assert_ok(coco_layer_key_generate(&key, &err), err);
        key.chunks.size = chunks;
        assert_ok(encrypt(&key, plain, SIZE, &there, &err), err);
        assert_ok(decrypt(&key, there.buf.data, SIZE, 12345, &back, &err), err);
        assert_int_equal(back.buf.len, SIZE);
        assert_memory_equal(back.buf.data, plain, SIZE);
        coco_buf_done(&there.buf);
        coco_buf_done(&back.buf);
        coco_layer_key_done(&key);
    }
}

static void
a_list_of_chunks_is_made_when_asked_for(void **state)
{
    struct coco_layer_key key = vector_key();
    struct target there = {0};
    struct target back = {0};
    uint8_t tag[COCO_CHUNK_TAG_SIZE];
    coco_error *err = NULL;

    (void)state;
    key.chunks.size = COCO_CHUNK_SIZE_MIN;
    assert_ok(encrypt(&key, PLAIN, LEN, &there, &err), err);
    assert_true(there.ended);
    assert_true(coco_unhex(CHUNK_TAG, strlen(CHUNK_TAG), tag, sizeof(tag)));
    assert_int_equal(key.chunks.tags.len, sizeof(tag));
    assert_memory_equal(key.chunks.tags.data, tag, sizeof(tag));
    for (size_t step = 1; step <= LEN; step++) {
        assert_ok(decrypt(&key, there.buf.data, LEN, step, &back, &err), err);
        assert_string_equal(coco_buf_text(&back.buf), PLAIN);
        coco_buf_done(&back.buf);
    }
    coco_buf_done(&there.buf);
    coco_layer_key_done(&key);
}

/* Without the list, plaintext comes before the MAC was seen; with it, none that is not right. */
static void
of_a_changed_chunk_nothing_comes(void **state)
{
    enum { LISTED, CONTENT, TAG, MAC_OF_ALL, N };
    coco_error *err = NULL;

    (void)state;
    for (int what = LISTED; what < N; what++) {
        struct coco_layer_key key = vector_key();
        struct target there = {0};
        struct target back = {0};

        key.chunks.size = COCO_CHUNK_SIZE_MIN;
        assert_ok(encrypt(&key, PLAIN, LEN, &there, &err), err);
        there.buf.data[LEN - 1] ^= what == LISTED || what == CONTENT;
        key.chunks.tags.data[0] ^= what == TAG;
        key.mac[0] ^= what == MAC_OF_ALL;
        if (what == LISTED)
            coco_chunks_done(&key.chunks);
        assert_fails(decrypt(&key, there.buf.data, LEN, LEN, &back, &err), err, COCO_ERR_VERIFY,
                     COCO_LAYER_NOT_AUTHENTIC);
        assert_false(back.ended);
        assert_int_equal(back.buf.len, what == CONTENT || what == TAG ? 0 : LEN);
        coco_buf_done(&there.buf);
        coco_buf_done(&back.buf);
        coco_layer_key_done(&key);
    }
}

static void
fresh_keys_differ(void **state)
{
    struct coco_layer_key a = {0};
    struct coco_layer_key b = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_layer_key_generate(&a, &err), err);
    assert_ok(coco_layer_key_generate(&b, &err), err);
    assert_int_equal(a.key.len, COCO_LAYER_KEY_SIZE);
    assert_false(coco_secret_equal(&a.key, b.key.data, b.key.len));
    assert_memory_not_equal(a.nonce, b.nonce, sizeof(a.nonce));
    coco_layer_key_done(&a);
    coco_layer_key_done(&b);
}

/* T15, T16: whatever is wrong, next never sees an end, and the answer is always the same. */
static void
decrypt_refuses_a_changed_layer_with_one_answer(void **state)
{
    enum { BYTE, MAC_FIRST, MAC_LAST, OTHER_DIGEST, OTHER_HASH, KEY, NONCE, SHORT, LONG, EMPTY, N };
    coco_error *err = NULL;

    (void)state;
    for (int what = BYTE; what < N; what++) {
        struct coco_layer_key key = vector_key();
        struct target target = {0};
        uint8_t cipher[LEN + 1] = {0};
        size_t len = LEN;

        assert_true(coco_unhex(CIPHER, strlen(CIPHER), cipher, LEN));
        cipher[0] ^= what == BYTE;
        key.mac[0] ^= what == MAC_FIRST;
        key.mac[COCO_LAYER_MAC_SIZE - 1] ^= what == MAC_LAST;
        key.plain.bytes[31] ^= what == OTHER_DIGEST;
        if (what == OTHER_HASH)
            key.plain.alg = COCO_SHA512;
        key.key.data[0] ^= what == KEY;
        key.nonce[0] ^= what == NONCE;
        len -= what == SHORT;
        len += what == LONG;
        if (what == EMPTY)
            len = 0;

        coco_status status = decrypt(&key, cipher, len, 7, &target, &err);
        assert_int_equal(status, COCO_ERR_VERIFY);
        assert_string_equal(coco_error_message(err), "layer authentication failed");
        assert_false(target.ended);
        coco_error_free(err);
        err = NULL;
        coco_buf_done(&target.buf);
        coco_layer_key_done(&key);
    }
}

static void
a_digest_that_is_not_stated_is_not_compared(void **state)
{
    struct coco_layer_key key = vector_key();
    struct target target = {0};
    uint8_t cipher[LEN];
    coco_error *err = NULL;

    (void)state;
    assert_true(coco_unhex(CIPHER, strlen(CIPHER), cipher, LEN));
    key.plain = (struct coco_digest){0};
    assert_ok(decrypt(&key, cipher, LEN, LEN, &target, &err), err);
    assert_true(target.ended);
    coco_buf_done(&target.buf);
    coco_layer_key_done(&key);
}

static void
failures_of_the_next_stage_come_back(void **state)
{
    struct coco_layer_key key = vector_key();
    struct target target = {.fails = true};
    coco_error *err = NULL;

    (void)state;
    assert_fails(decrypt(&key, key.mac, 3, 3, &target, &err), err, COCO_ERR_IO, "disk full");
    assert_false(target.ended);
    coco_layer_key_done(&key);
}

static void
a_key_of_another_size_is_refused(void **state)
{
    struct coco_layer_key key = vector_key();
    struct target target = {0};
    coco_error *err = NULL;

    (void)state;
    key.key.len = 16;
    assert_fails(decrypt(&key, key.mac, 3, 3, &target, &err), err, COCO_ERR_INVALID,
                 "layer key has 16 bytes");
    assert_fails(encrypt(&key, "x", 1, &target, &err), err, COCO_ERR_INVALID,
                 "layer key has 16 bytes");
    coco_layer_key_done(&key);
}

static void
neither_key_nor_plaintext_stay_behind(void **state)
{
    static const char secret[] = PLAIN;
    struct coco_layer_key key = vector_key();
    struct target target = {0};
    uint8_t bytes[COCO_LAYER_KEY_SIZE];
    uint8_t cipher[LEN];
    coco_error *err = NULL;

    (void)state;
    memcpy(bytes, key.key.data, sizeof(bytes));
    assert_true(coco_unhex(CIPHER, strlen(CIPHER), cipher, LEN));
    canary_begin(secret, LEN);
    assert_ok(decrypt(&key, cipher, LEN, LEN, &target, &err), err);
    coco_buf_done(&target.buf);
    assert_int_equal(canary_end(), 0);

    canary_begin(bytes, sizeof(bytes));
    assert_ok(decrypt(&key, cipher, LEN, LEN, &target, &err), err);
    coco_layer_key_done(&key);
    assert_int_equal(canary_end(), 0);
    coco_buf_done(&target.buf);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_layer_key key = {0};
        struct target there = {0};
        struct target back = {0};

        coco_status status = coco_layer_key_generate(&key, &err);
        key.chunks.size = COCO_CHUNK_SIZE_MIN;
        if (status == COCO_OK)
            status = encrypt(&key, PLAIN, LEN, &there, &err);
        if (status == COCO_OK)
            status = decrypt(&key, there.buf.data, there.buf.len, 5, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        coco_buf_done(&there.buf);
        coco_buf_done(&back.buf);
        coco_layer_key_done(&key);
    }
}

static void
no_layer_key_is_made_without_random_bytes(void **state)
{
    (void)state;
    for_each_rng_fault()
    {
        struct coco_layer_key key = {0};
        coco_error *err = NULL;

        rng_expect(coco_layer_key_generate(&key, &err), err);
        assert_true(!key.key.data == (err != NULL));
        coco_error_free(err);
        coco_layer_key_done(&key);
    }
}

static void
a_digest_that_is_of_the_content_is_not_the_blobs(void **state)
{
    struct coco_layer_key key = {0};
    struct coco_digest diff_id = {0};
    struct coco_digest other = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_of(COCO_SHA256, "x", 1, &diff_id, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "y", 1, &other, &err), err);
    coco_layer_key_of_content(&key, &diff_id);
    assert_int_equal(key.plain.alg, 0);
    key.plain = other;
    coco_layer_key_of_content(&key, &diff_id);
    assert_true(coco_digest_equal(&key.plain, &other));
    key.plain = diff_id;
    coco_layer_key_of_content(&key, &diff_id);
    assert_int_equal(key.plain.alg, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_that_is_of_the_content_is_not_the_blobs),
        cmocka_unit_test(decrypt_gives_the_published_plaintext_in_any_portions),
        cmocka_unit_test(encrypt_gives_the_published_ciphertext_mac_and_digest),
        cmocka_unit_test(what_is_encrypted_decrypts_across_blocks_and_counter_overflow),
        cmocka_unit_test(blocks_come_out_where_the_next_stage_lends),
        cmocka_unit_test(a_list_of_chunks_is_made_when_asked_for),
        cmocka_unit_test(of_a_changed_chunk_nothing_comes),
        cmocka_unit_test(fresh_keys_differ),
        cmocka_unit_test(decrypt_refuses_a_changed_layer_with_one_answer),
        cmocka_unit_test(a_digest_that_is_not_stated_is_not_compared),
        cmocka_unit_test(failures_of_the_next_stage_come_back),
        cmocka_unit_test(a_key_of_another_size_is_refused),
        cmocka_unit_test(neither_key_nor_plaintext_stay_behind),
        cmocka_unit_test(everything_survives_any_failed_allocation),
        cmocka_unit_test(no_layer_key_is_made_without_random_bytes),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("ocicrypt/layer", tests, NULL, NULL);
}
