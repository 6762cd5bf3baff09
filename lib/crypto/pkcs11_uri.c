/*
 * crypto/pkcs11_uri.c - names of tokens (RFC 7512)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_uri.h"

#include "base/fail.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>

#define SCHEME "pkcs11:"
#define FILE_SCHEME "file:"
#define DIGITS "0123456789"
#define SLOT_DIGITS 18

static const struct attribute {
    const char *name;
    size_t at;
    size_t size;
    bool in_query;
    bool of_key; /* of no token alone */
} table[] = {
#define TEXT(name, member, in_query, of_key)                                                       \
    {                                                                                              \
        name, offsetof(struct coco_pkcs11_key_uri, member),                                        \
            sizeof(((struct coco_pkcs11_key_uri *)NULL)->member), in_query, of_key                 \
    }
    TEXT("token", token.token, false, false),
    TEXT("serial", token.serial, false, false),
    TEXT("manufacturer", token.manufacturer, false, false),
    TEXT("model", token.model, false, false),
    TEXT("object", object, false, true),
    TEXT("module-path", token.module_path, true, false),
    TEXT("pin-source", token.pin_file, true, false),
    TEXT("module-name", module_name, true, true),
    TEXT("pin-value", pin, true, true),
#undef TEXT
};

/* What is being read. */
struct reading {
    struct coco_pkcs11_key_uri *uri;
    bool of_key;
};

/* Decodes len characters of a value into size bytes with a NUL; false for what is none. */
static bool
decode(const char *text, size_t len, char *ret, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '%') {
            if (len - i < 3 || !coco_unhex(text + i + 1, 2, &c, 1))
                return false;
            i += 2;
        } else if (c <= ' ' || c >= 0x7f) {
            return false;
        }
        if (c == '\0' || n + 1 >= size)
            return false;
        ret[n++] = (char)c;
    }
    ret[n] = '\0';
    return n > 0 && coco_utf8_valid(ret, n);
}

static coco_status
set_slot(const char *text, size_t len, struct coco_pkcs11_uri *uri, coco_error **err)
{
    uint64_t value = 0;

    if (uri->has_slot_id || len == 0 || len > SLOT_DIGITS || strspn(text, DIGITS) < len)
        return coco_fail(err, COCO_ERR_INVALID, "slot-id is no number");
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    uri->has_slot_id = true;
    uri->slot_id = value;
    return COCO_OK;
}

/* CKA_ID, which is any bytes. */
static coco_status
set_id(const char *text, size_t len, struct coco_pkcs11_key_uri *uri, coco_error **err)
{
    if (uri->id_len > 0 || len == 0)
        return coco_fail(err, COCO_ERR_INVALID, "id is empty or there twice");
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        if (c == '%') {
            if (len - i < 3 || !coco_unhex(text + i + 1, 2, &c, 1))
                return coco_fail(err, COCO_ERR_INVALID, "id is not written in percents");
            i += 2;
        }
        if (uri->id_len == COCO_PKCS11_ID_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "id of more than %d bytes", COCO_PKCS11_ID_MAX);
        uri->id[uri->id_len++] = c;
    }
    return COCO_OK;
}

static bool
name_is(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncmp(text, name, len) == 0;
}

/* Those attributes of the path that are no text; *done says whether it was one. */
static coco_status
set_other(const char *text, size_t name_len, size_t value_len, const struct reading *reading,
          bool *done, coco_error **err)
{
    const char *value = text + name_len + 1;

    *done = true;
    if (name_is(text, name_len, "slot-id"))
        return set_slot(value, value_len, &reading->uri->token, err);
    if (reading->of_key && name_is(text, name_len, "id"))
        return set_id(value, value_len, reading->uri, err);
    if (reading->of_key && name_is(text, name_len, "type")
        && (name_is(value, value_len, "public") || name_is(value, value_len, "private")))
        return COCO_OK;
    *done = false;
    return COCO_OK;
}

