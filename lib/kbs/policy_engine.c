/*
 * kbs/policy_engine.c - the process in which policies of owners are evaluated
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy_engine.h"

#include "base/clock.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/text.h"
#include "kbs/policy_wire.h"

#include <config.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROGRAM_VARIABLE "COCO_POLICY_ENGINE"

/* It maps itself and says hello. A busy machine may take its time. */
#define START_MS 10000

struct coco_policy_engine {
    atomic_uint refs;
    pthread_mutex_t lock; /* of all that follows */
    pid_t pid;            /* 0: it does not run */
    int fd;
};

/* One exchange of several calls. */
struct exchange {
    int fd;
    uint64_t deadline; /* of coco_clock_ms() */
    uint32_t cpu_ms;
    bool is_lost; /* there is no program any more that would go on with it */
    bool is_late;
};

coco_status
coco_policy_engine_new(struct coco_policy_engine **ret, coco_error **err)
{
    struct coco_policy_engine *engine = calloc(1, sizeof(*engine));

    if (!engine)
        return coco_fail_nomem(err);
    atomic_init(&engine->refs, 1);
    (void)pthread_mutex_init(&engine->lock, NULL);
    engine->fd = -1;
    *ret = engine;
    return COCO_OK;
}

struct coco_policy_engine *
coco_policy_engine_ref(struct coco_policy_engine *engine)
{
    (void)atomic_fetch_add(&engine->refs, 1);
    return engine;
}

/* Whether it had ended itself for the CPU that it took. */
static bool
stop(struct coco_policy_engine *engine)
{
    int how = 0;

    coco_closep(&engine->fd);
    engine->fd = -1;
    if (engine->pid <= 0)
        return false;
    (void)kill(-engine->pid, SIGKILL);
    while (waitpid(engine->pid, &how, 0) < 0 && errno == EINTR)
        ;
    engine->pid = 0;
    return WIFSIGNALED(how) && WTERMSIG(how) == SIGPROF;
}

void
coco_policy_engine_unref(struct coco_policy_engine *engine)
{
    if (!engine || atomic_fetch_sub(&engine->refs, 1) != 1)
        return;
    (void)stop(engine);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine);
}

