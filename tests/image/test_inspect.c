/*
 * tests/image/test_inspect.c - lib/image/inspect.c, with images of which there are no layers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/bytes.h"
#include "base/context.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/layout.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX ((size_t)256 << 10)
#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define ENC "org.opencontainers.image.enc."
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}"
#define CONFIG "{\"os\":\"linux\",\"architecture\":\"amd64\"," ROOTFS "}"
#define LAYER_OF(type, more)                                                                       \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":7" more "}"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    const coco_image_options *opts; /* NULL: the defaults */
    struct httpd httpd;
    char dir[64];
    unsigned n; /* layouts that were made */
    char name[32];
    char manifest[TEXT_MAX]; /* of the last one */
    char manifest_digest[COCO_DIGEST_TEXT_SIZE];
    char config_digest[COCO_DIGEST_TEXT_SIZE];
    const char *config;
    coco_ctx *ctx;
    coco_image_client *client;
    coco_bytes *bytes;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->n = 0;
    f->bytes = NULL;
    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    coco_image_client_set_plain_http(f->client, true);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_bytes_free(f->bytes);
    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

/* Names the manifest as the one of the layout. */
static void
put_manifest(struct fixture *f, const char *media_type)
{
    char index[600];

    layout_add_blob(f->dir, f->name, f->manifest, strlen(f->manifest), f->manifest_digest);
    (void)snprintf(index, sizeof(index),
                   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
                   "\"size\":%zu}]}",
                   media_type, f->manifest_digest, strlen(f->manifest));
    layout_write_file(f->dir, f->name, "index.json", index);
}

/* Another layout, with an image of the config and the layers, which are descriptors as text. */
static void
make_image(struct fixture *f, const char *config, const char *layers)
{
    (void)snprintf(f->name, sizeof(f->name), "l%u", f->n++);
    layout_begin(f->dir, f->name);
    layout_add_blob(f->dir, f->name, config, strlen(config), f->config_digest);
    f->config = config;
    (void)snprintf(f->manifest, sizeof(f->manifest),
                   "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG
                   "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[%s]}",
                   f->config_digest, strlen(config), layers);
    put_manifest(f, COCO_MEDIA_OCI_MANIFEST);
}

static coco_status
inspect_text(struct fixture *f, const char *text)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;

    coco_bytes_free(f->bytes);
    f->bytes = NULL;
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return coco_image_inspect(f->client, f->ctx, ref, f->opts, &f->bytes, &f->err);
}

/* The last layout that was made. */
static coco_status
inspect(struct fixture *f)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "oci:%s/%s", f->dir, f->name);
    return inspect_text(f, text);
}

/* What was said, without its beginning up to the digest, which is the layout's. */
static void
assert_said(const struct fixture *f, const char *want)
{
    const char *said = (const char *)coco_bytes_data(f->bytes);
    char head[400];

    (void)snprintf(head, sizeof(head), "{\"reference\":\"oci:%s/%s\",\"digest\":\"%s\",", f->dir,
                   f->name, f->manifest_digest);
    assert_int_equal(strncmp(said, head, strlen(head)), 0);
    assert_string_equal(said + strlen(head), want);
}

static void
a_config_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *config;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "image config: not JSON"},
        {"[]", COCO_ERR_PROTO, "image config: JSON is not an object"},
        {"{}", COCO_ERR_PROTO, "'rootfs' is missing"},
        {"{" ROOTFS "," ROOTFS "}", COCO_ERR_PROTO, "twice"},
        {"{" ROOTFS ",\"Rootfs\":1}", COCO_ERR_PROTO, "twice"},
        {"{" ROOTFS "}x", COCO_ERR_PROTO, "not JSON"},
        {"{\"os\":1," ROOTFS "}", COCO_ERR_PROTO, "'os' is not a string"},
        {"{\"architecture\":[]," ROOTFS "}", COCO_ERR_PROTO, "'architecture' is not a string"},
        {"{\"variant\":{}," ROOTFS "}", COCO_ERR_PROTO, "'variant' is not a string"},
        {"{\"config\":[]," ROOTFS "}", COCO_ERR_PROTO, "'config' is not an object"},
        {"{\"config\":\"x\"," ROOTFS "}", COCO_ERR_PROTO, "'config' is not an object"},
        {"{\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}", COCO_ERR_PROTO, "type 'x'"},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}", COCO_ERR_PROTO, "diff_id 0"},
        {"{\"os\":\"windows\"," ROOTFS "}", COCO_ERR_NOTSUP, "system 'windows'"},
        {"{\"os\":\"linux\",\"architecture\":\"arm64\"," ROOTFS "}", COCO_ERR_VERIFY,
         "for arm64, not for linux/amd64"},
        {"{\"architecture\":\"amd64\",\"variant\":\"v4\"," ROOTFS "}", COCO_ERR_VERIFY,
         "for amd64/v4, not for linux/amd64"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_image(f, cases[i].config, "");
        coco_status status = inspect(f);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_null(f->bytes);
    }
}

