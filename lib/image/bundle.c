/*
 * image/bundle.c - the config.json of an OCI bundle
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/bundle.h"

#include "base/fail.h"
#include "image/user.h"

#include <string.h>
#include <strings.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define STOP_SIGNAL "org.opencontainers.image.stopSignal"
#define EXPOSED_PORTS "org.opencontainers.image.exposedPorts"
#define JOINED_MAX ((size_t)64 << 10)

static const char MOUNTS[] =
    "["
    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
    "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
    "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\","
    "\"gid=5\"]},"
    "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
    "{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
    "{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
    "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}"
    "]";

static const char LINUX[] =
    "{"
    "\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
    "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
    "{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"}],"
    "\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
    "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
    "\"/proc/scsi\",\"/sys/firmware\"],"
    "\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
    "\"/proc/sysrq-trigger\"]"
    "}";

static const char RLIMITS[] = "[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}]";

/* Adds the value that text is to the object. */
static coco_status
add_text(cJSON *to, const char *name, const char *text, coco_error **err)
{
    cJSON *value;

    coco_status status = coco_json_parse(text, strlen(text), &value, err);
    if (status != COCO_OK)
        return status;
    return coco_json_add_item(to, name, value, err);
}

static coco_status
get_string(const cJSON *config, const char *name, const char **ret, coco_error **err)
{
    *ret = NULL;
    return config ? coco_json_get_string_opt(config, name, ret, err) : COCO_OK;
}

static coco_status
get_object(const cJSON *config, const char *name, const cJSON **ret, coco_error **err)
{
    *ret = NULL;
    return config ? coco_json_get_object_opt(config, name, ret, err) : COCO_OK;
}

static coco_status
get_array(const cJSON *config, const char *name, const cJSON **ret, coco_error **err)
{
    *ret = NULL;
    return config ? coco_json_get_array_opt(config, name, ret, err) : COCO_OK;
}

/* Adds the strings of an array of the image config, if it is there. */
static coco_status
add_strings(cJSON *to, const cJSON *config, const char *name, coco_error **err)
{
    const cJSON *list;
    const cJSON *item;

    coco_status status = get_array(config, name, &list, err);
    if (status != COCO_OK || !list)
        return status;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "'%s' holds something else than strings", name);
        status = coco_json_add_string(to, NULL, item->valuestring, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
add_args(cJSON *process, const cJSON *config, coco_error **err)
{
    cJSON *args;

    coco_status status = coco_json_add_array(process, "args", &args, err);
    if (status == COCO_OK)
        status = add_strings(args, config, "Entrypoint", err);
    if (status == COCO_OK)
        status = add_strings(args, config, "Cmd", err);
    if (status == COCO_OK && !args->child)
        status = coco_json_add_string(args, NULL, "sh", err);
    return status;
}

/* Nothing runs without a PATH, so an image that has none gets one. */
static coco_status
add_env(cJSON *process, const cJSON *config, coco_error **err)
{
    const cJSON *item;
    bool has_path = false;
    cJSON *env;

    coco_status status = coco_json_add_array(process, "env", &env, err);
    if (status == COCO_OK)
        status = add_strings(env, config, "Env", err);
    if (status != COCO_OK)
        return status;
    bool none = !env->child;
    cJSON_ArrayForEach(item, env)
        has_path = has_path || strncmp(item->valuestring, "PATH=", strlen("PATH=")) == 0;
    if (!has_path)
        status = coco_json_add_string(env, NULL, DEFAULT_PATH, err);
    if (status == COCO_OK && none)
        status = coco_json_add_string(env, NULL, "TERM=xterm", err);
    return status;
}

static coco_status
add_user(cJSON *process, const cJSON *config, int rootfs, coco_error **err)
{
    const char *text;
    cJSON *json;
    cJSON *groups;
    _cleanup_free_ struct coco_user *user = calloc(1, sizeof(*user));
    if (!user)
        return coco_fail_nomem(err);

    coco_status status = get_string(config, "User", &text, err);
    if (status == COCO_OK)
        status = coco_user_resolve(rootfs, text ? text : "", user, err);
    if (status == COCO_OK)
        status = coco_json_add_object(process, "user", &json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "uid", user->uid, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "gid", user->gid, err);
    if (status != COCO_OK || user->n_groups == 0)
        return status;
    status = coco_json_add_array(json, "additionalGids", &groups, err);
    for (size_t i = 0; i < user->n_groups && status == COCO_OK; i++)
        status = coco_json_add_u64(groups, NULL, user->groups[i], err);
    return status;
}

static coco_status
add_cwd(cJSON *process, const cJSON *config, coco_error **err)
{
    _cleanup_buf_ struct coco_buf cwd = {.limit = JOINED_MAX};
    const char *text;

    coco_status status = get_string(config, "WorkingDir", &text, err);
    if (status != COCO_OK)
        return status;
    if (!text || *text != '/')
        status = coco_buf_append_text(&cwd, "/", err);
    if (status == COCO_OK && text)
        status = coco_buf_append_text(&cwd, text, err);
    if (status == COCO_OK)
        status = coco_json_add_string(process, "cwd", coco_buf_text(&cwd), err);
    return status;
}

static coco_status
add_capabilities(cJSON *process, coco_error **err)
{
    static const char *const sets[] = {"bounding", "effective", "inheritable", "permitted",
                                       "ambient"};
    cJSON *capabilities;

    coco_status status = coco_json_add_object(process, "capabilities", &capabilities, err);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && status == COCO_OK; i++)
        status = add_text(capabilities, sets[i],
                          "[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]", err);
    return status;
}

