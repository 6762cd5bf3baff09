/*
 * tests/initdata/test_initdata.c - lib/initdata/initdata.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata/initdata.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "tests/faults.h"

#include <string.h>

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"

static void
a_document_is_read(void **state)
{
    static const char text[] = HEAD "b = \"1\"\n\"aa.toml\" = 'x = 2'";
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *digest = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_initdata_parse(text, &initdata, &err), err);
    assert_string_equal(coco_initdata_algorithm(initdata), "sha256");
    assert_string_equal(coco_initdata_text(initdata), text);
    assert_string_equal(coco_initdata_name(initdata, 0), "b");
    assert_string_equal(coco_initdata_content(initdata, 0), "1");
    assert_string_equal(coco_initdata_name(initdata, 1), "aa.toml");
    assert_string_equal(coco_initdata_content(initdata, 1), "x = 2");
    assert_null(coco_initdata_name(initdata, 2));
    assert_null(coco_initdata_content(initdata, 2));
    assert_ok(coco_initdata_digest(initdata, &digest, &err), err);
    assert_int_equal(coco_bytes_size(digest), 32);
}

static void
other_documents_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "=",
        "version = \"0.1.0\"\nalgorithm = \"sha256\"",
        "version = \"0.2.0\"\nalgorithm = \"sha256\"\n[data]",
        "version = 1\nalgorithm = \"sha256\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"sha-256\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"sha256\"\ndata = 1",
        HEAD "a = 1",
        HEAD "a = {}",
        HEAD "a = [\"b\"]",
        HEAD "a = \"b\"\na = \"c\"",
        "{\"version\":\"0.1.0\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = NULL;

        coco_status status = coco_initdata_parse(cases[i], &initdata, NULL);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP)
            fail_msg("case %zu gives %s", i, coco_status_name(status));
        assert_null(initdata);
    }
}

/* A document that was built is read as what it was built of. */
static void
texts_are_read_as_they_were_added(void **state)
{
    static const char *const texts[] = {
        "",
        "one line",
        "two\nlines\n",
        "\n\nempty lines first",
        "tab\there",
        "'quotes' and \"quotes\"",
        "three ''' of them",
        "ends with '",
        "back\\slash",
        "line\r\nline",
        "\x01\x1b\x7f",
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
        "[data]\nversion = '1'\n",
    };
    static const char *const names[] = {"aa.toml", "a b", "a\"b", "a\nb", "\xc3\xa4", "a=b"};
    static const char *const algs[] = {"sha256", "sha384", "sha512"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_initdata_ coco_initdata *built = NULL;
        _cleanup_initdata_ coco_initdata *read = NULL;
        size_t n = sizeof(names) / sizeof(names[0]);
        coco_error *err = NULL;

        assert_ok(coco_initdata_new(algs[i % 3], &built, &err), err);
        for (size_t k = 0; k < n; k++)
            assert_ok(coco_initdata_add(built, names[k], texts[i], &err), err);
        assert_ok(coco_initdata_parse(coco_initdata_text(built), &read, &err), err);
        assert_string_equal(coco_initdata_algorithm(read), algs[i % 3]);
        assert_string_equal(coco_initdata_text(read), coco_initdata_text(built));
        for (size_t k = 0; k < n; k++) {
            assert_string_equal(coco_initdata_name(read, k), names[k]);
            assert_string_equal(coco_initdata_content(read, k), texts[i]);
        }
        assert_null(coco_initdata_name(read, n));
    }
}

static void
a_document_looks_as_people_write_it(void **state)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_initdata_new("sha384", &initdata, &err), err);
    assert_ok(coco_initdata_add(initdata, "aa.toml", "[token_configs]\nx = \"y\"\n", &err), err);
    assert_string_equal(coco_initdata_text(initdata),
                        "version = \"0.1.0\"\nalgorithm = \"sha384\"\n\n[data]\n"
                        "\"aa.toml\" = '''\n[token_configs]\nx = \"y\"\n'''\n");
}

static void
what_cannot_be_added_changes_nothing(void **state)
{
    static const struct {
        const char *name, *content;
    } cases[] = {{"", "x"}, {"\xff", "x"}, {"b", "\xff"}, {"a", "x"}, {"A", "x"}};
    _cleanup_initdata_ coco_initdata *built = NULL;
    _cleanup_initdata_ coco_initdata *read = NULL;
    _cleanup_free_ char *huge = calloc(1, COCO_INITDATA_MAX + 1);
    coco_error *err = NULL;

    (void)state;
    assert_non_null(huge);
    assert_fails(coco_initdata_new("sm3", &built, &err), err, COCO_ERR_NOTSUP, "sm3");
    assert_ok(coco_initdata_new("sha256", &built, &err), err);
    assert_ok(coco_initdata_add(built, "a", "1", &err), err);
    _cleanup_free_ char *text = strdup(coco_initdata_text(built));
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_initdata_add(built, cases[i].name, cases[i].content, &err), err,
                     COCO_ERR_INVALID, "init data");
    memset(huge, 'x', COCO_INITDATA_MAX);
    assert_int_equal(coco_initdata_add(built, "b", huge, NULL), COCO_ERR_LIMIT);
    assert_string_equal(coco_initdata_text(built), text);
    assert_null(coco_initdata_name(built, 1));

    assert_ok(coco_initdata_parse(text, &read, &err), err);
    assert_fails(coco_initdata_add(read, "b", "2", &err), err, COCO_ERR_INVALID, "that was read");
}

/* Upstream's recorded document: the digest is over the text as it came. */
static void
the_digest_is_upstreams(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture("rcar/initdata-p256/initdata.toml", &len);
    _cleanup_free_ char *check = read_fixture("rcar/initdata-p256/check.json", &len);
    _cleanup_buf_ struct coco_buf encoded = {.limit = 256};
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    struct coco_digest digest;
    coco_error *err = NULL;

    (void)state;
    len = strlen(text);
    if (len && text[len - 1] == '\n')
        text[len - 1] = '\0'; /* as the shell passed it */
    assert_ok(coco_initdata_parse(text, &initdata, &err), err);
    assert_ok(coco_initdata_digest_of(initdata, &digest, &err), err);
    assert_ok(
        coco_base64_encode(COCO_BASE64, digest.bytes, coco_hash_size(digest.alg), &encoded, &err),
        err);
    assert_contains(check, coco_buf_text(&encoded));
}

static void
building_and_reading_survive_every_failing_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_initdata_ coco_initdata *built = NULL;
        _cleanup_initdata_ coco_initdata *read = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *digest = NULL;
        coco_error *err = NULL;

        coco_status status = coco_initdata_new("sha384", &built, &err);
        if (status == COCO_OK)
            status = coco_initdata_add(built, "aa.toml", "x = 1\r\n", &err);
        if (status == COCO_OK)
            status = coco_initdata_parse(coco_initdata_text(built), &read, &err);
        if (status == COCO_OK)
            status = coco_initdata_digest(read, &digest, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(texts_are_read_as_they_were_added),
        cmocka_unit_test(a_document_looks_as_people_write_it),
        cmocka_unit_test(what_cannot_be_added_changes_nothing),
        cmocka_unit_test(the_digest_is_upstreams),
        cmocka_unit_test(building_and_reading_survive_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("initdata/initdata", tests, NULL, NULL);
}
