/*
 * tests/cache/test_cache.c - lib/cache/cache.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/cache.h"

#include "base/context.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static coco_ctx *ctx;

static int
set_up(void **state)
{
    (void)state;
    return coco_ctx_new(&ctx, NULL) == COCO_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    coco_ctx_free(ctx);
    return 0;
}

static coco_status
start(const char *dir, const char *listen, const char *more, struct coco_cache **ret,
      coco_error **err)
{
    char config[1024];

    (void)snprintf(config, sizeof(config),
                   "{\"listen\":[\"%s\"],\"directory\":\"%s/cache\",\"upstreams\":{"
                   "\"docker.io\":{}}%s}",
                   listen, dir, more);
    return coco_cache_start(ctx, config, ret, err);
}

static void
what_it_cannot_serve_at_is_refused(void **state)
{
    struct coco_cache *cache = NULL;
    char dir[64];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_fails(start(dir, "nowhere", "", &cache, &err), err, COCO_ERR_INVALID, "nowhere");
    assert_fails(start(dir, "0.0.0.0:0", "", &cache, &err), err, COCO_ERR_INVALID, "insecure_http");
    assert_fails(start(dir, "unix:/no/such/place", "", &cache, &err), err, COCO_ERR_IO,
                 "cannot listen");
    assert_fails(start(dir, "127.0.0.1:0", ",\"x\":1", &cache, &err), err, COCO_ERR_PROTO, "'x'");
    coco_cache_stop(NULL);
    remove_temp_dir(dir);
}

/* Sends request to path and reads all that it says. */
static void
converse(const char *path, const char *request, char *said, size_t size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = 0;

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t n; (n = recv(fd, said + len, size - 1 - len, 0)) > 0;)
        len += (size_t)n;
    said[len] = '\0';
    (void)close(fd);
}

static void
it_serves_in_the_file_system(void **state)
{
    struct coco_cache *cache = NULL;
    char dir[64];
    char listen[96];
    char said[1024];
    struct stat st;
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(listen, sizeof(listen), "unix:%s/socket", dir);
    assert_ok(start(dir, listen, ",\"unix_mode\":\"0666\"", &cache, &err), err);
    assert_string_equal(coco_cache_url(cache), listen);
    assert_int_equal(stat(listen + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    converse(listen + 5, "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", said,
             sizeof(said));
    assert_contains(said, "HTTP/1.1 200 OK\r\n");
    coco_cache_stop(cache);
    remove_temp_dir(dir);
}

/* Tokens of some registries have 20 KiB and more: one for each repository that they are for. */
static void
long_credentials_are_taken(void **state)
{
    static char request[48 << 10];
    struct coco_cache *cache = NULL;
    char dir[64];
    char listen[96];
    char said[1024];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(listen, sizeof(listen), "unix:%s/socket", dir);
    assert_ok(start(dir, listen, "", &cache, &err), err);
    for (size_t len = 1 << 10; len <= 40 << 10; len += 13 << 10) {
        (void)snprintf(request, sizeof(request),
                       "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Authorization: Bearer %0*d\r\n\r\n",
                       (int)len, 0);
        converse(listen + 5, request, said, sizeof(said));
        assert_contains(said, "HTTP/1.1 200 OK\r\n");
    }
    coco_cache_stop(cache);
    remove_temp_dir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_cannot_serve_at_is_refused),
        cmocka_unit_test(it_serves_in_the_file_system),
        cmocka_unit_test(long_credentials_are_taken),
    };

    return cmocka_run_group_tests_name("cache/cache", tests, set_up, tear_down);
}
