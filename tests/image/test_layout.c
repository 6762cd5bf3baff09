/*
 * tests/image/test_layout.c - lib/image/layout.c, with directories of all kinds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/layout_dir.h"
#include "tests/faults.h"
#include "tests/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define INDEX_MAX ((size_t)512 << 10)
#define CONFIG "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"
/* Of nothing that is there. */
#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define ENTRY_OF(digest, size)                                                                     \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define INDEX_OF(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* The layout dir/l, in which there are two manifests that no index names. */
struct fixture {
    char dir[64];
    coco_ctx *ctx;
    coco_error *err;
    char manifests[2][600];
    char digests[2][COCO_DIGEST_TEXT_SIZE];
    char index[INDEX_MAX];
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    char config[COCO_DIGEST_TEXT_SIZE];

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    layout_begin(f->dir, "l");
    layout_add_blob(f->dir, "l", CONFIG, strlen(CONFIG), config);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(f->manifests[i], sizeof(f->manifests[i]),
                       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG
                       "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[],"
                       "\"annotations\":{\"number\":\"%d\"}}",
                       config, strlen(CONFIG), i);
        layout_add_blob(f->dir, "l", f->manifests[i], strlen(f->manifests[i]), f->digests[i]);
    }
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static void
path_of(const struct fixture *f, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/l/%s", f->dir, name);
}

static void
path_of_blob(const struct fixture *f, const char *digest, char path[256])
{
    (void)snprintf(path, 256, "%s/l/blobs/sha256/%s", f->dir, strchr(digest, ':') + 1);
}

/* An index of manifest i under each of the tags, where "" is none; NULL ends them. */
static void
write_index(struct fixture *f, const int *which, const char *const *tags)
{
    size_t n = (size_t)snprintf(f->index, INDEX_MAX, "{\"schemaVersion\":2,\"manifests\":[");

    for (size_t i = 0; tags[i]; i++) {
        const char *manifest = f->manifests[which[i]];

        n += (size_t)snprintf(f->index + n, INDEX_MAX - n,
                              "%s{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                              "\",\"digest\":\"%s\",\"size\":%zu",
                              i ? "," : "", f->digests[which[i]], strlen(manifest));
        if (*tags[i])
            n +=
                (size_t)snprintf(f->index + n, INDEX_MAX - n,
                                 ",\"annotations\":{\"" COCO_LAYOUT_REF_NAME "\":\"%s\"}", tags[i]);
        n += (size_t)snprintf(f->index + n, INDEX_MAX - n, "}");
    }
    (void)snprintf(f->index + n, INDEX_MAX - n, "]}");
    layout_write_file(f->dir, "l", "index.json", f->index);
}

/* The layout at name in the test's directory and what is put behind it. */
static coco_status
open_layout(struct fixture *f, const char *name, struct coco_source *ret)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "oci:%s/%s", f->dir, name);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return coco_layout_source(ref, ret, &f->err);
}

/* What the reference means, as whoever asks a source gets it. */
static coco_status
get_top(struct fixture *f, const char *name, struct coco_buf *body)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};

    assert_ok(open_layout(f, name, &source), f->err);
    coco_status status = source.manifest(source.self, f->ctx, NULL, body, &type, &f->err);
    if (status == COCO_OK)
        assert_string_equal(coco_buf_text(&type), COCO_MEDIA_OCI_MANIFEST);
    return status;
}

static unsigned
count_fds(void)
{
    DIR *stream = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(stream);
    while (readdir(stream))
        n++;
    (void)closedir(stream);
    return n;
}

