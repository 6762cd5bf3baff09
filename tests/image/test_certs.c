/*
 * tests/image/test_certs.c - lib/image/certs.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/certs.h"

#include "base/fail.h"
#include "base/fd.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/pki.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    char dir[256];
    struct pki_cert ca, client;
    char *ca_pem, *cert, *key;
    struct coco_certs certs;
    struct coco_peer peer;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    pki_make(&f->ca, NULL, NULL, 30);
    pki_make(&f->client, &f->ca, "client", 30);
    f->ca_pem = pki_pem(&f->ca);
    f->cert = pki_pem(&f->client);
    f->key = pki_key_pem(&f->client);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_certs_done(&f->certs);
    coco_peer_done(&f->peer);
    coco_error_free(f->err);
    OPENSSL_free(f->ca_pem);
    OPENSSL_free(f->cert);
    OPENSSL_clear_free(f->key, strlen(f->key));
    pki_done(&f->ca);
    pki_done(&f->client);
    remove_temp_dir(f->dir);
    return 0;
}

/* Writes "<dir>/<name>", and the directory before its last slash. */
static void
put(struct fixture *f, const char *name, const char *text)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    for (char *slash = path + strlen(f->dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    if (text)
        assert_ok(coco_file_write(path, text, strlen(text), 0600, &f->err), f->err);
}

static const char *
at(const struct fixture *f, const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    return path;
}

static coco_status
read_dir(struct fixture *f, const char *name)
{
    coco_peer_done(&f->peer);
    return coco_certs_read(at(f, name), &f->peer, &f->err);
}

static coco_status
find(struct fixture *f, const char *origin)
{
    coco_peer_done(&f->peer);
    return coco_certs_find(&f->certs, origin, &f->peer, &f->err);
}

static void
broken_directories_are_refused(void **state)
{
    struct fixture *f = *state;
    char encrypted[4096] = "";
    const struct {
        const char *name, *text; /* NULL: none */
        const char *name2, *text2;
        coco_status status;
        const char *why;
    } cases[] = {
        {"a.cert", f->cert, NULL, NULL, COCO_ERR_INVALID, "'a.cert': there is no 'a.key' with it"},
        {"a.key", f->key, NULL, NULL, COCO_ERR_INVALID, "'a.key': there is no 'a.cert' with it"},
        {"a.key", f->key, "b.cert", f->cert, COCO_ERR_INVALID, "with it"},
        {"a.key", f->key, "a.crt", f->ca_pem, COCO_ERR_INVALID, "there is no 'a.cert'"},
        {"a.crt", "", NULL, NULL, COCO_ERR_PROTO, "'a.crt': not a list of certificates"},
        {"a.crt", f->key, NULL, NULL, COCO_ERR_PROTO, "'a.crt': not a list of certificates"},
        {"a.cert", f->key, "a.key", f->key, COCO_ERR_PROTO, "'a.cert': not a list of"},
        {"a.cert", f->cert, "a.key", f->cert, COCO_ERR_PROTO, "'a.cert': 'a.key'"},
        {"a.cert", f->cert, "a.key", "", COCO_ERR_PROTO, "'a.cert': 'a.key'"},
        {"a.cert", f->ca_pem, "a.key", f->key, COCO_ERR_INVALID, "not that of the certificate"},
        {"a.cert", f->cert, "a.key", encrypted, COCO_ERR_NOTSUP, "'a.key'"},
    };
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, f->client.key, EVP_aes_128_cbc(), "secret",
                                                   6, NULL, NULL),
                     1);
    assert_true(BIO_read(bio, encrypted, sizeof(encrypted) - 1) > 0);
    BIO_free(bio);

    for (size_t i = 0; i < COUNT(cases); i++) {
        char dir[32];
        char name[64];

        (void)snprintf(dir, sizeof(dir), "case-%zu", i);
        (void)snprintf(name, sizeof(name), "%s/%s", dir, cases[i].name);
        put(f, name, cases[i].text);
        (void)snprintf(name, sizeof(name), "%s/%s", dir, cases[i].name2 ? cases[i].name2 : "");
        put(f, name, cases[i].text2);
        print_message("# case %zu\n", i);
        assert_fails(read_dir(f, dir), f->err, cases[i].status, cases[i].why);
        assert_null(f->peer.roots);
        assert_int_equal(f->peer.n_pairs, 0);
    }
    assert_fails(read_dir(f, "none"), f->err, COCO_ERR_IO, "No such file");
    put(f, "file", "");
    assert_fails(read_dir(f, "file"), f->err, COCO_ERR_IO, "Not a directory");
}

