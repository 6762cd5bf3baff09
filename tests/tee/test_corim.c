/*
 * tests/tee/test_corim.c - lib/tee/corim.c
 *
 * Manifests are put together of hex: what surrounds a part is always the same, and
 * each part can be another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/corim.h"

#include "base/text.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MANIFEST_MAX ((size_t)1 << 20)
#define BYTES_MAX 1024

static coco_error *err;

/* Parts of a good manifest. */
#define HASH32                                                                                     \
    "5820"                                                                                         \
    "0000000000000000000000000000000000000000000000000000000000000011"
#define DIGEST "8201" HASH32
#define MVAL                                                                                       \
    "a1"                                                                                           \
    "02"                                                                                           \
    "81" DIGEST
#define MEASUREMENT                                                                                \
    "a2"                                                                                           \
    "00"                                                                                           \
    "626d64"                                                                                       \
    "01" MVAL
#define CLASS                                                                                      \
    "a1"                                                                                           \
    "02"                                                                                           \
    "63534e50"
#define ENVIRONMENT                                                                                \
    "a1"                                                                                           \
    "00" CLASS
#define TRIPLE "82" ENVIRONMENT "81" MEASUREMENT
#define TRIPLES                                                                                    \
    "a1"                                                                                           \
    "00"                                                                                           \
    "81" TRIPLE
#define IDENTITY                                                                                   \
    "a1"                                                                                           \
    "00"                                                                                           \
    "63746167"
#define COMID                                                                                      \
    "a2"                                                                                           \
    "01" IDENTITY "04" TRIPLES
#define ID "6474657374"

struct bytes {
    uint8_t data[BYTES_MAX];
    size_t len;
};

static const struct bytes nothing;

static struct bytes
unhex(const char *hex)
{
    struct bytes bytes = {.len = strlen(hex) / 2};

    assert_true(bytes.len <= BYTES_MAX);
    assert_true(coco_unhex(hex, strlen(hex), bytes.data, bytes.len));
    return bytes;
}

/* A manifest of one CoMID, with an id and further members of its map, each as it is encoded. */
static void
write_manifest(const struct bytes *id, const void *comid, size_t len, const struct bytes *more,
               struct coco_buf *ret)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(ret, &err);

    coco_cbor_put_tag(&w, 501);
    coco_cbor_put_map(&w, more->len > 0 ? 3 : 2);
    coco_cbor_put_int(&w, 0);
    coco_cbor_put_item(&w, (struct coco_cbor){id->data, id->len});
    coco_cbor_put_int(&w, 1);
    coco_cbor_put_array(&w, 1);
    coco_cbor_put_tag(&w, 506);
    coco_cbor_put_bytes(&w, comid, len);
    coco_cbor_put_item(&w, (struct coco_cbor){more->data, more->len});
    assert_ok(w.status, err);
}

static coco_status
read_comid(const char *comid_hex, const char *more_hex, struct coco_corim *ret, coco_error **e)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
    struct bytes comid = unhex(comid_hex);
    struct bytes id = unhex(ID);
    struct bytes more = unhex(more_hex);

    write_manifest(&id, comid.data, comid.len, &more, &buf);
    return coco_corim_parse(buf.data, buf.len, ret, e);
}

/* What is lent of the manifest is gone. */
static coco_status
read_only(const char *comid_hex, coco_error **e)
{
    _cleanup_corim_ struct coco_corim read = {0};

    return read_comid(comid_hex, "", &read, e);
}

#define AROUND_MVAL(mval)                                                                          \
    "a2"                                                                                           \
    "01" IDENTITY "04"                                                                             \
    "a1"                                                                                           \
    "00"                                                                                           \
    "81"                                                                                           \
    "82" ENVIRONMENT "81"                                                                          \
    "a1"                                                                                           \
    "01" mval
#define AROUND_MEASUREMENT(m)                                                                      \
    "a2"                                                                                           \
    "01" IDENTITY "04"                                                                             \
    "a1"                                                                                           \
    "00"                                                                                           \
    "81"                                                                                           \
    "82" ENVIRONMENT "81" m
#define AROUND_ENVIRONMENT(e)                                                                      \
    "a2"                                                                                           \
    "01" IDENTITY "04"                                                                             \
    "a1"                                                                                           \
    "00"                                                                                           \
    "81"                                                                                           \
    "82" e "81" MEASUREMENT
#define AROUND_TRIPLES(t)                                                                          \
    "a2"                                                                                           \
    "01" IDENTITY "04" t

