/*
 * tests/signature/test_checkpoint.c - lib/signature/checkpoint.c
 *
 * Checkpoints that hold are also in tests/cli/test_keyless.py, made by the modules of Rekor 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/checkpoint.h"

#include "tests/signkit.h"

#include <stdio.h>

#define NAME "log.test"
#define SIZE 17

/* A note in the making: who signs what, under which name and id. */
struct note {
    const char *origin, *name;
    const struct coco_log *log;
    bool is_tiled;
    uint8_t flip; /* what is wrong with the id */
};

static struct coco_digest
root(void)
{
    struct coco_digest ret = {0};

    assert_int_equal(coco_digest_parse(KIT_DIGEST, &ret, NULL), COCO_OK);
    return ret;
}

static void
make_log(enum coco_key_kind kind, struct coco_log *ret)
{
    EVP_PKEY *key = NULL;

    assert_int_equal(coco_key_generate(kind, &key, NULL), COCO_OK);
    assert_int_equal(coco_log_make(&key, ret, NULL), COCO_OK);
    ret->name = strdup(NAME);
}

static void
append_signature(const struct note *note, size_t text_len, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf raw = {.limit = 4096};
    struct coco_digest id = {0};

    assert_int_equal(coco_checkpoint_key_id(note->log, note->is_tiled, &id, NULL), COCO_OK);
    id.bytes[0] ^= note->flip;
    assert_int_equal(coco_buf_append(&raw, id.bytes, 4, NULL), COCO_OK);
    assert_int_equal(coco_key_sign(note->log->key, ret->data, text_len, &raw, NULL), COCO_OK);
    assert_int_equal(coco_buf_printf(ret, NULL, "\xe2\x80\x94 %s ", note->name), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, raw.data, raw.len, ret, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(ret, "\n", NULL), COCO_OK);
}

/* Signed by each of n; of what the first says. */
static void
write_note(const struct note *notes, size_t n, struct coco_buf *ret)
{
    const struct coco_digest hash = root();

    *ret = (struct coco_buf){.limit = 1 << 16};
    assert_int_equal(coco_buf_printf(ret, NULL, "%s\n%d\n", notes[0].origin, SIZE), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, hash.bytes, 32, ret, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(ret, "\n", NULL), COCO_OK);
    size_t len = ret->len;
    assert_int_equal(coco_buf_append_text(ret, "\n", NULL), COCO_OK);
    for (size_t i = 0; i < n; i++)
        append_signature(&notes[i], len, ret);
}

static coco_status
check(const struct coco_buf *note, const struct coco_log *log, coco_error **err)
{
    const struct coco_digest hash = root();

    return coco_checkpoint_check(coco_buf_text(note), log, SIZE, &hash, err);
}

static const enum coco_key_kind kinds[] = {COCO_KEY_ED25519, COCO_KEY_P256, COCO_KEY_P384,
                                           COCO_KEY_RSA};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
those_of_the_log_hold(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2 * N_KINDS; i++) {
        bool is_tiled = i < N_KINDS;
        _cleanup_(coco_log_done) struct coco_log log = {0};
        struct coco_digest other = root();
        _cleanup_buf_ struct coco_buf text = {0};

        make_log(kinds[i % N_KINDS], &log);
        const struct note note = {is_tiled ? NAME : NAME " - 4711", NAME, &log, is_tiled, 0};
        write_note(&note, 1, &text);
        assert_true(coco_checkpoint_is_tiled(coco_buf_text(&text)) == is_tiled);
        assert_ok(check(&text, &log, &err), err);
        assert_fails(coco_checkpoint_check(coco_buf_text(&text), &log, SIZE + 1, &other, &err), err,
                     COCO_ERR_VERIFY, "of another size");
        other.bytes[31] ^= 1;
        assert_fails(coco_checkpoint_check(coco_buf_text(&text), &log, SIZE, &other, &err), err,
                     COCO_ERR_VERIFY, "not in the tree");
    }
}

static void
each_byte_of_one_counts(void **state)
{
    _cleanup_(coco_log_done) struct coco_log log = {0};
    _cleanup_buf_ struct coco_buf text = {0};
    coco_error *err = NULL;

    (void)state;
    make_log(COCO_KEY_ED25519, &log);
    const struct note note = {NAME, NAME, &log, true, 0};
    write_note(&note, 1, &text);
    /* The line end behind the signature is not needed. */
    for (size_t i = 0; i + 1 < text.len; i++) {
        uint8_t was = text.data[i];

        text.data[i] ^= 1;
        coco_status status = check(&text, &log, &err);
        if (status != COCO_ERR_VERIFY && status != COCO_ERR_PROTO)
            fail_msg("byte %zu", i);
        coco_error_free(err);
        err = NULL;
        text.data[i] = '\0';
        status = check(&text, &log, &err);
        if (status != COCO_ERR_VERIFY && status != COCO_ERR_PROTO)
            fail_msg("cut at byte %zu", i);
        coco_error_free(err);
        err = NULL;
        text.data[i] = was;
    }
    assert_ok(check(&text, &log, &err), err);
}

