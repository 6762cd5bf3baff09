/*
 * cli/try_guest.c - coco try: what the guest does
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "try.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTAINER "coco-try"
/* A container that only says hello. */
#define RUN_TIMEOUT_MS 10000

static coco_status
connect_broker(struct try *t)
{
    _cleanup_free_ char *params = NULL;
    _cleanup_free_ char *dir = try_path(t, "tee");
    coco_attester *attester = NULL;

    if (!dir || asprintf(&params, "cc_kbc::%s", coco_kbs_url(t->kbs)) < 0)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    coco_status status = coco_kbc_new(params, &t->kbc, &t->err);
    if (status == COCO_OK)
        status = coco_attester_new_software(dir, &attester, &t->err);
    if (status == COCO_OK)
        status = coco_kbc_set_attester(t->kbc, attester, &t->err);
    return status;
}

coco_status
try_attest(struct try *t)
{
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;

    coco_status status = connect_broker(t);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(t->kbc, t->cli->ctx, TRY_URI, &key, &t->err);
    if (status != COCO_OK)
        return status;
    t->bytes = coco_bytes_size(key);
    (void)snprintf(t->detail, sizeof(t->detail), "as %s", "software TEE");
    return COCO_OK;
}

coco_status
try_pull(struct try *t)
{
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    _cleanup_free_ char *bundle = try_path(t, "bundle");
    char size[32];

    if (!bundle)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    coco_status status = coco_image_client_new(&client, &t->err);
    if (status != COCO_OK)
        return status;
    coco_image_client_set_plain_http(client, true);
    coco_image_client_set_kbc(client, t->kbc);
    status = coco_image_ref_parse(t->reference, &ref, &t->err);
    if (status == COCO_OK)
        status = coco_image_pull(client, t->cli->ctx, ref, bundle, NULL, &image, &t->err);
    if (status != COCO_OK)
        return status;
    t->bytes = coco_image_bytes_read(image);
    (void)snprintf(t->detail, sizeof(t->detail), "%s of files",
                   cli_size_text(coco_image_bytes_written(image), size, sizeof(size)));
    return COCO_OK;
}

/* What it writes, until it ends or somebody interrupts. */
static void
read_output(struct try *t, int fd, char *buf, size_t size)
{
    struct pollfd fds[] = {
        {.fd = fd, .events = POLLIN},
        {.fd = t->cli->canceled_fd, .events = POLLIN},
    };
    uint64_t end = cli_now_ms() + RUN_TIMEOUT_MS;
    size_t len = 0;

    while (len + 1 < size && cli_now_ms() < end) {
        if (poll(fds, 2, RUN_TIMEOUT_MS) <= 0 || fds[1].revents)
            break;
        ssize_t n = read(fd, buf + len, size - len - 1);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    buf[len] = '\0';
}

/* Only printable ASCII of the last line that is not empty. */
static void
last_line(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    const char *line = strrchr(text, '\n');
    if (line)
        memmove(text, line + 1, strlen(line + 1) + 1);
    for (; *text; text++)
        if (*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* Runs crun with the words and gives what it wrote; true if it ended with 0. */
static bool
run_crun(struct try *t, const char *const *argv, char *output, size_t size)
{
    struct cli_process process = CLI_PROCESS_NONE;
    int pipes[2];
    int status = 0;

    output[0] = '\0';
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return false;
    const struct cli_spawn spawn = {.argv = argv, .output = pipes[1], .own_mounts = true};
    int error = cli_process_start(&spawn, &process);
    (void)close(pipes[1]);
    if (error == 0)
        read_output(t, pipes[0], output, size);
    (void)close(pipes[0]);
    bool ended =
        error == 0 && cli_process_wait(&process, t->cli->canceled_fd, RUN_TIMEOUT_MS, &status);
    cli_process_kill(&process);
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

coco_status
try_run(struct try *t)
{
    _cleanup_free_ char *crun = cli_find_program("crun");
    _cleanup_free_ char *state = try_path(t, "crun");
    _cleanup_free_ char *bundle = try_path(t, "bundle");
    char output[4096];

    if (!state || !bundle)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    if (!crun) {
        (void)snprintf(t->detail, sizeof(t->detail),
                       "skipped: no crun here (apt-get install crun)");
        return COCO_OK;
    }
    const char *const run[] = {crun,  "--root",   state,  "--cgroup-manager=disabled",
                               "run", "--bundle", bundle, CONTAINER,
                               NULL};
    const char *const forget[] = {crun,     "--root",  state,     "--cgroup-manager=disabled",
                                  "delete", "--force", CONTAINER, NULL};
    bool ran = run_crun(t, run, output, sizeof(output));
    last_line(output);
    if (coco_ctx_canceled(t->cli->ctx)) {
        (void)run_crun(t, forget, output, sizeof(output));
        return try_fail(t, COCO_ERR_CANCELED, "canceled");
    }
    (void)snprintf(t->detail, sizeof(t->detail), "%s%.200s",
                   ran ? "" : "skipped: this machine cannot run containers: ", output);
    return COCO_OK;
}
