/*
 * tests/layout.c - OCI layouts on disk, and skopeo that works on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/layout.h"

#include "base/fd.h"

#include <openssl/pem.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATH_SIZE 256
#define TEXT_MAX ((size_t)1 << 16)
#define OPTIONS_MAX 8

extern char **environ;

static cJSON *
json_of(const char *text)
{
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, strlen(text), &json, &err), err);
    return json;
}

static void
write_file(const char *path, const void *data, size_t len)
{
    coco_error *err = NULL;

    assert_ok(coco_file_write(path, data, len, 0600, &err), err);
}

void
layout_write_key(const char *dir, const char *name, EVP_PKEY *key)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);

    (void)snprintf(path, sizeof(path), "%s/%s.pub", dir, name);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_PUBKEY(f, key), 1);
    assert_int_equal(fclose(f), 0);
}

void
layout_write_file(const char *dir, const char *name, const char *file, const char *text)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
    write_file(path, text, strlen(text));
}

void
layout_begin(const char *dir, const char *name)
{
    static const char *const folders[] = {"", "/blobs", "/blobs/sha256"};
    char path[PATH_SIZE];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s%s", dir, name, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    layout_write_file(dir, name, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
    layout_write_file(dir, name, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

void
layout_add_blob(const char *dir, const char *name, const void *data, size_t len,
                char ret[COCO_DIGEST_TEXT_SIZE])
{
    struct coco_digest digest;
    char path[PATH_SIZE];
    coco_error *err = NULL;

    assert_ok(coco_digest_of(COCO_SHA256, data, len, &digest, &err), err);
    coco_digest_format(&digest, ret);
    (void)snprintf(path, sizeof(path), "%s/%s/blobs/sha256/%s", dir, name, strchr(ret, ':') + 1);
    write_file(path, data, len);
}

/* Where an image is being made. */
struct place {
    const char *dir, *name;
};

/* Writes a blob into the layout and gives its descriptor. */
static cJSON *
add_blob(const struct place *layout, const char *media_type, const void *data, size_t len)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    cJSON *descriptor = json_of("{}");
    coco_error *err = NULL;

    layout_add_blob(layout->dir, layout->name, data, len, text);
    assert_ok(coco_json_add_string(descriptor, "mediaType", media_type, &err), err);
    assert_ok(coco_json_add_string(descriptor, "digest", text, &err), err);
    assert_ok(coco_json_add_u64(descriptor, "size", len, &err), err);
    return descriptor;
}

/* The same for JSON, which is freed. */
static cJSON *
add_json_blob(const struct place *layout, const char *media_type, cJSON *json)
{
    struct coco_buf text = {.limit = TEXT_MAX};
    coco_error *err = NULL;

    assert_ok(coco_json_write(json, COCO_JSON_COMPACT, &text, &err), err);
    cJSON *descriptor = add_blob(layout, media_type, text.data, text.len);
    coco_buf_done(&text);
    coco_json_free(json);
    return descriptor;
}

/* Gives the manifest's descriptor. */
static cJSON *
add_manifest(const struct place *layout, cJSON *layer)
{
    cJSON *config =
        json_of("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
                "\"diff_ids\":["
                "\"sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\"]}}");
    cJSON *manifest = json_of("{\"schemaVersion\":2,"
                              "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}");
    cJSON *layers = NULL;
    coco_error *err = NULL;

    config = add_json_blob(layout, "application/vnd.oci.image.config.v1+json", config);
    assert_ok(coco_json_add_item(manifest, "config", config, &err), err);
    assert_ok(coco_json_add_array(manifest, "layers", &layers, &err), err);
    assert_ok(coco_json_add_item(layers, NULL, layer, &err), err);
    return add_json_blob(layout, "application/vnd.oci.image.manifest.v1+json", manifest);
}

