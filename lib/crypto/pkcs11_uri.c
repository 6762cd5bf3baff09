/*
 * crypto/pkcs11_uri.c - names of tokens (RFC 7512)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_uri.h"

#include "base/fail.h"
#include "base/text.h"

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
} table[] = {
#define TEXT(name, member, in_query)                                                               \
    {                                                                                              \
        name, offsetof(struct coco_pkcs11_uri, member),                                            \
            sizeof(((struct coco_pkcs11_uri *)NULL)->member), in_query                             \
    }
    TEXT("token", token, false),
    TEXT("serial", serial, false),
    TEXT("manufacturer", manufacturer, false),
    TEXT("model", model, false),
    TEXT("module-path", module_path, true),
    TEXT("pin-source", pin_file, true),
#undef TEXT
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

/* One attribute, name=value. */
static coco_status
set(const char *text, size_t len, bool in_query, struct coco_pkcs11_uri *uri, coco_error **err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;

    if (!equals)
        return coco_fail(err, COCO_ERR_INVALID, "attribute is not name=value");
    const char *value = equals + 1;
    size_t value_len = len - name_len - 1;
    if (!in_query && name_len == strlen("slot-id") && strncmp(text, "slot-id", name_len) == 0)
        return set_slot(value, value_len, uri, err);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *at = (char *)uri + table[i].at;

        if (table[i].in_query != in_query || strlen(table[i].name) != name_len
            || strncmp(table[i].name, text, name_len) != 0)
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
parse_part(const char *text, size_t len, bool in_query, struct coco_pkcs11_uri *uri,
           coco_error **err)
{
    const char *end = text + len;
    coco_status status = COCO_OK;

    while (text < end && status == COCO_OK) {
        const char *stop = memchr(text, in_query ? '&' : ';', (size_t)(end - text));
        size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);

        status = set(text, n, in_query, uri, err);
        text += n + 1;
    }
    return status;
}

static coco_status
check_files(struct coco_pkcs11_uri *uri, coco_error **err)
{
    size_t skip =
        strncmp(uri->pin_file, FILE_SCHEME, strlen(FILE_SCHEME)) == 0 ? strlen(FILE_SCHEME) : 0;

    memmove(uri->pin_file, uri->pin_file + skip, strlen(uri->pin_file + skip) + 1);
    if (uri->module_path[0] != '/')
        return coco_fail(err, COCO_ERR_INVALID, "no module-path, or no absolute one");
    if (uri->pin_file[0] != '\0' && uri->pin_file[0] != '/')
        return coco_fail(err, COCO_ERR_INVALID, "pin-source is no absolute path");
    return COCO_OK;
}

coco_status
coco_pkcs11_uri_parse(const char *text, struct coco_pkcs11_uri *ret, coco_error **err)
{
    struct coco_pkcs11_uri uri = {0};

    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return coco_fail(err, COCO_ERR_INVALID, "no URI of PKCS#11");
    const char *path = text + strlen(SCHEME);
    const char *query = strchrnul(path, '?');
    coco_status status = parse_part(path, (size_t)(query - path), false, &uri, err);
    if (status == COCO_OK && *query == '?')
        status = parse_part(query + 1, strlen(query + 1), true, &uri, err);
    if (status == COCO_OK)
        status = check_files(&uri, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "pkcs11");
    *ret = uri;
    return COCO_OK;
}
