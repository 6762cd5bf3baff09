/*
 * tests/crypto/gpgkit.h - GnuPG with some keys for a test program
 *
 *     cmocka_run_group_tests(tests, gpg_set_up, gpg_tear_down);
 *     ... gpg_run(&gpg, "--sign ..."); gpg_read(&gpg, "name", &buf) ...
 *
 * Its files are in gpg.dir, which is the working directory of what is run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_CRYPTO_GPGKIT_H
#define COCO_TESTS_CRYPTO_GPGKIT_H

#include "base/fd.h"
#include "crypto/openpgp.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whom there are keys of. Carol's and Dave's have a subkey that signs; Dave's expired long ago. */
#define GPG_ALICE "Alice <alice@example.org>"
#define GPG_BOB "Bob (at work) <bob@example.org>"
#define GPG_CAROL "Carol <carol@example.org>"
#define GPG_DAVE "Dave <dave@example.org>"
#define GPG_EVE "Eve <eve@example.org>"
#define GPG_PASSWORD "correct horse"

struct gpg {
    char dir[64];
};

static inline void __attribute__((format(printf, 2, 3)))
gpg_shell(const struct gpg *gpg, const char *fmt, ...)
{
    char command[1024];
    char line[2048];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof(line), "cd %s && export GNUPGHOME=%s && { %s; } >>log 2>&1",
                   gpg->dir, gpg->dir, command);
    if (system(line) != 0) /* NOLINT(cert-env33-c): the line is ours */
        fail_msg("%s: fails, see log", command);
}

#define GPG "gpg --batch --yes --quiet --no-tty --pinentry-mode loopback --trust-model always "

/* Runs gpg for files in the directory; keys have no passphrase unless it is told. */
#define gpg_run(gpg, ...) gpg_shell(gpg, GPG "--passphrase '' " __VA_ARGS__)

static inline void
gpg_read(const struct gpg *gpg, const char *name, struct coco_buf *buf)
{
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", gpg->dir, name);
    coco_buf_reset(buf);
    assert_ok(coco_file_read(path, buf, &err), err);
}

static inline void
gpg_write(const struct gpg *gpg, const char *name, const void *data, size_t len)
{
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", gpg->dir, name);
    assert_ok(coco_file_write(path, data, len, 0600, &err), err);
}

/* Adds what is in the file to a ring. */
static inline void
gpg_load(const struct gpg *gpg, const char *name, struct coco_pgp_ring *ring)
{
    _cleanup_buf_ struct coco_buf keys = {.limit = COCO_PGP_KEYS_MAX};
    coco_error *err = NULL;

    gpg_read(gpg, name, &keys);
    assert_ok(coco_pgp_ring_add(ring, keys.data, keys.len, &err), err);
}

/* The keys of whom, exported: NAME.pub and NAME.sec. */
static inline void
gpg_export(const struct gpg *gpg, const char *name)
{
    gpg_run(gpg, "--export %s@example.org >%s.pub", name, name);
    gpg_run(gpg, "--export-secret-keys %s@example.org >%s.sec", name, name);
}

static inline void
gpg_begin(struct gpg *gpg)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "eve"};

    make_temp_dir(gpg->dir, sizeof(gpg->dir));
    gpg_run(gpg, "--quick-gen-key '" GPG_ALICE "' rsa2048 default never");
    gpg_run(gpg, "--quick-add-key $(gpg --list-keys --with-colons alice | "
                 "sed -n '/^fpr/{s/^fpr:*//;s/://;p;q}') rsa2048 encr never");
    gpg_run(gpg, "--quick-gen-key '" GPG_BOB "' future-default default never");
    gpg_run(gpg, "--quick-gen-key '" GPG_CAROL "' ed25519 cert never");
    gpg_run(gpg, "--quick-add-key $(gpg --list-keys --with-colons carol | "
                 "sed -n '/^fpr/{s/^fpr:*//;s/://;p;q}') ed25519 sign never");
    gpg_run(gpg, "--faked-system-time 20200101T000000 --quick-gen-key '" GPG_DAVE
                 "' ed25519 default 1y");
    gpg_shell(gpg, GPG "--passphrase '" GPG_PASSWORD "' --quick-gen-key '" GPG_EVE
                       "' future-default default never");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], "eve") != 0)
            gpg_export(gpg, names[i]);
    gpg_run(gpg, "--export eve@example.org >eve.pub");
    gpg_shell(gpg,
              GPG "--passphrase '" GPG_PASSWORD "' --export-secret-keys eve@example.org >eve.sec");
}

static inline void
gpg_end(struct gpg *gpg)
{
    gpg_shell(gpg, "gpgconf --kill gpg-agent");
    remove_temp_dir(gpg->dir);
}

/* The one of a test program: a group's setup and teardown. */
static struct gpg gpg;

static inline int
gpg_set_up(void **state)
{
    (void)state;
    gpg_begin(&gpg);
    return 0;
}

static inline int
gpg_tear_down(void **state)
{
    (void)state;
    gpg_end(&gpg);
    return 0;
}

#endif
