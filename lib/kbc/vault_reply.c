/*
 * kbc/vault_reply.c - what a Vault answers (its HTTP API, version 1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_reply.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

#define CIPHERTEXT_PREFIX "vault:v"
#define SECRET_MAX ((size_t)1 << 20)
/* Of what it says: it may have a lot to say. */
#define WORDS_SIZE 400

void
coco_vault_login_done(struct coco_vault_login *login)
{
    coco_secret_done(&login->token);
    *login = (struct coco_vault_login){0};
}

/* Of a token, which becomes the value of a header. */
static bool
is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return len > 0;
}

bool
coco_vault_is_ciphertext(const uint8_t *text, size_t len)
{
    return len > strlen(CIPHERTEXT_PREFIX)
           && strncmp((const char *)text, CIPHERTEXT_PREFIX, strlen(CIPHERTEXT_PREFIX)) == 0
           && is_word((const char *)text, len);
}

static coco_status
parse_member(const void *text, size_t len, const char *name, cJSON **document, const cJSON **ret,
             coco_error **err)
{
    coco_status status = coco_json_parse_object(text, len, document, err);
    if (status == COCO_OK)
        status = coco_json_get_object(*document, name, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "answer of the Vault");
}

coco_status
coco_vault_read_login(const void *text, size_t len, struct coco_vault_login *ret, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    const cJSON *auth = NULL;
    const char *token = NULL;
    uint64_t seconds = 0;

    coco_status status = parse_member(text, len, "auth", &document, &auth, err);
    if (status == COCO_OK)
        status = coco_json_get_string(auth, "client_token", &token, err);
    if (status == COCO_OK)
        status = coco_json_get_u64_opt(auth, "lease_duration", 0, &seconds, err);
    if (status != COCO_OK)
        return status;
    if (strlen(token) > COCO_VAULT_TOKEN_MAX || !is_word(token, strlen(token)))
        return coco_fail(err, COCO_ERR_PROTO, "the Vault gives what is no token");
    status = coco_secret_copy(token, strlen(token) + 1, &ret->token, err);
    if (status == COCO_OK)
        ret->seconds = seconds;
    return status;
}

/* [1, 2, 255], as Trustee writes what it puts there. */
static coco_status
read_numbers(const cJSON *array, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = SECRET_MAX};
    const cJSON *item = NULL;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, array) {
        uint64_t value = 0;

        if (status == COCO_OK)
            status = coco_json_u64(item, &value, err);
        if (status == COCO_OK && value > UINT8_MAX)
            status = coco_fail(err, COCO_ERR_PROTO, "the value is no array of bytes");
        if (status == COCO_OK)
            status = coco_buf_append(&bytes, &(uint8_t){(uint8_t)value}, 1, err);
    }
    return status == COCO_OK ? coco_secret_copy(coco_buf_text(&bytes), bytes.len, ret, err)
                             : status;
}

static coco_status
read_packed(const char *text, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = SECRET_MAX};
    coco_status status = COCO_OK;
    uint8_t byte = 0;

    while (status == COCO_OK && coco_json_next_byte(&text, &byte))
        status = coco_buf_append(&bytes, &byte, 1, err);
    return status == COCO_OK ? coco_secret_copy(bytes.data, bytes.len, ret, err) : status;
}

static coco_status
read_value(const cJSON *value, struct coco_secret *ret, coco_error **err)
{
    if (cJSON_IsString(value))
        return coco_secret_copy(value->valuestring, strlen(value->valuestring), ret, err);
    if (coco_json_bytes(value))
        return read_packed(coco_json_bytes(value), ret, err);
    if (cJSON_IsArray(value))
        return read_numbers(value, ret, err);
    return coco_fail(err, COCO_ERR_PROTO, "the value is neither text nor bytes");
}

