/*
 * cli/cli.h - what every subcommand of coco has at hand
 *
 * A subcommand is a function that returns the exit code. Whatever fails is
 * reported where it is noticed, once, by a function that returns that code:
 *
 *     int rc = cli_read_file(cli, path, LIMIT, &bytes);
 *     if (rc == CLI_DONE)
 *         rc = cli_check(cli, coco_kbc_new(params, &kbc, &cli->err));
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_CLI_H
#define COCO_CLI_CLI_H

#include "options.h"

#include <coco/coco.h>

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>

/* Exit codes. Scripts rely on them: they never change. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_OTHER = 1,
    CLI_USAGE = 2,
    CLI_DENIED = 3,
    CLI_NOT_TRUSTED = 4,
    CLI_NETWORK = 5,
    CLI_NOT_FOUND = 6,
    CLI_NOT_SUPPORTED = 7,
    CLI_LIMIT = 8,
    CLI_CANCELED = 130,
};

#define CLI_PHASES 8

/* What was shown of how far the command is. */
struct cli_progress {
    char what[80]; /* the thing whose line is the last on the terminal */
    uint64_t done, total, files;
    bool whole; /* all of it has come */
    bool open;  /* the cursor is in its line */
    struct {
        char what[80];
        uint64_t shown_ms;
    } phases[CLI_PHASES]; /* what was shown last of each phase, and when */
};

/* One run of the program. */
struct cli {
    struct cli_args args;
    coco_ctx *ctx;
    coco_error *err; /* the one failure, for cli_check() */
    bool json;
    int canceled_fd;      /* readable once a signal came */
    pthread_mutex_t lock; /* of what follows, and of both streams */
    struct cli_progress progress;
};

/* report.c */

/* Exit code of a failure of this kind. */
enum cli_exit cli_exit_code(coco_status status);
/* Stable name of it for scripts, such as "not-found". */
const char *cli_status_id(coco_status status);

/* Says what went wrong and gives the exit code. */
__attribute__((format(printf, 3, 4))) int cli_fail(struct cli *cli, coco_status status,
                                                   const char *fmt, ...);
int cli_fail_errno(struct cli *cli, int error, const char *what);
/* For a failed call of the library that left its error in cli->err; CLI_DONE if it did not fail. */
int cli_check(struct cli *cli, coco_status status);
/* The same with a hint behind the message. */
int cli_check_hint(struct cli *cli, coco_status status, const char *hint);
/* For what is wrong with the command line. */
__attribute__((format(printf, 2, 3))) int cli_usage(struct cli *cli, const char *fmt, ...);

/* Makes ctx report to the streams: bars on a terminal, lines of JSON with --json. */
int cli_report_begin(struct cli *cli);
/* Writes object as one line of JSON to stdout and frees it. */
int cli_event(struct cli *cli, cJSON *object);
/* Writes text and a newline to stdout, or {"name": text} with --json. */
int cli_result(struct cli *cli, const char *name, const char *text);
/*
 * Writes the first character of text, which is not empty, to stdout for a terminal, and gives its
 * size: escaped if a terminal obeys it, or nobody sees it and it turns other text about.
 */
size_t cli_put(const char *text);
/* Writes text of others so. */
void cli_print(const char *text);
/* Size for people, such as "1.9 MiB". */
const char *cli_size_text(uint64_t bytes, char *buf, size_t size);
uint64_t cli_now_ms(void);

/* progress.c */

/* A coco_progress_fn, for the struct cli in user. */
void cli_progress_show(void *user, const coco_progress *progress);
/* Leaves the line that a bar is in. */
void cli_progress_end(struct cli *cli);
/* The same for who has the lock. */
void cli_progress_clear(struct cli *cli);

/* files.c */

#define CLI_PEM_MAX ((size_t)1 << 20)
#define CLI_JSON_MAX ((size_t)4 << 20)

/* Bytes that are wiped when they go. */
struct cli_bytes {
    uint8_t *data; /* a NUL follows the last */
    size_t len;
};

void cli_bytes_done(struct cli_bytes *bytes);
#define _cleanup_bytes_ __attribute__((cleanup(cli_bytes_done)))

/* Parses JSON of the library's, which is well formed. */
int cli_parse(struct cli *cli, const coco_bytes *bytes, cJSON **ret);
/* Writes a broker's list of names, one a line. */
int cli_names(struct cli *cli, const coco_bytes *list);

/* Reads a file, or stdin for "-", that holds at most max bytes. */
int cli_read_file(struct cli *cli, const char *path, size_t max, struct cli_bytes *ret);
/* The same for text: a NUL in it would end it early. */
int cli_read_text(struct cli *cli, const char *path, size_t max, struct cli_bytes *ret);
/* Writes a file that only the user can read; it appears whole or not at all. */
int cli_write_file(struct cli *cli, const char *path, const void *data, size_t len);
/* Writes to stdout. */
int cli_write_stdout(struct cli *cli, const void *data, size_t len);
/* Removes a directory with all that is in it, following no link. */
void cli_remove_tree(const char *dir);
/* 2n hex digits to n bytes; false for anything else or more than max bytes. */
bool cli_unhex(const char *text, uint8_t *ret, size_t max, size_t *len);

/* signals.c */

struct cli_signals {
    pthread_t thread;
    coco_ctx *ctx;
    int canceled_fd;
    bool running;
};

