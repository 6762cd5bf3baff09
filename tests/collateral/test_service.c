/*
 * tests/collateral/test_service.c - lib/collateral/service.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/service.h"

#include "collateral/shelf.h"

#include "base/bytes.h"
#include "base/context.h"
#include "tests/collateral/kit.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define CRL "amd/Milan/vcek.crl"
#define CHIP                                                                                       \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"                             \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define VCEK "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68.der"

static struct httpd httpd;
static struct pki_cert ca;
static coco_ctx *ctx;
static coco_collateral *source;
static char dir[64];
static atomic_llong now;
static coco_error *err;

/* What the server says. */
static _Atomic(const char *) status_line;
static uint8_t body[4096];
static size_t body_len;
static atomic_uint requests;
static atomic_int gate; /* what is read of it lets an answer out; -1: nothing stops them */
static int gate_ends[2];

static int64_t
fake_now(void *self)
{
    (void)self;
    return atomic_load(&now);
}

static coco_status
fake_wait(void *self, coco_ctx *of, uint64_t ms, coco_error **e)
{
    (void)self;
    (void)ms;
    return coco_ctx_check(of, e);
}

static const struct coco_clock fake_clock = {.now = fake_now, .wait = fake_wait};

static bool
answer(void *user, const struct httpd_request *request)
{
    char head[128];
    char byte;

    (void)user;
    (void)atomic_fetch_add(&requests, 1);
    if (atomic_load(&gate) >= 0)
        (void)!read(atomic_load(&gate), &byte, 1); /* until the other end is closed */
    (void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
                   atomic_load(&status_line), body_len);
    return httpd_say(request->httpd, head) && httpd_send(request->httpd, body, body_len);
}

static void
open_source(bool cached)
{
    assert_ok(coco_collateral_new_http(ctx, "", httpd.url, &source, &err), err);
    assert_ok(coco_collateral_set_proxy(source, "", NULL, &err), err);
    if (cached)
        assert_ok(coco_collateral_set_cache(source, dir, &err), err);
    coco_service_set_clock(source, &fake_clock);
}

static void
reopen(bool cached)
{
    coco_collateral_free(source);
    source = NULL;
    open_source(cached);
}

static void
shut_gate(void)
{
    assert_int_equal(pipe(gate_ends), 0);
    atomic_store(&gate, gate_ends[0]);
}

/* For good: nobody waits at what is closed. */
static void
open_gate(void)
{
    (void)close(gate_ends[1]);
}

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    make_temp_dir(dir, sizeof(dir));
    atomic_store(&now, (long long)time(NULL));
    atomic_store(&requests, 0);
    atomic_store(&gate, -1);
    status_line = "200 OK";
    body_len = kit_crl(&ca, 20, body, sizeof(body));
    httpd_start(&httpd, answer, NULL, NULL);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    open_source(false);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_collateral_free(source);
    source = NULL;
    httpd_stop(&httpd);
    if (atomic_load(&gate) >= 0)
        (void)close(gate_ends[0]);
    coco_ctx_free(ctx);
    remove_temp_dir(dir);
    pki_done(&ca);
    return 0;
}

static coco_status
get(const char *name)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    return coco_collateral_get(source, name, &bytes, &err);
}

static void
what_is_there_is_not_asked_for(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    int64_t fetched = 0;

    (void)state;
    assert_ok(coco_collateral_get(source, CRL, &bytes, &err), err);
    assert_int_equal(coco_bytes_size(bytes), body_len);
    assert_memory_equal(coco_bytes_data(bytes), body, body_len);
    assert_ok(coco_collateral_fetched(source, CRL, &fetched, &err), err);
    assert_int_equal(fetched, atomic_load(&now));
    (void)atomic_fetch_add(&now, COCO_SHELF_FRESH - 1);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 1);
}

static void
what_is_old_is_asked_for_again(void **state)
{
    (void)state;
    assert_ok(get(CRL), err);
    (void)atomic_fetch_add(&now, COCO_SHELF_FRESH);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 2);
}