static void
comids_of_the_draft_are_read(void **state)
{
    static const char *const cases[] = {
        COMID,
        /* language and entities are for people. */
        "a4"
        "00"
        "62656e"
        "01" IDENTITY "02"
        "80"
        "04" TRIPLES,
        /* tag-id is a UUID; tag-version. */
        "a2"
        "01"
        "a2"
        "00"
        "50"
        "00112233445566778899aabbccddeeff"
        "01"
        "05"
        "04" TRIPLES,
        /* Other triples beside those of references, or alone. */
        AROUND_TRIPLES("a2"
                       "00"
                       "81" TRIPLE "03"
                       "80"),
        AROUND_TRIPLES("a1"
                       "03"
                       "80"),
        /* Each kind of class and measured element. */
        AROUND_ENVIRONMENT("a1"
                           "00"
                           "a1"
                           "00"
                           "d86f"
                           "422a03"),
        AROUND_ENVIRONMENT("a1"
                           "00"
                           "a1"
                           "00"
                           "d825"
                           "50"
                           "00112233445566778899aabbccddeeff"),
        AROUND_ENVIRONMENT("a1"
                           "00"
                           "a1"
                           "00"
                           "d90230"
                           "41aa"),
        AROUND_ENVIRONMENT("a1"
                           "00"
                           "a4"
                           "01"
                           "6141"
                           "02"
                           "6142"
                           "03"
                           "00"
                           "04"
                           "01"),
        AROUND_MEASUREMENT("a1"
                           "01" MVAL),
        AROUND_MEASUREMENT("a2"
                           "00"
                           "1863"
                           "01" MVAL),
        AROUND_MEASUREMENT("a2"
                           "00"
                           "d86f"
                           "422a03"
                           "01" MVAL),
        AROUND_MEASUREMENT("a2"
                           "00"
                           "d825"
                           "50"
                           "00112233445566778899aabbccddeeff"
                           "01" MVAL),
        /* Values. */
        AROUND_MVAL("a1"
                    "00"
                    "a1"
                    "00"
                    "63312e30"),
        AROUND_MVAL("a1"
                    "00"
                    "a2"
                    "00"
                    "63312e30"
                    "01"
                    "194000"),
        AROUND_MVAL("a1"
                    "01"
                    "05"),
        AROUND_MVAL("a1"
                    "01"
                    "d90228"
                    "05"),
        AROUND_MVAL("a1"
                    "01"
                    "d90229"
                    "05"),
        AROUND_MVAL("a1"
                    "02"
                    "81"
                    "82"
                    "677368612d323536" HASH32),
        AROUND_MVAL("a1"
                    "04"
                    "d90230"
                    "42aabb"),
        AROUND_MVAL("a2"
                    "04"
                    "d90230"
                    "42aabb"
                    "05"
                    "42ff00"),
        AROUND_MVAL("a1"
                    "04"
                    "d90233"
                    "82"
                    "42aabb"
                    "42ff00"),
        AROUND_MVAL("a2"
                    "01"
                    "05"
                    "0b"
                    "6161"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_ok(read_only(cases[i], &err), err);
}

static void
comids_that_are_malformed_are_refused(void **state)
{
    static const struct {
        const char *comid;
        const char *why;
    } cases[] = {
        {"", "CoMID: ends after 0 bytes"},
        {"80", "CoMID: is no map"},
        {"a0", "CoMID: has no 1"},
        {"a1"
         "01" IDENTITY,
         "CoMID: has no 4"},
        {"a2"
         "01"
         "a0"
         "04" TRIPLES,
         "CoMID: has no 0"},
        {"a2"
         "01"
         "a1"
         "00"
         "60"
         "04" TRIPLES,
         "text that is empty"},
        {"a2"
         "01"
         "a1"
         "00"
         "41aa"
         "04" TRIPLES,
         "id of 1 bytes"},
        {"a2"
         "01"
         "a1"
         "00"
         "05"
         "04" TRIPLES,
         "is no text"},
        {AROUND_TRIPLES("80"), "triples: is no map"},
        {AROUND_TRIPLES("a1"
                        "00"
                        "a0"),
         "reference triple: is no array"},
        {AROUND_TRIPLES("a1"
                        "00"
                        "81"
                        "81" ENVIRONMENT),
         "is an array of 1, not of 2"},
        {AROUND_TRIPLES("a1"
                        "00"
                        "81"
                        "82" ENVIRONMENT "80"),
         "no measurements"},
        {AROUND_TRIPLES("a1"
                        "00"
                        "81"
                        "82" ENVIRONMENT MEASUREMENT),
         "is no array"},
        {AROUND_ENVIRONMENT("a0"), "has no 0"},
        {AROUND_ENVIRONMENT("80"), "environment: is no map"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a0"),
         "class of anything"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "80"),
         "class: is no map"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "00"
                            "41aa"),
         "class without a tag"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "00"
                            "d825"
                            "41aa"),
         "name of 1 bytes"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "00"
                            "d90230"
                            "40"),
         "name of 0 bytes"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "00"
                            "d86f"
                            "6141"),
         "is no byte string"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "01"
                            "05"),
         "1: is no text"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "02"
                            "60"),
         "2: text that is empty"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "02"
                            "620041"),
         "2: text that is empty or has a NUL"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "03"
                            "20"),
         "3: is no unsigned integer"},
        {AROUND_MEASUREMENT("80"), "measurement: is no map"},
        {AROUND_MEASUREMENT("a1"
                            "00"
                            "6141"),
         "has no 1"},
        {AROUND_MEASUREMENT("a2"
                            "00"
                            "20"
                            "01" MVAL),
         "is no text"},
        {AROUND_MEASUREMENT("a2"
                            "00"
                            "60"
                            "01" MVAL),
         "text that is empty"},
        {AROUND_MVAL("80"), "measured value: is no map"},
        {AROUND_MVAL("a0"), "says nothing"},
        {AROUND_MVAL("a1"
                     "0b"
                     "6161"),
         "says nothing"},
        {AROUND_MVAL("a1"
                     "00"
                     "6161"),
         "version: is no map"},
        {AROUND_MVAL("a1"
                     "00"
                     "a0"),
         "version: has no 0"},
        {AROUND_MVAL("a1"
                     "01"
                     "20"),
         "svn: is no unsigned integer"},
        {AROUND_MVAL("a1"
                     "01"
                     "d90228"
                     "6161"),
         "svn: is no unsigned integer"},
        {AROUND_MVAL("a1"
                     "02"
                     "80"),
         "digests: none"},
        {AROUND_MVAL("a1"
                     "02"
                     "a0"),
         "digests: is no array"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "8101"),
         "digest: is an array of 1"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "820141aa"),
         "digest: has 1 bytes"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "8207" HASH32),
         "digest: has 32 bytes"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "82f6" HASH32),
         "digest: is no text"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "82016161"),
         "digest: is no byte string"},
        {AROUND_MVAL("a1"
                     "02"
                     "82" DIGEST DIGEST),
         "two of one algorithm"},
        {AROUND_MVAL("a1"
                     "04"
                     "d90230"
                     "40"),
         "raw value that is empty"},
        {AROUND_MVAL("a1"
                     "04"
                     "d90230"
                     "6161"),
         "raw value: is no byte string"},
        {AROUND_MVAL("a2"
                     "04"
                     "d90230"
                     "42aabb"
                     "05"
                     "41ff"),
         "as long as its mask"},
        {AROUND_MVAL("a2"
                     "04"
                     "d90230"
                     "42aabb"
                     "05"
                     "f6"),
         "raw value: is no byte string"},
        {AROUND_MVAL("a1"
                     "04"
                     "d90233"
                     "82"
                     "42aabb"
                     "41ff"),
         "as long as its mask"},
        {AROUND_MVAL("a1"
                     "04"
                     "d90233"
                     "42aabb"),
         "raw value: is no array"},
        {AROUND_MVAL("a2"
                     "04"
                     "d90233"
                     "82"
                     "41aa"
                     "41ff"
                     "05"
                     "41ff"),
         "two masks"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(read_only(cases[i].comid, &err), err, COCO_ERR_PROTO, cases[i].why);
}