static void
layers_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *layers;
        coco_status want;
        const char *why;
    } cases[] = {
        {"1", COCO_ERR_PROTO, "layer 0: a descriptor that is no object"},
        {"{}", COCO_ERR_PROTO, "layer 0: member 'mediaType' is missing"},
        {"{\"mediaType\":\"a/b\"}", COCO_ERR_PROTO, "layer 0: member 'digest' is missing"},
        {"{\"mediaType\":\"a/b\",\"digest\":\"sha256:../x\",\"size\":1}", COCO_ERR_PROTO,
         "layer 0: "},
        {"{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\"}", COCO_ERR_PROTO,
         "layer 0: member 'size' is missing"},
        {LAYER_OF(LAYER, "") "," LAYER_OF(LAYER, ",\"annotations\":[]"), COCO_ERR_PROTO,
         "layer 1: member 'annotations' is not an object"},
        {LAYER_OF(LAYER, ",\"annotations\":{\"a\":1}"), COCO_ERR_PROTO,
         "layer 0: annotation 'a' is not a string"},
        /* Ways to open a layer that lead nowhere */
        {LAYER_OF(LAYER "+encrypted", ",\"annotations\":{\"" ENC "keys.jwe\":\"!\"}"),
         COCO_ERR_PROTO, "layer 0: annotation " ENC "keys.jwe: "},
        {LAYER_OF(LAYER "+encrypted", ",\"annotations\":{\"" ENC "keys.jwe\":\"AAAA,\"}"),
         COCO_ERR_PROTO, "layer 0: annotation " ENC "keys.jwe: empty key"},
        {LAYER_OF(LAYER "+encrypted",
                  ",\"annotations\":{\"" ENC "keys.jwe\":\"AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,"
                  "AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,AAAA,AAAA\"}"),
         COCO_ERR_LIMIT, "layer 0: annotation " ENC "keys.jwe has more than 16 keys"},
        {LAYER_OF(LAYER "+encrypted",
                  ",\"annotations\":{\"" ENC "keys.provider.attestation-agent\":\"AAAA\"}"),
         COCO_ERR_PROTO, "layer 0: key provider packet: not JSON"},
        {LAYER_OF(LAYER "+encrypted", /* {"kid":1} */
                  ",\"annotations\":{\"" ENC "keys.provider.attestation-agent\":\"eyJraWQiOjF9\"}"),
         COCO_ERR_PROTO, "layer 0: key provider packet: member 'kid' is not a string"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_image(f, CONFIG, cases[i].layers);
        coco_status status = inspect(f);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_null(f->bytes);
    }
}

static void
the_number_of_layers_is_bounded(void **state)
{
    static char layers[TEXT_MAX / 2];
    struct fixture *f = *state;
    size_t n = 0;

    for (int i = 0; i < 128; i++)
        n += (size_t)snprintf(layers + n, sizeof(layers) - n, "%s" LAYER_OF(LAYER, ""),
                              i ? "," : "");
    make_image(f, CONFIG, layers);
    assert_ok(inspect(f), f->err);
    (void)snprintf(layers + n, sizeof(layers) - n, "," LAYER_OF(LAYER, ""));
    make_image(f, CONFIG, layers);
    assert_fails(inspect(f), f->err, COCO_ERR_LIMIT, "129 layers, of which 128 are allowed");
    assert_null(f->bytes);

    const coco_image_options more = {.size = sizeof(more), .max_layers = 129};
    f->opts = &more;
    coco_status status = inspect(f);
    f->opts = NULL;
    assert_ok(status, f->err);
}