uint64_t
coco_policy_engine_number(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

/* ---- the socket ---- */

static coco_status
lose(struct exchange *x, coco_error **err)
{
    x->is_lost = true;
    return coco_fail(err, COCO_ERR_LIMIT,
                     "it took all the memory that there is for one, or ended "
                     "the engine otherwise");
}

static coco_status
await(struct exchange *x, short events, coco_error **err)
{
    struct pollfd fd = {.fd = x->fd, .events = events};
    uint64_t now = coco_clock_ms();

    if (now >= x->deadline) {
        x->is_lost = x->is_late = true;
        return coco_fail(err, COCO_ERR_LIMIT, "it took longer than %d ms", COCO_POLICY_WAIT_MS);
    }
    if (poll(&fd, 1, (int)(x->deadline - now)) < 0 && errno != EINTR)
        return coco_fail_errno(err, errno, "poll");
    return COCO_OK;
}

static bool
is_for_later(void)
{
    return errno == EINTR || errno == EAGAIN;
}

static coco_status
put(struct exchange *x, const void *data, size_t len, coco_error **err)
{
    const char *at = data;
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        ssize_t n = send(x->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && !is_for_later())
            return lose(x, err);
        if (n < 0) {
            status = await(x, POLLOUT, err);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
    return status;
}

static coco_status
take(struct exchange *x, void *data, size_t len, coco_error **err)
{
    char *at = data;
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        ssize_t n = recv(x->fd, at, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && !is_for_later()))
            return lose(x, err);
        if (n < 0) {
            status = await(x, POLLIN, err);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
    return status;
}

/* The text of a reply, appended. */
static coco_status
take_text(struct exchange *x, size_t len, struct coco_buf *text, coco_error **err)
{
    char chunk[4096];
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

        status = take(x, chunk, n, err);
        if (status == COCO_OK)
            status = coco_buf_append(text, chunk, n, err);
        len -= n;
    }
    /* What was not taken would be read as the next reply. */
    x->is_lost = x->is_lost || status != COCO_OK;
    return status;
}

/* Texts that are NULL are not there. */
static coco_status
call(struct exchange *x, struct coco_policy_call *head, const char *const texts[COCO_POLICY_TEXTS],
     enum coco_policy_outcome *ret, struct coco_buf *text, coco_error **err)
{
    struct coco_policy_reply reply = {0};

    for (size_t i = 0; i < COCO_POLICY_TEXTS; i++) {
        if (texts[i] && strlen(texts[i]) > COCO_POLICY_TEXT_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %u bytes for a policy",
                             COCO_POLICY_TEXT_MAX);
        head->lens[i] = texts[i] ? (uint32_t)strlen(texts[i]) : COCO_POLICY_NO_TEXT;
    }
    coco_status status = put(x, head, sizeof(*head), err);
    for (size_t i = 0; status == COCO_OK && i < COCO_POLICY_TEXTS; i++)
        if (texts[i])
            status = put(x, texts[i], head->lens[i], err);
    if (status == COCO_OK)
        status = take(x, &reply, sizeof(reply), err);
    if (status == COCO_OK)
        status = take_text(x, reply.len, text, err);
    if (status == COCO_OK) {
        x->cpu_ms += reply.cpu_ms;
        *ret = (enum coco_policy_outcome)reply.outcome;
    }
    return status;
}

/* ---- the process ---- */

static const char *
program_path(void)
{
    const char *path = secure_getenv(PROGRAM_VARIABLE);

    return path && *path ? path : COCO_LIBEXECDIR "/coco-policy";
}

static coco_status
spawn(struct coco_policy_engine *engine, coco_error **err)
{
    const char *const argv[] = {"coco-policy", NULL};
    const char *const env[] = {NULL};
    const struct coco_program program = {.path = program_path(), .argv = argv, .env = env};
    int pair[2];

    if (access(program.path, X_OK) != 0)
        return coco_fail_errno(err, errno, "program for policies '%s'", program.path);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return coco_fail_errno(err, errno, "make a pair of sockets");
    engine->fd = pair[0];
    _cleanup_close_ int theirs = pair[1];
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return coco_fail_errno(err, errno, "open /dev/null");
    coco_status status = coco_fd_raise(&theirs, COCO_PROGRAM_STDIO, err);
    if (status == COCO_OK)
        status = coco_fd_raise(&null, COCO_PROGRAM_STDIO, err);
    if (status == COCO_OK)
        status = coco_program_spawn(&program, (const int[COCO_PROGRAM_STDIO]){theirs, null, null},
                                    &engine->pid, err);
    return status;
}

static coco_status
greet(struct coco_policy_engine *engine, coco_error **err)
{
    struct exchange x = {.fd = engine->fd, .deadline = coco_clock_ms() + START_MS};
    struct coco_policy_reply hello = {0};
    coco_error *why = NULL;

    coco_status status = take(&x, &hello, sizeof(hello), &why);
    if (status == COCO_ERR_LIMIT)
        status = coco_fail(err, COCO_ERR_IO, "'%s' does not start", program_path());
    else if (status != COCO_OK)
        coco_error_give(err, coco_steal(&why));
    coco_error_free(why);
    if (status != COCO_OK)
        return status;
    if (hello.outcome != COCO_POLICY_DONE || hello.len != COCO_POLICY_WIRE)
        return coco_fail(err, COCO_ERR_NOTSUP, "'%s' is of another version", program_path());
    return COCO_OK;
}

static coco_status
start(struct coco_policy_engine *engine, coco_error **err)
{
    coco_status status = spawn(engine, err);

    if (status == COCO_OK)
        status = greet(engine, err);
    if (status != COCO_OK)
        (void)stop(engine);
    return status;
}

/* ---- questions ---- */

/* What the engine says may quote the policy: escaped, and on one line. */
static coco_status
say(const struct coco_buf *why, coco_status status, coco_error **err)
{
    char text[512];

    coco_text_escape(coco_buf_text(why), why->len, text, sizeof(text));
    return coco_fail(err, status, "%s", text);
}

static coco_status
learn(struct exchange *x, struct coco_policy_call *head, const char *text, coco_error **err)
{
    _cleanup_buf_ struct coco_buf why = {.limit = COCO_POLICY_TEXT_MAX};
    enum coco_policy_outcome outcome = COCO_POLICY_FAILED;

    coco_status status =
        call(x, head, (const char *[COCO_POLICY_TEXTS]){text}, &outcome, &why, err);
    if (status == COCO_OK && outcome != COCO_POLICY_DONE)
        status = say(&why, COCO_ERR_PROTO, err);
    return status;
}

static coco_status
learn_policy(struct exchange *x, const struct coco_policy_question *q, coco_error **err)
{
    return learn(x, &(struct coco_policy_call){.verb = COCO_POLICY_LEARN, .policy = q->policy},
                 q->text, err);
}

static coco_status
learn_values(struct exchange *x, const struct coco_policy_question *q, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_POLICY_TEXT_MAX};

    coco_status status = q->write_values(q->arg, &text, err);
    if (status == COCO_OK)
        status = learn(
            x, &(struct coco_policy_call){.verb = COCO_POLICY_LEARN_VALUES, .values = q->values},
            coco_buf_text(&text), err);
    return status;
}

