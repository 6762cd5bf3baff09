/*
 * kbs/core.h - a KBS without its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CORE_H
#define COCO_KBS_CORE_H

#include <coco/context.h>
#include <coco/verifier.h>

#include "base/traceparent.h"
#include "crypto/key.h"
#include "httpd/http.h"
#include "kbs/config.h"
#include "kbs/metrics.h"
#include "kbs/session.h"
#include "kbs/store.h"

struct coco_kbs_audit;
struct coco_kbs_expected;
struct coco_kbs_guests;
struct coco_kbs_keyring;
struct coco_kbs_limiter;
struct coco_kbs_plugins;
struct coco_kbs_policies;
struct coco_policy_engine;
struct coco_kbs_providers;
struct coco_kbs_se;
struct coco_kbs_tenants;
struct coco_kbs_traces;

#define COCO_KBS_TOKEN_ALG "ES256"

/* Everything here may be used by any thread; all but the clock is set up once. */
struct coco_kbs_core {
    coco_ctx *ctx; /* lent */
    struct coco_kbs_config config;
    struct coco_kbs_store *store;
    struct coco_policy_engine *engine; /* a tenant's is root's */
    struct coco_kbs_policies *policies;
    struct coco_kbs_expected *expected;
    struct coco_kbs_traces *traces;
    struct coco_kbs_sessions *sessions;
    struct coco_kbs_guests *guests;
    struct coco_kbs_audit *audit;     /* NULL: nothing is recorded */
    _Atomic int64_t notes_looked;     /* when notes for it were looked for */
    struct coco_kbs_metrics *metrics; /* NULL: nothing is counted */
    struct coco_kbs_limiter *limiter; /* NULL: anybody may ask as often as he likes */
    struct coco_kbs_providers *providers;
    struct coco_kbs_tenants *tenants; /* NULL: there are none */
    struct coco_kbs_plugins *plugins; /* NULL: there are none */
    coco_verifier *verifier;
    struct coco_kbs_se *se; /* NULL: guests of Secure Execution are not asked */
    struct coco_kbs_keyring *keyring;
    EVP_PKEY *token_key;  /* the first of the keyring, lent */
    int64_t (*now)(void); /* seconds since 1970 */
};

/* Reads the configuration, opens the store and makes the keys that are missing. */
coco_status coco_kbs_core_new(coco_ctx *ctx, const char *config, struct coco_kbs_core **ret,
                              coco_error **err);
/*
 * The KBS of a tenant of root, which must outlive it: with policies, keys, owners and
 * values of its own. What is counted, recorded and limited, root does.
 */
coco_status coco_kbs_core_new_tenant(struct coco_kbs_core *root,
                                     const struct coco_kbs_tenant_config *tenant,
                                     const char *config, struct coco_kbs_core **ret,
                                     coco_error **err);
void coco_kbs_core_free(struct coco_kbs_core *core);
COCO_DEFINE_CLEANUP(struct coco_kbs_core *, coco_kbs_core_free);

/* Of a name for whoever asks, with its NUL: what is longer is cut. */
#define COCO_KBS_WHO_SIZE 64
/* Of what a plug-in has put on record, likewise. */
#define COCO_KBS_NOTE_SIZE 256

/*
 * A request while it is handled. A handler that fails has set what the peer may
 * know; the error itself goes to the owner.
 */
struct coco_kbs_call {
    struct coco_kbs_core *core; /* of the tenant, or root */
    struct coco_kbs_core *root; /* whose sockets, limits, numbers and records these are */
    const struct coco_httpd_request *request; /* its path is that within the tenant */
    const char *asked;                        /* the whole path */
    const char *rest;                         /* of the path, behind the prefix of the route */
    const char *event;                        /* in the audit log; NULL: not there */
    const char *plugin;                       /* that is asked; NULL: for a resource */
    struct coco_httpd_reply *reply;
    const char *name;   /* of the error, upstream's: "PolicyDeny" */
    const char *detail; /* for the peer instead of the error's message, or NULL */
    int status;         /* of HTTP; 0: what fits the error */
    bool quiet;         /* the log has it already */
    const char *tee;    /* whose evidence is judged, static; NULL: none */
    enum coco_kbs_ruling ruling;
    char trace_id[COCO_TRACE_ID_SIZE]; /* W3C's, or "" */
    bool traced;                       /* it is the peer's, and said where what happened is told */
    char trace[40];                    /* id of the trace that explains it, or "" */
    char note[COCO_KBS_NOTE_SIZE];     /* for the record, or "" */
    char who[COCO_KBS_WHO_SIZE]; /* thumbprint of a guest's key or an owner's role; "" while unknown
                                  */
};

typedef coco_status coco_kbs_handler(struct coco_kbs_call *call, coco_error **err);

/* Sets name and detail and gives back status: return coco_kbs_refuse(call, …) */
static inline coco_status
coco_kbs_refuse(struct coco_kbs_call *call, int http_status, const char *detail, coco_status status)
{
    call->status = http_status;
    call->detail = detail;
    return status;
}

/* Answers with JSON. */
coco_status coco_kbs_answer(struct coco_kbs_call *call, const cJSON *value, coco_error **err);

#endif
