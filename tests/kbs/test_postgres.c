/*
 * tests/kbs/test_postgres.c - lib/kbs/postgres.c
 *
 * What a store does in PostgreSQL is in test_store.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/database.h"

#include "kbs/store.h"
#include "tests/kbs/world.h"
#include "tests/postgres.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct postgres_server server;
static struct coco_postgres_options on_server = {
    .host = server.dir,
    .port = POSTGRES_PORT,
    .database = POSTGRES_DATABASE,
    .user = POSTGRES_USER,
};
static const struct coco_kbs_store_options options = {.postgres = &on_server, .versions = 1000};

static int
begin(void **state)
{
    (void)state;
    postgres_run(&server, "DROP TABLE IF EXISTS coco_kbs_value, coco_kbs_schema");
    return 0;
}

static struct coco_kbs_store *
open_store(void)
{
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&options, &store, &err), err);
    return store;
}

static void
a_server_that_went_away_is_found_again(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = open_store();
    _cleanup_secret_ struct coco_secret got = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "one", 3, &err), err);
    postgres_crash(&server);
    assert_ok(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "a", &got, NULL, &err), err);
    assert_true(coco_secret_equal(&got, "one", 3));
    postgres_crash(&server);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "two", 3, &err), err);
    coco_secret_done(&got);
    assert_ok(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "a", &got, NULL, &err), err);
    assert_true(coco_secret_equal(&got, "two", 3));
}

static void
begin_replica(struct world *w, bool shared)
{
    char config[512];

    (void)snprintf(config, sizeof(config),
                   "[storage_backend]\nstorage_type = \"Postgres\"\nunsealed = true\n"
                   "shared_nonces = %s\n[storage_backend.backends.postgres]\n"
                   "host = \"%s\"\ndb = \"%s\"\nusername = \"%s\"\n",
                   shared ? "true" : "false", server.dir, POSTGRES_DATABASE, POSTGRES_USER);
    world_begin(w, config);
}

/* What was shown to one replica is shown to another, by the guest or by who has listened. */
static int
replay(bool shared, const char *tee_key_of[2])
{
    static char keys[2][512];
    struct world first;
    struct world second;
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char cookie[sizeof(first.cookie)];

    begin_replica(&first, shared);
    begin_replica(&second, shared);
    add_references(&first);
    assert_int_equal(ask(&first, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(&first, &how, &body);
    (void)snprintf(cookie, sizeof(cookie), "%s", first.cookie);
    assert_int_equal(ask_bytes(&first, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     200);
    int status = ask_bytes(&second, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len);
    struct world *worlds[] = {&first, &second};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_json_ cJSON *reply = NULL;
        _cleanup_jws_ struct coco_jws jws = {0};
        const char *token = NULL;
        const char *subject = NULL;
        coco_error *err = NULL;

        assert_ok(coco_json_parse_object(said(worlds[i]), worlds[i]->reply.body.len, &reply, &err),
                  err);
        if (worlds[i]->reply.status != 200)
            continue;
        assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
        assert_ok(coco_jws_parse(token, strlen(token), &jws, &err), err);
        assert_ok(coco_json_get_string(jws.payload, "sub", &subject, &err), err);
        (void)snprintf(keys[i], sizeof(keys[i]), "%s", subject);
        tee_key_of[i] = keys[i];
    }
    world_end(&first);
    world_end(&second);
    return status;
}

static void
a_nonce_is_used_at_one_replica_alone(void **state)
{
    const char *keys[2] = {NULL, NULL};

    (void)state;
    assert_int_equal(replay(true, keys), 401);
    assert_null(keys[1]);
}

/* Who does without gets a second token for the key that the first is for. */
static void
a_nonce_that_is_not_shared_is_worth_the_same_token(void **state)
{
    const char *keys[2] = {NULL, NULL};

    (void)state;
    assert_int_equal(replay(false, keys), 200);
    assert_string_equal(keys[0], keys[1]);
}

static void
a_server_that_is_not_there_is_said(void **state)
{
    struct coco_postgres_options nowhere = on_server;
    struct coco_database *db = NULL;
    coco_error *err = NULL;

    (void)state;
    nowhere.host = "/nowhere";
    assert_fails(coco_database_open_postgres(&nowhere, &db, &err), err, COCO_ERR_IO,
                 "store: connect");
    nowhere = on_server;
    nowhere.user = "nobody";
    assert_fails(coco_database_open_postgres(&nowhere, &db, &err), err, COCO_ERR_IO, "nobody");
}

/* Takes the first message, declines TLS, and stores how much it is told after that. */
static void *
decline_tls(void *arg)
{
    const int *listener = arg;
    uint8_t request[8];
    char more[256];
    static ssize_t told;

    int fd = accept4(*listener, NULL, NULL, SOCK_CLOEXEC);
    told = -1;
    if (fd >= 0 && recv(fd, request, sizeof(request), MSG_WAITALL) == sizeof(request)
        && send(fd, "N", 1, 0) == 1)
        told = recv(fd, more, sizeof(more), 0);
    (void)close(fd);
    return &told;
}

/* Whoever is between here and there could decline it. */
static void
another_machine_without_tls_is_told_nothing(void **state)
{
    const struct coco_postgres_options remote = {
        .host = "db.example",
        .database = "coco",
        .user = "kbs",
        .password = "secret",
    };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    struct coco_postgres_options options_of = remote;
    struct coco_database *db = NULL;
    pthread_t thread;
    void *told = NULL;
    coco_error *err = NULL;

    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    options_of.port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&thread, NULL, decline_tls, &fd), 0);
    assert_int_equal(setenv("PGHOSTADDR", "127.0.0.1", 1), 0);
    assert_fails(coco_database_open_postgres(&options_of, &db, &err), err, COCO_ERR_IO, "SSL");
    assert_int_equal(unsetenv("PGHOSTADDR"), 0);
    assert_int_equal(pthread_join(thread, &told), 0);
    assert_int_equal(*(const ssize_t *)told, 0);
    (void)close(fd);
}