static coco_status
ask_once(struct exchange *x, const struct coco_policy_question *q, enum coco_policy_outcome *ret,
         struct coco_buf *text, coco_error **err)
{
    struct coco_policy_call head = {
        .verb = COCO_POLICY_ASK,
        .policy = q->policy,
        .values = q->values,
    };

    return call(x, &head, (const char *[COCO_POLICY_TEXTS]){q->rules, q->input, q->data}, ret, text,
                err);
}

/* Asks, and tells what turns out to be unknown: at most the policy, then the values. */
static coco_status
converse(struct exchange *x, const struct coco_policy_question *q, struct coco_buf *text,
         coco_error **err)
{
    enum coco_policy_outcome outcome = COCO_POLICY_FAILED;

    coco_status status = ask_once(x, q, &outcome, text, err);
    if (status == COCO_OK && outcome == COCO_POLICY_UNKNOWN) {
        status = learn_policy(x, q, err);
        if (status == COCO_OK)
            status = ask_once(x, q, &outcome, text, err);
    }
    if (status == COCO_OK && outcome == COCO_POLICY_UNKNOWN_VALUES) {
        status = learn_values(x, q, err);
        if (status == COCO_OK)
            status = ask_once(x, q, &outcome, text, err);
    }
    if (status == COCO_OK && outcome != COCO_POLICY_DONE)
        status = say(text, COCO_ERR_DENIED, err);
    return status;
}

static coco_status
attempt(struct coco_policy_engine *engine, const struct coco_policy_question *q, struct exchange *x,
        struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_POLICY_TEXT_MAX};

    if (engine->pid == 0) {
        coco_status status = start(engine, err);
        if (status != COCO_OK)
            return status;
    }
    *x = (struct exchange){.fd = engine->fd, .deadline = coco_clock_ms() + COCO_POLICY_WAIT_MS};
    coco_status status = q->rules ? converse(x, q, &text, err) : learn_policy(x, q, err);
    if (x->is_lost && stop(engine)) {
        x->is_late = true;
        coco_error_free(coco_steal(err));
        status =
            coco_fail(err, COCO_ERR_LIMIT, "it took longer than %d ms of CPU", COCO_POLICY_KILL_MS);
    }
    if (status == COCO_OK)
        status = coco_buf_append(ret, text.data, text.len, err);
    return status;
}

/* It took the engine along with what it had used of the processor: that, or less. */
static uint32_t
lost_ms(uint64_t begin)
{
    uint64_t ms = coco_clock_ms() - begin;

    return ms < COCO_POLICY_KILL_MS ? (uint32_t)ms : COCO_POLICY_KILL_MS;
}

coco_status
coco_policy_engine_ask(struct coco_policy_engine *engine, const struct coco_policy_question *q,
                       struct coco_buf *ret, uint32_t *cost_ms, coco_error **err)
{
    struct exchange x = {0};
    coco_error *why = NULL;

    (void)pthread_mutex_lock(&engine->lock);
    uint64_t begin = coco_clock_ms();
    bool is_new = engine->pid == 0;
    coco_status status = attempt(engine, q, &x, ret, &why);
    /* It may have been the memory of those before, or somebody has killed it. */
    if (status == COCO_ERR_LIMIT && x.is_lost && !x.is_late && !is_new) {
        coco_error_free(coco_steal(&why));
        status = attempt(engine, q, &x, ret, &why);
    }
    *cost_ms = x.is_lost ? lost_ms(begin) : x.cpu_ms;
    (void)pthread_mutex_unlock(&engine->lock);
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}
