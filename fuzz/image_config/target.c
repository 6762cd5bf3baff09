/*
 * fuzz/image_config/target.c - from an image's config and its users to a bundle's config.json
 *
 * Input: the image config, /etc/passwd and /etc/group, a form feed between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/bundle.h"

#include "base/fd.h"
#include "image/user.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PARTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char root_path[] = "/tmp/coco-fuzz-image-config-XXXXXX";

static void
remove_root(void)
{
    int root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)unlinkat(root, "etc/passwd", 0);
    (void)unlinkat(root, "etc/group", 0);
    (void)unlinkat(root, "etc", AT_REMOVEDIR);
    (void)close(root);
    (void)rmdir(root_path);
}

/* A directory with an empty etc, for all inputs. */
static int
get_root(void)
{
    static int root = -1;

    if (root >= 0)
        return root;
    if (!mkdtemp(root_path) || atexit(remove_root) != 0)
        abort();
    root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || mkdirat(root, "etc", 0700) != 0)
        abort();
    return root;
}

static void
put_file(int root, const char *name, const uint8_t *data, size_t len)
{
    _cleanup_close_ int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || coco_fd_write_all(fd, data, len, NULL) != COCO_OK)
        abort();
}

static const cJSON *
get(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!member)
        abort();
    return member;
}

static void
check_strings(const cJSON *list)
{
    const cJSON *item;

    if (!cJSON_IsArray(list) || !list->child)
        abort();
    cJSON_ArrayForEach(item, list)
        if (!cJSON_IsString(item))
            abort();
}

static void
check_user(const cJSON *user)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(user, "additionalGids");
    const cJSON *item;
    uint64_t id = 0;

    if (coco_json_get_u64(user, "uid", &id, NULL) != COCO_OK || id >= UINT32_MAX
        || coco_json_get_u64(user, "gid", &id, NULL) != COCO_OK || id >= UINT32_MAX)
        abort();
    if (list && (size_t)cJSON_GetArraySize(list) > COCO_USER_GROUPS_MAX)
        abort();
    cJSON_ArrayForEach(item, list)
        if (coco_json_u64(item, &id, NULL) != COCO_OK || id >= UINT32_MAX)
            abort();
}

/* However a runtime resolves it, it is neither the root nor outside of it. */
static bool
is_below_root(const char *destination)
{
    _cleanup_free_ char *copy = strdup(destination);
    char *rest = NULL;
    bool below = false;

    if (!copy || *copy != '/')
        return false;
    for (char *part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        if (strcmp(part, "..") == 0)
            return false;
        below = below || strcmp(part, ".") != 0;
    }
    return below;
}

/* An image has memory of its own there, and what the runtime mounts comes after it. */
static void
check_mounts(const cJSON *mounts)
{
    static const char *const last[] = {"/proc",       "/dev", "/dev/pts",      "/dev/shm",
                                       "/dev/mqueue", "/sys", "/sys/fs/cgroup"};
    const int n_last = sizeof(last) / sizeof(last[0]);
    int n = cJSON_GetArraySize(mounts) - n_last;
    const cJSON *mount;
    int i = 0;

    cJSON_ArrayForEach(mount, mounts) {
        const char *destination = get(mount, "destination")->valuestring;
        const char *type = get(mount, "type")->valuestring;

        if (i >= n && strcmp(destination, last[i - n]) != 0)
            abort();
        if (i < n && (strcmp(type, "tmpfs") != 0 || !is_below_root(destination)))
            abort();
        i++;
    }
    if (n < 0)
        abort();
}

/* What an image may not have a say in. */
static void
check_spec(const cJSON *spec)
{
    const cJSON *process = get(spec, "process");

    if (!cJSON_IsTrue(get(get(spec, "root"), "readonly"))
        || !cJSON_IsTrue(get(process, "noNewPrivileges"))
        || !cJSON_IsFalse(get(process, "terminal"))
        || strcmp(get(get(spec, "root"), "path")->valuestring, "rootfs") != 0
        || get(process, "cwd")->valuestring[0] != '/'
        || cJSON_GetArraySize(get(get(process, "capabilities"), "bounding")) != 3
        || cJSON_GetArraySize(get(get(spec, "linux"), "namespaces")) != 6)
        abort();
    check_strings(get(process, "args"));
    check_strings(get(process, "env"));
    check_user(get(process, "user"));
    check_mounts(get(spec, "mounts"));
}

static void
check_bundle(const struct coco_image_config *config, int root)
{
    _cleanup_buf_ struct coco_buf first = {.limit = SIZE_MAX};
    _cleanup_buf_ struct coco_buf second = {.limit = SIZE_MAX};
    _cleanup_json_ cJSON *spec = NULL;
    coco_error *err = NULL;

    coco_status status = coco_bundle_config(config, root, &first, &err);
    coco_error_free(err);
    if (status != coco_bundle_config(config, root, &second, NULL))
        abort();
    if (status != COCO_OK && status != COCO_ERR_PROTO && status != COCO_ERR_NOTFOUND
        && status != COCO_ERR_LIMIT)
        abort();
    if (status != COCO_OK)
        return;
    if (strcmp(coco_buf_text(&first), coco_buf_text(&second)) != 0
        || coco_json_parse_object((const char *)first.data, first.len, &spec, NULL) != COCO_OK)
        abort();
    check_spec(spec);
}

static void
check_round_trip(const struct coco_image_config *want, const struct coco_platform *platform)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_image_config_ struct coco_image_config got = {0};

    if (coco_json_write(want->json, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_image_config_parse(text.data, text.len, platform, &got, NULL) != COCO_OK
        || got.n_diff_ids != want->n_diff_ids || !got.config != !want->config)
        abort();
    for (size_t i = 0; i < got.n_diff_ids; i++)
        if (!coco_digest_equal(&got.diff_ids[i], &want->diff_ids[i]))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};
    static const char *const names[PARTS] = {NULL, "etc/passwd", "etc/group"};
    _cleanup_image_config_ struct coco_image_config config = {0};
    coco_error *err = NULL;
    int root = get_root();

    for (size_t i = 0; i < PARTS; i++) {
        const uint8_t *end = i < PARTS - 1 && len ? memchr(data, '\f', len) : NULL;
        size_t n = end ? (size_t)(end - data) : len;

        if (names[i]) {
            put_file(root, names[i], data, n);
        } else {
            coco_status status = coco_image_config_parse(data, n, &platform, &config, &err);
            coco_error_free(err);
            if ((status == COCO_OK) != (config.json != NULL))
                abort();
            if (status != COCO_OK)
                return 0;
        }
        data += end ? n + 1 : n;
        len -= end ? n + 1 : n;
    }
    check_round_trip(&config, &platform);
    check_bundle(&config, root);
    return 0;
}
