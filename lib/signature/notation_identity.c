/*
 * signature/notation_identity.c - whom a trusted identity of Notation means
 *
 * Source: notaryproject/specifications, trust-store-trust-policy.md, "Trusted Identities
 * Constraints": a part that is listed must be the same in the certificate, others do not count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "x509.subject:"
#define VALUE_MAX 256

/* One "name=value" of an identity. */
struct part {
    int nid;
    char value[VALUE_MAX];
};

static coco_status
fail_identity(const char *identity, const char *why, coco_error **err)
{
    return coco_fail(err, COCO_ERR_INVALID, "trusted identity '%.200s': %s", identity, why);
}

/* "S" is what some write for the state. */
static int
nid_of(const char *name)
{
    return strcmp(name, "S") == 0 ? NID_stateOrProvinceName : OBJ_sn2nid(name);
}

/* Takes the next part off *text (RFC 4514 section 3, without hex and several values). */
static bool
next_part(const char **text, struct part *ret)
{
    const char *p = *text + strspn(*text, " ,");
    size_t name_len = strcspn(p, "=");
    char name[32];
    size_t n = 0;

    if (name_len == 0 || name_len >= sizeof(name) || p[name_len] != '=')
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)name_len, p);
    ret->nid = nid_of(name);
    for (p += name_len + 1; *p && *p != ','; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '+' || *p == '#' || *p == '"' || *p == ';')
            return false;
        if (n + 1 == sizeof(ret->value))
            return false;
        ret->value[n++] = *p;
    }
    while (n > 0 && ret->value[n - 1] == ' ')
        n--;
    ret->value[n] = '\0';
    *text = p;
    return ret->nid != NID_undef && n > 0;
}

/* Of several of one kind there would be no saying which is meant. */
static bool
has_part(X509 *cert, const struct part *part)
{
    X509_NAME *name = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(name, part->nid, -1);
    uint8_t *utf8 = NULL;

    if (at < 0 || X509_NAME_get_index_by_NID(name, part->nid, at) >= 0)
        return false;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool same = len >= 0 && (size_t)len == strlen(part->value)
                && strncmp((const char *)utf8, part->value, (size_t)len) == 0;
    OPENSSL_free(utf8);
    return same;
}

coco_status
coco_notation_is_identity(X509 *cert, const char *identity, bool *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    const int needed[] = {NID_countryName, NID_stateOrProvinceName, NID_organizationName};
    bool have[sizeof(needed) / sizeof(needed[0])] = {false};
    const char *text = identity + strlen(PREFIX);

    *ret = strcmp(identity, "*") == 0;
    if (*ret)
        return COCO_OK;
    if (strncmp(identity, PREFIX, strlen(PREFIX)) != 0)
        return fail_identity(identity, "neither '*' nor x509.subject", err);
    *ret = true;
    while (text[strspn(text, " ,")]) {
        struct part part = {0};

        if (!next_part(&text, &part))
            return fail_identity(identity, "not a list of NAME=VALUE", err);
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
            have[i] = have[i] || needed[i] == part.nid;
        *ret = *ret && has_part(cert, &part);
    }
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!have[i])
            return fail_identity(identity, "it needs C, ST and O", err);
    return COCO_OK;
}