/* Well formed, and more than is understood: a value would pass for more than it is. */
static void
what_would_change_a_value_is_refused(void **state)
{
    static const struct {
        const char *comid;
        const char *why;
    } cases[] = {
        {"a3"
         "01" IDENTITY "03"
         "80"
         "04" TRIPLES,
         "linked to others"},
        {AROUND_ENVIRONMENT("a2"
                            "00" CLASS "01"
                            "d90226"
                            "47"
                            "01020304050607"),
         "environment: member 1"},
        {AROUND_ENVIRONMENT("a2"
                            "00" CLASS "02"
                            "d90230"
                            "41aa"),
         "environment: member 2"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a2"
                            "02"
                            "6141"
                            "05"
                            "00"),
         "class: member 5"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a2"
                            "02"
                            "6141"
                            "6142"
                            "00"),
         "class: member that is no number"},
        {AROUND_ENVIRONMENT("a1"
                            "00"
                            "a1"
                            "00"
                            "d90400"
                            "41aa"),
         "name with the tag 1024"},
        {AROUND_MEASUREMENT("a2"
                            "01" MVAL "02"
                            "80"),
         "measurement: member 2"},
        {AROUND_MEASUREMENT("a2"
                            "00"
                            "d90230"
                            "41aa"
                            "01" MVAL),
         "name with the tag 560"},
        {AROUND_MVAL("a2"
                     "02"
                     "81" DIGEST "03"
                     "a1"
                     "03"
                     "f4"),
         "measured value: member 3"},
        {AROUND_MVAL("a2"
                     "02"
                     "81" DIGEST "0e"
                     "a1"
                     "00"
                     "81" DIGEST),
         "measured value: member 14"},
        {AROUND_MVAL("a2"
                     "02"
                     "81" DIGEST "20"
                     "00"),
         "measured value: member -1"},
        {AROUND_MVAL("a1"
                     "00"
                     "a2"
                     "00"
                     "6131"
                     "02"
                     "00"),
         "version: member 2"},
        {AROUND_MVAL("a1"
                     "01"
                     "d9022a"
                     "05"),
         "svn with the tag 554"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "820a" HASH32),
         "unknown algorithm"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "8200" HASH32),
         "unknown algorithm"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "8220" HASH32),
         "unknown algorithm"},
        {AROUND_MVAL("a1"
                     "02"
                     "81"
                     "82636d6435" HASH32),
         "unknown algorithm"},
        {AROUND_MVAL("a1"
                     "04"
                     "42aabb"),
         "raw value of an unknown kind"},
        {AROUND_MVAL("a1"
                     "04"
                     "d90234"
                     "42aabb"),
         "raw value of an unknown kind"},
    };
    _cleanup_corim_ struct coco_corim read = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(read_only(cases[i].comid, &err), err, COCO_ERR_NOTSUP, cases[i].why);
    /* 3: profile. */
    assert_fails(read_comid(COMID,
                            "03"
                            "d86f"
                            "422a03",
                            &read, &err),
                 err, COCO_ERR_NOTSUP, "has a profile");
}

