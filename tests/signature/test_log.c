/*
 * tests/signature/test_log.c - lib/signature/log.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#include <stdio.h>

#define LEAVES 9

/* RFC 6962 section 2.1: the hash of leaves from to to, and the way of one of them to it. */
static struct coco_digest
tree(const struct coco_digest *leaves, size_t n, size_t at, struct coco_digest *way, size_t *n_way)
{
    uint8_t text[65] = {1};
    struct coco_digest ret = {0};
    size_t half = 1;

    if (n == 1)
        return leaves[0];
    while (2 * half < n)
        half *= 2;
    bool left = at < half;
    struct coco_digest a = tree(leaves, half, left ? at : SIZE_MAX, way, n_way);
    struct coco_digest b =
        tree(leaves + half, n - half, left || at == SIZE_MAX ? SIZE_MAX : at - half, way, n_way);
    if (at != SIZE_MAX)
        way[(*n_way)++] = left ? b : a;
    memcpy(text + 1, a.bytes, 32);
    memcpy(text + 33, b.bytes, 32);
    assert_int_equal(coco_digest_of(COCO_SHA256, text, sizeof(text), &ret, NULL), COCO_OK);
    return ret;
}

/* Not in the order that they are needed: those of the leaf's own side come first. */
static void
make_proof(struct coco_log_entry *entry, size_t n, size_t at, const struct coco_log *log)
{
    struct coco_digest leaves[LEAVES] = {{0}};
    _cleanup_buf_ struct coco_buf note = {.limit = 4096};
    _cleanup_buf_ struct coco_buf raw = {.limit = 4096};
    char body[] = "\0{}";

    for (size_t i = 0; i < n; i++) {
        body[1] = i == at ? '{' : (char)('a' + i);
        assert_int_equal(coco_digest_of(COCO_SHA256, body, 3, &leaves[i], NULL), COCO_OK);
    }
    entry->has_proof = true;
    entry->proof_index = at;
    entry->proof_size = n;
    struct coco_digest root = tree(leaves, n, at, entry->hashes, &entry->n_hashes);
    assert_int_equal(coco_buf_printf(&note, NULL, "log.test - 1\n%zu\n", n), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, root.bytes, 32, &note, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(&note, "\n", NULL), COCO_OK);
    assert_int_equal(coco_buf_append(&raw, log->id, 4, NULL), COCO_OK);
    assert_int_equal(coco_key_sign(log->key, note.data, note.len, &raw, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(&note,
                                          "\n\xe2\x80\x94 witness.test aGludHNpZw==\n"
                                          "\xe2\x80\x94 log.test ",
                                          NULL),
                     COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, raw.data, raw.len, &note, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(&note, "\n", NULL), COCO_OK);
    entry->checkpoint = strdup(coco_buf_text(&note));
}

static void
make_log(struct coco_log *log, EVP_PKEY **key)
{
    EVP_PKEY *own = NULL;

    assert_int_equal(coco_key_generate(COCO_KEY_P256, key, NULL), COCO_OK);
    assert_int_equal(EVP_PKEY_up_ref(*key), 1);
    own = *key;
    assert_int_equal(coco_log_make(&own, log, NULL), COCO_OK);
}

static struct coco_log_entry
make_entry(const struct coco_log *log)
{
    struct coco_log_entry entry = {.body.limit = 64, .promise.limit = 1024};

    assert_int_equal(coco_buf_append_text(&entry.body, "{}", NULL), COCO_OK);
    memcpy(entry.log_id, log->id, sizeof(entry.log_id));
    return entry;
}

static void
every_leaf_of_every_tree_is_found(void **state)
{
    struct coco_log log;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    make_log(&log, &key);
    for (size_t n = 1; n <= LEAVES; n++)
        for (size_t at = 0; at < n; at++) {
            _cleanup_log_entry_ struct coco_log_entry entry = make_entry(&log);
            bool signed_time = true;

            make_proof(&entry, n, at, &log);
            assert_ok(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err);
            assert_false(signed_time);
            /* In no other place, of no other size, and by no other way. */
            entry.proof_index = (at + 1) % (n + 1);
            assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err,
                         COCO_ERR_VERIFY, "inclusion proof");
            entry.proof_index = at;
            entry.proof_size = n + 1;
            assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err,
                         COCO_ERR_VERIFY, "inclusion proof");
            entry.proof_size = n;
            entry.n_hashes++;
            assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err,
                         COCO_ERR_VERIFY, "too long");
            entry.n_hashes--;
            if (entry.n_hashes > 0) {
                entry.hashes[0].bytes[0] ^= 1;
                assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err,
                             COCO_ERR_VERIFY, "not in the tree");
            }
        }
    coco_log_done(&log);
}

