/*
 * tests/tee/test_eventlog.c - lib/tee/eventlog.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/eventlog.h"

#include "base/text.h"
#include "tests/tee/logs.h"

#include <string.h>

static const uint16_t sha384[] = {COCO_TCG_SHA384};

/* What the layout in eventlog.h says, byte for byte: one algorithm, one event. */
#define HEAD                                                                                       \
    "\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x21\0\0\0Spec ID Event03\0"          \
    "\0\0\0\0\0\2\0\2\1\0\0\0\x0b\0\x20\0\0"
#define DIGEST "0123456789abcdef0123456789abcdef"
#define EVENT "\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0" DIGEST "\4\0\0\0data"
#define HEAD_SIZE (sizeof(HEAD) - 1)
#define EVENT_SIZE (sizeof(EVENT) - 1)

static void
a_log_is_read_event_by_event(void **state)
{
    static const char bytes[] = HEAD EVENT EVENT "\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    struct coco_eventlog log = {0};
    struct coco_event event;
    coco_error *err = NULL;
    size_t seen = 0;

    (void)state;
    assert_ok(coco_eventlog_parse(bytes, sizeof(bytes) - 1, &log, &err), err);
    assert_int_equal(log.event_count, 2);
    assert_int_equal(log.alg_count, 1);
    assert_int_equal(log.algs[0], COCO_TCG_SHA256);
    assert_int_equal(log.start, HEAD_SIZE);
    assert_int_equal(log.end, HEAD_SIZE + 2 * EVENT_SIZE);
    for (size_t at = 0; coco_eventlog_next(&log, &at, &event); seen++) {
        assert_int_equal(event.index, 1);
        assert_int_equal(event.type, COCO_EV_SEPARATOR);
        assert_int_equal(event.digest_count, 1);
        assert_memory_equal(coco_event_digest(&event, COCO_TCG_SHA256), DIGEST, 32);
        assert_null(coco_event_digest(&event, COCO_TCG_SHA384));
        assert_int_equal(event.len, 4);
        assert_memory_equal(event.data, "data", 4);
    }
    assert_int_equal(seen, 2);
}

static void
a_log_ends_where_the_file_does_or_at_a_flag(void **state)
{
    static const struct {
        const char *tail;
        size_t len;
    } tails[] = {
        {"", 0},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {"\0\0\0\0\0\0\0\0", 8},
        {"\0\0\0\0\0\0\0\0\0\0\0", 11},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
        struct coco_eventlog log = {0};
        coco_error *err = NULL;

        assert_ok(coco_buf_append(&bytes, HEAD EVENT, HEAD_SIZE + EVENT_SIZE, &err), err);
        assert_ok(coco_buf_append(&bytes, tails[i].tail, tails[i].len, &err), err);
        assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
        assert_int_equal(log.event_count, 1);
        assert_int_equal(log.end, HEAD_SIZE + EVENT_SIZE);
    }
}

#define HOSTILE(text, why)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, why                                                                \
    }
#define OLD_HEAD "\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SPEC_ID "Spec ID Event03\0\0\0\0\0\0\2\0\2"

