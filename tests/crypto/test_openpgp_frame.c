/*
 * tests/crypto/test_openpgp_frame.c - lib/crypto/openpgp_frame.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_frame.h"

#include "tests/support.h"

#include <string.h>

/* Packets of one byte in the two formats, section 4.2. */
#define NEW(tag, byte) (0xc0 | (tag)), 1, (byte)
#define OLD(tag, byte) (0x80 | (tag) << 2), 1, (byte)

struct frame_case {
    const char *what;
    uint8_t bytes[40];
    size_t len;
    bool is_signed;
    bool is_encrypted;
};

#define BYTES(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const struct frame_case cases[] = {
    {"one pass, data, signature", BYTES(NEW(4, 0), NEW(11, 0), NEW(2, 0)), true, false},
    {"the same in the old format", BYTES(OLD(4, 0), OLD(11, 0), OLD(2, 0)), true, false},
    {"signature before data", BYTES(OLD(2, 0), NEW(11, 0)), true, false},
    {"compressed", BYTES(NEW(8, 0)), true, false},
    {"compressed until the end", BYTES(0xa3, 1, 2, 3), true, false},
    {"data in parts", BYTES(NEW(4, 0), 0xcb, 0xe0, 1, 0xe1, 1, 2, 1, 3, NEW(2, 0)), true, false},
    {"for a key", BYTES(NEW(1, 0), NEW(18, 0)), false, true},
    {"for two keys, in the old format", BYTES(OLD(1, 0), OLD(1, 0), NEW(18, 0)), false, true},
    {"for a key, by AEAD", BYTES(NEW(1, 0), NEW(20, 0)), false, true},
    {"two lengths of two and five bytes", BYTES(0xc1, 0xff, 0, 0, 0, 1, 7, 0xd2, 0), false, true},
    {"nothing", {0}, 0, false, false},
    {"text", BYTES('a', 'b'), false, false},
    {"a length and no more", BYTES(0xc8, 5, 1), false, false},
    {"a length that is cut", BYTES(0xc8, 0xff, 0, 0), false, false},
    {"more than there can be", BYTES(0xc8, 0xff, 0xff, 0xff, 0xff, 0xff), false, false},
    {"a part and no end", BYTES(0xc8, 0xe0, 1), false, false},
    {"no signature", BYTES(NEW(4, 0), NEW(11, 0)), false, false},
    {"data alone", BYTES(NEW(11, 0)), false, false},
    {"a signature alone", BYTES(NEW(2, 0)), false, false},
    {"two signers", BYTES(NEW(4, 0), NEW(4, 0), NEW(11, 0), NEW(2, 0), NEW(2, 0)), false, false},
    {"data after it", BYTES(NEW(4, 0), NEW(11, 0), NEW(2, 0), NEW(11, 0)), false, false},
    {"data before it", BYTES(NEW(11, 0), NEW(4, 0), NEW(11, 0), NEW(2, 0)), false, false},
    {"two pieces of data", BYTES(NEW(4, 0), NEW(11, 0), NEW(11, 0), NEW(2, 0)), false, false},
    {"a byte after it", BYTES(NEW(8, 0), 0), false, false},
    {"a byte after data for a key", BYTES(NEW(1, 0), NEW(18, 0), 0), false, false},
    {"for nobody", BYTES(NEW(18, 0)), false, false},
    {"for a key, without a code against changes", BYTES(NEW(1, 0), NEW(9, 0)), false, false},
    {"for a password", BYTES(NEW(3, 0), NEW(18, 0)), false, false},
    {"for a key and a password", BYTES(NEW(1, 0), NEW(3, 0), NEW(18, 0)), false, false},
    {"for a key, then signed", BYTES(NEW(1, 0), NEW(18, 0), NEW(2, 0)), false, false},
    {"a key alone", BYTES(NEW(1, 0)), false, false},
};

static void
frames_are_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_reader message = coco_reader_of(cases[i].bytes, cases[i].len);

        if (coco_pgp_frame_is_signed(message) != cases[i].is_signed)
            fail_msg("%s: signed", cases[i].what);
        if (coco_pgp_frame_is_encrypted(message) != cases[i].is_encrypted)
            fail_msg("%s: encrypted", cases[i].what);
    }
}

/* Of each key that a message names RNP would try each of ours. */
static void
a_message_is_for_64_keys_at_most(void **state)
{
    uint8_t bytes[3 * (COCO_PGP_KEYS_OF_MESSAGE_MAX + 2)];
    const uint8_t one[] = {NEW(1, 0)};
    const uint8_t last[] = {NEW(18, 0)};

    (void)state;
    for (size_t n = COCO_PGP_KEYS_OF_MESSAGE_MAX; n <= COCO_PGP_KEYS_OF_MESSAGE_MAX + 1; n++) {
        for (size_t i = 0; i < n; i++)
            memcpy(bytes + 3 * i, one, 3);
        memcpy(bytes + 3 * n, last, 3);
        assert_int_equal(coco_pgp_frame_is_encrypted(coco_reader_of(bytes, 3 * n + 3)),
                         n <= COCO_PGP_KEYS_OF_MESSAGE_MAX);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_what_they_are),
        cmocka_unit_test(a_message_is_for_64_keys_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
