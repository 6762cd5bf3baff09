/*
 * kbs/metrics.c - what a KBS counts, for Prometheus
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/metrics.h"

#include "base/fail.h"
#include "httpd/exposition.h"

#include <coco/verifier.h>
#include <coco/version.h>

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define TEES_MAX 32
#define CLASSES 6 /* of status: the first digit is the index */
#define NS_PER_S 1000000000U

enum counter {
    REQUESTS,
    READS,
    WRITES,
    EVALUATIONS,
    APPROVALS,
    VIOLATIONS,
    POLICY_ERRORS,
    ATTESTATIONS,
    ATTESTATION_ERRORS,
    AUTHS,
    AUTH_SUCCESSES,
    AUTH_ERRORS,
    LIMITED,
    COUNTERS,
};

static const struct {
    const char *name;
    const char *help;
} counters[COUNTERS] = {
    [REQUESTS] = {"kbs_http_requests_total", "Requests, but those to this page and to /healthz."},
    [READS] = {"kbs_resource_reads_total", "Resources given to guests."},
    [WRITES] = {"kbs_resource_writes_total", "Resources stored."},
    [EVALUATIONS] = {"kbs_policy_evaluations_total", "Evaluations of the resource policy."},
    [APPROVALS] = {"kbs_policy_approvals_total", "Requests that the resource policy allowed."},
    [VIOLATIONS] = {"kbs_policy_violations_total", "Requests that the resource policy denied."},
    [POLICY_ERRORS] = {"kbs_policy_errors_total",
                       "Evaluations of the resource policy that failed, and denied."},
    [ATTESTATIONS] = {"kbs_attestation_requests_total", "Attestation requests."},
    [ATTESTATION_ERRORS] = {"kbs_attestation_errors_total",
                            "Attestation requests that came to no judgement."},
    [AUTHS] = {"kbs_auth_requests_total", "Handshakes begun."},
    [AUTH_SUCCESSES] = {"kbs_auth_successes_total", "Challenges given."},
    [AUTH_ERRORS] = {"kbs_auth_errors_total", "Handshakes refused at their beginning."},
    [LIMITED] = {"kbs_requests_limited_total",
                 "Requests and connections refused because their source had many."},
};

#define BOUNDS_MAX 8

/* The bounds are numbers twice: to compare with, and as the labels that they are. */
struct bound {
    uint64_t value;
    const char *label;
};

static const struct bound durations[] = {
    {500000, "0.0005"}, {1000000, "0.001"}, {5000000, "0.005"},  {10000000, "0.01"},
    {50000000, "0.05"}, {500000000, "0.5"}, {1000000000, "1.0"},
};

static const struct bound sizes[] = {
    {32, "32"}, {128, "128"}, {512, "512"}, {2048, "2048"}, {8192, "8192"},
};

enum distribution {
    DURATION,
    REQUEST_SIZE,
    REPLY_SIZE,
    DISTRIBUTIONS,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
    const char *name;
    const char *help;
    const struct bound *bounds;
    size_t n;
    bool in_ns;
} distributions[DISTRIBUTIONS] = {
    [DURATION] = {"kbs_http_request_duration_seconds", "Time to answer a request.", durations,
                  COUNT(durations), true},
    [REQUEST_SIZE] = {"kbs_http_request_size_bytes", "Size of request bodies.", sizes, COUNT(sizes),
                      false},
    [REPLY_SIZE] = {"kbs_http_response_size_bytes", "Size of response bodies.", sizes, COUNT(sizes),
                    false},
};

_Static_assert(COUNT(durations) < BOUNDS_MAX && COUNT(sizes) < BOUNDS_MAX, "room for +Inf");

struct histogram {
    uint64_t buckets[BOUNDS_MAX]; /* each without those below; what is above all is the last */
    uint64_t sum;
};

struct numbers {
    uint64_t counters[COUNTERS];
    uint64_t classes[CLASSES];
    uint64_t successes[TEES_MAX]; /* in the order of coco_verifier_tee() */
    uint64_t failures[TEES_MAX];
    struct histogram histograms[DISTRIBUTIONS];
};

