/*
 * ocicrypt/provider.c - wrapping by a key provider: annotations "keys.provider.NAME"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider.h"

#include "base/fail.h"
#include "base/program.h"
#include "base/text.h"
#include "ocicrypt/provider_json.h"
#include "ocicrypt/provider_rpc.h"

#include "config.h"

#include <stdio.h>
#include <unistd.h>

#define TIMEOUT_S 120 /* a KBS may have to be asked, and attested to */
#define ERRORS_MAX ((size_t)4 << 10)
#define SHOWN 300

/* What a command says of its failure, on one line. */
static coco_status
fail_with(const struct coco_buf *errors, int code, coco_error **err)
{
    char text[SHOWN];
    size_t len = errors->len;

    while (len > 0 && errors->data[len - 1] == '\n')
        len--;
    coco_text_escape(coco_buf_text(errors), len, text, sizeof(text));
    return coco_fail(err, COCO_ERR_DENIED, "exit code %d%s%s", code, len > 0 ? ": " : "", text);
}

/* The command has the environment of this process: ocicrypt's providers are set up by it. */
static coco_status
ask_command(const struct coco_provider *provider, coco_ctx *ctx, const struct coco_buf *request,
            struct coco_buf *reply, coco_error **err)
{
    _cleanup_buf_ struct coco_buf errors = {.limit = ERRORS_MAX};
    const struct coco_program program = {
        .path = provider->argv[0],
        .argv = (const char *const *)provider->argv,
        .env = (const char *const *)environ,
        .input = request->data,
        .input_len = request->len,
        .timeout = TIMEOUT_S,
    };
    int code = 0;

    coco_status status = coco_program_run(&program, ctx, reply, &errors, &code, err);
    if (status == COCO_OK && code != 0 && code != COCO_PROGRAM_UNKNOWN)
        status = fail_with(&errors, code, err);
    return status;
}

static coco_status
ask(const struct coco_provider *provider, coco_ctx *ctx, bool wrap, const struct coco_buf *request,
    struct coco_buf *reply, coco_error **err)
{
    switch (provider->kind) {
    case COCO_PROVIDER_CMD:
        return ask_command(provider, ctx, request, reply, err);
    case COCO_PROVIDER_GRPC:
    case COCO_PROVIDER_TTRPC:
#if COCO_HAVE_RPC
        return coco_provider_rpc(provider, ctx, wrap, request, reply, err);
#else
        (void)wrap;
        return coco_fail(err, COCO_ERR_NOTSUP, "this build has no RPC");
#endif
    case COCO_PROVIDER_NATIVE:
        break;
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "there is none of that name in this process");
}

static coco_status
run(const struct coco_provider_use *use, coco_ctx *ctx, bool wrap, const struct coco_buf *data,
    struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf request = {.limit = COCO_PROVIDER_JSON_MAX};
    _cleanup_buf_ struct coco_buf reply = {.limit = COCO_PROVIDER_JSON_MAX};

    coco_status status =
        coco_provider_request_write(use->provider->name, use->parameter, wrap, data, &request, err);
    if (status == COCO_OK)
        status = ask(use->provider, ctx, wrap, &request, &reply, err);
    if (status == COCO_OK)
        status = coco_provider_reply_read(coco_buf_text(&reply), reply.len, wrap, ret, err);
    return status == COCO_OK ? COCO_OK
                             : coco_wrap(err, status, "key provider %s", use->provider->name);
}

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    _cleanup_secret_ struct coco_secret annotation = {0};

    coco_status status = run(self, ctx, true, options, &annotation, err);
    if (status == COCO_OK)
        status = coco_buf_append(blob, annotation.data, annotation.len, err);
    return status;
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    return run(self, ctx, false, blob, ret, err);
}

struct coco_wrapper
coco_provider_wrapper(struct coco_provider_use *use)
{
    (void)snprintf(use->scheme, sizeof(use->scheme), "provider.%s", use->provider->name);
    return (struct coco_wrapper){
        .scheme = use->scheme,
        .wrap = wrap,
        .unwrap = unwrap,
        .self = use,
    };
}