static void
a_directory_that_is_no_layout_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "not JSON"},
        {"1.0.0", COCO_ERR_PROTO, "not JSON"},
        {"[]", COCO_ERR_PROTO, "not an object"},
        {"{}", COCO_ERR_PROTO, "'imageLayoutVersion' is missing"},
        {"{\"imagelayoutversion\":\"1.0.0\"}", COCO_ERR_PROTO, "'imageLayoutVersion' is missing"},
        {"{\"imageLayoutVersion\":1}", COCO_ERR_PROTO, "'imageLayoutVersion' is not a string"},
        {"{\"imageLayoutVersion\":null}", COCO_ERR_PROTO, "'imageLayoutVersion' is missing"},
        {"{\"imageLayoutVersion\":\"1.0.0\",\"imageLayoutVersion\":\"2.0.0\"}", COCO_ERR_PROTO,
         "twice"},
        {"{\"imageLayoutVersion\":\"1.0.0\\u0000\"}", COCO_ERR_PROTO, "not JSON"},
        {"{\"imageLayoutVersion\":\"1.0.0\"}x", COCO_ERR_PROTO, "not JSON"},
        {"{\"imageLayoutVersion\":\"\"}", COCO_ERR_NOTSUP, "version ''"},
        {"{\"imageLayoutVersion\":\"1.0\"}", COCO_ERR_NOTSUP, "version '1.0'"},
        {"{\"imageLayoutVersion\":\"1.0.1\"}", COCO_ERR_NOTSUP, "version '1.0.1'"},
        {"{\"imageLayoutVersion\":\"2.0.0\"}", COCO_ERR_NOTSUP, "version '2.0.0'"},
        {"{\"imageLayoutVersion\":\"1.0.0 \"}", COCO_ERR_NOTSUP, "version '1.0.0 '"},
        {"{\"imageLayoutVersion\":\"\\u001b[2J\"}", COCO_ERR_NOTSUP, "version '\\x1b[2J'"},
    };
    struct fixture *f = *state;
    unsigned fds = count_fds();

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_source source = {0};

        layout_write_file(f->dir, "l", "oci-layout", cases[i].text);
        print_message("# case %zu\n", i);
        assert_fails(open_layout(f, "l", &source), f->err, cases[i].want, cases[i].why);
        assert_null(source.self);
    }
    assert_int_equal(count_fds(), fds);
}

static void
what_is_no_directory_or_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_source source = {0};
    unsigned fds = count_fds();
    char path[256];

    assert_fails(open_layout(f, "none", &source), f->err, COCO_ERR_NOTFOUND, "no OCI layout '");
    assert_fails(open_layout(f, "l/oci-layout", &source), f->err, COCO_ERR_IO, "Not a directory");
    assert_fails(open_layout(f, "l/blobs", &source), f->err, COCO_ERR_NOTFOUND,
                 "blobs': OCI layout: no 'oci-layout'");

    /* Nothing that blocks, and nothing without an end */
    path_of(f, "oci-layout", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(open_layout(f, "l", &source), f->err, COCO_ERR_PROTO, "is not a file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(open_layout(f, "l", &source), f->err, COCO_ERR_PROTO, "is not a file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_fails(open_layout(f, "l", &source), f->err, COCO_ERR_PROTO, "is not a file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("oci-layout", path), 0);
    assert_fails(open_layout(f, "l", &source), f->err, COCO_ERR_IO, "symbolic links");
    assert_int_equal(unlink(path), 0);
    memset(f->index, ' ', 4097);
    f->index[4097] = '\0';
    layout_write_file(f->dir, "l", "oci-layout", f->index);
    assert_fails(open_layout(f, "l", &source), f->err, COCO_ERR_LIMIT, "more than 4096 bytes");
    assert_null(source.self);
    assert_int_equal(count_fds(), fds);
}

static void
an_index_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "not JSON"},
        {"[]", COCO_ERR_PROTO, "not an object"},
        {"{}", COCO_ERR_PROTO, "schemaVersion"},
        {"{\"schemaVersion\":1,\"manifests\":[]}", COCO_ERR_PROTO, "schema 1"},
        {"{\"schemaVersion\":\"2\",\"manifests\":[]}", COCO_ERR_PROTO, "schemaVersion"},
        {"{\"schemaVersion\":2}", COCO_ERR_PROTO, "'manifests' is missing"},
        {"{\"schemaVersion\":2,\"manifests\":{}}", COCO_ERR_PROTO, "'manifests' is not an array"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", COCO_ERR_PROTO, "twice"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"Manifests\":[]}", COCO_ERR_PROTO, "twice"},
        /* What can be read as a manifest as well */
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", COCO_ERR_PROTO, "'layers'"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", COCO_ERR_PROTO, "'config'"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"manifests\":[]}",
         COCO_ERR_PROTO, "was announced"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_DOCKER_LIST "\",\"manifests\":[]}",
         COCO_ERR_PROTO, "was announced"},
        {"{\"schemaVersion\":2,\"mediaType\":\"a/b\",\"manifests\":[]}", COCO_ERR_NOTSUP, "'a/b'"},
        {INDEX_OF("[]"), COCO_ERR_PROTO, "manifest 0: a descriptor that is no object"},
        {INDEX_OF("{}"), COCO_ERR_PROTO, "manifest 0: member 'mediaType' is missing"},
        /* Texts that are to become paths (T8) */
        {INDEX_OF(ENTRY_OF("sha256:../../../../../../../../../../../../../../etc/passwd", "1")),
         COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha256:", "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("", "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("..:" HEX, "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha256:" HEX "/..", "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("SHA256:" HEX, "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha512:" HEX, "1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("md5:d41d8cd98f00b204e9800998ecf8427e", "1")), COCO_ERR_PROTO,
         "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha256:" HEX, "-1")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha256:" HEX, "1.5")), COCO_ERR_PROTO, "manifest 0: "},
        {INDEX_OF(ENTRY_OF("sha256:" HEX, "9223372036854775808")), COCO_ERR_PROTO, "past 2^63"},
        {INDEX_OF("{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX
                  "\",\"size\":1,\"annotations\":{\"" COCO_LAYOUT_REF_NAME "\":1}}"),
         COCO_ERR_PROTO, "is not a string"},
        {INDEX_OF("{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX
                  "\",\"size\":1,\"annotations\":[]}"),
         COCO_ERR_PROTO, "'annotations' is not an object"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf body = {.limit = 1000};

        layout_write_file(f->dir, "l", "index.json", cases[i].text);
        coco_status status = get_top(f, "l", &body);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_int_equal(strncmp(coco_error_message(f->err), "index.json: ", 12), 0);
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(body.len, 0);
    }
}

static void
an_index_that_is_no_file_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};
    char path[256];

    path_of(f, "index.json", path);
    assert_int_equal(unlink(path), 0);
    assert_fails(get_top(f, "l", &body), f->err, COCO_ERR_NOTFOUND, "no 'index.json'");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(get_top(f, "l", &body), f->err, COCO_ERR_PROTO, "'index.json' is not a file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_fails(get_top(f, "l", &body), f->err, COCO_ERR_PROTO, "'index.json' is not a file");
}