struct coco_kbs_metrics {
    pthread_mutex_t lock;
    struct numbers numbers;
};

coco_status
coco_kbs_metrics_new(struct coco_kbs_metrics **ret, coco_error **err)
{
    struct coco_kbs_metrics *metrics = calloc(1, sizeof(*metrics));

    if (!metrics)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&metrics->lock, NULL);
    *ret = metrics;
    return COCO_OK;
}

void
coco_kbs_metrics_free(struct coco_kbs_metrics *metrics)
{
    if (!metrics)
        return;
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* ---- counting ---- */

static void
observe(struct numbers *numbers, enum distribution which, uint64_t value)
{
    size_t i = 0;

    while (i < distributions[which].n && value > distributions[which].bounds[i].value)
        i++;
    numbers->histograms[which].buckets[i]++;
    numbers->histograms[which].sum += value;
}

/* TEES_MAX if it is none. */
static size_t
find_tee(const char *tee)
{
    const char *known;

    for (size_t i = 0; tee && i < TEES_MAX && (known = coco_verifier_tee(i)) != NULL; i++)
        if (strcmp(known, tee) == 0)
            return i;
    return TEES_MAX;
}

static void
count_attestation(struct numbers *numbers, const struct coco_kbs_event *event)
{
    size_t tee = find_tee(event->tee);

    numbers->counters[ATTESTATIONS]++;
    if (tee < TEES_MAX && event->status == 200)
        numbers->successes[tee]++;
    else if (tee < TEES_MAX && event->status == 401)
        numbers->failures[tee]++;
    else
        numbers->counters[ATTESTATION_ERRORS]++;
}

static void
count_operation(struct numbers *numbers, const struct coco_kbs_event *event)
{
    bool ok = event->status == 200;

    if (event->status == 429) {
        numbers->counters[LIMITED]++;
        return;
    }
    switch (event->operation) {
    case COCO_KBS_AUTH:
        numbers->counters[AUTHS]++;
        numbers->counters[ok ? AUTH_SUCCESSES : AUTH_ERRORS]++;
        break;
    case COCO_KBS_ATTEST:
        count_attestation(numbers, event);
        break;
    case COCO_KBS_READ:
        numbers->counters[READS] += ok;
        break;
    case COCO_KBS_WRITE:
        numbers->counters[WRITES] += ok;
        break;
    case COCO_KBS_UNCOUNTED:
    case COCO_KBS_OTHER:
        break;
    }
}

static void
count_ruling(struct numbers *numbers, enum coco_kbs_ruling ruling)
{
    static const enum counter of[] = {
        [COCO_KBS_ALLOWED] = APPROVALS,
        [COCO_KBS_FORBIDDEN] = VIOLATIONS,
        [COCO_KBS_FAILED] = POLICY_ERRORS,
    };

    if (ruling == COCO_KBS_NOT_ASKED)
        return;
    numbers->counters[EVALUATIONS]++;
    numbers->counters[of[ruling]]++;
}

void
coco_kbs_metrics_count(struct coco_kbs_metrics *metrics, const struct coco_kbs_event *event)
{
    struct numbers *numbers = &metrics->numbers;

    if (event->operation == COCO_KBS_UNCOUNTED)
        return;
    (void)pthread_mutex_lock(&metrics->lock);
    numbers->counters[REQUESTS]++;
    if (event->status >= 100 && event->status < 100 * CLASSES)
        numbers->classes[event->status / 100]++;
    count_operation(numbers, event);
    count_ruling(numbers, event->ruling);
    observe(numbers, DURATION, event->duration_ns);
    observe(numbers, REQUEST_SIZE, event->request_size);
    observe(numbers, REPLY_SIZE, event->reply_size);
    (void)pthread_mutex_unlock(&metrics->lock);
}

void
coco_kbs_metrics_count_limited(struct coco_kbs_metrics *metrics)
{
    (void)pthread_mutex_lock(&metrics->lock);
    metrics->numbers.counters[LIMITED]++;
    (void)pthread_mutex_unlock(&metrics->lock);
}

/* ---- writing ---- */

static coco_status
write_build(struct coco_buf *buf, coco_error **err)
{
    static const char name[] = "kbs_build_info";

    coco_status status = coco_exposition_head(name, "The build; always 1.", "gauge", buf, err);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, "%s{version=\"%s\"} 1\n", name, coco_version());
    return status;
}