static void
only_regular_files_are_read(void **state)
{
    struct fixture *f = *state;

    put(f, "fifo/x", "");
    assert_int_equal(mkfifo(at(f, "fifo/a.crt"), 0600), 0);
    assert_fails(read_dir(f, "fifo"), f->err, COCO_ERR_INVALID, "'a.crt': not a regular file");
    put(f, "dir/a.crt/x", "");
    assert_fails(read_dir(f, "dir"), f->err, COCO_ERR_INVALID, "'a.crt': not a regular file");
    put(f, "device/x", "");
    assert_int_equal(symlink("/dev/zero", at(f, "device/a.crt")), 0);
    assert_fails(read_dir(f, "device"), f->err, COCO_ERR_INVALID, "'a.crt': not a regular file");
    put(f, "dangling/x", "");
    assert_int_equal(symlink("nothing", at(f, "dangling/a.crt")), 0);
    assert_fails(read_dir(f, "dangling"), f->err, COCO_ERR_IO, "'a.crt': open: No such file");
    /* Mounted secrets are links (..data). */
    put(f, "link/real", f->ca_pem);
    assert_int_equal(symlink("real", at(f, "link/a.crt")), 0);
    assert_ok(read_dir(f, "link"), f->err);
    assert_int_equal(sk_X509_num(f->peer.roots), 1);
}

static void
size_and_number_are_bounded(void **state)
{
    struct fixture *f = *state;
    char name[64];

    put(f, "big/a.crt", "");
    assert_int_equal(truncate(at(f, "big/a.crt"), (off_t)COCO_PEER_PEM_MAX + 1), 0);
    assert_fails(read_dir(f, "big"), f->err, COCO_ERR_LIMIT, "'a.crt'");
    put(f, "bigkey/a.cert", f->cert);
    put(f, "bigkey/a.key", "");
    assert_int_equal(truncate(at(f, "bigkey/a.key"), (off_t)(64 << 10) + 1), 0);
    assert_fails(read_dir(f, "bigkey"), f->err, COCO_ERR_LIMIT, "'a.key'");

    for (int i = 0; i < COCO_CERTS_FILES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "many/%d.crt", i);
        put(f, name, f->ca_pem);
    }
    assert_ok(read_dir(f, "many"), f->err);
    assert_int_equal(sk_X509_num(f->peer.roots), COCO_CERTS_FILES_MAX);
    put(f, "many/other.txt", "not looked at");
    assert_ok(read_dir(f, "many"), f->err);
    put(f, "many/one-more.crt", f->ca_pem);
    assert_fails(read_dir(f, "many"), f->err, COCO_ERR_LIMIT, "more than 64 certificates");

    for (int i = 0; i < COCO_PEER_PAIRS_MAX + 1; i++) {
        (void)snprintf(name, sizeof(name), "pairs/%02d.cert", i);
        put(f, name, f->cert);
        (void)snprintf(name, sizeof(name), "pairs/%02d.key", i);
        put(f, name, f->key);
    }
    assert_fails(read_dir(f, "pairs"), f->err, COCO_ERR_LIMIT, "'16.cert': more than 16 client");

    put(f, "crowd/x", "");
    for (int i = 0; i < COCO_CERTS_ENTRIES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "crowd/%d", i);
        int fd = open(at(f, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        (void)close(fd);
    }
    assert_fails(read_dir(f, "crowd"), f->err, COCO_ERR_LIMIT, "more than 4096 entries");
}

static void
all_there_is_in_a_directory_is_taken_in_order(void **state)
{
    struct fixture *f = *state;
    struct pki_cert other = {0};

    pki_make(&other, &f->ca, "other", 30);
    char *cert = pki_pem(&other);
    char *key = pki_key_pem(&other);
    put(f, "all/z.cert", f->cert);
    put(f, "all/z.key", f->key);
    put(f, "all/b.cert", cert);
    put(f, "all/b.key", key);
    put(f, "all/one.crt", f->ca_pem);
    put(f, "all/two.crt", cert);
    put(f, "all/README", "text");
    put(f, "all/dir/x", "");
    assert_ok(read_dir(f, "all"), f->err);
    assert_int_equal(sk_X509_num(f->peer.roots), 2);
    assert_int_equal(f->peer.n_pairs, 2);
    assert_int_equal(X509_cmp(f->peer.pairs[0].cert, other.cert), 0);
    assert_int_equal(X509_cmp(f->peer.pairs[1].cert, f->client.cert), 0);
    put(f, "empty/x", "");
    assert_ok(read_dir(f, "empty"), f->err);
    assert_null(f->peer.roots);
    OPENSSL_free(cert);
    OPENSSL_free(key);
    pki_done(&other);
}