static void
the_size_of_an_index_is_bounded(void **state)
{
    static int which[1025];
    static const char *tags[1026];
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};
    char path[256];

    for (size_t i = 0; i < 1025; i++)
        tags[i] = i == 1000 ? "v1" : "x";
    tags[1024] = NULL;
    write_index(f, which, tags);
    assert_ok(get_top(f, "l:v1", &body), f->err);
    assert_string_equal(coco_buf_text(&body), f->manifests[0]);
    tags[1024] = "x";
    write_index(f, which, tags);
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_LIMIT,
                 "1025 manifests, of which 1024 are allowed");

    path_of(f, "index.json", path);
    assert_int_equal(truncate(path, (off_t)COCO_MANIFEST_SIZE_MAX + 1), 0);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_LIMIT, "more than 4194304 bytes");
    assert_int_equal(body.len, 0);
}

static void
the_tag_says_which_image_is_meant(void **state)
{
    static const struct {
        const char *tags[4];
        int which[3];
        const char *name;
        int found; /* -1: none */
        coco_status want;
        const char *why;
    } cases[] = {
        {{NULL}, {0}, "l", -1, COCO_ERR_NOTFOUND, "the OCI layout has no image"},
        {{NULL}, {0}, "l:v1", -1, COCO_ERR_NOTFOUND, "no image of tag v1"},
        {{"v1", NULL}, {1}, "l:v2", -1, COCO_ERR_NOTFOUND, "no image of tag v2"},
        {{"v1", NULL}, {1}, "l:V1", -1, COCO_ERR_NOTFOUND, "no image of tag V1"},
        {{"v1", NULL}, {1}, "l:v", -1, COCO_ERR_NOTFOUND, "no image of tag v"},
        {{"v1", NULL}, {1}, "l:v11", -1, COCO_ERR_NOTFOUND, "no image of tag v11"},
        {{"", NULL}, {1}, "l:latest", -1, COCO_ERR_NOTFOUND, "no image of tag latest"},
        {{"v1", "v2", NULL}, {0, 1}, "l", -1, COCO_ERR_INVALID, "2 images: name one by its tag"},
        {{"", "v2", NULL}, {0, 1}, "l", -1, COCO_ERR_INVALID, "2 images: name one by its tag"},
        {{"v1", "v1", NULL}, {0, 1}, "l:v1", -1, COCO_ERR_PROTO, "has tag 'v1' twice"},
        {{"v1", "v1", "v1", NULL}, {0, 0, 1}, "l:v1", -1, COCO_ERR_PROTO, "has tag 'v1' twice"},
        {{"v1", "v1", "v1", NULL}, {0, 1, 0}, "l:v1", -1, COCO_ERR_PROTO, "has tag 'v1' twice"},
        {{"", NULL}, {1}, "l", 1, COCO_OK, NULL},
        {{"v1", NULL}, {1}, "l", 1, COCO_OK, NULL},
        {{"v1", NULL}, {1}, "l:v1", 1, COCO_OK, NULL},
        {{"v1", "v2", "", NULL}, {0, 1, 0}, "l:v2", 1, COCO_OK, NULL},
        {{"v1", "v2", "v1", NULL}, {0, 1, 0}, "l:v2", 1, COCO_OK, NULL},
        {{"v1", "v2", "v1", NULL}, {0, 1, 0}, "l:v1", 0, COCO_OK, NULL},
        {{"v1", "v2", "", NULL}, {1, 1, 1}, "l", 1, COCO_OK, NULL},
        {{"h.test/a:1", "h.test/a:2", NULL}, {0, 1}, "l:h.test/a:2", 1, COCO_OK, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf body = {.limit = 1000};

        write_index(f, cases[i].which, cases[i].tags);
        print_message("# case %zu\n", i);
        coco_status status = get_top(f, cases[i].name, &body);
        if (cases[i].found < 0) {
            assert_fails(status, f->err, cases[i].want, cases[i].why);
            continue;
        }
        assert_ok(status, f->err);
        assert_string_equal(coco_buf_text(&body), f->manifests[cases[i].found]);
    }
}

/* A signature, say, is nothing that a reference without a tag could mean; an image by a tag it may
 * be. */
static void
what_stands_beside_an_image_is_not_meant(void **state)
{
#define BESIDE(annotations)                                                                        \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" HEX                      \
    "\",\"size\":5,\"artifactType\":\"a/b\"" annotations "}"
    static const char tagged[] = ",\"annotations\":{\"" COCO_LAYOUT_REF_NAME "\":\"v1\"}";
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};

    (void)snprintf(f->index, sizeof(f->index),
                   INDEX_OF(BESIDE("") ","
                                       "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                                       "\",\"digest\":\"%s\",\"size\":%zu}," BESIDE("")),
                   f->digests[0], strlen(f->manifests[0]));
    layout_write_file(f->dir, "l", "index.json", f->index);
    assert_ok(get_top(f, "l", &body), f->err);
    assert_string_equal(coco_buf_text(&body), f->manifests[0]);

    (void)snprintf(f->index, sizeof(f->index), INDEX_OF(BESIDE("")));
    layout_write_file(f->dir, "l", "index.json", f->index);
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l", &body), f->err, COCO_ERR_NOTFOUND, "has no image");

    (void)snprintf(f->index, sizeof(f->index), INDEX_OF(BESIDE("%s")), tagged);
    layout_write_file(f->dir, "l", "index.json", f->index);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_NOTFOUND, HEX);
    assert_fails(get_top(f, "l", &body), f->err, COCO_ERR_NOTFOUND, HEX);
}

