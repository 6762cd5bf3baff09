/*
 * cli/try.c - coco try: the main job, end to end, on this machine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "try.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct stage {
    const char *who;
    const char *what; /* NULL: of the tampering */
    try_step *step;
} stages[] = {
    {"owner", "boot a machine, take its measurement", try_boot},
    {"owner", "start a key broker", try_start_broker},
    {"owner", "start a registry", try_start_registry},
    {"owner", "make an image", try_make_image},
    {"owner", "encrypt it into the registry", try_encrypt},
    {"owner", "give the key to the broker", try_give_key},
    {"attacker", NULL, try_tamper_with},
    {"guest", "attest, obtain the key", try_attest},
    {"guest", "pull, decrypt, verify, unpack", try_pull},
    {"guest", "run it", try_run},
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

coco_status
try_fail(struct try *t, coco_status status, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(t->why, sizeof(t->why), fmt, list);
    va_end(list);
    return status;
}

coco_status
try_fail_errno(struct try *t, int error, const char *what)
{
    return try_fail(t, error == ENOMEM ? COCO_ERR_NOMEM : COCO_ERR_IO, "%s: %s", what,
                    strerrordesc_np(error));
}

char *
try_path(const struct try *t, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", t->dir, name) < 0 ? NULL : path;
}

static const char *
message(const struct try *t)
{
    return t->err ? coco_error_message(t->err) : t->why;
}

static int
write_stage(struct try *t, const struct stage *stage, uint64_t ms)
{
    const char *what = stage->what ? stage->what : try_tamper_text(t->tamper);
    char size[32] = "";

    cli_progress_end(t->cli);
    if (t->cli->json) {
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "event", "step");
        cJSON_AddStringToObject(object, "who", stage->who);
        cJSON_AddStringToObject(object, "what", what);
        cJSON_AddNumberToObject(object, "ms", (double)ms);
        cJSON_AddNumberToObject(object, "bytes", (double)t->bytes);
        cJSON_AddStringToObject(object, "detail", t->detail);
        return cli_event(t->cli, object);
    }
    if (t->bytes > 0)
        (void)cli_size_text(t->bytes, size, sizeof(size));
    (void)printf("  %-9s %-40s %5llu ms %10s  %s\n", stage->who, what, (unsigned long long)ms, size,
                 t->detail);
    (void)fflush(stdout);
    return CLI_DONE;
}

/* Whether the bundle holds anything: a refused pull must not have shown a file. */
static bool
left_something(const struct try *t)
{
    _cleanup_free_ char *rootfs = try_path(t, "bundle/rootfs");
    _cleanup_free_ char *config = try_path(t, "bundle/config.json");

    return !rootfs || !config || access(rootfs, F_OK) == 0 || access(config, F_OK) == 0;
}

/* The tampering was noticed where and how it must be. */
static int
write_refusal(struct try *t, const struct stage *stage, coco_status status)
{
    cli_progress_end(t->cli);
    if (left_something(t))
        return cli_fail(t->cli, COCO_ERR_IO, "it was refused, but files are left in the bundle");
    if (t->cli->json) {
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "event", "refused");
        cJSON_AddStringToObject(object, "tamper", cli_get(&t->cli->args, OPT_TAMPER));
        cJSON_AddStringToObject(object, "what", stage->what);
        cJSON_AddStringToObject(object, "id", cli_status_id(status));
        cJSON_AddStringToObject(object, "message", message(t));
        return cli_event(t->cli, object);
    }
    (void)printf("  %-9s %-40s refused: %s\n", stage->who, stage->what, cli_status_id(status));
    (void)printf("\n  %s\n", message(t));
    try_explain(t, message(t));
    (void)printf("\nThe tampering was refused, as it must be, and nothing was unpacked.\n");
    return CLI_DONE;
}

/* Does the stages; *refused is whether the tampering was. */
static int
run_stages(struct try *t, bool *refused)
{
    for (size_t i = 0; i < STAGES; i++) {
        const struct stage *stage = &stages[i];
        uint64_t begin = cli_now_ms();

        if (!stage->what && t->tamper == TRY_HONEST)
            continue;
        t->bytes = 0;
        t->detail[0] = '\0';
        coco_status status = stage->step(t);
        if (status != COCO_OK && try_must_refuse(t->tamper, stage->step, status)) {
            *refused = true;
            return write_refusal(t, stage, status);
        }
        if (status != COCO_OK)
            return cli_fail(t->cli, status, "%s: %s",
                            stage->what ? stage->what : try_tamper_text(t->tamper), message(t));
        int rc = write_stage(t, stage, cli_now_ms() - begin);
        if (rc != CLI_DONE)
            return rc;
    }
    return CLI_DONE;
}

static int
make_dir(struct try *t)
{
    const char *top = cli_env("TMPDIR");

    /* The layout in it is named oci:PATH:TAG, where a path ends at its first colon. */
    if (!top || strchr(top, ':'))
        top = "/tmp";
    if (asprintf(&t->dir, "%s/coco-try-XXXXXX", top) < 0) {
        t->dir = NULL;
        return cli_fail(t->cli, COCO_ERR_NOMEM, "out of memory");
    }
    if (!mkdtemp(t->dir)) {
        int error = errno;

        free(cli_steal(&t->dir));
        return cli_fail_errno(t->cli, error, "temporary directory");
    }
    return CLI_DONE;
}

/* Leaves nothing behind, whatever came before. */
static void
clean_up(struct try *t)
{
    coco_kbc_free(t->kbc);
    coco_kbs_free(t->kbs);
    cli_process_kill(&t->registry);
    coco_error_free(t->err);
    explicit_bzero(t->key, sizeof(t->key));
    if (t->dir)
        cli_remove_tree(t->dir);
    free(t->dir);
}

static int
write_end(struct try *t, uint64_t ms)
{
    if (t->cli->json) {
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "event", "done");
        cJSON_AddNumberToObject(object, "ms", (double)ms);
        return cli_event(t->cli, object);
    }
    (void)printf("\nDone in %llu.%02llu s; nothing is left behind.\n",
                 (unsigned long long)ms / 1000, (unsigned long long)ms % 1000 / 10);
    return CLI_DONE;
}

int
cli_try(struct cli *cli)
{
    struct try t = {.cli = cli, .registry = CLI_PROCESS_NONE};
    uint64_t begin = cli_now_ms();
    bool refused = false;

    t.tamper = try_tamper_parse(cli_get(&cli->args, OPT_TAMPER));
    int rc = make_dir(&t);
    if (rc == CLI_DONE && !cli->json)
        (void)printf("coco try: an encrypted image, from its owner to a guest that proves what it "
                     "is\n\n");
    if (rc == CLI_DONE)
        rc = run_stages(&t, &refused);
    clean_up(&t);
    if (rc == CLI_DONE && t.tamper != TRY_HONEST && !refused)
        rc = cli_fail(cli, COCO_ERR_IO, "the tampering went unnoticed");
    if (rc == CLI_DONE)
        rc = write_end(&t, cli_now_ms() - begin);
    return rc;
}
