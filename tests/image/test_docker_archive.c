/*
 * tests/image/test_docker_archive.c - lib/image/docker_archive.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/docker_archive.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Of "hello" and of "hello\n", which stand for layers. */
#define HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define CONFIG_OF(ids)                                                                             \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"   \
    "[" ids "]}}"
#define CONFIG CONFIG_OF("\"" HELLO "\",\"" OTHER "\"")
#define IMAGE(tags) "{\"Config\":\"c.json\",\"RepoTags\":" tags ",\"Layers\":[\"a.tar\",\"b.tar\"]}"
#define MANIFEST "[" IMAGE("[\"app:1\",\"host.test/x/y:2\"]") "]"
/* Nothing is unpacked here: what begins so is taken for what it seems to be. */
#define GZIP "\x1f\x8b rest"
#define ZSTD "\x28\xb5\x2f\xfd rest"
#define PLAIN_LAYER "application/vnd.oci.image.layer.v1.tar"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};

struct fixture {
    char dir[64];
    char path[100];
    coco_ctx *ctx;
    struct tarball tar;
    struct coco_resolved found;
    struct coco_source source;
    coco_error *err;
};

static struct fixture fixture;

static void
add(struct fixture *f, const char *name, const char *text)
{
    tarball_add(&f->tar, '0', name, "", text, strlen(text));
}

/* An archive of that manifest and config; layers are "hello" and "hello\n". */
static void
make(struct fixture *f, const char *manifest, const char *config)
{
    f->tar.len = 0;
    add(f, "a.tar", "hello");
    add(f, "b.tar", "hello\n");
    add(f, "c.json", config);
    add(f, "manifest.json", manifest);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->found = (struct coco_resolved){0};
    f->source = (struct coco_source){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%.63s/a.tar", f->dir);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    make(f, MANIFEST, CONFIG);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_resolved_done(&f->found);
    coco_source_done(&f->source);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_image_ref *
ref_of(struct fixture *f, const char *tail)
{
    coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "docker-archive:%.99s%.150s", f->path, tail);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return ref;
}

static void
write_tar(struct fixture *f)
{
    assert_ok(coco_file_write(f->path, f->tar.data, f->tar.len, 0600, &f->err), f->err);
}

/* The image that tail, behind the path, means in the archive as it was made. */
static coco_status
resolve(struct fixture *f, const char *tail)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, tail);

    coco_source_done(&f->source);
    coco_resolved_done(&f->found);
    write_tar(f);
    coco_status status = coco_docker_archive_source(ref, &f->source, &f->err);
    if (status == COCO_OK)
        status = coco_source_resolve(&f->source, f->ctx, ref, &platform, 10, &f->found, &f->err);
    return status;
}

static void
assert_layer(struct fixture *f, size_t i, const char *media_type, const char *want)
{
    const struct coco_descriptor *layer = &f->found.manifest.layers[i];
    _cleanup_buf_ struct coco_buf body = {.limit = 100};

    assert_string_equal(layer->media_type, media_type);
    assert_ok(coco_source_small_blob(&f->source, f->ctx, layer, &body, &f->err), f->err);
    assert_string_equal(coco_buf_text(&body), want);
}

static void
manifests_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "not JSON"},
        {"{}", COCO_ERR_PROTO, "manifest.json is not a list"},
        {"\"x\"", COCO_ERR_PROTO, "manifest.json is not a list"},
        {"[]", COCO_ERR_NOTFOUND, "there are 0 images in it"},
        {"[" IMAGE("[]") "," IMAGE("[]") "]", COCO_ERR_INVALID, "2 images in it: name one, or"},
        {"[7]", COCO_ERR_PROTO, "'Layers' is missing"},
        {"[{}]", COCO_ERR_PROTO, "'Layers' is missing"},
        {"[{\"Layers\":{}}]", COCO_ERR_PROTO, "'Layers' is not an array"},
        {"[{\"Layers\":[]}]", COCO_ERR_PROTO, "'Config' is missing"},
        {"[{\"Layers\":[],\"Config\":7}]", COCO_ERR_PROTO, "'Config' is not a string"},
        {"[{\"Layers\":[],\"Config\":\"c.json\"}]", COCO_ERR_PROTO, "0 layers, but 2 diff_ids"},
        {"[{\"Layers\":null,\"Config\":\"c.json\"}]", COCO_ERR_PROTO, "0 layers, but 2 diff_ids"},
        {"[{\"Layers\":[7,8],\"Config\":\"c.json\"}]", COCO_ERR_PROTO, "layer 0: its name is not"},
        {"[{\"Layers\":[\"a.tar\",\"none\"],\"Config\":\"c.json\"}]", COCO_ERR_NOTFOUND,
         "layer 1: no 'none' in the archive"},
        {"[{\"Layers\":[\"a.tar\",\"b.tar\"],\"Config\":\"none\"}]", COCO_ERR_NOTFOUND,
         "no 'none'"},
        {"[{\"Layers\":[],\"layers\":[],\"Config\":\"c.json\"}]", COCO_ERR_PROTO, "twice"},
        /* Names that would lead out, were they opened (T8) */
        {"[{\"Layers\":[\"../a.tar\",\"b.tar\"],\"Config\":\"c.json\"}]", COCO_ERR_NOTFOUND,
         "no '../a.tar' in the archive"},
        {"[{\"Layers\":[\"a.tar\",\"b.tar\"],\"Config\":\"/etc/passwd\"}]", COCO_ERR_NOTFOUND,
         "no '/etc/passwd' in the archive"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("# case %zu\n", i);
        make(f, cases[i].text, CONFIG);
        assert_fails(resolve(f, ""), f->err, cases[i].want, cases[i].why);
    }
    f->tar.len = 0;
    add(f, "repositories", "{}");
    assert_fails(resolve(f, ""), f->err, COCO_ERR_NOTFOUND, "no 'manifest.json' in the archive");
}