static void
only_the_whole_name_is_a_tag(void **state)
{
    static const struct {
        const char *annotations, *tag;
        bool has;
    } cases[] = {
        {NULL, "v1", false},
        {"{}", "v1", false},
        {"{\"" COCO_LAYOUT_REF_NAME "\":\"v1\"}", "v1", true},
        {"{\"" COCO_LAYOUT_REF_NAME "\":\"v1\"}", "v", false},
        {"{\"" COCO_LAYOUT_REF_NAME "\":\"v1\"}", "v10", false},
        {"{\"" COCO_LAYOUT_REF_NAME "\":\"\"}", "", true},
        {"{\"Org.opencontainers.image.ref.name\":\"v1\"}", "v1", false},
        {"{\"" COCO_LAYOUT_REF_NAME "\":1}", "1", false},
        {"{\"" COCO_LAYOUT_REF_NAME "\":null}", "null", false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_json_ cJSON *json = NULL;

        if (cases[i].annotations)
            assert_ok(
                coco_json_parse(cases[i].annotations, strlen(cases[i].annotations), &json, &f->err),
                f->err);
        const struct coco_descriptor entry = {.annotations = json};
        assert_int_equal(coco_layout_has_tag(&entry, cases[i].tag), cases[i].has);
    }
}

/* index.json is all that knows the digest and the size, so they are compared here. */
static void
a_manifest_that_is_not_what_the_index_says_is_refused(void **state)
{
    static const int which[] = {0};
    static const char *const tags[] = {"v1", NULL};
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_MANIFEST_SIZE_MAX};
    char path[256];
    char text[600];

    write_index(f, which, tags);
    path_of_blob(f, f->digests[0], path);
    char *name = path + strlen(f->dir) + strlen("/l/");
    memcpy(text, f->manifests[0], sizeof(text));
    text[strlen(text) - 4]++; /* "0" in its annotation */
    layout_write_file(f->dir, "l", name, text);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_VERIFY, f->digests[0] + 7);
    text[strlen(text) - 1] = '\0';
    layout_write_file(f->dir, "l", name, text);
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_VERIFY, f->digests[0] + 7);
    layout_write_file(f->dir, "l", name, "");
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_VERIFY, f->digests[0] + 7);
    assert_int_equal(truncate(path, (off_t)COCO_MANIFEST_SIZE_MAX + 1), 0);
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_LIMIT, "more than 4194304 bytes");
    assert_int_equal(unlink(path), 0);
    coco_buf_reset(&body);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_NOTFOUND, "no 'blobs/sha256/");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(get_top(f, "l:v1", &body), f->err, COCO_ERR_PROTO, "is not a file");
}

