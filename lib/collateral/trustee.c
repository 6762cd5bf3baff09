/*
 * collateral/trustee.c - collateral as Trustee keeps it for sites without a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/trustee.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "collateral/answer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHAIN_MAX ((size_t)32 << 10)
#define FMSPC_SIZE 6

/* ---- the file with Intel's ---- */

struct reading {
    bool early;
    struct coco_items *items;
};

static coco_status
put(const struct reading *reading, const char *name, const void *data, size_t len, coco_error **err)
{
    return coco_items_put(reading->items, name, data, len, NULL, err);
}

/* The early one of two members, if that is wanted and there. */
static const cJSON *
choose(const struct reading *reading, const cJSON *object, const char *name)
{
    char early[64];

    (void)snprintf(early, sizeof(early), "%s_early", name);
    const cJSON *value = reading->early ? cJSON_GetObjectItemCaseSensitive(object, early) : NULL;
    return value ? value : cJSON_GetObjectItemCaseSensitive(object, name);
}

/*
 * A signed answer, which stands there as text, or as an object: what Intel signs has no
 * spaces, so it is what it was when it is written without any.
 */
static coco_status
put_answer(const struct reading *reading, const cJSON *value, const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_COLLATERAL_MAX};

    if (!value || cJSON_IsNull(value))
        return COCO_OK;
    if (cJSON_IsString(value))
        return put(reading, name, value->valuestring, strlen(value->valuestring), err);
    if (!cJSON_IsObject(value))
        return coco_fail(err, COCO_ERR_PROTO, "%s: is neither text nor object", name);
    coco_status status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? put(reading, name, text.data, text.len, err) : status;
}

static coco_status
put_chain(const struct reading *reading, const cJSON *certificates, const char *member,
          const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = CHAIN_MAX};
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(certificates, member, &text, err);
    if (status != COCO_OK || !text)
        return status;
    status = coco_answer_decode(text, &pem, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", member);
    return put(reading, name, coco_buf_text(&pem), pem.len, err);
}

static coco_status
put_hex(const struct reading *reading, const cJSON *object, const char *member, const char *name,
        coco_error **err)
{
    const char *text = NULL;

    coco_status status = object ? coco_json_get_string_opt(object, member, &text, err) : COCO_OK;
    if (status != COCO_OK || !text)
        return status;
    size_t len = strlen(text) / 2;
    _cleanup_free_ uint8_t *bytes = malloc(len + 1);
    if (!bytes)
        return coco_fail_nomem(err);
    if (!coco_unhex(text, strlen(text), bytes, len))
        return coco_fail(err, COCO_ERR_PROTO, "%s: is not hex", member);
    return put(reading, name, bytes, len, err);
}

static coco_status
read_tcb_info(const struct reading *reading, const cJSON *entry, const cJSON *certificates,
              coco_error **err)
{
    static const char *const tees[] = {"sgx", "tdx"};
    const char *text = NULL;
    uint8_t fmspc[FMSPC_SIZE];
    char hex[2 * FMSPC_SIZE + 1];
    char member[32];
    char name[COCO_COLLATERAL_NAME_SIZE];

    if (!cJSON_IsObject(entry))
        return coco_fail(err, COCO_ERR_PROTO, "tcbinfos: holds what is no object");
    coco_status status = coco_json_get_string(entry, "fmspc", &text, err);
    if (status == COCO_OK && !coco_unhex(text, strlen(text), fmspc, sizeof(fmspc)))
        status = coco_fail(err, COCO_ERR_PROTO, "fmspc: is not 12 hex digits");
    if (status != COCO_OK)
        return status;
    coco_hex(fmspc, sizeof(fmspc), hex);
    for (size_t i = 0; i < 2 && status == COCO_OK; i++) {
        (void)snprintf(member, sizeof(member), "%s_tcbinfo", tees[i]);
        (void)snprintf(name, sizeof(name), "intel/%s/tcb-info/%s.json", tees[i], hex);
        status = put_answer(reading, choose(reading, entry, member), name, err);
        if (status != COCO_OK || !coco_items_find(reading->items, name))
            continue;
        (void)snprintf(name, sizeof(name), "intel/%s/tcb-info/%s.pem", tees[i], hex);
        status = put_chain(reading, certificates, "TCB-Info-Issuer-Chain", name, err);
    }
    return status;
}

static coco_status
read_identity(const struct reading *reading, const cJSON *all, const cJSON *certificates,
              const char *member, const char *tee, coco_error **err)
{
    char name[COCO_COLLATERAL_NAME_SIZE];

    (void)snprintf(name, sizeof(name), "intel/%s/qe-identity.json", tee);
    coco_status status = put_answer(reading, choose(reading, all, member), name, err);
    if (status != COCO_OK || !coco_items_find(reading->items, name))
        return status;
    (void)snprintf(name, sizeof(name), "intel/%s/qe-identity.pem", tee);
    return put_chain(reading, certificates, "SGX-Enclave-Identity-Issuer-Chain", name, err);
}