static void
hostile_logs_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } cases[] = {
        HOSTILE("", "ends after 0 bytes"),
        HOSTILE("\0\0\0\0\3\0\0\0", "ends after 8 bytes"),
        /* the head */
        HOSTILE("\0\0\0\0\x8\0\0\0\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\4\0\0\0data",
                "SHA-1 alone"),
        HOSTILE("\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\0\0\0data",
                "is measured"),
        HOSTILE(OLD_HEAD "\xff\xff\xff\xff" SPEC_ID, "ends after"),
        HOSTILE(OLD_HEAD "\x04\0\0\0data", "its first event: ends after"),
        HOSTILE(OLD_HEAD "\x1d\0\0\0Spec ID Event02\0\0\0\0\0\0\2\0\2\1\0\0\0\0",
                "Spec ID Event03"),
        HOSTILE(OLD_HEAD "\x1d\0\0\0Spec ID Event03X\0\0\0\0\0\2\0\2\1\0\0\0\0", "Spec ID Event03"),
        HOSTILE(OLD_HEAD "\x1d\0\0\0" SPEC_ID "\0\0\0\0\0", "0 algorithms"),
        HOSTILE(OLD_HEAD "\x1d\0\0\0" SPEC_ID "\6\0\0\0\0", "6 algorithms"),
        HOSTILE(OLD_HEAD "\x1d\0\0\0" SPEC_ID "\xff\xff\xff\xff\0", "4294967295 algorithms"),
        HOSTILE(OLD_HEAD "\x21\0\0\0" SPEC_ID "\1\0\0\0\x0b\0\x30\0\0", "0x000b of 48 bytes"),
        HOSTILE(OLD_HEAD "\x21\0\0\0" SPEC_ID "\1\0\0\0\x0b\0\0\0\0", "0x000b of 0 bytes"),
        HOSTILE(OLD_HEAD "\x21\0\0\0" SPEC_ID "\1\0\0\0\x27\0\x20\0\0", "0x0027 of 32 bytes"),
        HOSTILE(OLD_HEAD "\x25\0\0\0" SPEC_ID "\2\0\0\0\x0b\0\x20\0\x0b\0\x20\0\0", "0x000b twice"),
        HOSTILE(OLD_HEAD "\x21\0\0\0" SPEC_ID "\1\0\0\0\x0b\0\x20\0\1", "ends after"),
        HOSTILE(OLD_HEAD "\x22\0\0\0" SPEC_ID "\1\0\0\0\x0b\0\x20\0\0X", "first event"),
        /* events */
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\0\0\0\0\4\0\0\0data", "event 0 has 0 digests"),
        HOSTILE(HEAD EVENT "\1\0\0\0\4\0\0\0\2\0\0\0\x0b\0" DIGEST "\x0b\0" DIGEST "\0\0\0\0",
                "event 1 has 2 digests"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\xff\xff\xff\xff\x0b\0", "event 0 has 4294967295 digests"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\1\0\0\0\x0c\0" DIGEST "\4\0\0\0data", "algorithm 0x000c"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0" DIGEST "\5\0\0\0data", "ends after"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0" DIGEST "\xff\xff\xff\xff"
                     "data",
                "ends after"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0" DIGEST, "ends after"),
        HOSTILE(HEAD "\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0"
                     "0123",
                "ends after"),
        /* the end */
        HOSTILE(HEAD "\xff\xff\xff\xff\xff\xff\xff", "digests"),
        HOSTILE(HEAD "\1", "digests"),
        HOSTILE(HEAD "\xff\xff\xff\xff\xff\xff\xff\xff\0", "more behind its end"),
        HOSTILE(HEAD "\0\0\0\0\0\0\0\0" EVENT, "more behind its end"),
        HOSTILE(HEAD "\xff\xff\xff\xff\xff\xff\xff\xff" EVENT, "more behind its end"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_eventlog log = {.event_count = 77};
        coco_error *err = NULL;

        assert_fails(coco_eventlog_parse(cases[i].bytes, cases[i].len, &log, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
        assert_int_equal(log.event_count, 77);
    }
}

static void
two_digests_of_one_algorithm_are_refused(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA256, COCO_TCG_SHA384};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    add_head(&bytes, algs, 2);
    assert_ok(coco_buf_append(&bytes,
                              "\1\0\0\0\4\0\0\0\2\0\0\0\x0b\0" DIGEST "\x0b\0" DIGEST "\0\0\0\0",
                              84, &err),
              err);
    assert_fails(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err, COCO_ERR_PROTO,
                 "two SHA-256 digests");
}

static void
logs_are_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = SIZE_MAX};
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append(&bytes, HEAD, HEAD_SIZE, &err), err);
    for (size_t i = 0; i < COCO_EVENTLOG_EVENTS_MAX; i++)
        assert_ok(coco_buf_append(&bytes, EVENT, EVENT_SIZE, &err), err);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
    assert_int_equal(log.event_count, COCO_EVENTLOG_EVENTS_MAX);
    assert_ok(coco_buf_append(&bytes, EVENT, EVENT_SIZE, &err), err);
    assert_fails(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err, COCO_ERR_LIMIT,
                 "more than 8192 events");
    assert_fails(coco_eventlog_parse(bytes.data, COCO_EVENTLOG_MAX + 1, &log, &err), err,
                 COCO_ERR_LIMIT, "event log of 1048577 bytes");
}