static void
manifests_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *hex;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "CoRIM: ends after 0 bytes"},
        {"a0", COCO_ERR_PROTO, "CoRIM: has not the tag 501"},
        {"d901f4a0", COCO_ERR_PROTO, "CoRIM: has not the tag 501"},
        {"d901f580", COCO_ERR_PROTO, "CoRIM: is no map"},
        {"d901f5a0", COCO_ERR_PROTO, "CoRIM: has no 0"},
        {"d901f5a1"
         "00" ID,
         COCO_ERR_PROTO, "CoRIM: has no 1"},
        {"d901f5a2"
         "00"
         "05"
         "01"
         "80",
         COCO_ERR_PROTO, "is no text"},
        {"d901f5a2"
         "00"
         "60"
         "01"
         "80",
         COCO_ERR_PROTO, "text that is empty"},
        {"d901f5a2"
         "00"
         "620041"
         "01"
         "80",
         COCO_ERR_PROTO, "text that is empty or has a NUL"},
        {"d901f5a2"
         "00" ID "01"
         "a0",
         COCO_ERR_PROTO, "is no array"},
        {"d901f5a2"
         "00" ID "01"
         "81"
         "d901f9"
         "41a0",
         COCO_ERR_NOTSUP, "tag that is no CoMID"},
        {"d901f5a2"
         "00" ID "01"
         "81"
         "41a0",
         COCO_ERR_NOTSUP, "tag that is no CoMID"},
        {"d901f5a2"
         "00" ID "01"
         "81"
         "d901fa"
         "a0",
         COCO_ERR_PROTO, "is no byte string"},
        {"d901f5a2"
         "00" ID "01"
         "80"
         "00",
         COCO_ERR_PROTO, "1 bytes too many"},
    };
    struct coco_corim read;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes bytes = unhex(cases[i].hex);

        assert_fails(coco_corim_parse(bytes.data, bytes.len, &read, &err), err, cases[i].status,
                     cases[i].why);
    }
}