static void
configs_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "not JSON"},
        {"{}", COCO_ERR_PROTO, "'rootfs' is missing"},
        {CONFIG_OF(""), COCO_ERR_PROTO, "2 layers, but 0 diff_ids"},
        {CONFIG_OF("\"" HELLO "\""), COCO_ERR_PROTO, "2 layers, but 1 diff_ids"},
        {CONFIG_OF("\"" HELLO "\",\"../x\""), COCO_ERR_PROTO, "diff_id 1"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("# case %zu\n", i);
        make(f, MANIFEST, cases[i].text);
        assert_fails(resolve(f, ""), f->err, cases[i].want, cases[i].why);
    }
}

static void
a_layer_that_is_not_its_diff_id_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    struct coco_descriptor none = {.size = 5};

    make(f, MANIFEST, CONFIG_OF("\"" OTHER "\",\"" HELLO "\""));
    assert_ok(resolve(f, ""), f->err);
    assert_fails(
        coco_source_small_blob(&f->source, f->ctx, &f->found.manifest.layers[0], &body, &f->err),
        f->err, COCO_ERR_VERIFY, OTHER);
    assert_int_equal(coco_digest_parse("sha512:" //
                                       "00000000000000000000000000000000"
                                       "00000000000000000000000000000000"
                                       "00000000000000000000000000000000"
                                       "00000000000000000000000000000000",
                                       &none.digest, NULL),
                     COCO_OK);
    assert_fails(coco_source_small_blob(&f->source, f->ctx, &none, &body, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no such blob");
}

static void
an_image_is_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf config = {.limit = 1000};

    assert_ok(resolve(f, ""), f->err);
    assert_string_equal(f->found.manifest.media_type, COCO_MEDIA_OCI_MANIFEST);
    assert_int_equal(f->found.manifest.n_layers, 2);
    assert_ok(
        coco_source_small_blob(&f->source, f->ctx, &f->found.manifest.config, &config, &f->err),
        f->err);
    assert_string_equal(coco_buf_text(&config), CONFIG);
    assert_layer(f, 0, PLAIN_LAYER, "hello");
    assert_layer(f, 1, PLAIN_LAYER, "hello\n");
}

/* Its digest names what is in the archive, so it may be pinned. */
static void
the_manifest_is_the_same_whenever_it_is_made(void **state)
{
    struct fixture *f = *state;
    char digest[COCO_DIGEST_TEXT_SIZE];
    char pinned[COCO_DIGEST_TEXT_SIZE + 1];

    assert_ok(resolve(f, ""), f->err);
    coco_digest_format(&f->found.digest, digest);
    assert_string_equal(digest, "sha256:"
                                "bd2610c0def546ea10d25d5d1d0496893f30335983342d0c4dec3df14aa5f9ea");
    (void)snprintf(pinned, sizeof(pinned), "@%s", digest);
    assert_ok(resolve(f, pinned), f->err);
    assert_fails(resolve(f, "@" HELLO), f->err, COCO_ERR_VERIFY, HELLO);
}

/* As older versions of docker have it: links between layers, and compressed ones. */
static void
a_layer_may_be_a_link_or_compressed(void **state)
{
    struct fixture *f = *state;

    f->tar.len = 0;
    add(f, "./x/layer.tar", "hello");
    tarball_add(&f->tar, '2', "y/layer.tar", "../x/layer.tar", "", 0);
    add(f, "gz", GZIP);
    add(f, "zst", ZSTD);
    add(f, "c.json", CONFIG_OF("\"" HELLO "\",\"" HELLO "\",\"" OTHER "\",\"" OTHER "\""));
    add(f, "manifest.json",
        "[{\"Config\":\"./c.json\",\"RepoTags\":null,\"Layers\":[\"x/layer.tar\",\"y/layer.tar\","
        "\"gz\",\"zst\"]}]");
    assert_ok(resolve(f, ""), f->err);
    assert_int_equal(f->found.manifest.n_layers, 4);
    assert_layer(f, 0, PLAIN_LAYER, "hello");
    assert_layer(f, 1, PLAIN_LAYER, "hello");
    assert_layer(f, 2, PLAIN_LAYER "+gzip", GZIP);
    assert_layer(f, 3, PLAIN_LAYER "+zstd", ZSTD);
}