static void
a_manifest_of_another_size_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t size = strlen(f->manifests[0]);

    for (int more = -1; more <= 1; more++) {
        _cleanup_buf_ struct coco_buf body = {.limit = 1000};

        (void)snprintf(f->index, INDEX_MAX, INDEX_OF(ENTRY_OF("%s", "%zu")), f->digests[0],
                       size + (size_t)more);
        layout_write_file(f->dir, "l", "index.json", f->index);
        coco_status status = get_top(f, "l", &body);
        if (more == 0)
            assert_ok(status, f->err);
        else
            assert_fails(status, f->err, COCO_ERR_VERIFY, "bytes instead of");
    }
}

/* A digest in the reference needs no index; whoever resolves it compares what comes. */
static void
a_pinned_manifest_is_read_by_its_digest(void **state)
{
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    char name[300];
    char path[256];

    path_of(f, "index.json", path);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(name, sizeof(name), "l:v9@%s", f->digests[1]);
    assert_ok(open_layout(f, name, &source), f->err);
    assert_ok(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err);
    assert_string_equal(coco_buf_text(&body), f->manifests[1]);
    assert_string_equal(coco_buf_text(&type), "");
    coco_source_done(&source);

    assert_ok(open_layout(f, "l@sha256:" HEX, &source), f->err);
    coco_buf_reset(&body);
    assert_fails(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no 'blobs/sha256/" HEX "'");
    assert_int_equal(body.len, 0);
}

static void
resolving_checks_what_lies_there(void **state)
{
    static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};
    static const int which[] = {0, 1};
    static const char *const tags[] = {"v1", "v2", NULL};
    struct fixture *f = *state;
    char pinned[300];
    char path[256];

    write_index(f, which, tags);
    (void)snprintf(pinned, sizeof(pinned), "l@%s", f->digests[1]);
    for (int damaged = 0; damaged < 2; damaged++) {
        const char *const names[] = {"l:v2", pinned};

        for (size_t i = 0; i < COUNT(names); i++) {
            _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
            _cleanup_source_ struct coco_source source = {0};
            _cleanup_resolved_ struct coco_resolved found = {0};
            char text[400];

            (void)snprintf(text, sizeof(text), "oci:%s/%s", f->dir, names[i]);
            assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
            assert_ok(coco_layout_source(ref, &source, &f->err), f->err);
            coco_status status =
                coco_source_resolve(&source, f->ctx, ref, &platform, 1, &found, &f->err);
            if (damaged) {
                assert_fails(status, f->err, COCO_ERR_VERIFY, names[i]);
                continue;
            }
            assert_ok(status, f->err);
            assert_string_equal(coco_buf_text(&found.text), f->manifests[1]);
            coco_digest_format(&found.digest, text);
            assert_string_equal(text, f->digests[1]);
        }
        /* The other one in its place */
        path_of_blob(f, f->digests[1], path);
        layout_write_file(f->dir, "l", path + strlen(f->dir) + 3, f->manifests[0]);
    }
}