static void
a_tree_has_a_directory_for_each_host(void **state)
{
    static const struct {
        const char *dir, *origin;
        bool found;
    } cases[] = {
        {"a.test", "https://a.test:443", true},
        {"a.test:443", "https://a.test:443", true},
        {"a.test:5000", "https://a.test:5000", true},
        {"a.test", "https://a.test:5000", false},
        {"a.test:5000", "https://a.test:443", false},
        {"a.test", "https://b.a.test:443", false},
        {"a.test", "http://a.test:443", false},
        {"a.test", "http://a.test:80", false},
        {"docker.io", "https://registry-1.docker.io:443", true},
        {"registry-1.docker.io", "https://registry-1.docker.io:443", true},
        {"docker.io", "https://index.docker.io:443", false},
        {"[::1]:5000", "https://[::1]:5000", true},
        {"127.0.0.1:5000", "https://127.0.0.1:5000", true},
        {"x", "https://..:443", false},
        {"x", "https://.:443", false},
        {"..:5000", "https://..:5000", false},
    };
    struct fixture *f = *state;

    put(f, "a.crt", f->ca_pem);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "tree-%zu/%s/ca.crt", i, cases[i].dir);
        put(f, name, f->ca_pem);
        (void)snprintf(name, sizeof(name), "tree-%zu/a.crt", i);
        put(f, name, f->ca_pem);
        (void)snprintf(name, sizeof(name), "tree-%zu", i);
        coco_certs_done(&f->certs);
        assert_ok(coco_certs_add_tree(&f->certs, at(f, name), &f->err), f->err);
        print_message("# %s in %s\n", cases[i].origin, cases[i].dir);
        assert_ok(find(f, cases[i].origin), f->err);
        assert_int_equal(f->peer.roots != NULL, cases[i].found);
    }
}

static void
the_first_tree_that_knows_a_host_counts(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_certs_add_tree(&f->certs, at(f, "missing"), &f->err), f->err);
    assert_ok(coco_certs_add_tree(&f->certs, at(f, "one"), &f->err), f->err);
    assert_ok(coco_certs_add_tree(&f->certs, at(f, "two"), &f->err), f->err);
    put(f, "two/a.test/ca.crt", f->ca_pem);
    assert_ok(find(f, "https://a.test:443"), f->err);
    assert_int_equal(sk_X509_num(f->peer.roots), 1);
    put(f, "one/a.test/client.cert", f->cert);
    put(f, "one/a.test/client.key", f->key);
    assert_ok(find(f, "https://a.test:443"), f->err);
    assert_null(f->peer.roots);
    assert_int_equal(f->peer.n_pairs, 1);
    /* What is wrong with it is told, and the next one not asked. */
    put(f, "one/a.test/client.key", "x");
    assert_fails(find(f, "https://a.test:443"), f->err, COCO_ERR_PROTO,
                 "one/a.test': 'client.cert': 'client.key'");
    put(f, "one/b.test", "");
    assert_fails(find(f, "https://b.test:443"), f->err, COCO_ERR_IO, "Not a directory");
    for (size_t i = f->certs.n_trees; i < COCO_CERTS_TREES_MAX; i++)
        assert_ok(coco_certs_add_tree(&f->certs, "/x", &f->err), f->err);
    assert_fails(coco_certs_add_tree(&f->certs, "/x", &f->err), f->err, COCO_ERR_LIMIT,
                 "more than 8");
}

static void
what_a_directory_for_all_cannot_be_is_told_at_once(void **state)
{
    struct fixture *f = *state;

    put(f, "good/ca.crt", f->ca_pem);
    put(f, "bad/ca.crt", "");
    assert_ok(coco_certs_set_dir(&f->certs, at(f, "good"), &f->err), f->err);
    assert_fails(coco_certs_set_dir(&f->certs, at(f, "bad"), &f->err), f->err, COCO_ERR_PROTO,
                 "'ca.crt'");
    assert_string_equal(f->certs.dir, at(f, "good"));
    assert_ok(coco_certs_set_dir(&f->certs, NULL, &f->err), f->err);
    assert_null(f->certs.dir);
}

static void
keys_are_wiped(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *middle = strndup(f->key + 60, 48); /* of its base64 */

    put(f, "dir/a.cert", f->cert);
    put(f, "dir/a.key", f->key);
    canary_begin(middle, strlen(middle));
    coco_status status = read_dir(f, "dir");
    coco_peer_done(&f->peer);
    unsigned seen = canary_end();
    assert_ok(status, f->err);
    assert_int_equal(seen, 0);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    put(f, "tree/a.test/a.cert", f->cert);
    put(f, "tree/a.test/a.key", f->key);
    put(f, "tree/a.test/a.crt", f->ca_pem);
    for_each_fault()
    {
        struct coco_certs certs = {0};
        struct coco_peer peer = {0};
        coco_error *err = NULL;

        coco_status status = coco_certs_set_dir(&certs, at(f, "tree/a.test"), &err);
        if (status == COCO_OK)
            status = coco_certs_add_tree(&certs, at(f, "tree"), &err);
        if (status == COCO_OK)
            status = coco_certs_find(&certs, "https://a.test:443", &peer, &err);
        fault_expect(status, err);
        coco_certs_done(&certs);
        coco_peer_done(&peer);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    canary_watch_openssl();
    const struct CMUnitTest tests[] = {
        TEST(broken_directories_are_refused),
        TEST(only_regular_files_are_read),
        TEST(size_and_number_are_bounded),
        TEST(all_there_is_in_a_directory_is_taken_in_order),
        TEST(a_tree_has_a_directory_for_each_host),
        TEST(the_first_tree_that_knows_a_host_counts),
        TEST(what_a_directory_for_all_cannot_be_is_told_at_once),
        TEST(keys_are_wiped),
        TEST(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/certs", tests, NULL, NULL);
}
