/*
 * kbs/store.h - what a KBS keeps
 *
 * Resources, policies, reference values and its own keys, in a SQLite database
 * that only its owner may read, or in memory. A value that was put is on the
 * disk when the call returns. Of resources earlier versions are kept, too, and
 * what was deleted, until it is purged.
 *
 * Threads: any number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_STORE_H
#define COCO_KBS_STORE_H

#include "base/json.h"
#include "base/secret.h"

#include <stdint.h>

#define COCO_KBS_VALUE_MAX ((size_t)64 << 20)
#define COCO_KBS_NAME_MAX 1023

/* What a value is. The numbers are on the disk. */
enum coco_kbs_kind {
    COCO_KBS_RESOURCE = 1,
    COCO_KBS_POLICY = 2,
    COCO_KBS_REFERENCE = 3, /* JSON */
    COCO_KBS_KEY = 4,
    COCO_KBS_REFERENCE_END = 6, /* when the reference value of this name ends: JSON, a number */
    COCO_KBS_NONCE = 7,         /* a version that says nothing, with the time that it expires at */
    COCO_KBS_NOTE = 8,          /* for the audit log */
};

struct coco_kbs_store;

struct coco_postgres_options;

struct coco_kbs_store_options {
    const char *path; /* of a database that is opened or made; NULL is one in memory */
    const struct coco_postgres_options *postgres; /* instead of path, or NULL */
    const struct coco_secret *key; /* that all of it is sealed with, or NULL; none in memory */
    uint64_t versions; /* kept of a resource; 0 and 1: the newest alone, and none when deleted */
};

/*
 * COCO_ERR_DENIED if others than its owner may read the file that is there, or what
 * is there is sealed and no key is given, or the other way round; COCO_ERR_VERIFY if it
 * is sealed with another.
 */
coco_status coco_kbs_store_open(const struct coco_kbs_store_options *options,
                                struct coco_kbs_store **ret, coco_error **err);
/* How much there may be; 0 is no limit. */
struct coco_kbs_quota {
    uint64_t names; /* of resources */
    uint64_t bytes; /* of them, their versions, policies and reference values, and names of all */
};

/* Whatever the quota; what is more is COCO_ERR_LIMIT. All reference values go to each policy. */
#define COCO_KBS_POLICIES_MAX 1024
#define COCO_KBS_REFERENCES_MAX (COCO_JSON_SIZE_MAX / 4 * 3)

/*
 * What a tenant keeps in store, which must outlive it: none of the values of others.
 * tenant is 1 to COCO_KBS_TENANT_MAX of [a-z0-9-]; what would be too much for quota is
 * COCO_ERR_LIMIT.
 */
#define COCO_KBS_TENANT_MAX 32
coco_status coco_kbs_tenant_check(const char *tenant, coco_error **err);
coco_status coco_kbs_store_of(struct coco_kbs_store *store, const char *tenant,
                              const struct coco_kbs_quota *quota, struct coco_kbs_store **ret,
                              coco_error **err);

void coco_kbs_store_close(struct coco_kbs_store *store);
COCO_DEFINE_CLEANUP(struct coco_kbs_store *, coco_kbs_store_close);

/*
 * Seals all of it anew, under another key or none. Other processes that have the store
 * open with the key of before go on with what they wrote, and fail on what is new.
 */
coco_status coco_kbs_store_reseal(struct coco_kbs_store *store, const struct coco_secret *key,
                                  coco_error **err);

/* COCO_ERR_INVALID for what is no name, 1 to COCO_KBS_NAME_MAX bytes long. */
coco_status coco_kbs_store_check_name(const char *name, coco_error **err);

/*
 * A number, never 0, that is another one as soon as anything was written to the store
 * since it was asked before, by this process or another. What is read after this call is
 * at least as new: so what was read then holds for as long as the number is the same.
 */
coco_status coco_kbs_store_generation(struct coco_kbs_store *store, uint64_t *ret,
                                      coco_error **err);

/* Puts a version above those that are there. */
coco_status coco_kbs_store_put(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                               const char *name, const void *data, size_t len, coco_error **err);

/*
 * What is put of one kind, not of resources: all members of values, an object, as JSON under
 * their names.
 */
struct coco_kbs_set {
    enum coco_kbs_kind kind;
    const cJSON *values;
};

/*
 * Puts all of n sets, or nothing of them: who reads gets, of each, those of before or those of
 * after.
 */
coco_status coco_kbs_store_put_sets(struct coco_kbs_store *store, const struct coco_kbs_set *sets,
                                    size_t n, coco_error **err);

/* Leaves what was there and stores that in *ret, so that all who make a key get the same. */
coco_status coco_kbs_store_put_new(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                   const char *name, const void *data, size_t len,
                                   struct coco_secret *ret, coco_error **err);

/* The newest version, and its number unless version is NULL. COCO_ERR_NOTFOUND if there is none. */
coco_status coco_kbs_store_get(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                               const char *name, struct coco_secret *ret, uint64_t *version,
                               coco_error **err);

/*
 * Deletes the value, and keeps its versions where that is done. COCO_ERR_NOTFOUND if
 * there is none.
 */
coco_status coco_kbs_store_delete(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                  const char *name, coco_error **err);

/* Deletes all versions for good. COCO_ERR_NOTFOUND if there are none. */
coco_status coco_kbs_store_purge(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                 const char *name, coco_error **err);

/*
 * Puts a version again; 0 is the newest that was deleted, or before the newest. The
 * number it has now goes to *ret. COCO_ERR_NOTFOUND if there is no such version.
 */
coco_status coco_kbs_store_restore(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                   const char *name, uint64_t version, uint64_t *ret,
                                   coco_error **err);

/*
 * An array of the versions that are kept, the newest first: objects of "version",
 * "time" (seconds since 1970) and "size", or "deleted": true. COCO_ERR_NOTFOUND if
 * there are none.
 */
coco_status coco_kbs_store_versions(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                    const char *name, cJSON **ret, coco_error **err);

/*
 * Notes the nonce that name stands for, for all who share the database, until it expires, and
 * forgets what expired before now. COCO_ERR_DENIED if it was noted before; the second try of what a
 * lost connection left open may find the first.
 */
coco_status coco_kbs_store_use_once(struct coco_kbs_store *store, const char *name, int64_t expires,
                                    int64_t now, coco_error **err);

/* An array of the names of a kind, sorted by their bytes. */
coco_status coco_kbs_store_names(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                                 coco_error **err);

/*
 * An array of what a kind has, sorted by name: objects of "name" and what
 * coco_kbs_store_versions() says of the newest version.
 */
coco_status coco_kbs_store_entries(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                   cJSON **ret, coco_error **err);

/* How much there is, as a quota counts it. */
coco_status coco_kbs_store_usage(struct coco_kbs_store *store, struct coco_kbs_quota *ret,
                                 coco_error **err);

/* An object of all values of a kind that are JSON, by name, sorted. */
coco_status coco_kbs_store_values(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                  cJSON **ret, coco_error **err);

#endif