/* ---- replay ---- */

static void
a_replay_extends_by_each_event_of_its_register(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    uint8_t want[COCO_TCG_HASH_SIZE_MAX] = {0};
    uint8_t got[COCO_TCG_HASH_SIZE_MAX];
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    add_head(&bytes, sha384, 1);
    add_event(&bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "one", 3);
    add_event(&bytes, 2, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "other", 5);
    add_labelled(&bytes, 1, COCO_EV_NO_ACTION, COCO_TCG_SHA384, 0x11, "nothing", 7);
    add_event(&bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "two", 3);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);

    for (size_t i = 0; i < 2; i++) {
        assert_ok(coco_tcg_hash(COCO_TCG_SHA384, i == 0 ? "one" : "two", 3, digest, &err), err);
        assert_ok(coco_tcg_extend(COCO_TCG_SHA384, want, digest, &err), err);
    }
    assert_ok(coco_eventlog_replay(&log, 1, COCO_TCG_SHA384, got, &err), err);
    assert_memory_equal(got, want, 48);
    assert_ok(coco_eventlog_replay(&log, 3, COCO_TCG_SHA384, got, &err), err);
    memset(want, 0, sizeof(want));
    assert_memory_equal(got, want, 48);
}

static void
a_replay_needs_a_digest_of_each_event(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA256, COCO_TCG_SM3};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    uint8_t got[COCO_TCG_HASH_SIZE_MAX];
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    add_head(&bytes, algs, 2);
    add_event(&bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SM3, "one", 3);
    add_event(&bytes, 2, COCO_EV_SEPARATOR, COCO_TCG_SHA256, "two", 3);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
    assert_ok(coco_eventlog_replay(&log, 1, COCO_TCG_SM3, got, &err), err);
    assert_fails(coco_eventlog_replay(&log, 1, COCO_TCG_SHA256, got, &err), err, COCO_ERR_PROTO,
                 "event 0 has no SHA-256 digest");
    assert_fails(coco_eventlog_replay(&log, 2, COCO_TCG_SM3, got, &err), err, COCO_ERR_PROTO,
                 "event 1 has no SM3 digest");
    assert_fails(coco_eventlog_replay(&log, 1, 0x0027, got, &err), err, COCO_ERR_NOTSUP,
                 "hash algorithm 0x0027");
}

static void
pcr_0_starts_with_the_locality(void **state)
{
    static const uint8_t named[17] = "StartupLocality\0\3";
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    uint8_t want[COCO_TCG_HASH_SIZE_MAX] = {0};
    uint8_t got[COCO_TCG_HASH_SIZE_MAX];
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    add_head(&bytes, sha384, 1);
    add_labelled(&bytes, 0, COCO_EV_NO_ACTION, COCO_TCG_SHA384, 0, named, sizeof(named));
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
    want[47] = 3;
    assert_ok(coco_eventlog_replay(&log, 0, COCO_TCG_SHA384, got, &err), err);
    assert_memory_equal(got, want, 48);

    /* Not once something was measured, and in no other register. */
    add_labelled(&bytes, 0, COCO_EV_SEPARATOR, COCO_TCG_SHA384, 0x55, "", 0);
    add_labelled(&bytes, 0, COCO_EV_NO_ACTION, COCO_TCG_SHA384, 0, "StartupLocality\0\4", 17);
    add_labelled(&bytes, 1, COCO_EV_NO_ACTION, COCO_TCG_SHA384, 0, named, sizeof(named));
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
    memset(got, 0x55, sizeof(got));
    assert_ok(coco_tcg_extend(COCO_TCG_SHA384, want, got, &err), err);
    assert_ok(coco_eventlog_replay(&log, 0, COCO_TCG_SHA384, got, &err), err);
    assert_memory_equal(got, want, 48);
    assert_ok(coco_eventlog_replay(&log, 1, COCO_TCG_SHA384, got, &err), err);
    memset(want, 0, sizeof(want));
    assert_memory_equal(got, want, 48);
}