/* Rekor 2 has one tree: the entry's number is its place in it. */
static void
a_log_of_one_tree_numbers_entries_by_it(void **state)
{
    struct coco_log log;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    bool signed_time = false;
    coco_error *err = NULL;

    (void)state;
    make_log(&log, &key);
    _cleanup_log_entry_ struct coco_log_entry entry = make_entry(&log);
    make_proof(&entry, 5, 3, &log);
    entry.index = 4711;
    assert_ok(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err);
    free(entry.checkpoint);
    entry.checkpoint = strdup("log.test\n5\nAA==\n\n");
    assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err, COCO_ERR_VERIFY,
                 "it is of another entry");
    entry.index = 3;
    assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err, COCO_ERR_NOTSUP,
                 "only a trusted root says");
    coco_log_done(&log);
}

/* A key of another kind signs checkpoints, and what looks like a promise is none. */
static void
only_keys_of_rekor_1_promise(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_ED25519, COCO_KEY_RSA};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct coco_log log = {0};
        EVP_PKEY *key = NULL;
        bool signed_time = false;
        coco_error *err = NULL;

        assert_int_equal(coco_key_generate(kinds[i], &key, NULL), COCO_OK);
        assert_int_equal(coco_log_make(&key, &log, NULL), COCO_OK);
        _cleanup_log_entry_ struct coco_log_entry entry = make_entry(&log);
        assert_int_equal(coco_buf_append_text(&entry.promise, "x", NULL), COCO_OK);
        assert_fails(coco_log_entry_check(&entry, &log, 1, &signed_time, &err), err,
                     COCO_ERR_VERIFY, "the log's key is none for that");
        coco_log_done(&log);
    }
}

static void
all_that_a_log_promised_is_signed(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_json_ cJSON *json = golden_json(golden_bundle);
    _cleanup_log_entry_ struct coco_log_entry entry = {0};
    coco_error *err = NULL;
    bool signed_time = false;

    (void)state;
    golden_trust(&trust);
    assert_ok(coco_log_entry_parse(golden_entry(json), &entry, &err), err);
    assert_ok(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err);
    assert_true(signed_time);
    entry.has_proof = false;
    assert_ok(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err);
    entry.time++;
    assert_fails(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err,
                 COCO_ERR_VERIFY, "signed entry timestamp");
    assert_false(signed_time);
    entry.time--;
    entry.index++;
    assert_fails(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err,
                 COCO_ERR_VERIFY, "signed entry timestamp");
    entry.index--;
    for (size_t i = 0; i < entry.body.len; i++) {
        entry.body.data[i] ^= 1;
        assert_fails(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err),
                     err, COCO_ERR_VERIFY, "signed entry timestamp");
        entry.body.data[i] ^= 1;
    }
    trust.logs[0].to = (int64_t)entry.time - 1;
    assert_fails(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err,
                 COCO_ERR_VERIFY, "not in use");
    assert_fails(coco_log_entry_check(&entry, trust.logs, 0, &signed_time, &err), err,
                 COCO_ERR_VERIFY, "not known");
    coco_buf_reset(&entry.promise);
    assert_fails(coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err), err,
                 COCO_ERR_VERIFY, "nothing proves");
}

static void
checking_survives_any_failed_allocation(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_json_ cJSON *json = golden_json(golden_bundle);

    (void)state;
    golden_trust(&trust);
    for_each_fault()
    {
        struct coco_log_entry entry = {0};
        coco_error *err = NULL;
        bool signed_time = false;

        coco_status status = coco_log_entry_parse(golden_entry(json), &entry, &err);
        if (status == COCO_OK)
            status = coco_log_entry_check(&entry, trust.logs, trust.n_logs, &signed_time, &err);
        fault_expect(status, err);
        coco_log_entry_done(&entry);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_every_tree_is_found),
        cmocka_unit_test(a_log_of_one_tree_numbers_entries_by_it),
        cmocka_unit_test(only_keys_of_rekor_1_promise),
        cmocka_unit_test(all_that_a_log_promised_is_signed),
        cmocka_unit_test(checking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/log", tests, NULL, NULL);
}