coco_status
coco_vault_read_secret(const void *text, size_t len, unsigned kv, const char *field,
                       struct coco_secret *ret, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    const cJSON *entry = NULL;

    coco_status status = coco_json_parse_packed(text, len, &document, err);
    if (status == COCO_OK && !cJSON_IsObject(document))
        status = coco_fail(err, COCO_ERR_PROTO, "no object");
    if (status == COCO_OK)
        status = coco_json_get_object(document, "data", &entry, err);
    /* The second version says of each its version, too, and null of what was deleted. */
    if (status == COCO_OK && kv == 2)
        status = coco_json_get_object_opt(entry, "data", &entry, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "answer of the Vault");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, field);
    if (!value || cJSON_IsNull(value))
        return coco_fail(err, COCO_ERR_NOTFOUND, "the entry of the Vault has no value '%s'", field);
    status = read_value(value, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "answer of the Vault");
}

coco_status
coco_vault_read_ciphertext(const void *text, size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    const cJSON *data = NULL;
    const char *ciphertext = NULL;

    coco_status status = parse_member(text, len, "data", &document, &data, err);
    if (status == COCO_OK)
        status = coco_json_get_string(data, "ciphertext", &ciphertext, err);
    if (status != COCO_OK)
        return status;
    if (!coco_vault_is_ciphertext((const uint8_t *)ciphertext, strlen(ciphertext)))
        return coco_fail(err, COCO_ERR_PROTO, "the Vault gives what is no ciphertext");
    return coco_secret_copy(ciphertext, strlen(ciphertext), ret, err);
}

coco_status
coco_vault_read_plaintext(const void *text, size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    _cleanup_buf_ struct coco_buf bytes = {.limit = SECRET_MAX};
    const cJSON *data = NULL;
    const char *plaintext = NULL;

    coco_status status = parse_member(text, len, "data", &document, &data, err);
    if (status == COCO_OK)
        status = coco_json_get_string(data, "plaintext", &plaintext, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, plaintext, strlen(plaintext), &bytes, err);
    if (status == COCO_OK)
        status = coco_secret_copy(coco_buf_text(&bytes), bytes.len, ret, err);
    return status;
}

/* The first of a list of texts, or NULL. */
static const char *
first_of(const cJSON *document, const char *name)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document, name);

    return cJSON_GetStringValue(cJSON_GetArrayItem(list, 0));
}

/* Why a version of an entry has no data any more, or NULL. */
static const char *
why_gone(const cJSON *document)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(document, "data");
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(data, "metadata");
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(metadata, "deletion_time");

    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(metadata, "destroyed")))
        return "this version was destroyed";
    return cJSON_IsString(time) && time->valuestring[0] != '\0' ? "this version was deleted" : NULL;
}

/* A list of one with a line for it, "1 error occurred:\n\t* permission denied\n\n", in one line. */
static void
write_line(const char *words, char buf[WORDS_SIZE])
{
    size_t n = 0;

    for (; *words != '\0' && n < WORDS_SIZE - 1; words++) {
        const bool space = strchr(" \t\r\n", *words) != NULL;

        if (!space)
            buf[n++] = *words;
        else if (n > 0 && buf[n - 1] != ' ')
            buf[n++] = ' ';
    }
    while (n > 0 && buf[n - 1] == ' ')
        n--;
    buf[n] = '\0';
}

/* Words of a server that does not prove who it is; an error escapes them. */
coco_status
coco_vault_fail(const void *text, size_t len, coco_status status, long http, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    char words[WORDS_SIZE] = "";

    (void)coco_json_parse_object(text, len, &document, NULL);
    const char *told = first_of(document, "errors");
    if (!told)
        told = first_of(document, "warnings");
    if (!told)
        told = why_gone(document);
    if (told)
        write_line(told, words);
    if (words[0] != '\0')
        return coco_fail(err, status, "the Vault says: %s (%ld)", words, http);
    if (http == 404)
        return coco_fail(err, status, "the Vault has nothing there (404)");
    if (http == 307)
        return coco_fail(err, status, "the Vault stands by, and cannot reach who leads (307)");
    if (http / 100 == 3)
        return coco_fail(err, status, "the Vault sends us elsewhere, where we do not go (%ld)",
                         http);
    return coco_fail(err, status, "the Vault answers with HTTP status %ld", http);
}