/* Property: whatever bit of a digest is flipped, the register is another. */
static void
any_bit_of_a_digest_changes_the_replay(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA1, COCO_TCG_SHA256, COCO_TCG_SHA384,
                                    COCO_TCG_SHA512, COCO_TCG_SM3};

    (void)state;
    for (size_t a = 0; a < COCO_TCG_HASHES; a++) {
        _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
        size_t size = coco_tcg_hash_size(algs[a]);
        uint8_t want[COCO_TCG_HASH_SIZE_MAX];
        uint8_t got[COCO_TCG_HASH_SIZE_MAX];
        struct coco_eventlog log;
        coco_error *err = NULL;

        add_head(&bytes, &algs[a], 1);
        add_event(&bytes, 1, COCO_EV_SEPARATOR, algs[a], "one", 3);
        add_event(&bytes, 1, COCO_EV_SEPARATOR, algs[a], "two", 3);
        assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
        assert_ok(coco_eventlog_replay(&log, 1, algs[a], want, &err), err);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            uint8_t *at = bytes.data + log.start + 14 + bit / 8;

            *at ^= (uint8_t)(1U << bit % 8);
            assert_ok(coco_eventlog_replay(&log, 1, algs[a], got, &err), err);
            assert_memory_not_equal(got, want, size);
            *at ^= (uint8_t)(1U << bit % 8);
        }
    }
}

static void
an_event_matches_what_all_its_digests_are_of(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA1, COCO_TCG_SHA256};
    struct coco_event event = {.data = (const uint8_t *)"data", .len = 4};
    struct coco_event_digests digests;
    coco_error *err = NULL;
    bool matches = false;

    (void)state;
    assert_ok(coco_event_measure(&event, algs, 2, &digests, &err), err);
    assert_ok(coco_event_matches(&event, "data", 4, &matches, &err), err);
    assert_true(matches);
    assert_ok(coco_event_matches(&event, "date", 4, &matches, &err), err);
    assert_false(matches);
    digests.bytes[0][0] ^= 1;
    assert_ok(coco_event_matches(&event, "data", 4, &matches, &err), err);
    assert_false(matches);
    digests.bytes[0][0] ^= 1;
    digests.bytes[1][31] ^= 1;
    assert_ok(coco_event_matches(&event, "data", 4, &matches, &err), err);
    assert_false(matches);
}

static void
types_have_the_names_of_the_specification(void **state)
{
    (void)state;
    assert_string_equal(coco_event_type_name(COCO_EV_NO_ACTION), "EV_NO_ACTION");
    assert_string_equal(coco_event_type_name(COCO_EV_EVENT_TAG), "EV_EVENT_TAG");
    assert_string_equal(coco_event_type_name(COCO_EV_IPL), "EV_IPL");
    assert_string_equal(coco_event_type_name(COCO_EV_EFI_BOOT_SERVICES_APPLICATION),
                        "EV_EFI_BOOT_SERVICES_APPLICATION");
    assert_null(coco_event_type_name(0x13));
    assert_null(coco_event_type_name(0xffffffff));
}

/* ---- recordings: the registers are those that their MANIFEST.md, or a quote, gives ---- */

#define ZERO_384                                                                                   \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000"

struct register_value {
    uint32_t index;
    const char *value;
};

struct vector {
    const char *name;
    uint16_t alg;
    size_t events;
    struct register_value registers[12];
};

