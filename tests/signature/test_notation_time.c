/*
 * tests/signature/test_notation_time.c - lib/signature/notation_time.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "goldenkit.h"

#define STAMPED "{\"timestampAuthorityPath\":\"stampers\"}"

struct fixture {
    struct signkit kit;
    struct coco_trust trust; /* of the stampers */
    struct coco_trust nobody;
    struct coco_notation stamped, authority, plain;
    struct coco_buf detail;
    coco_error *err;
};

static void
parse(const char *jws, struct coco_notation *ret)
{
    assert_int_equal(coco_notation_parse_jws(jws, strlen(jws), ret, NULL), COCO_OK);
}

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    _cleanup_json_ cJSON *json = signkit_parse(STAMPED);

    signkit_begin(&f->kit);
    signkit_add_file(&f->kit, "stampers", golden_stampers, strlen(golden_stampers));
    assert_int_equal(coco_trust_read_store(json, "ca", &f->kit.source, &f->trust, NULL), COCO_OK);
    parse(golden_stamped_jws, &f->stamped);
    parse(golden_authority_jws, &f->authority);
    parse(golden_jws, &f->plain);
    f->detail.limit = 1024;
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    signkit_end(&f->kit);
    coco_trust_done(&f->trust);
    coco_notation_done(&f->stamped);
    coco_notation_done(&f->authority);
    coco_notation_done(&f->plain);
    coco_buf_done(&f->detail);
    free(f);
    return 0;
}

static coco_status
find(struct fixture *f, struct coco_notation *notation, const struct coco_trust *trust,
     const struct coco_notation_level *level, int64_t now)
{
    notation->signer.n_times = 0;
    coco_buf_reset(&f->detail);
    return coco_notation_find_times(notation, trust, level, now, &f->detail, &f->err);
}

static const struct coco_notation_level always = {.after_expiry = false};
static const struct coco_notation_level after = {.after_expiry = true};

static void
a_stamp_says_when(void **state)
{
    struct fixture *f = *state;
    const int64_t *times = f->stamped.signer.times;

    assert_ok(find(f, &f->stamped, &f->trust, &always, GOLDEN_NOTATION_TIME), f->err);
    assert_int_equal(f->stamped.signer.n_times, 2);
    assert_true(times[0] == times[1] && llabs(times[0] - GOLDEN_NOTATION_TIME) < 60);
    assert_contains(coco_buf_text(&f->detail), "stamped at ");
    /* Years later, too. */
    assert_ok(find(f, &f->stamped, &f->trust, &always, GOLDEN_NOTATION_TIME + 100000000), f->err);
    assert_int_equal(f->stamped.signer.n_times, 2);
}

static void
how_far_a_stamp_may_be_off_counts(void **state)
{
    struct fixture *f = *state;
    _cleanup_notation_ struct coco_notation cose = {0};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};

    assert_int_equal(coco_base64_decode(COCO_BASE64, golden_stamped_cose,
                                        strlen(golden_stamped_cose), &bytes, NULL),
                     COCO_OK);
    assert_ok(coco_notation_parse_cose(bytes.data, bytes.len, &cose, &f->err), f->err);
    assert_ok(find(f, &cose, &f->trust, &always, GOLDEN_NOTATION_TIME), f->err);
    assert_int_equal(cose.signer.n_times, 2);
    assert_true(cose.signer.times[1] - cose.signer.times[0] == 6);
}

static void
a_stamp_must_be_there_where_somebody_is_trusted(void **state)
{
    struct fixture *f = *state;

    assert_fails(find(f, &f->plain, &f->trust, &always, GOLDEN_NOTATION_TIME), f->err,
                 COCO_ERR_VERIFY, "there is no time stamp with it");
    assert_int_equal(f->plain.signer.n_times, 0);
    /* But not while the certificates are good, where the policy says so. */
    assert_ok(find(f, &f->plain, &f->trust, &after, GOLDEN_NOTATION_TIME), f->err);
    assert_int_equal(f->plain.signer.n_times, 1);
    assert_true(f->plain.signer.times[0] == GOLDEN_NOTATION_TIME);
    assert_fails(find(f, &f->plain, &f->trust, &after, GOLDEN_NOTATION_TIME + 3600), f->err,
                 COCO_ERR_VERIFY, "there is no time stamp with it");
    /* Nobody is trusted: a stamp says nothing. */
    assert_ok(find(f, &f->stamped, &f->nobody, &always, GOLDEN_NOTATION_TIME + 3600), f->err);
    assert_true(f->stamped.signer.times[0] == GOLDEN_NOTATION_TIME + 3600);
}

static void
stamps_are_of_one_signature(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->stamped.signature.len; i++) {
        f->stamped.signature.data[i] ^= 1;
        assert_fails(find(f, &f->stamped, &f->trust, &always, GOLDEN_NOTATION_TIME), f->err,
                     COCO_ERR_VERIFY, "message imprint mismatch");
        f->stamped.signature.data[i] ^= 1;
    }
    for (size_t i = 0; i < f->stamped.signer.stamps[0].len; i += 3) {
        f->stamped.signer.stamps[0].data[i] ^= 0x10;
        coco_status status = find(f, &f->stamped, &f->trust, &always, GOLDEN_NOTATION_TIME);
        /* Certificates beside the signer's own count for nothing, and so do some encodings. */
        if (status == COCO_OK)
            assert_true(f->stamped.signer.n_times == 2);
        coco_error_free(f->err);
        f->err = NULL;
        f->stamped.signer.stamps[0].data[i] ^= 0x10;
    }
}

static void
an_authority_says_itself_when(void **state)
{
    struct fixture *f = *state;

    assert_true(f->authority.by_authority);
    assert_ok(find(f, &f->authority, &f->trust, &always, GOLDEN_NOTATION_TIME + 3600), f->err);
    assert_int_equal(f->authority.signer.n_times, 1);
    assert_true(f->authority.signer.times[0] == f->authority.time);
    assert_contains(coco_buf_text(&f->detail), "as its authority says");
}

static void
finding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct coco_notation *const list[] = {&f->stamped, &f->authority, &f->plain};

    for (size_t i = 0; i < 3; i++) {
        for_each_fault()
        {
            struct coco_buf detail = {.limit = 1024};
            coco_error *err = NULL;

            list[i]->signer.n_times = 0;
            coco_status status =
                coco_notation_find_times(list[i], i == 2 ? &f->nobody : &f->trust, &always,
                                         GOLDEN_NOTATION_TIME, &detail, &err);
            fault_expect(status, err);
            coco_buf_done(&detail);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stamp_says_when, begin, end),
        cmocka_unit_test_setup_teardown(how_far_a_stamp_may_be_off_counts, begin, end),
        cmocka_unit_test_setup_teardown(a_stamp_must_be_there_where_somebody_is_trusted, begin,
                                        end),
        cmocka_unit_test_setup_teardown(stamps_are_of_one_signature, begin, end),
        cmocka_unit_test_setup_teardown(an_authority_says_itself_when, begin, end),
        cmocka_unit_test_setup_teardown(finding_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("signature/notation_time", tests, NULL, NULL);
}