/* Witnesses, and other keys under the log's name: in any place. */
static void
others_may_have_signed_too(void **state)
{
    _cleanup_(coco_log_done) struct coco_log log = {0};
    _cleanup_(coco_log_done) struct coco_log other = {0};
    coco_error *err = NULL;

    (void)state;
    make_log(COCO_KEY_ED25519, &log);
    make_log(COCO_KEY_P256, &other);
    const struct note own = {NAME, NAME, &log, true, 0};
    const struct note same_name = {NAME, NAME, &other, true, 0};
    const struct note witness = {NAME, "witness.test", &other, true, 0};
    const struct note lists[][3] = {
        {own, witness, same_name}, {witness, own, same_name}, {same_name, witness, own}};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf text = {0};

        write_note(lists[i], 3, &text);
        assert_ok(check(&text, &log, &err), err);
    }
    const struct note nobody[] = {witness, same_name};
    _cleanup_buf_ struct coco_buf text = {0};
    write_note(nobody, 2, &text);
    assert_fails(check(&text, &log, &err), err, COCO_ERR_VERIFY, "not signed by the log");
}

static void
those_of_other_logs_are_refused(void **state)
{
    _cleanup_(coco_log_done) struct coco_log log = {0};
    _cleanup_(coco_log_done) struct coco_log other = {0};
    coco_error *err = NULL;

    (void)state;
    make_log(COCO_KEY_P256, &log);
    make_log(COCO_KEY_P256, &other);
    const struct {
        struct note note;
        const char *why;
    } cases[] = {
        {{NAME, NAME, &other, true, 0}, "not signed by the log"},
        {{NAME, "log.tes", &log, true, 0}, "not signed by the log"},
        {{NAME, "log.test.evil", &log, true, 0}, "not signed by the log"},
        {{NAME, NAME, &log, true, 1}, "not signed by the log"},
        {{"log.test.evil", NAME, &log, true, 0}, "of the log 'log.test.evil', not 'log.test'"},
        {{"log.tes", NAME, &log, true, 0}, "of the log 'log.tes'"},
        {{"", NAME, &log, true, 0}, "of the log ''"},
        {{NAME " - 1", NAME, &other, false, 0}, "not signed by the log"},
        {{NAME " - 1", NAME, &log, false, 0x80}, "not signed by the log"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {0};

        write_note(&cases[i].note, 1, &text);
        assert_fails(check(&text, &log, &err), err, COCO_ERR_VERIFY, cases[i].why);
    }
    /* The id is the log's, the signature is another's. */
    const struct note fine = {NAME, NAME, &log, true, 0};
    _cleanup_buf_ struct coco_buf text = {0};
    write_note(&fine, 1, &text);
    char *size = strstr(coco_buf_text(&text), "\n17\n");
    assert_non_null(size);
    text.data[(size_t)(size - coco_buf_text(&text)) + 2] = '8';
    assert_fails(check(&text, &log, &err), err, COCO_ERR_VERIFY, "checkpoint: signature does not");
}

static void
a_log_needs_a_name(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        _cleanup_(coco_log_done) struct coco_log log = {0};
        _cleanup_buf_ struct coco_buf text = {0};

        make_log(kinds[i], &log);
        const struct note note = {NAME, NAME, &log, true, 0};
        write_note(&note, 1, &text);
        free(coco_steal(&log.name));
        assert_fails(check(&text, &log, &err), err, COCO_ERR_NOTSUP, "only a trusted root says");
    }
}

static void
what_is_none_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
        coco_status status;
    } cases[] = {
        {"", "without a signature", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n", "without a signature", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n", "not signed by the log", COCO_ERR_VERIFY},
        {"log.test\n17\nAA==\n\nx\n", "that is none", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n\xe2\x80\x94 \n", "that is none", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n\xe2\x80\x94 log.test\n", "that is none", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n\xe2\x80\x94 log.test *\n", "not base64", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n\xe2\x80\x94 log.test aGludA==\n", "that is none", COCO_ERR_PROTO},
        {"log.test\n17\nAA==\n\n\xe2\x80\x94 log.test aGludHg=\n", "not signed", COCO_ERR_VERIFY},
    };
    _cleanup_(coco_log_done) struct coco_log log = {0};
    const struct coco_digest hash = root();
    coco_error *err = NULL;

    (void)state;
    make_log(COCO_KEY_ED25519, &log);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_checkpoint_check(cases[i].text, &log, SIZE, &hash, &err), err,
                     cases[i].status, cases[i].why);
}

static void
kinds_are_told_by_the_first_line(void **state)
{
    static const struct {
        const char *note;
        bool is_tiled;
    } cases[] = {
        {"log.test - 4711\n1\n", false},
        {"log.test - 4711", false},
        {" - 0\n", false},
        {"log.test\n", true},
        {"log.test - \n", true},
        {"log.test - 4711a\n", true},
        {"log.test -4711\n", true},
        {"log.test 4711\n", true},
        {"log.test - -1\n", true},
        {"4711\n", true},
        {"", true},
        {"log.test\n - 4711\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (coco_checkpoint_is_tiled(cases[i].note) != cases[i].is_tiled)
            fail_msg("%s", cases[i].note);
}

static void
checking_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_log_done) struct coco_log log = {0};
    _cleanup_(coco_log_done) struct coco_log other = {0};
    _cleanup_buf_ struct coco_buf text = {0};

    (void)state;
    make_log(COCO_KEY_ED25519, &log);
    make_log(COCO_KEY_P256, &other);
    const struct note notes[] = {{NAME, NAME, &other, true, 0}, {NAME, NAME, &log, true, 0}};
    write_note(notes, 2, &text);
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = check(&text, &log, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_the_log_hold),
        cmocka_unit_test(each_byte_of_one_counts),
        cmocka_unit_test(others_may_have_signed_too),
        cmocka_unit_test(those_of_other_logs_are_refused),
        cmocka_unit_test(a_log_needs_a_name),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(kinds_are_told_by_the_first_line),
        cmocka_unit_test(checking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/checkpoint", tests, NULL, NULL);
}
