/*
 * kbc/kbc.c - key broker clients: secrets for whoever can attest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "kbc/params.h"
#include "rcar/messages.h"

#include "config.h"

#include <string.h>

/* clang-format off */
static const struct coco_kbc_driver *const drivers[] = {
    &coco_cc_kbc, &coco_eaa_kbc,
    &coco_offline_fs_kbc,
    &coco_offline_sev_kbc,
#if COCO_HAVE_RPC
    &coco_online_sev_kbc,
#endif
#if COCO_HAVE_PKCS11
    &coco_pkcs11_kbc,
#endif
    &coco_sample_kbc,
    &coco_vault_kbc,
};
/* clang-format on */

struct coco_kbc {
    const struct coco_kbc_driver *driver;
    void *self;
};

static const struct coco_kbc_driver *
find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strlen(drivers[i]->name) == len && strncmp(drivers[i]->name, name, len) == 0)
            return drivers[i];
    return NULL;
}

/*
 * <kbc>::<uri> (guest-protocols 2.5). The first "::" divides: a later one is
 * the address [::1]'s.
 */
static coco_status
parse_params(const char *params, const struct coco_kbc_driver **ret, const char **uri,
             coco_error **err)
{
    const char *colons = strstr(params, "::");

    if (!colons || colons == params || strlen(params) > COCO_KBC_PARAMS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is not <kbc>::<uri>", params);
    for (const char *p = params; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return coco_fail(err, COCO_ERR_INVALID, "control byte in aa_kbc_params");

    const struct coco_kbc_driver *driver = find(params, (size_t)(colons - params));
    if (!driver)
        return coco_fail(err, COCO_ERR_NOTSUP, "no KBC '%.*s' in this build",
                         (int)(colons - params < 100 ? colons - params : 100), params);
    *ret = driver;
    *uri = colons + strlen("::");
    return COCO_OK;
}

coco_status
coco_kbc_wrap(const struct coco_kbc_driver *driver, void *self, coco_kbc **ret, coco_error **err)
{
    coco_kbc *kbc = calloc(1, sizeof(*kbc));

    if (!kbc) {
        driver->close(self);
        return coco_fail_nomem(err);
    }
    *kbc = (coco_kbc){.driver = driver, .self = self};
    *ret = kbc;
    return COCO_OK;
}

static coco_status
open_params(const char *params, coco_kbc **ret, coco_error **err)
{
    const struct coco_kbc_driver *driver = NULL;
    const char *uri = NULL;
    void *self = NULL;

    coco_status status = parse_params(params, &driver, &uri, err);
    if (status != COCO_OK)
        return status;
    status = driver->open(uri, &self, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", driver->name);
    return coco_kbc_wrap(driver, self, ret, err);
}

coco_status
coco_kbc_new(const char *params, coco_kbc **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf found = {.limit = COCO_KBC_PARAMS_MAX};

    if (params)
        return open_params(params, ret, err);
    coco_status status = coco_kbc_params_find(&coco_kernel, &found, err);
    if (status == COCO_OK)
        status = open_params(coco_buf_text(&found), ret, err);
    return status;
}

void
coco_kbc_free(coco_kbc *kbc)
{
    if (!kbc)
        return;
    kbc->driver->close(kbc->self);
    free(kbc);
}

static coco_status
does_not_attest(const coco_kbc *kbc, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "%s does not attest", kbc->driver->name);
}

coco_status
coco_kbc_set_attester(coco_kbc *kbc, coco_attester *attester, coco_error **err)
{
    if (!kbc->driver->set_attester) {
        coco_attester_free(attester);
        return does_not_attest(kbc, err);
    }
    kbc->driver->set_attester(kbc->self, attester);
    return COCO_OK;
}

coco_status
coco_kbc_add_device(coco_kbc *kbc, coco_attester *attester, coco_error **err)
{
    coco_status status = kbc->driver->add_device ? kbc->driver->add_device(kbc->self, attester, err)
                                                 : does_not_attest(kbc, err);
    if (status != COCO_OK)
        coco_attester_free(attester);
    return status;
}

coco_status
coco_kbc_set_tls_ca(coco_kbc *kbc, const uint8_t *pem, size_t len, coco_error **err)
{
    if (!kbc->driver->set_tls_ca)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s does not use TLS", kbc->driver->name);
    return kbc->driver->set_tls_ca(kbc->self, pem, len, err);
}

coco_status
coco_kbc_set_tee_key(coco_kbc *kbc, coco_tee_key kind, coco_error **err)
{
    if (!kbc->driver->set_tee_key)
        return does_not_attest(kbc, err);
    return kbc->driver->set_tee_key(kbc->self, kind, err);
}

coco_status
coco_kbc_set_init_data(coco_kbc *kbc, const char *toml, coco_error **err)
{
    if (!kbc->driver->set_init_data)
        return does_not_attest(kbc, err);
    return kbc->driver->set_init_data(kbc->self, toml, err);
}

coco_status
coco_kbc_set_proxy(coco_kbc *kbc, const char *url, const char *no_proxy, coco_error **err)
{
    if (!kbc->driver->set_proxy)
        return COCO_OK;
    return kbc->driver->set_proxy(kbc->self, url, no_proxy, err);
}

void
coco_kbc_set_retries(coco_kbc *kbc, uint32_t retries)
{
    if (kbc->driver->set_retries)
        kbc->driver->set_retries(kbc->self, retries);
}

coco_status
coco_kbc_set_passport(coco_kbc *kbc, const uint8_t *passport, size_t len, coco_error **err)
{
    if (!kbc->driver->set_passport)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s shows no token", kbc->driver->name);
    coco_status status = kbc->driver->set_passport(kbc->self, passport, len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "passport");
}

static coco_status
ask_plugin(coco_kbc *kbc, coco_ctx *ctx, const char *uri, struct coco_kbc_question *question,
           coco_bytes **ret, coco_error **err)
{
    struct coco_plugin_uri parsed;

    coco_status status = coco_plugin_uri_parse(uri, &parsed, err);
    if (status == COCO_OK)
        status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    if (!kbc->driver->ask)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s has no plug-ins and takes no query",
                         kbc->driver->name);
    question->uri = &parsed;
    status = kbc->driver->ask(kbc->self, ctx, question, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%.300s", uri);
}

coco_status
coco_kbc_ask_plugin(coco_kbc *kbc, coco_ctx *ctx, const char *uri, const uint8_t *data, size_t len,
                    coco_bytes **ret, coco_error **err)
{
    struct coco_kbc_question question = {
        .method = "POST",
        .body = {.data = data ? data : (const uint8_t *)"", .len = len},
    };

    if (len > COCO_KBC_QUESTION_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "question of more than %zu bytes",
                         COCO_KBC_QUESTION_MAX);
    return ask_plugin(kbc, ctx, uri, &question, ret, err);
}

coco_status
coco_kbc_get_resource(coco_kbc *kbc, coco_ctx *ctx, const char *uri, coco_bytes **ret,
                      coco_error **err)
{
    struct coco_kbc_question question = {.method = "GET"};
    struct coco_resource_path path;

    if (coco_plugin_uri_is(uri))
        return ask_plugin(kbc, ctx, uri, &question, ret, err);
    coco_status status = coco_resource_uri_parse(uri, &path, err);
    if (status == COCO_OK)
        status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    status = kbc->driver->get(kbc->self, ctx, &path, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "kbs:///%s", path.text);
    return COCO_OK;
}

coco_status
coco_kbc_get_newer(coco_kbc *kbc, coco_ctx *ctx, const char *uri, struct coco_kbc_held *held,
                   coco_bytes **ret, coco_error **err)
{
    struct coco_resource_path path;

    if (!kbc->driver->get_newer || coco_plugin_uri_is(uri))
        return coco_kbc_get_resource(kbc, ctx, uri, ret, err);
    coco_status status = coco_resource_uri_parse(uri, &path, err);
    if (status == COCO_OK)
        status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    status = kbc->driver->get_newer(kbc->self, ctx, &path, held, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "kbs:///%s", path.text);
}

coco_status
coco_kbc_get_leased(coco_kbc *kbc, coco_ctx *ctx, const char *uri, coco_bytes **ret,
                    uint32_t *lease, coco_error **err)
{
    struct coco_kbc_held held = {0};

    coco_status status = coco_kbc_get_newer(kbc, ctx, uri, &held, ret, err);
    if (status != COCO_OK)
        return status;
    *lease = !held.leased                         ? COCO_KBC_NO_LEASE
             : held.lease < COCO_KBC_NO_LEASE - 1 ? (uint32_t)held.lease
                                                  : COCO_KBC_NO_LEASE - 1;
    return COCO_OK;
}

/* What is asked of a key, before anybody is. */
static coco_status
check_key_request(const coco_kbc *kbc, coco_ctx *ctx, const char *id, size_t len, size_t max,
                  coco_error **err)
{
    size_t id_len = strlen(id);

    if (!kbc->driver->wrap)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s has no keys to wrap others by",
                         kbc->driver->name);
    if (id_len == 0 || id_len > COCO_KBC_KEY_ID_MAX || !coco_utf8_valid(id, id_len))
        return coco_fail(err, COCO_ERR_INVALID, "name of a key is not 1 to %zu bytes of UTF-8",
                         COCO_KBC_KEY_ID_MAX);
    for (size_t i = 0; i < id_len; i++)
        if ((unsigned char)id[i] < ' ' || id[i] == 0x7f)
            return coco_fail(err, COCO_ERR_INVALID, "control byte in the name of a key");
    if (len == 0 || len > max)
        return coco_fail(err, COCO_ERR_INVALID, "key is not 1 to %zu bytes", max);
    return coco_ctx_check(ctx, err);
}

coco_status
coco_kbc_wrap_key(coco_kbc *kbc, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
                  coco_bytes **ret, coco_error **err)
{
    const struct coco_kbc_blob blob = {.data = key, .len = len};

    coco_status status = check_key_request(kbc, ctx, id, len, COCO_KBC_KEY_MAX, err);
    if (status != COCO_OK)
        return status;
    status = kbc->driver->wrap(kbc->self, ctx, id, &blob, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "key '%.100s'", id);
}

coco_status
coco_kbc_unwrap_key(coco_kbc *kbc, coco_ctx *ctx, const char *id, const uint8_t *wrapped,
                    size_t len, coco_bytes **ret, coco_error **err)
{
    const struct coco_kbc_blob blob = {.data = wrapped, .len = len};

    coco_status status = check_key_request(kbc, ctx, id, len, COCO_KBC_WRAPPED_MAX, err);
    if (status != COCO_OK)
        return status;
    status = kbc->driver->unwrap(kbc->self, ctx, id, &blob, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "key '%.100s'", id);
}

coco_status
coco_kbc_attest(coco_kbc *kbc, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    if (!kbc->driver->attest)
        return does_not_attest(kbc, err);
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    return kbc->driver->attest(kbc->self, ctx, ret, err);
}

coco_status
coco_kbc_attest_for(coco_kbc *kbc, coco_ctx *ctx, const char *audience, coco_bytes **ret,
                    coco_error **err)
{
    if (!kbc->driver->attest)
        return does_not_attest(kbc, err);
    if (!kbc->driver->attest_for)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s gets no tokens for others", kbc->driver->name);
    coco_status status = coco_rcar_audience_check(audience, err);
    if (status == COCO_OK)
        status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    return kbc->driver->attest_for(kbc->self, ctx, audience, ret, err);
}

coco_status
coco_kbc_get_passport(coco_kbc *kbc, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    if (!kbc->driver->get_passport)
        return does_not_attest(kbc, err);
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    return kbc->driver->get_passport(kbc->self, ctx, ret, err);
}
