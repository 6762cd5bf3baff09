/*
 * collateral/request.c - what the makers' services are asked for collateral
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/request.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FMSPC_DIGITS 12
#define PARTS_MAX 5
#define PART_SIZE 160
#define LOWER_HEX "0123456789abcdef"

/* A name taken apart at its slashes. */
struct parts {
    char at[PARTS_MAX][PART_SIZE];
    size_t n;
};

static bool
take_apart(const char *name, struct parts *ret)
{
    for (ret->n = 0; *name; ret->n++) {
        size_t len = strcspn(name, "/");

        if (ret->n == PARTS_MAX || len >= PART_SIZE)
            return false;
        memcpy(ret->at[ret->n], name, len);
        ret->at[ret->n][len] = '\0';
        name += len + (name[len] == '/');
    }
    return true;
}

static bool
is(const struct parts *parts, size_t index, const char *text)
{
    return index < parts->n && strcmp(parts->at[index], text) == 0;
}

/* Cuts the end off part index, which it must have. */
static bool
cut(struct parts *parts, size_t index, const char *end)
{
    size_t len = strlen(parts->at[index]);
    size_t n = strlen(end);

    if (len <= n || strcmp(parts->at[index] + len - n, end) != 0)
        return false;
    parts->at[index][len - n] = '\0';
    return true;
}

static bool
is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && coco_text_is_all(text, LOWER_HEX, digits);
}

__attribute__((format(printf, 2, 3))) static void
print(char to[COCO_COLLATERAL_NAME_SIZE], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(to, COCO_COLLATERAL_NAME_SIZE, fmt, args); /* parts are short */
    va_end(args);
}

/* ---- Intel ---- */

/* intel/<tdx|sgx>/tcb-info/<fmspc>.json and .pem */
static bool
tcb_info(struct parts *parts, const char *update, struct coco_request *ret)
{
    const char *tee = parts->at[1];
    char fmspc[FMSPC_DIGITS + 1] = "";

    if (parts->n != 4 || !(cut(parts, 3, ".json") || cut(parts, 3, ".pem"))
        || !is_hex(parts->at[3], FMSPC_DIGITS))
        return false;
    for (size_t i = 0; i < FMSPC_DIGITS; i++) {
        char c = parts->at[3][i];

        fmspc[i] = (char)(c >= 'a' ? c - 'a' + 'A' : c);
    }
    print(ret->path, "/%s/certification/v4/tcb?fmspc=%s&update=%s", tee, fmspc, update);
    print(ret->body, "intel/%s/tcb-info/%s.json", tee, parts->at[3]);
    print(ret->chain, "intel/%s/tcb-info/%s.pem", tee, parts->at[3]);
    ret->chain_header = "tcb-info-issuer-chain";
    return true;
}

/* intel/<tdx|sgx>/qe-identity.json and .pem */
static bool
qe_identity(struct parts *parts, const char *update, struct coco_request *ret)
{
    const char *tee = parts->at[1];

    if (parts->n != 3 || !(cut(parts, 2, ".json") || cut(parts, 2, ".pem"))
        || !is(parts, 2, "qe-identity"))
        return false;
    print(ret->path, "/%s/certification/v4/qe/identity?update=%s", tee, update);
    print(ret->body, "intel/%s/qe-identity.json", tee);
    print(ret->chain, "intel/%s/qe-identity.pem", tee);
    ret->chain_header = "sgx-enclave-identity-issuer-chain";
    return true;
}