static const struct vector vectors[] = {
    {"eventlog/CCEL_data.trim",
     COCO_TCG_SHA384,
     5,
     {{1, "2dc712306a963eadb894ad47dbaa17df44814151555aee11cbb843becca88950"
          "ffd079664902e6f22c66f7c8213543f4"},
      {2, "0fa3be56af61208bbd179dc7b124988eb929319154663c539d6f46445ecac2fe"
          "c287075047ff7bd1922829fec28cd3cf"},
      {3, ZERO_384},
      {4, ZERO_384}}},
    {"eventlog/CCEL_data_ovmf.trim",
     COCO_TCG_SHA384,
     20,
     {{1, "8566f998798db09443b244c62de9a3041fb02e2e6936c4396d784bba2e901773"
          "29ec5aba3bb484404f2ab9cc90abe193"},
      {2, "775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961cbb0deba48c79c00f"
          "082cda1a5567c1c16305f1fc210c13c6"},
      {3, "94eaf7a7bf398ed8d888c91057ae0261802e4f3df084213a76ca7f0b5055ac9d"
          "2241de43cd58d9e8b49c503bbf25f34a"},
      {4, ZERO_384}}},
    {"eventlog/CCEL_data_grub.trim",
     COCO_TCG_SHA384,
     37,
     {{1, "cec0a104f691f60da2387fea3c2de00c4ac035e2bb479ff02edcce69039d9e99"
          "07f0b3e55031da3dc7038f423adebd79"},
      {2, "6c289e0c62182d41ebe97bdbc9872d10998a08eaa86adcdc684001a363207ee7"
          "2942c7522cdf00a4bbc3d784bed7b670"},
      {3, "08919d017ba0e52cd6d966351c7de16fe76c1d3d3d3da4554239e4c7d16cb8b8"
          "2a94e7eaea3a0e6e18eb690b999fd31e"},
      {4, ZERO_384}}},
    {"eventlog/CCEL_data_gcp.trim",
     COCO_TCG_SHA384,
     21,
     {{1, "3300980705adf09d28b707b79699d9874892164280832be2c386a715b6e204e0"
          "897fb564a064f810659207ba862b304f"},
      {2, "204d49f78d29918fe7b2f694e76653861a0c2a018987d2c3a54266eff7372325"
          "24cf0af68c4d180e2f8c2c0937f21967"},
      {3, ZERO_384},
      {4, ZERO_384}}},
    {"eventlog/CCEL_data_grub_gke.trim",
     COCO_TCG_SHA384,
     35,
     {{1, "bc9945139042cf2cc75caf920aa57f14884ecfd7e893bccc51250c8ce90eb53c"
          "e72741e6adaa18183eb1331a87d4544a"},
      {2, "c17cb288a4dee302bb9ed8d27257a168f3264ad68cab53757f37eeaa7039657f"
          "a887cad65cf910e0fdc435ff110f8a7b"},
      {3, "334aeba2c985f8886cea97d1ecffbd512769d528b9a94009583db667ad7d2faa"
          "7d37fa145d75b192ceee2d2f10b2eb6d"},
      {4, ZERO_384}}},
    {"eventlog/CCEL_AAEL_alibabacloud",
     COCO_TCG_SHA384,
     87,
     {{1, "b796e1c11396c198ae88794def4cb8e24fa9b35468287c298087f00d4de7433e"
          "4e31a297a4e5a03d4300fa6f3a96d47c"},
      {2, "3b0b906140fcea689c8774ac1eafcf0fef8e22ba81a047fd750ebd7df3235c27"
          "04df6106a758e31e5645e9838ff37406"},
      {3, "35f2801338c1b5fce96518f058c37e0fe9ed247a12dcd5f50d9c18fe4b6c7131"
          "1bb63fca2640c7915817b6aa412a8480"},
      {4, "5e4ecd49d3c7983d6f9ca36755b5cee0b423d7fa8c5a88aeb0681bd4698772bc"
          "37b4463dc5f722efe352a66417257dad"}}},
    {"eventlog/CCEL_data_csv.trim",
     COCO_TCG_SM3,
     82,
     {{1, "d76c4b289abcdf0e904ac02df69d48cdc9047723024a605ecb17ecbcb9fb62e3"},
      {2, "0559c2040dc2045fe06015787de4d4b4d8636a99d298046c52700a100f1fdb64"},
      {3, "287078930b845b372d7a9504f34d09db7a1ca65c17f59c86fb388bdb4a2bb994"}}},
    {"eventlog/ccel_unpadded_2026.bin",
     COCO_TCG_SHA384,
     19,
     {{1, "8083cd6898cc52a90231cdf9c0532bf9513c40465c6f71e56cbe32ee2c11a9df"
          "c030297ca3ca0f62477d6d1f610d3fdb"},
      {2, "6484f0d72c03521c0434553be34e8db8228b729e799666d2b7754085c77aa998"
          "1f5a440df3047194b24f212ff1160c1e"},
      {3, "c3e7ed9d7e909b29732f676d01dc63de869b049362b522a315cb042689670be0"
          "7344c347cf85d985c7b928d4934e41e1"}}},
    {"eventlog/ccel_cos113_dupe_separator.bin",
     COCO_TCG_SHA384,
     43,
     {{1, "a4de2df23e9611299123ba4359c42a5e578b0f8488bf1bba8ef5606d9ea5d81c"
          "97c064b482a5eac537d166bd0f0f752d"},
      {2, "0ee9366c928a77092f55e9e114c7394181fd264699155f0df77d23577618d5f6"
          "50568a17d379355a07bd846e552f4e20"},
      {3, "4969684dc87381fc3b3134176c8d8806eaf0a901859f5f70cfae8d17714b46c1"
          "0a8de219048c9fc09f11f381a6fbe7c1"}}},
    {"eventlog/tpm_ubuntu2404_sevsnp.bin",
     COCO_TCG_SHA256,
     116,
     {{0, "50597a27846e91d025eef597abbc89f72bff9af849094db97b0684d8bc4c515e"},
      {1, "57344e1cc8c6619413df33013a7cd67915459f967395af41db21c1fa7ca9c307"},
      {2, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {3, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {4, "abe8b3fa6aecb36c2fd93c6f6edde661c21b353d007410a2739d69bfa7e1b9be"},
      {5, "0b0e1903aeb1bff649b82dba2cdcf5c4ffb75027e54f151ab00b3b989f16a300"},
      {6, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {7, "33ad69850fb2c7f30b4f8b4bc10ed93fc954dc07fa726e84f50f3d192dc1c140"},
      {8, "6932a3f71dc55ad3c1a6ac2196eeac26a1b7164b6bbfa106625d94088ec3ecc3"},
      {9, "ce08798b283c7a0ddc5e9ad1d602304b945b741fc60c20e254eafa0f4782512b"},
      {14, "306f9d8b94f17d93dc6e7cf8f5c79d652eb4c6c4d13de2dddc24af416e13ecaf"}}},
    {"eventlog/tpm_cos101_amd_sev.bin",
     COCO_TCG_SHA256,
     48,
     {{0, "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf"},
      {1, "6eb40f5b6bfafcb9914d486ce59404acd24bc13a6a3c45cda3b44c9d7053d638"},
      {2, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {3, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {4, "6d9f1a1d461cf77517e8d4c488c53f338a71c5a8e2b81ab7011c14f72cbc9a80"},
      {5, "d1a1ab23a5c3d98fbacff3891bad42d8e9257d61e1f683f42c6c9fa949bf96c5"},
      {6, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
      {7, "2bc6edaa921f953cec0ffb28dad4f87114886603d6a782036502d28e69d97a48"},
      {8, "ebb7c847c4ade99849bcffca236d32331224a530087a7ae4cb9f7db4c2e571b5"},
      {9, "b5ad662e5eb9165825ee39ad66e851a67a193e0b87b27858f25ac58afa72ac57"},
      {14, "d0d95459205afae879514db7b85630f5d6b8272ed8c731bf92933dbc9fe99969"}}},
};

static void
assert_register(const struct coco_eventlog *log, uint16_t alg, uint32_t index, const char *want)
{
    uint8_t value[COCO_TCG_HASH_SIZE_MAX];
    char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];
    coco_error *err = NULL;

    assert_ok(coco_eventlog_replay(log, index, alg, value, &err), err);
    coco_hex(value, coco_tcg_hash_size(alg), hex);
    assert_string_equal(hex, want);
}

static void
every_log_replays_to_its_registers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        size_t len = 0;
        _cleanup_free_ char *bytes = read_fixture(v->name, &len);
        struct coco_eventlog log = {0};
        coco_error *err = NULL;

        assert_ok(coco_eventlog_parse(bytes, len, &log, &err), err);
        assert_int_equal(log.event_count, v->events);
        for (size_t r = 0; r < 12 && v->registers[r].value; r++)
            assert_register(&log, v->alg, v->registers[r].index, v->registers[r].value);
    }
}

/* Byte 48 + 376 of a quote of version 4 is where RTMR0 is. */
static void
the_registers_of_a_quote_are_those_of_its_log(void **state)
{
    size_t log_len = 0;
    size_t quote_len = 0;
    _cleanup_free_ char *bytes = read_fixture("tdx/gotdx_ccel_data.trim", &log_len);
    _cleanup_free_ char *quote = read_fixture("tdx/gotdx_cos113_quote.dat", &quote_len);
    struct coco_eventlog log = {0};
    coco_error *err = NULL;

    (void)state;
    assert_true(quote_len > 632);
    assert_ok(coco_eventlog_parse(bytes, log_len, &log, &err), err);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t value[COCO_TCG_HASH_SIZE_MAX];

        assert_ok(coco_eventlog_replay(&log, i + 1, COCO_TCG_SHA384, value, &err), err);
        assert_memory_equal(value, quote + 48 + 328 + 48 * (size_t)i, 48);
    }
}

/* Of each recorded log, one bit of each byte of each digest. */
static void
a_flipped_digest_changes_its_register(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        size_t len = 0;
        _cleanup_free_ char *bytes = read_fixture(v->name, &len);
        struct coco_eventlog log = {0};
        struct coco_event event;
        coco_error *err = NULL;
        unsigned bit = 0;

        assert_ok(coco_eventlog_parse(bytes, len, &log, &err), err);
        for (size_t at = 0; coco_eventlog_next(&log, &at, &event);) {
            const uint8_t *digest = coco_event_digest(&event, v->alg);
            size_t size = coco_tcg_hash_size(v->alg);
            uint8_t want[COCO_TCG_HASH_SIZE_MAX];
            uint8_t got[COCO_TCG_HASH_SIZE_MAX];

            if (event.type == COCO_EV_NO_ACTION)
                continue;
            assert_ok(coco_eventlog_replay(&log, event.index, v->alg, want, &err), err);
            char *byte = bytes + (digest - log.data) + bit % size;
            *byte = (char)(*byte ^ (1 << bit % 8));
            assert_ok(coco_eventlog_replay(&log, event.index, v->alg, got, &err), err);
            assert_memory_not_equal(got, want, size);
            *byte = (char)(*byte ^ (1 << bit % 8));
            bit++;
        }
    }
}

static void
a_log_of_sha1_alone_is_refused(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture("eventlog/tpm_debian10_sha1.bin", &len);
    struct coco_eventlog log;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_eventlog_parse(bytes, len, &log, &err), err, COCO_ERR_PROTO, "SHA-1 alone");
}