/* The manifest says how much of what a config is; it is believed only about too much. */
static void
a_config_that_is_not_what_was_promised_is_refused(void **state)
{
    static const struct {
        const char *size; /* what the manifest says */
        const char *there;
        coco_status want;
        const char *why;
    } cases[] = {
        {"10000000", CONFIG, COCO_ERR_LIMIT, "10000000 bytes, of which 4194304 are allowed"},
        {"9223372036854775807", CONFIG, COCO_ERR_LIMIT, "4194304 are allowed"},
        {"1000", CONFIG, COCO_ERR_VERIFY, "instead of 1000"},
        {"1", CONFIG, COCO_ERR_VERIFY, "more than the 1 bytes"},
        {"0", CONFIG, COCO_ERR_VERIFY, "more than the 0 bytes"},
        {NULL, "{\"os\":\"linux\",\"architecture\":\"AMD64\"," ROOTFS "}", COCO_ERR_VERIFY, "blob"},
        {NULL, "", COCO_ERR_VERIFY, "0 bytes instead of"},
        {NULL, CONFIG " ", COCO_ERR_VERIFY, "more than the"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char file[100];
        char size[40];

        make_image(f, CONFIG, "");
        (void)snprintf(size, sizeof(size), "%zu", strlen(CONFIG));
        (void)snprintf(f->manifest, sizeof(f->manifest),
                       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG
                       "\",\"digest\":\"%s\",\"size\":%s},\"layers\":[]}",
                       f->config_digest, cases[i].size ? cases[i].size : size);
        put_manifest(f, COCO_MEDIA_OCI_MANIFEST);
        (void)snprintf(file, sizeof(file), "blobs/sha256/%s", strchr(f->config_digest, ':') + 1);
        layout_write_file(f->dir, f->name, file, cases[i].there);
        coco_status status = inspect(f);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_null(f->bytes);
    }
}

static void
what_is_not_there_or_no_image_is_told(void **state)
{
    struct fixture *f = *state;
    char text[256];

    (void)snprintf(text, sizeof(text), "oci:%s/none", f->dir);
    assert_fails(inspect_text(f, text), f->err, COCO_ERR_NOTFOUND, "no OCI layout");
    assert_fails(inspect_text(f, "127.0.0.1:1/a:1"), f->err, COCO_ERR_NET, "127.0.0.1:1");
    make_image(f, CONFIG, "");
    (void)snprintf(text, sizeof(text), "oci:%s/%s:v1", f->dir, f->name);
    assert_fails(inspect_text(f, text), f->err, COCO_ERR_NOTFOUND, "v1");
    (void)snprintf(text, sizeof(text), "oci:%s/%s@sha256:" HEX, f->dir, f->name);
    assert_fails(inspect_text(f, text), f->err, COCO_ERR_NOTFOUND, HEX);

    (void)snprintf(f->manifest, sizeof(f->manifest),
                   "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/x\","
                   "\"digest\":\"%s\",\"size\":1},\"layers\":[]}",
                   f->config_digest);
    put_manifest(f, COCO_MEDIA_OCI_MANIFEST);
    assert_fails(inspect(f), f->err, COCO_ERR_NOTSUP, "an artifact");
    coco_ctx_cancel(f->ctx);
    assert_fails(inspect(f), f->err, COCO_ERR_CANCELED, "canceled");
    assert_null(f->bytes);
}

static void
an_image_is_described_without_its_layers(void **state)
{
    static const struct {
        const char *config, *layers, *want;
    } cases[] = {
        {"{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v1\",\"author\":\"a\","
         "\"config\":{\"Env\":[\"A=b\"],\"x\":18446744073709551617}," ROOTFS "}",
         LAYER_OF(LAYER "+gzip", "") "," LAYER_OF(LAYER "+zstd", ",\"annotations\":{\"a\":\"b\"}"),
         "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\","
         "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v1\"},"
         "\"config\":{\"Env\":[\"A=b\"],\"x\":18446744073709551617},"
         "\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":7,\"mediaType\":\"" LAYER "+gzip\","
         "\"encrypted\":false},{\"digest\":\"sha256:" HEX "\",\"size\":7,\"mediaType\":\"" LAYER
         "+zstd\",\"encrypted\":false}]}"},
        /* A config that says no more than it must */
        {"{" ROOTFS "}", "",
         "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
         "\",\"platform\":{},\"config\":null,\"layers\":[]}"},
        {"{\"os\":null,\"config\":null," ROOTFS "}", "",
         "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
         "\",\"platform\":{},\"config\":null,\"layers\":[]}"},
        /* Foreign texts stay what they are, and sizes exact. */
        {CONFIG,
         "{\"mediaType\":\"\\u001b[2J\\\"\\n\xc3\xbc\",\"digest\":\"sha256:" HEX
         "\",\"size\":9007199254740993}",
         "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
         "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},\"config\":null,"
         "\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":9007199254740993,"
         "\"mediaType\":\"\\u001b[2J\\\"\\n\xc3\xbc\",\"encrypted\":false}]}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_image(f, cases[i].config, cases[i].layers);
        assert_ok(inspect(f), f->err);
        assert_said(f, cases[i].want);
        assert_int_equal(coco_bytes_size(f->bytes),
                         strlen((const char *)coco_bytes_data(f->bytes)));
    }
}

static void
who_can_open_a_layer_is_told(void **state)
{
    static const struct {
        const char *more, *want;
    } cases[] = {
        {"", "[]"},
        {",\"annotations\":{}", "[]"},
        {",\"annotations\":{\"a\":\"b\",\"" ENC "pubopts\":\"e30=\"}", "[]"},
        {",\"annotations\":{\"" ENC "keys.pgp\":\"AAAA\",\"" ENC "keys.jwe\":\"AAAA,AAAA\"}",
         "[{\"scheme\":\"pgp\"},{\"scheme\":\"jwe\"},{\"scheme\":\"jwe\"}]"},
        /* {"kid":"kbs:///a/b/c","x":1} */
        {",\"annotations\":{\"" ENC "keys.provider.attestation-agent\":"
         "\"eyJraWQiOiJrYnM6Ly8vYS9iL2MiLCJ4IjoxfQ==\"}",
         "[{\"scheme\":\"provider.attestation-agent\",\"kid\":\"kbs:///a/b/c\"}]"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char layer[1000];
        char want[1000];

        (void)snprintf(layer, sizeof(layer), LAYER_OF(LAYER "+gzip+encrypted", "%s"),
                       cases[i].more);
        make_image(f, CONFIG, layer);
        assert_ok(inspect(f), f->err);
        (void)snprintf(want, sizeof(want), "\"encrypted\":true,\"recipients\":%s}]}",
                       cases[i].want);
        assert_contains((const char *)coco_bytes_data(f->bytes), want);

        /* And of one that is not encrypted nobody needs to ask. */
        (void)snprintf(layer, sizeof(layer), LAYER_OF(LAYER "+gzip", "%s"), cases[i].more);
        make_image(f, CONFIG, layer);
        assert_ok(inspect(f), f->err);
        assert_contains((const char *)coco_bytes_data(f->bytes), "\"encrypted\":false}]}");
    }
}

static void
what_encrypt_did_is_told(void **state)
{
    static const uint8_t kek[32] = "a key of thirty-two bytes, or so";
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    char text[256];

    layout_make(f->dir, "plain", "hello", 5, NULL);
    (void)snprintf(text, sizeof(text), "oci:%s/plain", f->dir);
    assert_ok(coco_image_ref_parse(text, &from, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "oci:%s/sealed:v1", f->dir);
    assert_ok(coco_image_ref_parse(text, &to, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(coco_key_public_pem(key, &pem, &f->err), f->err);
    assert_ok(coco_image_client_add_recipient(f->client, pem.data, pem.len, &f->err), f->err);
    assert_ok(
        coco_image_client_add_kbs_recipient(f->client, "kbs:///a/b/c", kek, sizeof(kek), &f->err),
        f->err);
    assert_ok(coco_image_encrypt(f->client, f->ctx, from, to, NULL, &image, &f->err), f->err);
    assert_ok(inspect_text(f, text), f->err);
    assert_contains((const char *)coco_bytes_data(f->bytes), coco_image_digest(image));
    assert_contains((const char *)coco_bytes_data(f->bytes),
                    "\"size\":5,\"mediaType\":\"" LAYER "+gzip+encrypted\",\"encrypted\":true,"
                    "\"recipients\":[{\"scheme\":\"jwe\"},{\"scheme\":"
                    "\"provider.attestation-agent\",\"kid\":\"kbs:///a/b/c\"}],"
                    "\"chunks\":{\"size\":1048576,\"count\":1}}]}");
    /* Nothing that would open it */
    assert_null(strstr((const char *)coco_bytes_data(f->bytes), "wrapped"));
}

/* An index of what is in the layout so far: the entry is the manifest, for the platform. */
static void
wrap_in_index(struct fixture *f, const char *platform)
{
    char digest[COCO_DIGEST_TEXT_SIZE];
    size_t size = strlen(f->manifest);

    memcpy(digest, f->manifest_digest, sizeof(digest));
    (void)snprintf(f->manifest, sizeof(f->manifest),
                   "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX
                   "\",\"manifests\":[{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"digest\":\"sha256:" HEX "\",\"size\":9,\"platform\":{\"os\":\"linux\","
                   "\"architecture\":\"s390x\"}},{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":%s}]}",
                   digest, size, platform);
    put_manifest(f, COCO_MEDIA_OCI_INDEX);
    memcpy(f->manifest_digest, digest, sizeof(digest));
}

static void
of_many_platforms_the_clients_is_described(void **state)
{
    struct fixture *f = *state;

    make_image(f, CONFIG, "");
    wrap_in_index(f, "{\"os\":\"linux\",\"architecture\":\"amd64\"}");
    assert_ok(inspect(f), f->err);
    assert_said(f, "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},"
                   "\"config\":null,\"layers\":[]}");
    assert_ok(coco_image_client_set_platform(f->client, "linux/riscv64", &f->err), f->err);
    assert_fails(inspect(f), f->err, COCO_ERR_NOTFOUND, "no image for linux/riscv64, but for: ");

    /* An entry that lies about its platform */
    assert_ok(coco_image_client_set_platform(f->client, "linux/arm64", &f->err), f->err);
    make_image(f, CONFIG, "");
    wrap_in_index(f, "{\"os\":\"linux\",\"architecture\":\"arm64\"}");
    assert_fails(inspect(f), f->err, COCO_ERR_VERIFY, "for amd64, not for linux/arm64");
    assert_null(f->bytes);
}

static bool
serve_image(void *user, const struct httpd_request *request)
{
    const struct fixture *f = user;

    if (strcmp(request->target, "/v2/acme/app/manifests/1") == 0)
        return httpd_reply(request->httpd, "200 OK",
                           "Content-Type: " COCO_MEDIA_OCI_MANIFEST "\r\n", f->manifest);
    if (strncmp(request->target, "/v2/acme/app/blobs/", 19) == 0
        && strcmp(request->target + 19, f->config_digest) == 0)
        return httpd_reply(request->httpd, "200 OK", "", f->config);
    return httpd_reply(request->httpd, "404 Not Found", "", "");
}

static void
a_registry_is_asked_for_manifest_and_config_alone(void **state)
{
    struct fixture *f = *state;
    char text[128];
    char want[600];

    make_image(f, CONFIG, LAYER_OF(LAYER, ""));
    httpd_start(&f->httpd, serve_image, f, NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    coco_status status = inspect_text(f, text);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_int_equal(f->httpd.requests, 2);
    (void)snprintf(want, sizeof(want),
                   "{\"reference\":\"%s\",\"digest\":\"%s\",\"mediaType\":", text,
                   f->manifest_digest);
    assert_contains((const char *)coco_bytes_data(f->bytes), want);
}

static void
inspecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[128];

    make_image(
        f,
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"A=b\"]}," ROOTFS "}",
        LAYER_OF(LAYER, "") "," LAYER_OF(LAYER "+encrypted",
                                         ",\"annotations\":{\"" ENC "keys.jwe\":\"AAAA\",\"" ENC
                                         "keys.provider.attestation-agent\":"
                                         "\"eyJraWQiOiJrYnM6Ly8vYS9iL2MiLCJ4IjoxfQ==\"}"));
    wrap_in_index(f, "{\"os\":\"linux\",\"architecture\":\"amd64\"}");
    (void)snprintf(text, sizeof(text), "oci:%s/%s", f->dir, f->name);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        coco_bytes *bytes = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_inspect(f->client, f->ctx, ref, NULL, &bytes, &err);
        fault_expect(status, err);
        assert_int_equal(status == COCO_OK, bytes != NULL);
        coco_bytes_free(bytes);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_config_that_does_not_fit_is_refused),
        TEST(layers_that_are_none_are_refused),
        TEST(the_number_of_layers_is_bounded),
        TEST(a_config_that_is_not_what_was_promised_is_refused),
        TEST(what_is_not_there_or_no_image_is_told),
        TEST(an_image_is_described_without_its_layers),
        TEST(who_can_open_a_layer_is_told),
        TEST(what_encrypt_did_is_told),
        TEST(of_many_platforms_the_clients_is_described),
        TEST(a_registry_is_asked_for_manifest_and_config_alone),
        TEST(inspecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/inspect", tests, NULL, NULL);
}