static coco_status
add_process(cJSON *spec, const cJSON *config, int rootfs, coco_error **err)
{
    cJSON *process;

    coco_status status = coco_json_add_object(spec, "process", &process, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(process, "terminal", false, err);
    if (status == COCO_OK)
        status = add_user(process, config, rootfs, err);
    if (status == COCO_OK)
        status = add_args(process, config, err);
    if (status == COCO_OK)
        status = add_env(process, config, err);
    if (status == COCO_OK)
        status = add_cwd(process, config, err);
    if (status == COCO_OK)
        status = add_capabilities(process, err);
    if (status == COCO_OK)
        status = add_text(process, "rlimits", RLIMITS, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(process, "noNewPrivileges", true, err);
    return status;
}

/* Whether an absolute path names something below the root, however a runtime resolves it. */
static bool
is_below_root(const char *path)
{
    bool below = false;

    if (*path != '/')
        return false;
    while (*(path += strspn(path, "/")) != '\0') {
        size_t n = strcspn(path, "/");

        if (n == 2 && path[0] == '.' && path[1] == '.')
            return false;
        below = below || n > 1 || path[0] != '.';
        path += n;
    }
    return below;
}

/* A volume is memory of its own: what the host offers for it is not trusted. */
static coco_status
add_volume(cJSON *mounts, const char *path, coco_error **err)
{
    cJSON *mount;

    if (!is_below_root(path))
        return coco_fail(err, COCO_ERR_PROTO, "a volume that is not an absolute path below /");
    coco_status status = coco_json_add_object(mounts, NULL, &mount, err);
    if (status == COCO_OK)
        status = coco_json_add_string(mount, "destination", path, err);
    if (status == COCO_OK)
        status = coco_json_add_string(mount, "type", "tmpfs", err);
    if (status == COCO_OK)
        status = coco_json_add_string(mount, "source", "tmpfs", err);
    if (status == COCO_OK)
        status = add_text(mount, "options", "[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"rw\"]",
                          err);
    return status;
}

static coco_status
add_mounts(cJSON *spec, const cJSON *config, coco_error **err)
{
    _cleanup_json_ cJSON *defaults = NULL;
    const cJSON *volumes;
    const cJSON *item;
    cJSON *mounts;

    coco_status status = coco_json_parse(MOUNTS, strlen(MOUNTS), &defaults, err);
    if (status == COCO_OK)
        status = get_object(config, "Volumes", &volumes, err);
    if (status == COCO_OK)
        status = coco_json_add_array(spec, "mounts", &mounts, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, volumes) {
        status = add_volume(mounts, item->string, err);
        if (status != COCO_OK)
            return status;
    }
    cJSON_ArrayForEach(item, defaults) {
        status = coco_json_add_copy(mounts, NULL, item, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* Names that differ in case are one to a strict reader of what is written here. */
static bool
is_annotated(const cJSON *annotations, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, annotations)
        if (strcasecmp(item->string, name) == 0)
            return true;
    return false;
}

/* Labels come first and are not overruled (image-spec conversion.md, "Annotation Fields"). */
static coco_status
annotate(cJSON *annotations, const char *name, const char *value, coco_error **err)
{
    if (!value || *name == '\0' || is_annotated(annotations, name))
        return COCO_OK;
    return coco_json_add_string(annotations, name, value, err);
}

static coco_status
add_labels(cJSON *annotations, const cJSON *config, coco_error **err)
{
    const cJSON *labels;
    const cJSON *item;

    coco_status status = get_object(config, "Labels", &labels, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, labels) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "a label that is not a string");
        /* Names of one object are distinct; to look for each would take its square. */
        if (*item->string != '\0')
            status = coco_json_add_string(annotations, item->string, item->valuestring, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
add_ports(cJSON *annotations, const cJSON *config, coco_error **err)
{
    _cleanup_buf_ struct coco_buf joined = {.limit = JOINED_MAX};
    const cJSON *ports;
    const cJSON *item;

    coco_status status = get_object(config, "ExposedPorts", &ports, err);
    if (status != COCO_OK || !ports || !ports->child)
        return status;
    cJSON_ArrayForEach(item, ports) {
        status = coco_buf_printf(&joined, err, "%s%s", joined.len > 0 ? "," : "", item->string);
        if (status != COCO_OK)
            return status;
    }
    return annotate(annotations, EXPOSED_PORTS, coco_buf_text(&joined), err);
}

/* The members of the image itself that annotations are made of. */
static coco_status
add_image_fields(cJSON *annotations, const cJSON *image, coco_error **err)
{
    static const struct {
        const char *member, *annotation;
    } fields[] = {
        {"os", "org.opencontainers.image.os"},
        {"os.version", "org.opencontainers.image.os.version"},
        {"architecture", "org.opencontainers.image.architecture"},
        {"variant", "org.opencontainers.image.variant"},
        {"author", "org.opencontainers.image.author"},
        {"created", "org.opencontainers.image.created"},
    };
    _cleanup_buf_ struct coco_buf features = {.limit = JOINED_MAX};
    const cJSON *list;
    const char *value;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && status == COCO_OK; i++) {
        status = get_string(image, fields[i].member, &value, err);
        if (status == COCO_OK)
            status = annotate(annotations, fields[i].annotation, value, err);
    }
    if (status == COCO_OK)
        status = get_array(image, "os.features", &list, err);
    if (status != COCO_OK || !list)
        return status;
    status = coco_json_write(list, COCO_JSON_COMPACT, &features, err);
    if (status != COCO_OK)
        return status;
    return annotate(annotations, "org.opencontainers.image.os.features", coco_buf_text(&features),
                    err);
}

static coco_status
add_annotations(cJSON *spec, const struct coco_image_config *config, coco_error **err)
{
    const char *signal;
    cJSON *annotations;

    coco_status status = coco_json_add_object(spec, "annotations", &annotations, err);
    if (status == COCO_OK)
        status = add_labels(annotations, config->config, err);
    if (status == COCO_OK)
        status = get_string(config->config, "StopSignal", &signal, err);
    if (status == COCO_OK)
        status = annotate(annotations, STOP_SIGNAL, signal, err);
    if (status == COCO_OK)
        status = add_ports(annotations, config->config, err);
    if (status == COCO_OK)
        status = add_image_fields(annotations, config->json, err);
    return status;
}

static coco_status
add_root(cJSON *spec, coco_error **err)
{
    cJSON *root;

    coco_status status = coco_json_add_object(spec, "root", &root, err);
    if (status == COCO_OK)
        status = coco_json_add_string(root, "path", "rootfs", err);
    if (status == COCO_OK)
        status = coco_json_add_bool(root, "readonly", true, err);
    return status;
}

coco_status
coco_bundle_config(const struct coco_image_config *config, int rootfs, struct coco_buf *ret,
                   coco_error **err)
{
    _cleanup_json_ cJSON *spec = NULL;

    coco_status status = coco_json_new_object(&spec, err);
    if (status == COCO_OK)
        status = coco_json_add_string(spec, "ociVersion", "1.0.2-dev", err);
    if (status == COCO_OK)
        status = add_process(spec, config->config, rootfs, err);
    if (status == COCO_OK)
        status = add_root(spec, err);
    if (status == COCO_OK)
        status = coco_json_add_string(spec, "hostname", "coco", err);
    if (status == COCO_OK)
        status = add_mounts(spec, config->config, err);
    if (status == COCO_OK)
        status = add_text(spec, "linux", LINUX, err);
    if (status == COCO_OK)
        status = add_annotations(spec, config, err);
    if (status == COCO_OK)
        status = coco_json_write(spec, COCO_JSON_PRETTY, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "runtime configuration");
    return COCO_OK;
}