/* A sink that counts, and may fail or cancel at a time. */
struct counter {
    size_t bytes, writes, longest;
    size_t fail_at;
    coco_ctx *cancel;
};

static coco_status
count(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct counter *counter = self;

    (void)data;
    counter->bytes += len;
    counter->writes++;
    counter->longest = len > counter->longest ? len : counter->longest;
    if (counter->cancel)
        coco_ctx_cancel(counter->cancel);
    if (counter->fail_at && counter->bytes >= counter->fail_at)
        return coco_fail(err, COCO_ERR_DENIED, "full");
    return COCO_OK;
}

static void
a_blob_comes_in_pieces_of_bounded_size(void **state)
{
    static uint8_t bytes[1000000];
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};
    struct coco_descriptor blob = {.size = sizeof(bytes)};
    struct counter counter = {0};
    const struct coco_sink sink = {.write = count, .self = &counter};
    char digest[COCO_DIGEST_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i >> 7);
    layout_add_blob(f->dir, "l", bytes, sizeof(bytes), digest);
    assert_ok(coco_digest_parse(digest, &blob.digest, &f->err), f->err);
    assert_ok(open_layout(f, "l", &source), f->err);
    assert_ok(source.blob(source.self, f->ctx, &blob, &sink, &f->err), f->err);
    assert_int_equal(counter.bytes, sizeof(bytes));
    assert_true(counter.longest <= (size_t)128 << 10);

    counter = (struct counter){.fail_at = 300000};
    assert_fails(source.blob(source.self, f->ctx, &blob, &sink, &f->err), f->err, COCO_ERR_DENIED,
                 "full");
    assert_int_equal(counter.bytes, 3 * (128 << 10));

    counter = (struct counter){.cancel = f->ctx};
    assert_fails(source.blob(source.self, f->ctx, &blob, &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    assert_int_equal(counter.writes, 1);
}

static void
a_blob_that_is_not_what_was_promised_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};
    struct coco_descriptor blob = {.size = 5};
    unsigned fds = 0;
    char path[256];

    assert_ok(coco_digest_parse("sha256:" HEX, &blob.digest, &f->err), f->err); /* of "hello" */
    assert_ok(open_layout(f, "l", &source), f->err);
    fds = count_fds();
    path_of_blob(f, "sha256:" HEX, path);
    for (int kind = 0; kind < 9; kind++) {
        static const struct {
            const char *text;
            coco_status want;
            const char *why;
        } cases[] = {
            {"hello", COCO_OK, NULL},
            {"hullo", COCO_ERR_VERIFY, "sha256:"},
            {"", COCO_ERR_VERIFY, "0 bytes instead of 5"},
            {"hell", COCO_ERR_VERIFY, "4 bytes instead of 5"},
            {"hello!", COCO_ERR_VERIFY, "more than the 5 bytes"},
            {NULL, COCO_ERR_VERIFY, "more than the 5 bytes"}, /* of 1 TiB */
            {NULL, COCO_ERR_NOTFOUND, "no 'blobs/sha256/" HEX "'"},
            {NULL, COCO_ERR_PROTO, "is not a file"},
            {NULL, COCO_ERR_PROTO, "is not a file"},
        };
        _cleanup_buf_ struct coco_buf body = {.limit = 100};

        if (cases[kind].text)
            layout_write_file(f->dir, "l", path + strlen(f->dir) + 3, cases[kind].text);
        else if (kind == 5)
            assert_int_equal(truncate(path, (off_t)1 << 40), 0);
        else if (kind == 6)
            assert_int_equal(unlink(path), 0);
        else if (kind == 7)
            assert_int_equal(mkfifo(path, 0600), 0);
        else if (kind == 8)
            assert_int_equal(unlink(path) | mkdir(path, 0700), 0);
        print_message("# case %d\n", kind);
        coco_status status = coco_source_small_blob(&source, f->ctx, &blob, &body, &f->err);
        if (cases[kind].want == COCO_OK)
            assert_ok(status, f->err);
        else
            assert_fails(status, f->err, cases[kind].want, cases[kind].why);
        assert_true(body.len <= 5);
    }
    assert_int_equal(count_fds(), fds);
}