static void
certificates_of_chips_stay_what_they_are(void **state)
{
    struct pki_cert leaf;

    (void)state;
    pki_make(&leaf, &ca, "SEV-VCEK", 1000);
    body_len = kit_der(&leaf, body, sizeof(body));
    assert_ok(get(VCEK), err);
    (void)atomic_fetch_add(&now, 900 * KIT_DAY);
    assert_ok(get(VCEK), err);
    assert_int_equal(atomic_load(&requests), 1);
    /* It ends, and then what is sent again has ended as well. */
    (void)atomic_fetch_add(&now, 100 * KIT_DAY + 60);
    assert_fails(get(VCEK), err, COCO_ERR_PROTO, "expired");
    assert_int_equal(atomic_load(&requests), 2);
    pki_done(&leaf);
}

static void
what_is_valid_is_used_while_nobody_answers(void **state)
{
    static const char *const lines[] = {"503 Service Unavailable", "404 Not Found"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        reopen(false);
        status_line = "200 OK";
        assert_ok(get(CRL), err);
        status_line = lines[i];
        (void)atomic_fetch_add(&now, 5 * KIT_DAY);
        unsigned before = atomic_load(&requests);
        assert_ok(get(CRL), err);
        assert_true(atomic_load(&requests) > before);
    }
    /* Once it has ended it is not. */
    (void)atomic_fetch_add(&now, 16 * KIT_DAY);
    assert_fails(get(CRL), err, COCO_ERR_NOTFOUND, "answered 404");
}

static void
what_has_ended_is_not_taken(void **state)
{
    (void)state;
    body_len = kit_crl(&ca, -1, body, sizeof(body));
    assert_fails(get(CRL), err, COCO_ERR_PROTO, "expired");
}

static void
failures_are_not_repeated_at_once(void **state)
{
    (void)state;
    status_line = "404 Not Found";
    assert_fails(get(CRL), err, COCO_ERR_NOTFOUND, "answered 404");
    assert_fails(get(CRL), err, COCO_ERR_NOTFOUND, "not asked again");
    assert_int_equal(atomic_load(&requests), 1);
    status_line = "200 OK";
    (void)atomic_fetch_add(&now, 300);
    assert_ok(get(CRL), err);
}

static void
names_that_nobody_serves_are_not_asked_for(void **state)
{
    (void)state;
    assert_fails(get("hygon/hrk.cert"), err, COCO_ERR_NOTFOUND, "no service");
    assert_fails(get("intel/root-ca.crl"), err, COCO_ERR_NOTFOUND, "nobody is to be asked");
    assert_fails(get("../x"), err, COCO_ERR_INVALID, "cannot be called");
    assert_int_equal(atomic_load(&requests), 0);
}

static void *
get_in_thread(void *unused)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};

    (void)unused;
    return coco_collateral_read(source, &buf, NULL, CRL) == COCO_OK && buf.len == body_len ? source
                                                                                           : NULL;
}

/* The server does not answer before all have asked; however late one is, it asks no more. */
static void
many_threads_make_one_request(void **state)
{
    pthread_t threads[16];

    (void)state;
    shut_gate();
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, NULL), 0);
    while (atomic_load(&requests) == 0)
        ;
    open_gate();
    for (size_t i = 0; i < 16; i++) {
        void *got = NULL;

        assert_int_equal(pthread_join(threads[i], &got), 0);
        assert_ptr_equal(got, source);
    }
    assert_int_equal(atomic_load(&requests), 1);
}

static void *
cancel_when_asked(void *unused)
{
    (void)unused;
    while (atomic_load(&requests) == 0)
        ;
    coco_ctx_cancel(ctx);
    return NULL;
}

static void
canceling_ends_the_wait(void **state)
{
    pthread_t thread;

    (void)state;
    shut_gate();
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_asked, NULL), 0);
    assert_fails(get(CRL), err, COCO_ERR_CANCELED, "");
    assert_int_equal(pthread_join(thread, NULL), 0);
    open_gate();
}

