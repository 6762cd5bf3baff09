/*
 * tests/image/signing.h - images in directories with signatures beside them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNING_H
#define COCO_TESTS_SIGNING_H

#include "base/base64.h"
#include "crypto/key.h"
#include "image/dir.h"
#include "tests/faults.h"

#include "copying.h"

#define SIGNED_AS "a.test/app"

/* dir:%/d, whose digest is in f->image, with the payload as its signature number n. */
static inline void
sign_dir(struct fixture *f, EVP_PKEY *key, const char *digest, int n)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = 4096};
    _cleanup_buf_ struct coco_buf raw = {.limit = 4096};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 14};
    char name[32];

    assert_ok(coco_buf_printf(&payload, &f->err,
                              "{\"critical\":{\"identity\":{\"docker-reference\":\"" SIGNED_AS
                              "\"},\"image\":{\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign "
                              "container image signature\"},\"optional\":null}",
                              digest),
              f->err);
    assert_ok(coco_key_sign(key, payload.data, payload.len, &raw, &f->err), f->err);
    assert_ok(coco_buf_append(&text, "\0sigstore-json\n", 15, &f->err), f->err);
    assert_ok(
        coco_buf_append_text(
            &text,
            "{\"mimeType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"payload\":\"",
            &f->err),
        f->err);
    assert_ok(coco_base64_encode(COCO_BASE64, payload.data, payload.len, &text, &f->err), f->err);
    assert_ok(coco_buf_append_text(
                  &text, "\",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"", &f->err),
              f->err);
    assert_ok(coco_base64_encode(COCO_BASE64, raw.data, raw.len, &text, &f->err), f->err);
    assert_ok(coco_buf_append_text(&text, "\"}}", &f->err), f->err);
    (void)snprintf(name, sizeof(name), "d/signature-%d", n);
    write_under(f->dir, name, text.data, text.len);
}

/* The client's policy is one requirement with the key "signer". */
static inline void
require_signer(struct fixture *f, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf json = {.limit = 4096};

    layout_write_key(f->dir, "signer", key);
    assert_ok(coco_buf_printf(&json, &f->err,
                              "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/"
                              "signer.pub\",\"signedIdentity\":{\"type\":\"exactRepository\","
                              "\"dockerRepository\":\"" SIGNED_AS "\"}}]}",
                              f->dir),
              f->err);
    assert_ok(coco_image_client_set_policy(f->client, json.data, json.len, &f->err), f->err);
}

#endif