/* A path is walked once: who swaps the directory then does not swap what is read. */
static void
a_layout_is_read_where_it_was_opened(void **state)
{
    static const int which[] = {0};
    static const char *const tags[] = {"v1", NULL};
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    char path[256];
    char moved[128];

    write_index(f, which, tags);
    assert_ok(open_layout(f, "l:v1", &source), f->err);
    (void)snprintf(path, sizeof(path), "%s/l", f->dir);
    (void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
    assert_int_equal(rename(path, moved), 0);
    layout_begin(f->dir, "l");
    assert_ok(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err);
    assert_string_equal(coco_buf_text(&body), f->manifests[0]);
}

static void
a_canceled_context_reads_nothing(void **state)
{
    static const int which[] = {0};
    static const char *const tags[] = {"v1", NULL};
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1000};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    struct coco_descriptor blob = {.size = strlen(f->manifests[0])};
    const struct coco_sink sink = coco_sink_to_buf(&body);

    write_index(f, which, tags);
    assert_ok(coco_digest_parse(f->digests[0], &blob.digest, &f->err), f->err);
    assert_ok(open_layout(f, "l:v1", &source), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(source.manifest(source.self, f->ctx, &blob.digest, &body, &type, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(source.blob(source.self, f->ctx, &blob, &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    assert_int_equal(body.len, 0);
}

static void
the_path_of_a_blob_is_made_of_its_bytes(void **state)
{
    static const struct {
        enum coco_hash_alg alg;
        size_t size;
        const char *folder;
    } cases[] = {
        {COCO_SHA256, 32, "blobs/sha256/"},
        {COCO_SHA384, 48, "blobs/sha384/"},
        {COCO_SHA512, 64, "blobs/sha512/"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_digest digest = {.alg = cases[i].alg};
        char path[COCO_LAYOUT_PATH_SIZE];
        char want[COCO_LAYOUT_PATH_SIZE];

        memset(digest.bytes, 0xa5, cases[i].size);
        size_t n = (size_t)snprintf(want, sizeof(want), "%s", cases[i].folder);
        for (size_t k = 0; k < cases[i].size; k++)
            n += (size_t)snprintf(want + n, sizeof(want) - n, "a5");
        coco_layout_blob_path(&digest, path);
        assert_string_equal(path, want);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const int which[] = {0, 1};
    static const char *const tags[] = {"v1", "v2", NULL};
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct coco_descriptor blob = {.size = strlen(f->manifests[0])};
    unsigned fds = 0;
    char text[300];

    write_index(f, which, tags);
    assert_ok(coco_digest_parse(f->digests[0], &blob.digest, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "oci:%s/l:v2", f->dir);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    fds = count_fds();
    for_each_fault()
    {
        struct coco_source source = {0};
        _cleanup_buf_ struct coco_buf body = {.limit = 1000};
        _cleanup_buf_ struct coco_buf type = {.limit = 100};
        coco_error *err = NULL;
        const struct coco_sink sink = coco_sink_to_buf(&body);

        coco_status status = coco_layout_source(ref, &source, &err);
        assert_int_equal(status == COCO_OK, source.self != NULL);
        if (status == COCO_OK)
            status = source.manifest(source.self, f->ctx, NULL, &body, &type, &err);
        if (status == COCO_OK)
            status = source.blob(source.self, f->ctx, &blob, &sink, &err);
        fault_expect(status, err);
        coco_source_done(&source);
    }
    assert_int_equal(count_fds(), fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_that_is_no_layout_is_refused),
        TEST(what_is_no_directory_or_file_is_refused),
        TEST(an_index_that_is_none_is_refused),
        TEST(an_index_that_is_no_file_is_refused),
        TEST(the_size_of_an_index_is_bounded),
        TEST(the_tag_says_which_image_is_meant),
        TEST(what_stands_beside_an_image_is_not_meant),
        TEST(only_the_whole_name_is_a_tag),
        TEST(a_manifest_that_is_not_what_the_index_says_is_refused),
        TEST(a_manifest_of_another_size_is_refused),
        TEST(a_pinned_manifest_is_read_by_its_digest),
        TEST(resolving_checks_what_lies_there),
        TEST(a_blob_comes_in_pieces_of_bounded_size),
        TEST(a_blob_that_is_not_what_was_promised_is_refused),
        TEST(a_layout_is_read_where_it_was_opened),
        TEST(a_canceled_context_reads_nothing),
        TEST(the_path_of_a_blob_is_made_of_its_bytes),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/layout", tests, NULL, NULL);
}