static void
a_cache_outlives_the_source(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *files = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;

    (void)state;
    reopen(true);
    assert_ok(get(CRL), err);
    reopen(true);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 1);
    /* It is as old as when it was got, and read as any directory. */
    (void)atomic_fetch_add(&now, COCO_SHELF_FRESH);
    reopen(true);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 2);
    assert_ok(coco_collateral_new_dir(dir, &files, &err), err);
    assert_ok(coco_collateral_get(files, CRL, &bytes, &err), err);
    assert_int_equal(coco_bytes_size(bytes), body_len);
    reopen(true);
    assert_ok(coco_collateral_list(source, &list, &err), err);
    assert_contains((const char *)coco_bytes_data(list), CRL);
}

static void
what_is_broken_in_a_cache_is_got_anew(void **state)
{
    char path[128];

    (void)state;
    reopen(true);
    assert_ok(get(CRL), err);
    reopen(true);
    (void)snprintf(path, sizeof(path), "%s/" CRL, dir);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 2);
    /* So is what claims to be of the future. */
    const struct timespec times[] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    reopen(true);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 3);
}

static void
a_cache_that_cannot_be_written_is_none(void **state)
{
    (void)state;
    reopen(true);
    remove_temp_dir(dir);
    assert_ok(get(CRL), err);
    assert_ok(get(CRL), err);
    assert_int_equal(atomic_load(&requests), 1);
    make_temp_dir(dir, sizeof(dir));
}

/* Asks until what is fetched is there, or something else is wrong. */
static coco_status
ask_again(const char *name)
{
    coco_status status;

    while ((status = get(name)) == COCO_ERR_NET) {
        assert_contains(coco_error_message(err), "being fetched");
        coco_error_free(err);
        err = NULL;
    }
    return status;
}

/* Nobody waits for the server, and one thing brings those along that go with it. */
static void
in_the_background_nobody_waits(void **state)
{
    (void)state;
    assert_ok(coco_service_set_background(source, &err), err);
    shut_gate();
    for (unsigned i = 0; i < 50; i++) {
        coco_status status = get(CRL);
        assert_int_equal(coco_error_errno(err), EAGAIN);
        assert_fails(status, err, COCO_ERR_NET, "is being fetched: ask again");
    }
    open_gate();
    assert_ok(ask_again(CRL), err);
    assert_fails(ask_again("amd/Milan/vcek/chain.pem"), err, COCO_ERR_PROTO, "chain.pem");
    assert_int_equal(atomic_load(&requests), 2);
}

static void
in_the_background_what_is_old_is_given_meanwhile(void **state)
{
    (void)state;
    assert_ok(coco_service_set_background(source, &err), err);
    assert_ok(ask_again(CRL), err);
    unsigned before = atomic_load(&requests);
    (void)atomic_fetch_add(&now, 2 * KIT_DAY);
    status_line = "503 Service Unavailable";
    assert_ok(get(CRL), err);
    while (atomic_load(&requests) == before)
        ;
    assert_ok(get(CRL), err);
    (void)atomic_fetch_add(&now, 30 * KIT_DAY);
    status_line = "404 Not Found";
    coco_status status;
    /* What came of the 503 may be remembered as late as now, and is until the clock goes on. */
    while ((status = get(CRL)) == COCO_ERR_NET) {
        coco_error_free(err);
        err = NULL;
        (void)atomic_fetch_add(&now, 1);
    }
    assert_fails(status, err, COCO_ERR_NOTFOUND, "answered 404");
}

/* A server that does not answer does not keep the source alive. */
static void
in_the_background_requests_end_with_the_source(void **state)
{
    (void)state;
    assert_ok(coco_service_set_background(source, &err), err);
    shut_gate();
    assert_fails(get(CRL), err, COCO_ERR_NET, "is being fetched");
    while (atomic_load(&requests) == 0)
        ;
    coco_collateral_free(source);
    source = NULL;
    open_gate();
}