static void
dates_are_those_of_the_manifest(void **state)
{
    static const struct {
        const char *more;
        const char *why;
    } bad[] = {
        {"04"
         "a0",
         "has no 1"},
        {"04"
         "80",
         "validity: is no map"},
        {"04"
         "a1"
         "01"
         "1864",
         "has not the tag 1"},
        {"04"
         "a1"
         "01"
         "c1"
         "00",
         "time before 1970"},
        {"04"
         "a1"
         "01"
         "c1"
         "20",
         "time before 1970"},
        {"04"
         "a1"
         "01"
         "c1"
         "f93c00",
         "is no integer"},
        {"04"
         "a2"
         "01"
         "c1"
         "1864"
         "00"
         "f6",
         "has not the tag 1"},
    };
    _cleanup_corim_ struct coco_corim read = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(read_comid(COMID, bad[i].more, &read, &err), err, COCO_ERR_PROTO, bad[i].why);

    assert_ok(read_comid(COMID, "", &read, &err), err);
    assert_ok(coco_corim_check_dates(&read, INT64_MAX, &err), err);
    coco_corim_done(&read);
    assert_ok(read_comid(COMID,
                         "04"
                         "a2"
                         "00"
                         "c1"
                         "1832"
                         "01"
                         "c1"
                         "1864",
                         &read, &err),
              err);
    assert_fails(coco_corim_check_dates(&read, 49, &err), err, COCO_ERR_VERIFY, "not valid yet");
    assert_ok(coco_corim_check_dates(&read, 50, &err), err);
    assert_ok(coco_corim_check_dates(&read, 100, &err), err);
    assert_fails(coco_corim_check_dates(&read, 101, &err), err, COCO_ERR_VERIFY, "any more");
}

static void
values_are_bounded(void **state)
{
    const struct bytes id = unhex(ID);
    struct bytes environment = unhex(ENVIRONMENT);
    struct bytes measurement = unhex(MEASUREMENT);
    struct bytes identity = unhex(IDENTITY);

    (void)state;
    for (size_t n = COCO_CORIM_VALUES_MAX; n <= COCO_CORIM_VALUES_MAX + 1; n++) {
        _cleanup_buf_ struct coco_buf comid = {.limit = MANIFEST_MAX};
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        _cleanup_corim_ struct coco_corim read = {0};
        struct coco_cbor_writer w = coco_cbor_writer_of(&comid, &err);

        coco_cbor_put_map(&w, 2);
        coco_cbor_put_int(&w, 1);
        coco_cbor_put_item(&w, (struct coco_cbor){identity.data, identity.len});
        coco_cbor_put_int(&w, 4);
        coco_cbor_put_map(&w, 1);
        coco_cbor_put_int(&w, 0);
        coco_cbor_put_array(&w, 1);
        coco_cbor_put_array(&w, 2);
        coco_cbor_put_item(&w, (struct coco_cbor){environment.data, environment.len});
        coco_cbor_put_array(&w, n);
        for (size_t i = 0; i < n; i++)
            coco_cbor_put_item(&w, (struct coco_cbor){measurement.data, measurement.len});
        assert_ok(w.status, err);

        write_manifest(&id, comid.data, comid.len, &nothing, &buf);
        if (n == COCO_CORIM_VALUES_MAX) {
            assert_ok(coco_corim_parse(buf.data, buf.len, &read, &err), err);
            assert_int_equal(read.n_values, n);
        } else {
            assert_fails(coco_corim_parse(buf.data, buf.len, &read, &err), err, COCO_ERR_LIMIT,
                         "more than 4096 values");
        }
    }
}

#define GOOD_MANIFEST                                                                              \
    "d901f5a2"                                                                                     \
    "00" ID "01"                                                                                   \
    "80"
#define TYPE                                                                                       \
    "03"                                                                                           \
    "74"                                                                                           \
    "6170706c69636174696f6e2f72696d2b63626f72"

/* What signer and headers may be: signed by key, with further protected headers. */
static coco_status
open_with(EVP_PKEY *key, const char *headers_hex, const char *manifest_hex, struct coco_corim *ret,
          struct coco_cbor_string *signer, struct coco_buf *buf, coco_error **e)
{
    struct bytes headers = unhex(headers_hex);
    struct bytes manifest = unhex(manifest_hex);
    struct coco_cose_content content = {
        .protected = {headers.data, headers.len},
        .payload = {manifest.data, manifest.len},
        .tagged = true,
    };