static coco_status
write_counters(const struct numbers *numbers, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < COUNTERS && status == COCO_OK; i++)
        status = coco_exposition_metric(counters[i].name, counters[i].help, "counter",
                                        numbers->counters[i], buf, err);
    return status;
}

static coco_status
write_classes(const struct numbers *numbers, struct coco_buf *buf, coco_error **err)
{
    static const char name[] = "kbs_http_responses_total";

    coco_status status =
        coco_exposition_head(name, "Responses, by class of status.", "counter", buf, err);
    for (size_t i = 2; i < CLASSES && status == COCO_OK; i++)
        status = coco_buf_printf(buf, err, "%s{class=\"%zuxx\"} %" PRIu64 "\n", name, i,
                                 numbers->classes[i]);
    return status;
}

static coco_status
write_tees(const uint64_t *values, const char *name, const char *help, struct coco_buf *buf,
           coco_error **err)
{
    const char *tee;

    coco_status status = coco_exposition_head(name, help, "counter", buf, err);
    for (size_t i = 0; i < TEES_MAX && (tee = coco_verifier_tee(i)) && status == COCO_OK; i++)
        status =
            coco_buf_printf(buf, err, "%s{tee_type=\"%s\"} %" PRIu64 "\n", name, tee, values[i]);
    return status;
}

/* In units of the metric. Never through a double: the locale of the program has its own commas. */
static coco_status
write_sum(uint64_t sum, bool in_ns, const char *name, struct coco_buf *buf, coco_error **err)
{
    if (in_ns)
        return coco_buf_printf(buf, err, "%s_sum %" PRIu64 ".%09" PRIu64 "\n", name, sum / NS_PER_S,
                               sum % NS_PER_S);
    return coco_buf_printf(buf, err, "%s_sum %" PRIu64 "\n", name, sum);
}

static coco_status
write_histogram(const struct histogram *histogram, enum distribution which, struct coco_buf *buf,
                coco_error **err)
{
    const char *name = distributions[which].name;
    size_t n = distributions[which].n;
    uint64_t total = 0;

    coco_status status =
        coco_exposition_head(name, distributions[which].help, "histogram", buf, err);
    for (size_t i = 0; i <= n && status == COCO_OK; i++) {
        total += histogram->buckets[i];
        status = coco_buf_printf(buf, err, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
                                 i < n ? distributions[which].bounds[i].label : "+Inf", total);
    }
    if (status == COCO_OK)
        status = write_sum(histogram->sum, distributions[which].in_ns, name, buf, err);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, "%s_count %" PRIu64 "\n", name, total);
    return status;
}

coco_status
coco_kbs_metrics_write(struct coco_kbs_metrics *metrics, struct coco_buf *buf, coco_error **err)
{
    struct numbers now;

    (void)pthread_mutex_lock(&metrics->lock);
    now = metrics->numbers;
    (void)pthread_mutex_unlock(&metrics->lock);
    coco_status status = write_build(buf, err);
    if (status == COCO_OK)
        status = write_counters(&now, buf, err);
    if (status == COCO_OK)
        status = write_classes(&now, buf, err);
    if (status == COCO_OK)
        status = write_tees(now.successes, "kbs_attestation_successes_total",
                            "Evidence that was accepted.", buf, err);
    if (status == COCO_OK)
        status = write_tees(now.failures, "kbs_attestation_failures_total",
                            "Evidence that was refused.", buf, err);
    for (size_t i = 0; i < DISTRIBUTIONS && status == COCO_OK; i++)
        status = write_histogram(&now.histograms[i], (enum distribution)i, buf, err);
    return status;
}