static void
an_image_is_chosen_by_any_form_of_its_name_or_its_number(void **state)
{
    static const struct {
        const char *tail;
        coco_status want;
        const char *why; /* NULL: the layer of that number */
        int which;
    } cases[] = {
        {":app", COCO_OK, NULL, 0},
        {":app:latest", COCO_OK, NULL, 0},
        {":docker.io/library/app:latest", COCO_OK, NULL, 0},
        {":host.test/x/y:2", COCO_OK, NULL, 1},
        {":docker.io/library/both:1", COCO_ERR_PROTO, "two images are called", 0},
        {":@0", COCO_OK, NULL, 0},
        {":@1", COCO_OK, NULL, 1},
        {":@2", COCO_ERR_NOTFOUND, "no image '@2', for there are 2", 0},
        {":@9999", COCO_ERR_NOTFOUND, "no image '@9999'", 0},
        {":app:2", COCO_ERR_NOTFOUND, "no image is called 'docker.io/library/app:2'", 0},
        {":host.test/x/y", COCO_ERR_NOTFOUND, "no image is called 'host.test/x/y:latest'", 0},
        {"", COCO_ERR_INVALID, "there are 2 images in it", 0},
    };
    struct fixture *f = *state;

    make(f,
         "[{\"Config\":\"d.json\",\"RepoTags\":[\"what is no name\",\"app\",\"both:1\"],"
         "\"Layers\":[\"a.tar\"]},"
         "{\"Config\":\"e.json\",\"RepoTags\":[\"host.test/x/y:2\",\"both:1\"],"
         "\"Layers\":[\"b.tar\"]}]",
         "");
    add(f, "d.json", CONFIG_OF("\"" HELLO "\""));
    add(f, "e.json", CONFIG_OF("\"" OTHER "\""));
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("# case %zu\n", i);
        coco_status status = resolve(f, cases[i].tail);
        if (cases[i].why) {
            assert_fails(status, f->err, cases[i].want, cases[i].why);
            continue;
        }
        assert_ok(status, f->err);
        assert_layer(f, 0, PLAIN_LAYER, cases[i].which == 0 ? "hello" : "hello\n");
    }
    make(f, "[" IMAGE("[7]") "]", CONFIG);
    assert_fails(resolve(f, ":app"), f->err, COCO_ERR_PROTO, "a tag of an image is not a string");
    make(f, "[" IMAGE("\"app\"") "]", CONFIG);
    assert_fails(resolve(f, ":app"), f->err, COCO_ERR_PROTO, "'RepoTags' is not an array");
}

static void
the_numbers_of_images_and_layers_are_bounded(void **state)
{
    static char text[60000];
    struct fixture *f = *state;
    size_t n = 0;

    n = (size_t)snprintf(text, sizeof(text), "[{\"Config\":\"c.json\",\"Layers\":[\"a\"");
    for (int i = 0; i < 4096; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"a\"");
    (void)snprintf(text + n, sizeof(text) - n, "]}]");
    make(f, text, CONFIG);
    assert_fails(resolve(f, ""), f->err, COCO_ERR_LIMIT, "4097 layers, of which 4096");
    n = (size_t)snprintf(text, sizeof(text), "[{}");
    for (int i = 0; i < 1024; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",{}");
    (void)snprintf(text + n, sizeof(text) - n, "]");
    make(f, text, CONFIG);
    assert_fails(resolve(f, ":@0"), f->err, COCO_ERR_LIMIT, "1025 images, of which 1024");
}

static void
a_canceled_context_reads_nothing(void **state)
{
    struct fixture *f = *state;

    coco_ctx_cancel(f->ctx);
    assert_fails(resolve(f, ""), f->err, COCO_ERR_CANCELED, "canceled");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, ":app:1");

    f->tar.len = 0;
    add(f, "a.tar", "hello");
    add(f, "b.tar", GZIP);
    add(f, "c.json", CONFIG);
    add(f, "manifest.json", MANIFEST);
    write_tar(f);
    for_each_fault()
    {
        _cleanup_resolved_ struct coco_resolved found = {0};
        _cleanup_source_ struct coco_source source = {0};
        _cleanup_buf_ struct coco_buf body = {.limit = 100};

        coco_status status = coco_docker_archive_source(ref, &source, &f->err);
        if (status == COCO_OK)
            status = coco_source_resolve(&source, f->ctx, ref, &platform, 2, &found, &f->err);
        if (status == COCO_OK)
            status =
                coco_source_small_blob(&source, f->ctx, &found.manifest.layers[1], &body, &f->err);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(manifests_that_are_none_are_refused),
        TEST(configs_that_are_none_are_refused),
        TEST(a_layer_that_is_not_its_diff_id_is_refused),
        TEST(an_image_is_read),
        TEST(the_manifest_is_the_same_whenever_it_is_made),
        TEST(a_layer_may_be_a_link_or_compressed),
        TEST(an_image_is_chosen_by_any_form_of_its_name_or_its_number),
        TEST(the_numbers_of_images_and_layers_are_bounded),
        TEST(a_canceled_context_reads_nothing),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/docker_archive", tests, NULL, NULL);
}