static void
a_log_cut_anywhere_is_another_log_or_none(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture("eventlog/ccel_unpadded_2026.bin", &len);
    struct coco_eventlog log = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_eventlog_parse(bytes, len, &log, &err), err);
    size_t events = log.event_count;
    for (size_t cut = 0; cut < len; cut++)
        if (coco_eventlog_parse(bytes, cut, &log, NULL) == COCO_OK)
            assert_true(log.event_count < events && log.end == cut);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_read_event_by_event),
        cmocka_unit_test(a_log_ends_where_the_file_does_or_at_a_flag),
        cmocka_unit_test(hostile_logs_are_refused),
        cmocka_unit_test(two_digests_of_one_algorithm_are_refused),
        cmocka_unit_test(logs_are_bounded),
        cmocka_unit_test(a_replay_extends_by_each_event_of_its_register),
        cmocka_unit_test(a_replay_needs_a_digest_of_each_event),
        cmocka_unit_test(pcr_0_starts_with_the_locality),
        cmocka_unit_test(any_bit_of_a_digest_changes_the_replay),
        cmocka_unit_test(an_event_matches_what_all_its_digests_are_of),
        cmocka_unit_test(types_have_the_names_of_the_specification),
        cmocka_unit_test(every_log_replays_to_its_registers),
        cmocka_unit_test(the_registers_of_a_quote_are_those_of_its_log),
        cmocka_unit_test(a_flipped_digest_changes_its_register),
        cmocka_unit_test(a_log_of_sha1_alone_is_refused),
        cmocka_unit_test(a_log_cut_anywhere_is_another_log_or_none),
    };

    return cmocka_run_group_tests_name("tee/eventlog", tests, NULL, NULL);
}
