/*
 * tests/image/test_defer.c - lib/image/defer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/defer.h"

#include "base/fail.h"
#include "tests/faults.h"

#include <string.h>

/* Fails on the byte '!' with a status that the test sets. */
struct picky {
    coco_status status;
    unsigned writes;
    bool ended;
};

static coco_error *err;

static coco_status
picky_write(void *self, const uint8_t *data, size_t len, coco_error **error)
{
    struct picky *picky = self;

    picky->writes++;
    if (memchr(data, '!', len))
        return coco_fail(error, picky->status, "an exclamation");
    return COCO_OK;
}

static coco_status
picky_end(void *self, coco_error **error)
{
    struct picky *picky = self;

    (void)error;
    picky->ended = true;
    return COCO_OK;
}

static void
what_bytes_are_to_blame_for_waits_for_the_end(void **state)
{
    static const coco_status waiting[] = {COCO_ERR_PROTO, COCO_ERR_LIMIT, COCO_ERR_NOTSUP,
                                          COCO_ERR_VERIFY};

    (void)state;
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        struct picky picky = {.status = waiting[i]};
        _cleanup_defer_ struct coco_defer defer = {
            .next = {.write = picky_write, .end = picky_end, .self = &picky}};
        const struct coco_sink sink = coco_defer_sink(&defer);

        assert_ok(coco_sink_write(&sink, "ab", 2, &err), err);
        assert_ok(coco_sink_write(&sink, "a!", 2, &err), err);
        assert_ok(coco_sink_write(&sink, "a!", 2, &err), err);
        assert_int_equal(picky.writes, 2);
        assert_fails(coco_sink_end(&sink, &err), err, waiting[i], "an exclamation");
        assert_false(picky.ended);
    }
}

static void
what_the_system_is_to_blame_for_fails_at_once(void **state)
{
    static const coco_status at_once[] = {COCO_ERR_IO, COCO_ERR_NOMEM, COCO_ERR_CANCELED};

    (void)state;
    for (size_t i = 0; i < sizeof(at_once) / sizeof(at_once[0]); i++) {
        struct picky picky = {.status = at_once[i]};
        _cleanup_defer_ struct coco_defer defer = {
            .next = {.write = picky_write, .end = picky_end, .self = &picky}};
        const struct coco_sink sink = coco_defer_sink(&defer);

        assert_fails(coco_sink_write(&sink, "!", 1, &err), err, at_once[i], "an exclamation");
    }
}

static void
without_a_failure_all_is_passed_on(void **state)
{
    struct picky picky = {.status = COCO_ERR_PROTO};
    _cleanup_defer_ struct coco_defer defer = {
        .next = {.write = picky_write, .end = picky_end, .self = &picky}};
    const struct coco_sink sink = coco_defer_sink(&defer);

    (void)state;
    assert_ok(coco_sink_write(&sink, "ab", 2, &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
    assert_true(picky.ended);
}

static void
nobody_need_want_the_error(void **state)
{
    struct picky picky = {.status = COCO_ERR_PROTO};
    _cleanup_defer_ struct coco_defer defer = {
        .next = {.write = picky_write, .end = picky_end, .self = &picky}};
    const struct coco_sink sink = coco_defer_sink(&defer);

    (void)state;
    assert_int_equal(coco_sink_write(&sink, "!", 1, NULL), COCO_OK);
    assert_int_equal(coco_sink_end(&sink, NULL), COCO_ERR_PROTO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_bytes_are_to_blame_for_waits_for_the_end),
        cmocka_unit_test(what_the_system_is_to_blame_for_fails_at_once),
        cmocka_unit_test(without_a_failure_all_is_passed_on),
        cmocka_unit_test(nobody_need_want_the_error),
    };

    return cmocka_run_group_tests_name("image/defer", tests, NULL, NULL);
}