    assert_ok(coco_cose_sign1_sign(key, &content, buf, &err), err);
    return coco_corim_open(buf->data, buf->len, key, ret, signer, e);
}

static void
a_signature_is_of_somebody_and_of_a_manifest(void **state)
{
    static const struct {
        const char *headers;
        coco_status status;
        const char *why;
    } cases[] = {
        {"a1"
         "08"
         "48"
         "a100a10063416e6e",
         COCO_ERR_PROTO, "has no 3"},
        {"a2"
         "03"
         "6161"
         "08"
         "48"
         "a100a10063416e6e",
         COCO_ERR_PROTO, "content is not"},
        {"a2"
         "03"
         "05"
         "08"
         "48"
         "a100a10063416e6e",
         COCO_ERR_PROTO, "3: is no text"},
        {"a1" TYPE, COCO_ERR_PROTO, "nobody says who signed it"},
        {"a2" TYPE "08"
         "a100a10063416e6e",
         COCO_ERR_PROTO, "is no byte string"},
        {"a2" TYPE "08"
         "41a0",
         COCO_ERR_PROTO, "has no 0"},
        {"a2" TYPE "08"
         "43a100a0",
         COCO_ERR_PROTO, "has no 0"},
        {"a2" TYPE "08"
         "45a100a10060",
         COCO_ERR_PROTO, "text that is empty"},
        {"a2" TYPE "0f"
         "a0",
         COCO_ERR_PROTO, "has no 1"},
        {"a2" TYPE "0f"
         "a2"
         "01"
         "63416e6e"
         "04"
         "f93c00",
         COCO_ERR_NOTSUP, "no number of seconds"},
    };
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cbor_string signer = {0};

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        _cleanup_corim_ struct coco_corim read = {0};

        assert_fails(open_with(key, cases[i].headers, GOOD_MANIFEST, &read, &signer, &buf, &err),
                     err, cases[i].status, cases[i].why);
    }
}

static void
dates_of_a_signature_narrow_those_of_the_manifest(void **state)
{
    static const struct {
        const char *headers;
        int64_t not_before;
        int64_t not_after;
    } cases[] = {
        {"a2" TYPE "08"
         "48"
         "a100a10063416e6e",
         50, 100},
        /* meta: {0: {0: "Ann"}, 1: {0: 1(60), 1: 1(90)}} */
        {"a2" TYPE "08"
         "52"
         "a200a10063416e6e01a200c1183c01c1185a",
         60, 90},
        {"a2" TYPE "0f"
         "a3"
         "01"
         "63416e6e"
         "04"
         "185a"
         "05"
         "183c",
         60, 90},
        /* Wider than the manifest's: they add nothing. */
        {"a2" TYPE "0f"
         "a3"
         "01"
         "63416e6e"
         "04"
         "18c8"
         "05"
         "0a",
         50, 100},
    };
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        _cleanup_corim_ struct coco_corim read = {0};
        struct coco_cbor_string signer = {0};

        assert_ok(open_with(key, cases[i].headers,
                            "d901f5a3"
                            "00" ID "01"
                            "80"
                            "04"
                            "a2"
                            "00"
                            "c1"
                            "1832"
                            "01"
                            "c1"
                            "1864",
                            &read, &signer, &buf, &err),
                  err);
        assert_true(coco_cbor_string_is(signer, "Ann"));
        assert_int_equal(read.not_before, cases[i].not_before);
        assert_int_equal(read.not_after, cases[i].not_after);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_corim_ struct coco_corim read = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        struct bytes comid = unhex(COMID);
        struct bytes id = unhex(ID);
        coco_error *e = NULL;

        faults_pause();
        write_manifest(&id, comid.data, comid.len, &nothing, &buf);
        faults_resume();
        coco_status status = coco_corim_parse(buf.data, buf.len, &read, &e);
        fault_expect(status, e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comids_of_the_draft_are_read),
        cmocka_unit_test(comids_that_are_malformed_are_refused),
        cmocka_unit_test(what_would_change_a_value_is_refused),
        cmocka_unit_test(manifests_that_are_none_are_refused),
        cmocka_unit_test(dates_are_those_of_the_manifest),
        cmocka_unit_test(values_are_bounded),
        cmocka_unit_test(a_signature_is_of_somebody_and_of_a_manifest),
        cmocka_unit_test(dates_of_a_signature_narrow_those_of_the_manifest),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/corim", tests, NULL, NULL);
}