static void
a_database_of_a_later_version_is_refused(void **state)
{
    struct coco_database *db = NULL;
    coco_error *err = NULL;

    (void)state;
    coco_kbs_store_close(open_store());
    postgres_run(&server, "UPDATE coco_kbs_schema SET version = 3");
    assert_fails(coco_database_open_postgres(&on_server, &db, &err), err, COCO_ERR_NOTSUP,
                 "store has version 3, this program knows 2");
}

/* Another writer that does not end is waited for, and not for ever, nor longer than it is there. */
static void
a_lock_that_is_not_given_spoils_no_connection(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = open_store();
    _cleanup_(coco_database_closep) struct coco_database *other = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_database_open_postgres(&on_server, &other, &err), err);
    assert_ok(other->ops->begin(other, &err), err);
    assert_fails(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "x", 1, &err), err, COCO_ERR_IO,
                 "timeout");
    other->ops->rollback(other);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "x", 1, &err), err);
}

#define WRITERS 4
#define WRITES 25

static void *
write_many(void *arg)
{
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    coco_status status = coco_kbs_store_open(&options, &store, &err);
    for (unsigned i = 0; i < WRITES && status == COCO_OK; i++)
        status = coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "x", 1, &err);
    coco_kbs_store_close(store);
    coco_error_free(err);
    return status == COCO_OK ? arg : NULL;
}

/* Of many writers, which also set it up together, each makes a version of its own. */
static void
replicas_write_one_after_another(void **state)
{
    pthread_t threads[WRITERS];
    _cleanup_json_ cJSON *versions = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &server), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        void *done = NULL;

        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = open_store();
    assert_ok(coco_kbs_store_versions(store, COCO_KBS_RESOURCE, "a", &versions, &err), err);
    assert_int_equal(cJSON_GetArraySize(versions), WRITERS * WRITES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_server_that_went_away_is_found_again, begin),
        cmocka_unit_test_setup(a_nonce_is_used_at_one_replica_alone, begin),
        cmocka_unit_test_setup(a_nonce_that_is_not_shared_is_worth_the_same_token, begin),
        cmocka_unit_test_setup(a_server_that_is_not_there_is_said, begin),
        cmocka_unit_test(another_machine_without_tls_is_told_nothing),
        cmocka_unit_test_setup(a_database_of_a_later_version_is_refused, begin),
        cmocka_unit_test_setup(a_lock_that_is_not_given_spoils_no_connection, begin),
        cmocka_unit_test_setup(replicas_write_one_after_another, begin),
    };
    const bool has_server = postgres_start(&server);
    size_t n = has_server ? sizeof(tests) / sizeof(tests[0]) : 0;

    int failed = _cmocka_run_group_tests("kbs/postgres", tests, n, NULL, NULL);
    if (has_server)
        postgres_stop(&server);
    return failed;
}
