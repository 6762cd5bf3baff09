/*
 * tests/image/test_bundle.c - lib/image/bundle.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/bundle.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define IMAGE(config)                                                                              \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2024-01-01T00:00:00Z\","           \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":" config "}"

static coco_error *err;
static char top[64];
static int rootfs;

static int
begin(void **state)
{
    (void)state;
    make_temp_dir(top, sizeof(top));
    rootfs = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    (void)close(rootfs);
    remove_temp_dir(top);
    return 0;
}

static coco_status
make(const char *image, struct coco_buf *text)
{
    _cleanup_image_config_ struct coco_image_config config = {0};
    struct coco_platform platform;

    faults_pause();
    assert_ok(coco_platform_parse("linux/amd64", &platform, &err), err);
    assert_ok(coco_image_config_parse(image, strlen(image), &platform, &config, &err), err);
    faults_resume();
    return coco_bundle_config(&config, rootfs, text, &err);
}

/* The compact text of the member at path, "a/b/0", of the configuration made of image. */
static void
assert_member(const char *image, const char *path, const char *want)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
    _cleanup_buf_ struct coco_buf got = {.limit = 1 << 20};
    _cleanup_json_ cJSON *spec = NULL;

    assert_ok(make(image, &text), err);
    assert_ok(coco_json_parse_object((char *)text.data, text.len, &spec, &err), err);
    const cJSON *at = spec;
    while (at && *path != '\0') {
        char name[64];
        size_t n = strcspn(path, "/");

        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        if (cJSON_IsArray(at))
            at = cJSON_GetArrayItem(at, name[0] - '0');
        else
            at = cJSON_GetObjectItemCaseSensitive(at, name);
        path += n + (path[n] == '/' ? 1 : 0);
    }
    assert_non_null(at);
    assert_ok(coco_json_write(at, COCO_JSON_COMPACT, &got, &err), err);
    assert_string_equal(coco_buf_text(&got), want);
}

static void
an_image_that_says_nothing_gets_the_defaults(void **state)
{
    static const char *const images[] = {IMAGE("null"), IMAGE("{}"), IMAGE("{\"Env\":null}")};

    (void)state;
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        assert_member(images[i], "process/args", "[\"sh\"]");
        assert_member(images[i], "process/cwd", "\"/\"");
        assert_member(images[i], "process/user", "{\"uid\":0,\"gid\":0}");
        assert_member(images[i], "process/env",
                      "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
                      "\"TERM=xterm\"]");
        assert_member(images[i], "process/terminal", "false");
        assert_member(images[i], "process/noNewPrivileges", "true");
        assert_member(images[i], "root", "{\"path\":\"rootfs\",\"readonly\":true}");
        assert_member(images[i], "mounts/0/destination", "\"/proc\"");
        assert_member(images[i], "annotations",
                      "{\"org.opencontainers.image.os\":\"linux\","
                      "\"org.opencontainers.image.architecture\":\"amd64\","
                      "\"org.opencontainers.image.created\":\"2024-01-01T00:00:00Z\"}");
    }
}

static void
what_the_image_says_counts(void **state)
{
    static const char image[] =
        IMAGE("{\"Entrypoint\":[\"/init\",\"--\"],\"Cmd\":[\"run\"],\"Env\":[\"PATH=/x\",\"A=b\"],"
              "\"WorkingDir\":\"/srv\",\"User\":\"7:8\",\"StopSignal\":\"SIGQUIT\","
              "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Volumes\":{\"/data\":{}},"
              "\"Labels\":{\"a\":\"b\",\"\":\"dropped\","
              "\"org.opencontainers.image.created\":\"mine\"}}");

    (void)state;
    assert_member(image, "process/args", "[\"/init\",\"--\",\"run\"]");
    assert_member(image, "process/env", "[\"PATH=/x\",\"A=b\"]");
    assert_member(image, "process/cwd", "\"/srv\"");
    assert_member(image, "process/user", "{\"uid\":7,\"gid\":8}");
    assert_member(image, "mounts/0",
                  "{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
                  "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"rw\"]}");
    assert_member(image, "mounts/1/destination", "\"/proc\"");
    assert_member(image, "annotations/a", "\"b\"");
    assert_member(image, "annotations/org.opencontainers.image.created", "\"mine\"");
    assert_member(IMAGE("{\"Labels\":{\"Org.OpenContainers.image.OS\":\"x\"}}"), "annotations",
                  "{\"Org.OpenContainers.image.OS\":\"x\","
                  "\"org.opencontainers.image.architecture\":\"amd64\","
                  "\"org.opencontainers.image.created\":\"2024-01-01T00:00:00Z\"}");
    assert_member(IMAGE("{\"WorkingDir\":\"rel\"}"), "process/cwd", "\"/rel\"");
    assert_member(
        IMAGE("{\"Env\":[\"A=b\"]}"), "process/env",
        "[\"A=b\",\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"]");
}

static void
broken_configurations_are_refused(void **state)
{
    static const struct {
        const char *image;
        coco_status status;
    } cases[] = {
        {IMAGE("{\"Cmd\":\"sh\"}"), COCO_ERR_PROTO},
        {IMAGE("{\"Cmd\":[1]}"), COCO_ERR_PROTO},
        {IMAGE("{\"Env\":[null]}"), COCO_ERR_PROTO},
        {IMAGE("{\"Env\":{}}"), COCO_ERR_PROTO},
        {IMAGE("{\"User\":5}"), COCO_ERR_PROTO},
        {IMAGE("{\"User\":\"nobody-here\"}"), COCO_ERR_NOTFOUND},
        {IMAGE("{\"WorkingDir\":[]}"), COCO_ERR_PROTO},
        {IMAGE("{\"Labels\":{\"a\":1}}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":[\"/x\"]}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":{\"x\":{}}}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":{\"//\":{}}}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":{\"/./.\":{}}}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":{\"/x/..\":{}}}"), COCO_ERR_PROTO},
        {IMAGE("{\"Volumes\":{\"/x/../../proc\":{}}}"), COCO_ERR_PROTO},
        {IMAGE("{\"StopSignal\":9}"), COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};

        assert_fails(make(cases[i].image, &text), err, cases[i].status, "runtime configuration: ");
    }
}

static void
making_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};

        coco_status status =
            make(IMAGE("{\"Volumes\":{\"/x\":{}},\"Labels\":{\"a\":\"b\"}}"), &text);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_image_that_says_nothing_gets_the_defaults, begin, end),
        cmocka_unit_test_setup_teardown(what_the_image_says_counts, begin, end),
        cmocka_unit_test_setup_teardown(broken_configurations_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(making_it_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/bundle", tests, NULL, NULL);
}
