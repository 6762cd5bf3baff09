/*
 * tee/tcb_info.c - which versions of a machine's firmware are up to date
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tcb_info.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define MODULE_ID "TDX_"

void
coco_tcb_info_done(struct coco_tcb_info *info)
{
    for (size_t i = 0; i < info->n_modules; i++)
        coco_pcs_levels_done(&info->modules[i].levels);
    free(info->modules);
    free(info->levels);
    coco_json_free(info->json);
    *info = (struct coco_tcb_info){0};
}

const struct coco_tcb_module *
coco_tcb_info_module(const struct coco_tcb_info *info, uint8_t version)
{
    for (size_t i = 0; i < info->n_modules; i++)
        if (info->modules[i].version == version)
            return &info->modules[i];
    return NULL;
}

/* ---- reading ---- */

/* Version 3: [{"svn": 2, …}, …], 16 of them. */
static coco_status
parse_components(const cJSON *tcb, const char *name, uint8_t ret[COCO_TCB_COMPONENTS],
                 coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *item = NULL;
    size_t n = 0;

    coco_status status = coco_json_get_array(tcb, name, &array, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetArraySize(array) != COCO_TCB_COMPONENTS)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is not of %d components", name,
                         COCO_TCB_COMPONENTS);
    cJSON_ArrayForEach(item, array) {
        uint64_t svn = 0;

        status = coco_pcs_get_number(item, "svn", UINT8_MAX, &svn, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", name);
        ret[n++] = (uint8_t)svn;
    }
    return COCO_OK;
}

/* Version 2: "sgxtcbcomp01svn" to "sgxtcbcomp16svn". */
static coco_status
parse_flat_components(const cJSON *tcb, uint8_t ret[COCO_TCB_COMPONENTS], coco_error **err)
{
    for (unsigned i = 0; i < COCO_TCB_COMPONENTS; i++) {
        char name[32];
        uint64_t svn = 0;

        (void)snprintf(name, sizeof(name), "sgxtcbcomp%02usvn", i + 1);
        coco_status status = coco_pcs_get_number(tcb, name, UINT8_MAX, &svn, err);
        if (status != COCO_OK)
            return status;
        ret[i] = (uint8_t)svn;
    }
    return COCO_OK;
}

static coco_status
parse_level(const cJSON *item, const struct coco_tcb_info *info, struct coco_tcb_level *ret,
            coco_error **err)
{
    const cJSON *tcb = NULL;
    uint64_t pce_svn = 0;

    coco_status status = coco_json_get_object(item, "tcb", &tcb, err);
    if (status == COCO_OK && info->version == 2)
        status = parse_flat_components(tcb, ret->sgx, err);
    else if (status == COCO_OK)
        status = parse_components(tcb, "sgxtcbcomponents", ret->sgx, err);
    if (status == COCO_OK && info->tdx)
        status = parse_components(tcb, "tdxtcbcomponents", ret->tdx, err);
    if (status == COCO_OK)
        status = coco_pcs_get_number(tcb, "pcesvn", UINT16_MAX, &pce_svn, err);
    if (status == COCO_OK)
        status = coco_pcs_get_judgement(item, &ret->date, &ret->status, &ret->advisories, err);
    ret->pce_svn = (uint16_t)pce_svn;
    return status;
}

static coco_status
parse_levels(struct coco_tcb_info *info, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array(info->json, "tcbLevels", &array, err);
    if (status != COCO_OK)
        return status;
    size_t n = (size_t)cJSON_GetArraySize(array);
    if (n == 0 || n > COCO_PCS_LEVELS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%zu TCB levels, not 1 to %d", n,
                         COCO_PCS_LEVELS_MAX);
    info->levels = calloc(n, sizeof(*info->levels));
    if (!info->levels)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, array) {
        status = parse_level(item, info, &info->levels[info->n_levels], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "TCB level %zu", info->n_levels);
        info->n_levels++;
    }
    return COCO_OK;
}

static coco_status
parse_module(const cJSON *object, struct coco_tcb_module *ret, coco_error **err)
{
    coco_status status =
        coco_pcs_get_hex(object, "mrsigner", ret->mrsigner, sizeof(ret->mrsigner), err);
    if (status == COCO_OK)
        status =
            coco_pcs_get_hex(object, "attributes", ret->attributes, sizeof(ret->attributes), err);
    if (status == COCO_OK)
        status = coco_pcs_get_hex(object, "attributesMask", ret->attributes_mask,
                                  sizeof(ret->attributes_mask), err);
    return status;
}