/* From here on SIGINT, SIGTERM and SIGHUP cancel ctx and make canceled_fd readable. */
int cli_signals_begin(struct cli_signals *signals, coco_ctx *ctx);
void cli_signals_end(struct cli_signals *signals);

/* connect.c */

typedef coco_status cli_set_bytes(void *object, const uint8_t *data, size_t len, coco_error **err);
/* Gives the content of the file path, or nothing if path is NULL, to set. */
int cli_set_file(struct cli *cli, const char *path, cli_set_bytes *set, void *object);

/* --policy, --insecure-policy and --registries-d. */
int cli_set_policy(struct cli *cli, coco_image_client *client);
/* --registries-d alone. */
int cli_set_lookasides(struct cli *cli, coco_image_client *client);

/* The key broker client that --kbs names; NULL stays NULL if it was not given. */
int cli_open_kbc(struct cli *cli, coco_kbc **ret);
/* The owner's client of the broker that --kbs names; it must be given. */
int cli_open_admin(struct cli *cli, coco_admin **ret);
/* An image client with what the options say of registries; kbc is lent, or NULL. */
/* The keys and recipients of --key, --recipient and --key-providers. */
int cli_add_keys(struct cli *cli, coco_image_client *client);
/* Where key providers are configured, or NULL if that is of no use to this command. */
const char *cli_key_providers(const struct cli *cli);
int cli_add_recipients(struct cli *cli, coco_image_client *client);
/* What --sign-key, which must be given, says of the key that signs an image, and its password. */
int cli_read_sign_key(struct cli *cli, coco_image_client *client, struct cli_bytes *ret);
/* Whether it is secret keys of OpenPGP. */
bool cli_is_pgp(const struct cli_bytes *key);
/* Whether --recipient or --kbs-path says anybody. */
int cli_check_recipients(struct cli *cli, bool by_broker);
/* Has --kbs keep a fresh key as --kbs-path, and adds whoever gets it as a recipient. */
int cli_add_broker(struct cli *cli, coco_image_client *client);
int cli_open_images(struct cli *cli, coco_kbc *kbc, coco_image_client **ret);
/* The store of --store; NULL without. */
int cli_open_store(struct cli *cli, coco_store **ret);
int cli_parse_ref(struct cli *cli, const char *text, coco_image_ref **ret);
int cli_image_options(struct cli *cli, coco_image_options *ret);
/* The option's number, decimal or 0x and hex, from least to most; left alone if it is not given. */
int cli_get_number(struct cli *cli, enum cli_opt opt, uint64_t least, uint64_t most, uint64_t *ret);
/* What became of a pull, push or encrypt. */
int cli_image_result(struct cli *cli, const char *what, const coco_image *image);

/* registries.c */

/* What the options and the usual files say of registries; kbc is what client asks, or NULL. */
int cli_set_registries(struct cli *cli, const coco_kbc *kbc, coco_image_client *client);

/* Cleanup of what libcoco gives. */
#define CLI_DEFINE_CLEANUP(type, fn)                                                               \
    static inline void fn##p(type **p)                                                             \
    {                                                                                              \
        fn(*p);                                                                                    \
    }                                                                                              \
    struct cli_swallow_semicolon
CLI_DEFINE_CLEANUP(coco_admin, coco_admin_free);
CLI_DEFINE_CLEANUP(coco_attester, coco_attester_free);
CLI_DEFINE_CLEANUP(coco_binding, coco_binding_free);
CLI_DEFINE_CLEANUP(coco_bytes, coco_bytes_free);
CLI_DEFINE_CLEANUP(coco_error, coco_error_free);
CLI_DEFINE_CLEANUP(coco_image, coco_image_free);
CLI_DEFINE_CLEANUP(coco_image_client, coco_image_client_free);
CLI_DEFINE_CLEANUP(coco_image_ref, coco_image_ref_free);
CLI_DEFINE_CLEANUP(coco_initdata, coco_initdata_free);
CLI_DEFINE_CLEANUP(coco_kbc, coco_kbc_free);
CLI_DEFINE_CLEANUP(coco_launch, coco_launch_free);
CLI_DEFINE_CLEANUP(coco_measurement, coco_measurement_free);
CLI_DEFINE_CLEANUP(coco_references, coco_references_free);
CLI_DEFINE_CLEANUP(coco_sealer, coco_sealer_free);
CLI_DEFINE_CLEANUP(coco_store, coco_store_free);
CLI_DEFINE_CLEANUP(coco_token_verifier, coco_token_verifier_free);
CLI_DEFINE_CLEANUP(coco_unsealer, coco_unsealer_free);
CLI_DEFINE_CLEANUP(coco_verdict, coco_verdict_free);
CLI_DEFINE_CLEANUP(coco_verifier, coco_verifier_free);
CLI_DEFINE_CLEANUP(cJSON, cJSON_Delete);

void cli_freep(void *p);
void cli_closep(const int *fd);
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(cli_freep)
#define _cleanup_close_ _cleanup_(cli_closep)

/* The value of *p, which then holds NULL. */
#define cli_steal(p)                                                                               \
    __extension__({                                                                                \
        __typeof__(*(p)) stolen_ = *(p);                                                           \
        *(p) = NULL;                                                                               \
        stolen_;                                                                                   \
    })

#endif