void
layout_make(const char *dir, const char *name, const void *blob, size_t len, cJSON *annotations)
{
    const struct place layout = {dir, name};
    const char *type = annotations ? "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
                                   : "application/vnd.oci.image.layer.v1.tar+gzip";
    cJSON *index = json_of("{\"schemaVersion\":2}");
    cJSON *manifests = NULL;
    struct coco_buf text = {.limit = TEXT_MAX};
    coco_error *err = NULL;

    layout_begin(dir, name);
    cJSON *layer = add_blob(&layout, type, blob, len);
    if (annotations)
        assert_ok(coco_json_add_item(layer, "annotations", annotations, &err), err);
    assert_ok(coco_json_add_array(index, "manifests", &manifests, &err), err);
    assert_ok(coco_json_add_item(manifests, NULL, add_manifest(&layout, layer), &err), err);
    assert_ok(coco_json_write(index, COCO_JSON_COMPACT, &text, &err), err);
    layout_write_file(dir, name, "index.json", coco_buf_text(&text));
    coco_buf_done(&text);
    coco_json_free(index);
}

void
layout_read_blob(const char *dir, const char *name, const cJSON *descriptor, struct coco_buf *buf)
{
    const char *digest = NULL;
    char path[PATH_SIZE];
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(descriptor, "digest", &digest, &err), err);
    (void)snprintf(path, sizeof(path), "%s/%s/blobs/sha256/%s", dir, name, strchr(digest, ':') + 1);
    assert_ok(coco_file_read(path, buf, &err), err);
}

cJSON *
layout_read_manifest(const char *dir, const char *name)
{
    struct coco_buf text = {.limit = TEXT_MAX};
    const cJSON *manifests = NULL;
    char path[PATH_SIZE];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s/index.json", dir, name);
    assert_ok(coco_file_read(path, &text, &err), err);
    cJSON *index = json_of(coco_buf_text(&text));
    assert_ok(coco_json_get_array(index, "manifests", &manifests, &err), err);
    coco_buf_reset(&text);
    layout_read_blob(dir, name, manifests->child, &text);
    cJSON *manifest = json_of(coco_buf_text(&text));
    coco_json_free(index);
    coco_buf_done(&text);
    return manifest;
}

static bool
run(const char *const *argv)
{
    pid_t pid = 0;
    int status = 0;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0) {
        print_message("# skipped: no %s\n", argv[0]);
        skip();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
skopeo_copy(const char *dir, const char *const *options, const char *from, const char *to)
{
    const char *argv[4 + OPTIONS_MAX + 2 + 1] = {"skopeo", "--insecure-policy", "copy", "-q"};
    char texts[OPTIONS_MAX][PATH_SIZE];
    char source[PATH_SIZE];
    char target[PATH_SIZE];
    size_t n = 4;

    for (size_t i = 0; options[i]; i++) {
        size_t head = strcspn(options[i], "%");

        assert_true(i < OPTIONS_MAX);
        (void)snprintf(texts[i], sizeof(texts[i]), "%.*s%s%s", (int)head, options[i],
                       options[i][head] ? dir : "", options[i][head] ? options[i] + head + 1 : "");
        argv[n++] = texts[i];
    }
    (void)snprintf(source, sizeof(source), "oci:%s/%s", dir, from);
    argv[n++] = source;
    (void)snprintf(target, sizeof(target), "oci:%s/%s", dir, to);
    argv[n] = target;
    return run(argv);
}

bool
skopeo_run(const char *const *arguments, const char *dir)
{
    const char *argv[2 + OPTIONS_MAX + 1] = {"skopeo", "--insecure-policy"};
    char texts[OPTIONS_MAX][PATH_SIZE];

    for (size_t i = 0; arguments[i]; i++) {
        size_t head = strcspn(arguments[i], "%");
        bool there = arguments[i][head] != '\0';

        assert_true(i < OPTIONS_MAX);
        (void)snprintf(texts[i], sizeof(texts[i]), "%.*s%s%s", (int)head, arguments[i],
                       there ? dir : "", there ? arguments[i] + head + 1 : "");
        argv[2 + i] = texts[i];
    }
    return run(argv);
}