/* "TDX_01" is that of version 1. */
static coco_status
parse_identity(const cJSON *object, struct coco_tcb_info *info, coco_error **err)
{
    struct coco_tcb_module *module = &info->modules[info->n_modules];
    const size_t prefix = strlen(MODULE_ID);
    const char *id = NULL;
    uint8_t version = 0;

    coco_status status = coco_json_get_string(object, "id", &id, err);
    if (status != COCO_OK)
        return status;
    if (strncmp(id, MODULE_ID, prefix) != 0
        || !coco_unhex(id + prefix, strlen(id + prefix), &version, 1) || version == 0
        || coco_tcb_info_module(info, version))
        return coco_fail(err, COCO_ERR_PROTO, "TDX module with the id '%.20s'", id);
    status = parse_module(object, module, err);
    if (status == COCO_OK)
        status = coco_pcs_levels_parse(object, &module->levels, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "TDX module %u", version);
    module->version = version;
    info->n_modules++;
    return COCO_OK;
}

static coco_status
parse_modules(struct coco_tcb_info *info, coco_error **err)
{
    const cJSON *first = NULL;
    const cJSON *array = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_object(info->json, "tdxModule", &first, err);
    if (status == COCO_OK)
        status = coco_json_get_array_opt(info->json, "tdxModuleIdentities", &array, err);
    if (status != COCO_OK)
        return status;
    size_t n = array ? (size_t)cJSON_GetArraySize(array) : 0;
    if (n > COCO_TCB_MODULES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d TDX modules", COCO_TCB_MODULES_MAX);
    info->modules = calloc(n + 1, sizeof(*info->modules));
    if (!info->modules)
        return coco_fail_nomem(err);
    status = parse_module(first, &info->modules[0], err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "TDX module");
    info->n_modules = 1;
    cJSON_ArrayForEach(item, array) {
        status = parse_identity(item, info, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* Version 2 has no id, for it is of SGX. */
static coco_status
parse_kind(struct coco_tcb_info *info, coco_error **err)
{
    const char *id = "SGX";
    uint64_t version = 0;

    coco_status status = coco_json_get_u64(info->json, "version", &version, err);
    if (status != COCO_OK)
        return status;
    if (version != 2 && version != 3)
        return coco_fail(err, COCO_ERR_NOTSUP, "TCB info of version %llu",
                         (unsigned long long)version);
    if (version == 3)
        status = coco_json_get_string(info->json, "id", &id, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(id, "SGX") != 0 && strcmp(id, "TDX") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "TCB info of '%.20s'", id);
    info->version = (unsigned)version;
    info->tdx = id[0] == 'T';
    return COCO_OK;
}

static coco_status
parse_head(struct coco_tcb_info *info, coco_error **err)
{
    uint64_t type = 0;
    uint64_t evaluation = 0;

    coco_status status = parse_kind(info, err);
    if (status == COCO_OK)
        status = coco_pcs_get_time(info->json, "issueDate", &info->issue_date, err);
    if (status == COCO_OK)
        status = coco_pcs_get_time(info->json, "nextUpdate", &info->next_update, err);
    if (status == COCO_OK)
        status = coco_pcs_get_hex(info->json, "fmspc", info->fmspc, sizeof(info->fmspc), err);
    if (status == COCO_OK)
        status = coco_pcs_get_hex(info->json, "pceId", info->pce_id, sizeof(info->pce_id), err);
    /* How levels are compared: 0 is the one way there is. */
    if (status == COCO_OK)
        status = coco_pcs_get_number(info->json, "tcbType", 0, &type, err);
    if (status == COCO_OK)
        status = coco_pcs_get_number(info->json, "tcbEvaluationDataNumber", UINT32_MAX, &evaluation,
                                     err);
    info->evaluation = (uint32_t)evaluation;
    return status;
}

coco_status
coco_tcb_info_parse(const char *text, size_t len, struct coco_tcb_info *ret, coco_error **err)
{
    _cleanup_tcb_info_ struct coco_tcb_info info = {0};

    coco_status status = coco_json_parse_object(text, len, &info.json, err);
    if (status == COCO_OK)
        status = parse_head(&info, err);
    if (status == COCO_OK)
        status = parse_levels(&info, err);
    if (status == COCO_OK && info.tdx)
        status = parse_modules(&info, err);
    if (status != COCO_OK)
        return status;
    *ret = info;
    info = (struct coco_tcb_info){0};
    return COCO_OK;
}

/* ---- writing ---- */

static coco_status
add_components(cJSON *tcb, const char *name, const uint8_t components[COCO_TCB_COMPONENTS],
               coco_error **err)
{
    cJSON *array = NULL;
    cJSON *item = NULL;

    coco_status status = coco_json_add_array(tcb, name, &array, err);
    for (size_t i = 0; i < COCO_TCB_COMPONENTS && status == COCO_OK; i++) {
        status = coco_json_add_object(array, NULL, &item, err);
        if (status == COCO_OK)
            status = coco_json_add_u64(item, "svn", components[i], err);
    }
    return status;
}

static coco_status
add_levels(const struct coco_tcb_info *info, cJSON *object, coco_error **err)
{
    cJSON *array = NULL;

    coco_status status = coco_json_add_array(object, "tcbLevels", &array, err);
    for (size_t i = 0; i < info->n_levels && status == COCO_OK; i++) {
        const struct coco_tcb_level *level = &info->levels[i];
        const struct coco_pcs_judgement judgement = {level->date, level->status, level->advisories};
        cJSON *tcb = NULL;

        status = coco_pcs_add_level(array, &judgement, &tcb, err);
        if (status == COCO_OK)
            status = add_components(tcb, "sgxtcbcomponents", level->sgx, err);
        if (status == COCO_OK)
            status = coco_json_add_u64(tcb, "pcesvn", level->pce_svn, err);
        if (status == COCO_OK && info->tdx)
            status = add_components(tcb, "tdxtcbcomponents", level->tdx, err);
    }
    return status;
}

static coco_status
add_module(const struct coco_tcb_module *module, cJSON *object, coco_error **err)
{
    coco_status status =
        coco_pcs_add_hex(object, "mrsigner", module->mrsigner, sizeof(module->mrsigner), err);
    if (status == COCO_OK)
        status = coco_pcs_add_hex(object, "attributes", module->attributes,
                                  sizeof(module->attributes), err);
    if (status == COCO_OK)
        status = coco_pcs_add_hex(object, "attributesMask", module->attributes_mask,
                                  sizeof(module->attributes_mask), err);
    return status;
}

static coco_status
add_identity(const struct coco_tcb_module *module, cJSON *array, coco_error **err)
{
    cJSON *object = NULL;
    char id[16];

    (void)snprintf(id, sizeof(id), MODULE_ID "%02X", module->version);
    coco_status status = coco_json_add_object(array, NULL, &object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "id", id, err);
    if (status == COCO_OK)
        status = add_module(module, object, err);
    if (status == COCO_OK)
        status = coco_pcs_levels_format(&module->levels, object, err);
    return status;
}

static coco_status
add_modules(const struct coco_tcb_info *info, cJSON *object, coco_error **err)
{
    cJSON *first = NULL;
    cJSON *array = NULL;

    coco_status status = coco_json_add_object(object, "tdxModule", &first, err);
    if (status == COCO_OK)
        status = add_module(&info->modules[0], first, err);
    if (status == COCO_OK)
        status = coco_json_add_array(object, "tdxModuleIdentities", &array, err);
    for (size_t i = 1; i < info->n_modules && status == COCO_OK; i++)
        status = add_identity(&info->modules[i], array, err);
    return status;
}

static coco_status
add_head(const struct coco_tcb_info *info, cJSON *object, coco_error **err)
{
    coco_status status = coco_json_add_string(object, "id", info->tdx ? "TDX" : "SGX", err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", 3, err);
    if (status == COCO_OK)
        status = coco_pcs_add_time(object, "issueDate", info->issue_date, err);
    if (status == COCO_OK)
        status = coco_pcs_add_time(object, "nextUpdate", info->next_update, err);
    if (status == COCO_OK)
        status = coco_pcs_add_hex(object, "fmspc", info->fmspc, sizeof(info->fmspc), err);
    if (status == COCO_OK)
        status = coco_pcs_add_hex(object, "pceId", info->pce_id, sizeof(info->pce_id), err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "tcbType", 0, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "tcbEvaluationDataNumber", info->evaluation, err);
    return status;
}

coco_status
coco_tcb_info_format(const struct coco_tcb_info *info, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    if (info->tdx && info->n_modules == 0)
        return coco_fail(err, COCO_ERR_INVALID, "TCB info of TDX without a module");
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_head(info, object, err);
    if (status == COCO_OK && info->tdx)
        status = add_modules(info, object, err);
    if (status == COCO_OK)
        status = add_levels(info, object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