/* One attribute, name=value. */
static coco_status
set(const char *text, size_t len, bool in_query, const struct reading *reading, coco_error **err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;

    if (!equals)
        return coco_fail(err, COCO_ERR_INVALID, "attribute is not name=value");
    const char *value = equals + 1;
    size_t value_len = len - name_len - 1;
    bool done = false;
    if (!in_query) {
        coco_status status = set_other(text, name_len, value_len, reading, &done, err);
        if (status != COCO_OK || done)
            return status;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *at = (char *)reading->uri + table[i].at;

        if (table[i].in_query != in_query || (table[i].of_key && !reading->of_key)
            || !name_is(text, name_len, table[i].name))
            continue;
        if (at[0] != '\0' || !decode(value, value_len, at, table[i].size))
            break;
        return COCO_OK;
    }
    /* The value is not shown: somebody may have put a PIN there. */
    return coco_fail(err, COCO_ERR_INVALID,
                     "'%.*s' is no attribute of a token, has no such value, or is there twice",
                     (int)(name_len < 32 ? name_len : 32), text);
}

static coco_status
parse_part(const char *text, size_t len, bool in_query, const struct reading *reading,
           coco_error **err)
{
    const char *end = text + len;
    coco_status status = COCO_OK;

    while (text < end && status == COCO_OK) {
        const char *stop = memchr(text, in_query ? '&' : ';', (size_t)(end - text));
        size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);

        status = set(text, n, in_query, reading, err);
        text += n + 1;
    }
    return status;
}

static coco_status
check_files(struct coco_pkcs11_key_uri *key, coco_error **err)
{
    struct coco_pkcs11_uri *uri = &key->token;
    size_t skip =
        strncmp(uri->pin_file, FILE_SCHEME, strlen(FILE_SCHEME)) == 0 ? strlen(FILE_SCHEME) : 0;

    memmove(uri->pin_file, uri->pin_file + skip, strlen(uri->pin_file + skip) + 1);
    if (uri->module_path[0] != '/' && (uri->module_path[0] != '\0' || key->module_name[0] == '\0'))
        return coco_fail(err, COCO_ERR_INVALID, "no module-path, or no absolute one");
    if (uri->pin_file[0] != '\0' && uri->pin_file[0] != '/')
        return coco_fail(err, COCO_ERR_INVALID, "pin-source is no absolute path");
    return COCO_OK;
}

/* What only keys have. */
static coco_status
check_key(const struct coco_pkcs11_key_uri *key, coco_error **err)
{
    if (key->object[0] == '\0' && key->id_len == 0)
        return coco_fail(err, COCO_ERR_INVALID, "neither object nor id of a key");
    if (strchr(key->module_name, '/'))
        return coco_fail(err, COCO_ERR_INVALID, "module-name is a path");
    if (key->pin[0] != '\0' && key->token.pin_file[0] != '\0')
        return coco_fail(err, COCO_ERR_INVALID, "both pin-value and pin-source");
    return COCO_OK;
}

static coco_status
parse(const char *text, const struct reading *reading, coco_error **err)
{
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return coco_fail(err, COCO_ERR_INVALID, "no URI of PKCS#11");
    const char *path = text + strlen(SCHEME);
    const char *query = strchrnul(path, '?');
    coco_status status = parse_part(path, (size_t)(query - path), false, reading, err);
    if (status == COCO_OK && *query == '?')
        status = parse_part(query + 1, strlen(query + 1), true, reading, err);
    if (status == COCO_OK)
        status = check_files(reading->uri, err);
    if (status == COCO_OK && reading->of_key)
        status = check_key(reading->uri, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "pkcs11");
}

coco_status
coco_pkcs11_uri_parse(const char *text, struct coco_pkcs11_uri *ret, coco_error **err)
{
    struct coco_pkcs11_key_uri uri = {0};

    coco_status status = parse(text, &(struct reading){&uri, false}, err);
    if (status == COCO_OK)
        *ret = uri.token;
    return status;
}

coco_status
coco_pkcs11_key_uri_parse(const char *text, struct coco_pkcs11_key_uri *ret, coco_error **err)
{
    struct coco_pkcs11_key_uri uri = {0};

    coco_status status = parse(text, &(struct reading){&uri, true}, err);
    if (status == COCO_OK)
        *ret = uri;
    coco_pkcs11_key_uri_done(&uri);
    return status;
}

void
coco_pkcs11_key_uri_done(struct coco_pkcs11_key_uri *uri)
{
    OPENSSL_cleanse(uri, sizeof(*uri));
}