static void
only_services_have_settings_of_services(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *memory = NULL;
    char *pem = pki_pem(&ca);

    (void)state;
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_fails(coco_collateral_set_cache(memory, dir, &err), err, COCO_ERR_NOTSUP, "asks no");
    assert_fails(coco_collateral_set_early(memory, true, &err), err, COCO_ERR_NOTSUP, "asks no");
    assert_fails(coco_collateral_set_proxy(memory, NULL, NULL, &err), err, COCO_ERR_NOTSUP,
                 "asks no");
    assert_fails(coco_collateral_set_tls_ca(memory, (const uint8_t *)pem, strlen(pem), &err), err,
                 COCO_ERR_NOTSUP, "asks no");
    assert_fails(coco_collateral_set_tls_ca(source, (const uint8_t *)"x", 1, &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(coco_collateral_set_cache(source, "/no/such/dir", &err), err, COCO_ERR_IO,
                 "/no/such/dir");
    assert_fails(coco_collateral_set_proxy(source, "nonsense://", NULL, &err), err,
                 COCO_ERR_INVALID, "");
    assert_ok(coco_collateral_set_early(source, true, &err), err);
    assert_ok(coco_service_set_background(memory, &err), err);
    OPENSSL_free(pem);
}

static void
tls_goes_by_the_given_ca_alone(void **state)
{
    static struct httpd secure;
    struct pki_cert server;
    coco_collateral *mine = NULL;
    coco_bytes *bytes = NULL;
    char *pem = pki_pem(&ca);

    (void)state;
    pki_make(&server, &ca, "127.0.0.1", 5);
    SSL_CTX *tls = pki_server(&server, NULL);
    httpd_start(&secure, answer, NULL, tls);
    for (int trusted = 0; trusted < 2; trusted++) {
        assert_ok(coco_collateral_new_http(ctx, "", secure.url, &mine, &err), err);
        assert_ok(coco_collateral_set_proxy(mine, "", NULL, &err), err);
        coco_service_set_clock(mine, &fake_clock);
        if (trusted)
            assert_ok(coco_collateral_set_tls_ca(mine, (const uint8_t *)pem, strlen(pem), &err),
                      err);
        coco_status status = coco_collateral_get(mine, CRL, &bytes, &err);
        if (trusted)
            assert_ok(status, err);
        else
            assert_fails(status, err, COCO_ERR_VERIFY, "");
        coco_collateral_free(mine);
    }
    coco_bytes_free(bytes);
    httpd_stop(&secure);
    SSL_CTX_free(tls);
    pki_done(&server);
    OPENSSL_free(pem);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_collateral_freep) coco_collateral *mine = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        (void)mkdir(dir, 0700);
        coco_status status = coco_collateral_new_http(ctx, "", httpd.url, &mine, &err);
        if (status == COCO_OK)
            status = coco_collateral_set_proxy(mine, "", NULL, &err);
        if (status == COCO_OK)
            status = coco_collateral_set_cache(mine, dir, &err);
        if (status == COCO_OK)
            status = coco_collateral_get(mine, CRL, &bytes, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        faults_pause();
        remove_temp_dir(dir);
        faults_resume();
    }
    make_temp_dir(dir, sizeof(dir));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_not_asked_for),
        TEST(what_is_old_is_asked_for_again),
        TEST(certificates_of_chips_stay_what_they_are),
        TEST(what_is_valid_is_used_while_nobody_answers),
        TEST(what_has_ended_is_not_taken),
        TEST(failures_are_not_repeated_at_once),
        TEST(names_that_nobody_serves_are_not_asked_for),
        TEST(many_threads_make_one_request),
        TEST(canceling_ends_the_wait),
        TEST(a_cache_outlives_the_source),
        TEST(what_is_broken_in_a_cache_is_got_anew),
        TEST(a_cache_that_cannot_be_written_is_none),
        TEST(in_the_background_nobody_waits),
        TEST(in_the_background_what_is_old_is_given_meanwhile),
        TEST(in_the_background_requests_end_with_the_source),
        TEST(only_services_have_settings_of_services),
        TEST(tls_goes_by_the_given_ca_alone),
        TEST(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