static coco_status
read_collaterals(const struct reading *reading, const cJSON *all, coco_error **err)
{
    const cJSON *infos = NULL;
    const cJSON *lists = NULL;
    const cJSON *certificates = NULL;
    const cJSON *entry;

    coco_status status = coco_json_get_object(all, "certificates", &certificates, err);
    if (status == COCO_OK)
        status = coco_json_get_array_opt(all, "tcbinfos", &infos, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(all, "pckcacrl", &lists, err);
    cJSON_ArrayForEach(entry, infos) {
        if (status == COCO_OK)
            status = read_tcb_info(reading, entry, certificates, err);
    }
    if (status == COCO_OK)
        status = read_identity(reading, all, certificates, "qeidentity", "sgx", err);
    if (status == COCO_OK)
        status = read_identity(reading, all, certificates, "tdqeidentity", "tdx", err);
    if (status == COCO_OK)
        status = put_hex(reading, lists, "processorCrl", "intel/pck-crl/processor.crl", err);
    if (status == COCO_OK)
        status = put_hex(reading, lists, "platformCrl", "intel/pck-crl/platform.crl", err);
    if (status == COCO_OK)
        status = put_hex(reading, all, "rootcacrl", "intel/root-ca.crl", err);
    return status;
}

coco_status
coco_trustee_parse(const void *json, size_t len, bool early, struct coco_items *ret,
                   coco_error **err)
{
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_json_ cJSON *root = NULL;
    const struct reading reading = {.early = early, .items = &items};
    const cJSON *all = NULL;

    coco_status status = coco_json_parse_object(json, len, &root, err);
    if (status == COCO_OK)
        status = coco_json_get_object(root, "collaterals", &all, err);
    if (status == COCO_OK)
        status = read_collaterals(&reading, all, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "collaterals");
    *ret = items;
    items = (struct coco_items){0};
    return COCO_OK;
}

/* ---- the directory with AMD's ---- */

struct store {
    coco_collateral *files;
};

/* amd/<product>/vcek/<chip id>/<tcb>.der is vcek/<chip id>/<tcb>_vcek.der, or vcek.der there. */
static coco_status
file_of(const char *name, struct coco_buf *exact, struct coco_buf *any, coco_error **err)
{
    struct coco_request request;

    coco_status status = coco_request_for(name, false, &request, err);
    const char *id = status == COCO_OK ? strstr(name, "/vcek/") : NULL;
    const char *tcb = id ? strchr(id + strlen("/vcek/"), '/') : NULL;
    if (status == COCO_OK && !tcb)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "only certificates of chips are kept so");
    if (status == COCO_OK)
        status = coco_buf_printf(exact, err, "%.*s_vcek.der",
                                 (int)(strlen(id + 1) - strlen(".der")), id + 1);
    if (status == COCO_OK)
        status = coco_buf_printf(any, err, "%.*s/vcek.der", (int)(tcb - id - 1), id + 1);
    return status;
}

static coco_status
store_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    const struct store *store = self;
    _cleanup_buf_ struct coco_buf exact = {.limit = COCO_COLLATERAL_NAME_SIZE};
    _cleanup_buf_ struct coco_buf any = {.limit = COCO_COLLATERAL_NAME_SIZE};
    coco_error *why = NULL;

    coco_status status = file_of(name, &exact, &any, err);
    if (status != COCO_OK)
        return status;
    status = coco_collateral_read(store->files, ret, &why, "%s", coco_buf_text(&exact));
    if (status != COCO_ERR_NOTFOUND) {
        coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    return coco_collateral_read(store->files, ret, err, "%s", coco_buf_text(&any));
}

static void
store_free(void *self)
{
    struct store *store = self;

    coco_collateral_free(store->files);
    free(store);
}

static const struct coco_collateral_driver store_driver = {
    .get = store_get,
    .free = store_free,
};

static coco_status
open_store(const char *dir, coco_collateral **ret, coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *files = NULL;
    _cleanup_free_ struct store *store = calloc(1, sizeof(*store));

    if (!store)
        return coco_fail_nomem(err);
    coco_status status = coco_collateral_new_dir(dir, &files, err);
    if (status == COCO_OK)
        status = coco_collateral_wrap(&store_driver, store, ret, err);
    if (status != COCO_OK)
        return status;
    store->files = coco_steal(&files);
    store = NULL;
    return COCO_OK;
}

coco_status
coco_collateral_new_trustee(const char *path, bool early, coco_collateral **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_items_ struct coco_items items = {0};
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return open_store(path, ret, err);
    coco_status status = coco_file_read(path, &text, err);
    if (status == COCO_OK)
        status = coco_trustee_parse(coco_buf_text(&text), text.len, early, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", path);
    for (size_t i = 0; i < items.n; i++)
        items.list[i].fetched = st.st_mtim.tv_sec;
    return coco_collateral_of_items(&items, ret, err);
}
