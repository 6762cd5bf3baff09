/*
 * daemons/coco-policy.c - where a KBS has the policies of its owners evaluated
 *
 * A policy may take all the memory there is within one step of the engine, or all the time, and
 * what it then ends is this program. It answers on the socket that it has as its stdin, to
 * whoever has started it, until that goes away. It uses nothing of the libraries: it is built
 * without sanitizers, whose address space has no bounds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy_wire.h"
#include "kbs/rego.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define POLICIES_MAX 16
#define VALUES_MAX 8

struct known_policy {
    uint64_t number; /* 0: none */
    struct coco_rego *rego;
};

struct known_values {
    uint64_t number; /* 0: none */
    struct coco_rego_values *rego;
};

/* What it was told last; the oldest gives way. */
struct known {
    struct known_policy policies[POLICIES_MAX];
    struct known_values values[VALUES_MAX];
    size_t next_policy;
    size_t next_values;
};

struct answer {
    enum coco_policy_outcome outcome;
    char *text; /* the engine's, or NULL */
};

static bool
read_all(void *data, size_t len)
{
    char *at = data;

    while (len > 0) {
        ssize_t n = read(STDIN_FILENO, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool
send_all(const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = send(STDIN_FILENO, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool
reply(const struct answer *answer, uint32_t cpu_ms)
{
    size_t len = answer->text ? strlen(answer->text) : 0;
    const struct coco_policy_reply head = {
        .outcome = answer->outcome,
        .len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX,
        .cpu_ms = cpu_ms,
    };

    return send_all(&head, sizeof(head)) && send_all(answer->text, head.len);
}

static struct answer
learn(struct known *known, uint64_t number, const char *text, size_t len)
{
    struct known_policy *place = &known->policies[known->next_policy];
    struct answer answer = {.outcome = COCO_POLICY_DONE};

    known->next_policy = (known->next_policy + 1) % POLICIES_MAX;
    coco_rego_free(place->rego);
    *place = (struct known_policy){.number = number};
    if (coco_rego_new(text, len, COCO_POLICY_LIMIT_MS, &place->rego, &answer.text) != 0) {
        *place = (struct known_policy){0};
        answer.outcome = COCO_POLICY_FAILED;
    }
    return answer;
}

static struct answer
learn_values(struct known *known, uint64_t number, const char *text, size_t len)
{
    struct known_values *place = &known->values[known->next_values];
    struct answer answer = {.outcome = COCO_POLICY_DONE};

    known->next_values = (known->next_values + 1) % VALUES_MAX;
    coco_rego_values_free(place->rego);
    *place = (struct known_values){.number = number};
    if (coco_rego_values_new(text, len, &place->rego, &answer.text) != 0) {
        *place = (struct known_values){0};
        answer.outcome = COCO_POLICY_FAILED;
    }
    return answer;
}

static uint64_t
clock_ms(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t
cpu_ms(void)
{
    return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

/*
 * The engine's own clock goes on while this program waits for a processor. What it broke off with
 * CPU left begins anew.
 */
static struct answer
evaluate(const struct coco_rego *policy, const struct coco_rego_question *question)
{
    const uint64_t cpu = cpu_ms();
    struct answer answer = {.outcome = COCO_POLICY_FAILED};

    for (;;) {
        const uint64_t begin = clock_ms(CLOCK_MONOTONIC);

        if (coco_rego_eval(policy, question, &answer.text, &answer.text) == 0) {
            answer.outcome = COCO_POLICY_DONE;
            return answer;
        }
        if (clock_ms(CLOCK_MONOTONIC) - begin < COCO_POLICY_LIMIT_MS
            || cpu_ms() - cpu >= COCO_POLICY_LIMIT_MS)
            return answer;
        coco_rego_text_free(answer.text);
        answer.text = NULL;
    }
}

static struct answer
ask(const struct known *known, const struct coco_policy_call *call,
    struct coco_rego_question *question)
{
    const struct coco_rego *policy = NULL;

    for (size_t i = 0; i < POLICIES_MAX; i++)
        if (known->policies[i].number == call->policy)
            policy = known->policies[i].rego;
    for (size_t i = 0; call->values != 0 && i < VALUES_MAX; i++)
        if (known->values[i].number == call->values)
            question->references = known->values[i].rego;
    if (!policy)
        return (struct answer){.outcome = COCO_POLICY_UNKNOWN};
    if (call->values != 0 && !question->references)
        return (struct answer){.outcome = COCO_POLICY_UNKNOWN_VALUES};
    return evaluate(policy, question);
}

static size_t
length_of(const struct coco_policy_call *call, size_t i)
{
    return call->lens[i] == COCO_POLICY_NO_TEXT ? 0 : call->lens[i];
}

static struct answer
do_call(struct known *known, const struct coco_policy_call *call, const char *texts)
{
    const char *text[COCO_POLICY_TEXTS];

    for (size_t i = 0; i < COCO_POLICY_TEXTS; i++) {
        text[i] = call->lens[i] == COCO_POLICY_NO_TEXT ? NULL : texts;
        texts += length_of(call, i);
    }
    if (call->verb == COCO_POLICY_LEARN)
        return learn(known, call->policy, text[0], length_of(call, 0));
    if (call->verb == COCO_POLICY_LEARN_VALUES)
        return learn_values(known, call->values, text[0], length_of(call, 0));
    struct coco_rego_question question = {
        .rules = text[0],
        .rules_len = length_of(call, 0),
        .input = text[1],
        .input_len = length_of(call, 1),
        .data = text[2],
        .data_len = length_of(call, 2),
    };
    return ask(known, call, &question);
}

/* The signal ends this program, if it is not called off by 0. */
static void
set_timer(__itimer_which_t which, long ms)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000},
    };

    (void)setitimer(which, &timer, NULL);
}

/* false when there is nobody to answer any more. */
static bool
serve(struct known *known, const struct coco_policy_call *call)
{
    size_t len = 0;

    for (size_t i = 0; i < COCO_POLICY_TEXTS; i++) {
        if (length_of(call, i) > COCO_POLICY_TEXT_MAX)
            return false;
        len += length_of(call, i);
    }
    char *texts = malloc(len + 1);
    if (!texts || !read_all(texts, len)) {
        free(texts);
        return false;
    }
    uint64_t before = cpu_ms();
    set_timer(ITIMER_PROF, COCO_POLICY_KILL_MS);
    /* Nobody may be left who would do it from outside. */
    set_timer(ITIMER_REAL, 2L * COCO_POLICY_WAIT_MS);
    struct answer answer = do_call(known, call, texts);
    set_timer(ITIMER_PROF, 0);
    set_timer(ITIMER_REAL, 0);
    bool is_sent = reply(&answer, (uint32_t)(cpu_ms() - before));
    coco_rego_text_free(answer.text);
    free(texts);
    return is_sent;
}

/* It needs memory and the processor, and no more. Of the engine's own crash there is no core. */
static bool
confine(void)
{
    static const struct {
        __rlimit_resource_t what;
        rlim_t most;
    } limits[] = {
        {RLIMIT_AS, COCO_POLICY_MEMORY_MAX},
        {RLIMIT_CORE, 0},
        {RLIMIT_FSIZE, 0},
        {RLIMIT_NOFILE, 3},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (setrlimit(limits[i].what,
                      &(struct rlimit){.rlim_cur = limits[i].most, .rlim_max = limits[i].most})
            != 0)
            return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

int
main(int argc, char **argv)
{
    static struct known known;
    struct coco_policy_call call;
    int type = 0;
    socklen_t size = sizeof(type);

    (void)argv;
    if (argc != 1 || getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        (void)fprintf(stderr, "coco-policy: a KBS starts this program and speaks to it on a "
                              "socket; there is nothing to do with it by hand\n");
        return 2;
    }
    if (!confine())
        return 1;
    const struct coco_policy_reply hello = {.outcome = COCO_POLICY_DONE, .len = COCO_POLICY_WIRE};
    if (!send_all(&hello, sizeof(hello)))
        return 1;
    while (read_all(&call, sizeof(call)))
        if (!serve(&known, &call))
            return 1;
    return 0;
}
