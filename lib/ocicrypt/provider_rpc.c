/*
 * ocicrypt/provider_rpc.c - key providers that are asked by gRPC or ttrpc
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider_rpc.h"

#include "base/fd.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "net/peer.h"
#include "ocicrypt/keyprovider.pb-c.h"
#include "rpc/grpc.h"
#include "rpc/message.h"
#include "rpc/ttrpc.h"

#define TIMEOUT_MS ((uint64_t)120 * 1000)
#define FILE_MAX COCO_PEER_PEM_MAX

/* What the files of grpc-tls hold. */
struct tls {
    STACK_OF(X509) * roots;
    X509 *cert;
    EVP_PKEY *key;
};

static void
tls_done(struct tls *tls)
{
    coco_certificates_free(tls->roots);
    X509_free(tls->cert);
    EVP_PKEY_free(tls->key);
}

/* They are read anew each time: a key that was renewed is used. */
static coco_status
read_tls(const struct coco_provider *provider, struct tls *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf roots = {.limit = FILE_MAX};
    _cleanup_buf_ struct coco_buf cert = {.limit = FILE_MAX};
    _cleanup_buf_ struct coco_buf key = {.limit = FILE_MAX};
    coco_status status = COCO_OK;

    if (provider->root_ca_file)
        status = coco_file_read(provider->root_ca_file, &roots, err);
    if (status == COCO_OK && provider->root_ca_file)
        status = coco_certificates_parse(roots.data, roots.len, &ret->roots, err);
    if (status != COCO_OK || !provider->cert_file)
        return status;
    status = coco_file_read(provider->cert_file, &cert, err);
    if (status == COCO_OK)
        status = coco_cert_parse(cert.data, cert.len, &ret->cert, err);
    if (status == COCO_OK)
        status = coco_file_read(provider->key_file, &key, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(key.data, key.len, &ret->key, err);
    return status;
}

static coco_status
call_grpc(const struct coco_provider *provider, coco_ctx *ctx, bool wrap,
          const ProtobufCMessage *request, ProtobufCMessage **ret, coco_error **err)
{
    _cleanup_(tls_done) struct tls tls = {0};

    coco_status status = read_tls(provider, &tls, err);
    if (status != COCO_OK)
        return status;
    const struct coco_grpc grpc = {
        .target = provider->target,
        .tls = {.roots = tls.roots, .own = tls.cert, .own_key = tls.key},
        .timeout_ms = TIMEOUT_MS,
    };
    return coco_grpc_call(
        &grpc, ctx,
        wrap ? "/" COCO_PROVIDER_SERVICE "/WrapKey" : "/" COCO_PROVIDER_SERVICE "/UnWrapKey",
        request, &keyprovider__key_provider_key_wrap_protocol_output__descriptor, ret, err);
}

static coco_status
call_ttrpc(const struct coco_provider *provider, coco_ctx *ctx, bool wrap,
           const ProtobufCMessage *request, ProtobufCMessage **ret, coco_error **err)
{
    const struct coco_ttrpc ttrpc = {
        .target = provider->target,
        .service = COCO_PROVIDER_SERVICE,
        .timeout_ms = TIMEOUT_MS,
    };

    return coco_ttrpc_call(&ttrpc, ctx, wrap ? "WrapKey" : "UnWrapKey", request,
                           &keyprovider__key_provider_key_wrap_protocol_output__descriptor, ret,
                           err);
}

coco_status
coco_provider_rpc(const struct coco_provider *provider, coco_ctx *ctx, bool wrap,
                  const struct coco_buf *request, struct coco_buf *reply, coco_error **err)
{
    Keyprovider__KeyProviderKeyWrapProtocolInput input;
    _cleanup_(coco_message_freep) ProtobufCMessage *output = NULL;

    keyprovider__key_provider_key_wrap_protocol_input__init(&input);
    input.keyproviderkeywrapprotocolinput.data = request->data;
    input.keyproviderkeywrapprotocolinput.len = request->len;
    coco_status status = provider->kind == COCO_PROVIDER_GRPC
                             ? call_grpc(provider, ctx, wrap, &input.base, &output, err)
                             : call_ttrpc(provider, ctx, wrap, &input.base, &output, err);
    if (status != COCO_OK)
        return status;
    const Keyprovider__KeyProviderKeyWrapProtocolOutput *answer =
        (const Keyprovider__KeyProviderKeyWrapProtocolOutput *)output;
    return coco_buf_append(reply, answer->keyproviderkeywrapprotocoloutput.data,
                           answer->keyproviderkeywrapprotocoloutput.len, err);
}
