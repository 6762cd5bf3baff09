/*
 * tests/kbc/fakevault.h - a Vault that is honest, or lies in one place
 *
 * It answers as the HTTP API of Vault and OpenBao is documented: KV of both versions,
 * Transit, AppRole, tokens and namespaces. What the real one does is asked of it in
 * tests/cli/test_vault.py. Of Transit it has one key, "kek", which turns bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KBC_FAKEVAULT_H
#define COCO_TESTS_KBC_FAKEVAULT_H

#include "base/base64.h"
#include "base/json.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <string.h>

#define VAULT_SECRET "a secret that the vault has"
#define VAULT_ROLE "db02de05-fa39-4855-059b-67221c5c2f63"
#define VAULT_SECRET_ID "6a174c20-f6de-a53c-74d2-6018fcceff64"
#define VAULT_JWT "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"

struct fakevault {
    const char *space; /* namespace that is asked for; NULL: none */
    const char *token; /* that is good; "": it is a proxy, which has its own */
    unsigned lease;    /* of a login, in seconds */
    bool sealed;       /* nothing is answered */
    /* Said instead of the truth to all but logins; or NULL. */
    const char *status;
    const char *body;

    unsigned logins;
    unsigned asked;
    char reply[64 << 10];
};

static inline const char *
fakevault_error(struct fakevault *vault, const char *status, const char *error)
{
    (void)snprintf(vault->reply, sizeof(vault->reply), "{\"errors\":[%s]}", error);
    return status;
}

static inline bool
fakevault_field(const struct httpd_request *request, const char *name, char *buf, size_t size)
{
    _cleanup_json_ cJSON *body = NULL;
    const char *text = NULL;

    if (coco_json_parse_object(request->body, request->body_len, &body, NULL) != COCO_OK
        || coco_json_get_string(body, name, &text, NULL) != COCO_OK)
        return false;
    return (size_t)snprintf(buf, size, "%s", text) < size;
}

static inline const char *
fakevault_token(struct fakevault *vault)
{
    (void)snprintf(vault->reply, sizeof(vault->reply),
                   "{\"request_id\":\"1\",\"auth\":{\"client_token\":\"%s\",\"renewable\":true,"
                   "\"lease_duration\":%u},\"data\":null}",
                   vault->token, vault->lease);
    return "200 OK";
}

static inline const char *
fakevault_login(struct fakevault *vault, const struct httpd_request *request)
{
    char role[64] = "";
    char id[64] = "";

    vault->logins++;
    if (!fakevault_field(request, "role_id", role, sizeof(role))
        || !fakevault_field(request, "secret_id", id, sizeof(id)) || strcmp(role, VAULT_ROLE) != 0
        || strcmp(id, VAULT_SECRET_ID) != 0)
        return fakevault_error(vault, "400 Bad Request", "\"invalid role or secret ID\"");
    return fakevault_token(vault);
}

static inline const char *
fakevault_login_jwt(struct fakevault *vault, const struct httpd_request *request)
{
    char role[64] = "";
    char jwt[64] = "";

    vault->logins++;
    if (!fakevault_field(request, "role", role, sizeof(role))
        || !fakevault_field(request, "jwt", jwt, sizeof(jwt)) || strcmp(role, "guest") != 0
        || strcmp(jwt, VAULT_JWT) != 0)
        return fakevault_error(vault, "400 Bad Request",
                               "\"error validating token: no known key successfully validated\"");
    return fakevault_token(vault);
}

/* The bits of a base64 text, turned, as base64. */
static inline bool
fakevault_turn(const char *text, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 32 << 10};

    if (coco_base64_decode(COCO_BASE64, text, strlen(text), &bytes, NULL) != COCO_OK)
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        bytes.data[i] ^= 0xff;
    return coco_base64_encode(COCO_BASE64, bytes.data, bytes.len, ret, NULL) == COCO_OK;
}

static inline const char *
fakevault_transit(struct fakevault *vault, const struct httpd_request *request, const char *what)
{
    _cleanup_buf_ struct coco_buf turned = {.limit = 32 << 10};
    const bool encrypts = strcmp(what, "encrypt/kek") == 0;
    char text[32 << 10] = "";

    if (!encrypts && strcmp(what, "decrypt/kek") != 0)
        return fakevault_error(vault, "400 Bad Request", "\"encryption key not found\"");
    if (!fakevault_field(request, encrypts ? "plaintext" : "ciphertext", text, sizeof(text))
        || (!encrypts && strncmp(text, "vault:v1:", 9) != 0)
        || !fakevault_turn(encrypts ? text : text + 9, &turned))
        return fakevault_error(vault, "400 Bad Request",
                               "\"cipher: message authentication failed\"");
    (void)snprintf(vault->reply, sizeof(vault->reply),
                   encrypts ? "{\"data\":{\"ciphertext\":\"vault:v1:%s\",\"key_version\":1}}"
                            : "{\"data\":{\"plaintext\":\"%s\"}}",
                   coco_buf_text(&turned));
    return "200 OK";
}

static inline const char *
fakevault_serve(struct fakevault *vault, const struct httpd_request *request)
{
    const char *target = request->target;
    char header[128];

    httpd_header(request, "x-vault-request", header, sizeof(header));
    if (strcmp(header, "true") != 0)
        return fakevault_error(vault, "412 Precondition Failed",
                               "\"missing \\\"X-Vault-Request\\\" header\"");
    if (vault->sealed)
        return fakevault_error(vault, "503 Service Unavailable", "\"Vault is sealed\"");
    httpd_header(request, "x-vault-namespace", header, sizeof(header));
    if (strcmp(header, vault->space ? vault->space : "") != 0)
        return fakevault_error(vault, "403 Forbidden", "\"permission denied\"");
    if (strcmp(target, "/v1/auth/approle/login") == 0)
        return fakevault_login(vault, request);
    if (strcmp(target, "/v1/auth/jwt/login") == 0)
        return fakevault_login_jwt(vault, request);
    if (strcmp(target, "/v1/auth/cert/login") == 0) {
        vault->logins++;
        return fakevault_token(vault);
    }
    vault->asked++;
    httpd_header(request, "x-vault-token", header, sizeof(header));
    if (strcmp(header, vault->token) != 0)
        return fakevault_error(vault, "403 Forbidden", "\"permission denied\"");
    if (vault->status) {
        (void)snprintf(vault->reply, sizeof(vault->reply), "%s", vault->body);
        return vault->status;
    }
    if (strncmp(target, "/v1/transit/", 12) == 0)
        return fakevault_transit(vault, request, target + 12);
    if (strcmp(target, "/v1/secret/data/default/key/1") == 0)
        (void)snprintf(vault->reply, sizeof(vault->reply),
                       "{\"data\":{\"data\":{\"data\":\"" VAULT_SECRET
                       "\"},\"metadata\":{\"version\":1}}}");
    else if (strcmp(target, "/v1/kv/default/key/1") == 0)
        (void)snprintf(vault->reply, sizeof(vault->reply),
                       "{\"data\":{\"data\":\"" VAULT_SECRET "\"},\"lease_duration\":2764800}");
    else
        return fakevault_error(vault, "404 Not Found", "");
    return "200 OK";
}

static inline bool
fakevault_answer(void *user, const struct httpd_request *request)
{
    struct fakevault *vault = user;

    faults_pause();
    const char *status = fakevault_serve(vault, request);
    faults_resume();
    return httpd_reply(request->httpd, status, "Content-Type: application/json\r\n", vault->reply);
}

#endif