static bool
intel(struct parts *parts, bool early, struct coco_request *ret)
{
    const char *update = early ? "early" : "standard";

    ret->maker = COCO_INTEL;
    if (parts->n == 2 && is(parts, 1, "root-ca.crl")) {
        ret->root_crl = true;
        print(ret->path, "/sgx/certification/v4/rootcacrl");
        print(ret->body, "intel/root-ca.crl");
        return true;
    }
    if (parts->n == 3 && is(parts, 1, "pck-crl")
        && (is(parts, 2, "platform.crl") || is(parts, 2, "processor.crl"))) {
        (void)cut(parts, 2, ".crl");
        print(ret->path, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", parts->at[2]);
        print(ret->body, "intel/pck-crl/%s.crl", parts->at[2]);
        return true;
    }
    if (!is(parts, 1, "tdx") && !is(parts, 1, "sgx"))
        return false;
    return is(parts, 2, "tcb-info") ? tcb_info(parts, update, ret)
                                    : qe_identity(parts, update, ret);
}

/* ---- AMD ---- */

/* Two or three digits, which are a byte, behind word and "_", if that is not the first. */
static bool
take_level(const char **text, const char *word, unsigned *ret)
{
    size_t len = strlen(word);
    const char *at = *text + len;
    size_t digits = strspn(at, "0123456789");

    if (strncmp(*text, word, len) != 0 || digits < 2 || digits > 3 || (digits == 3 && *at == '0'))
        return false;
    *ret = 0;
    for (size_t i = 0; i < digits; i++)
        *ret = *ret * 10 + (unsigned)(at[i] - '0');
    *text = at + digits;
    return *ret <= 255;
}

/* "bl02_tee00_snp05_ucode68", for Turin with "_fmc00" behind it. */
static bool
read_levels(const char *text, bool turin, char *query)
{
    unsigned bl, tee, snp, ucode, fmc = 0;

    if (!take_level(&text, "bl", &bl) || !take_level(&text, "_tee", &tee)
        || !take_level(&text, "_snp", &snp) || !take_level(&text, "_ucode", &ucode)
        || (turin && !take_level(&text, "_fmc", &fmc)) || *text)
        return false;
    if (turin)
        print(query, "fmcSPL=%02u&blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", fmc, bl, tee,
              snp, ucode);
    else
        print(query, "blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", bl, tee, snp, ucode);
    return true;
}

/* amd/<product>/vcek/<chip id>/<tcb>.der */
static bool
vcek(struct parts *parts, struct coco_request *ret)
{
    char query[COCO_COLLATERAL_NAME_SIZE];
    bool turin = is(parts, 1, "Turin");

    /* Of Turin the KDS knows the first 8 bytes of the chip id. */
    if (parts->n != 5 || !is_hex(parts->at[3], turin ? 16 : 128) || !cut(parts, 4, ".der")
        || !read_levels(parts->at[4], turin, query))
        return false;
    print(ret->path, "/vcek/v1/%s/%s?%s", parts->at[1], parts->at[3], query);
    print(ret->body, "amd/%s/vcek/%s/%s.der", parts->at[1], parts->at[3], parts->at[4]);
    return true;
}

static bool
amd(struct parts *parts, struct coco_request *ret)
{
    ret->maker = COCO_AMD;
    if (!is(parts, 1, "Milan") && !is(parts, 1, "Genoa") && !is(parts, 1, "Turin"))
        return false;
    if (parts->n == 3 && is(parts, 2, "vcek.crl")) {
        print(ret->path, "/vcek/v1/%s/crl", parts->at[1]);
        print(ret->body, "amd/%s/vcek.crl", parts->at[1]);
        return true;
    }
    if (parts->n == 4 && (is(parts, 2, "vcek") || is(parts, 2, "vlek"))
        && is(parts, 3, "chain.pem")) {
        print(ret->path, "/%s/v1/%s/cert_chain", parts->at[2], parts->at[1]);
        print(ret->body, "amd/%s/%s/chain.pem", parts->at[1], parts->at[2]);
        return true;
    }
    return is(parts, 2, "vcek") && vcek(parts, ret);
}

coco_status
coco_request_for(const char *name, bool early, struct coco_request *ret, coco_error **err)
{
    struct coco_request request = {0};
    struct parts parts;

    bool known = coco_collateral_is_name(name) && take_apart(name, &parts);
    if (known && is(&parts, 0, "intel"))
        known = intel(&parts, early, &request);
    else
        known = known && is(&parts, 0, "amd") && amd(&parts, &request);
    if (!known)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no service of its maker has that");
    *ret = request;
    return COCO_OK;
}
