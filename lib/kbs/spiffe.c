/*
 * kbs/spiffe.c - names of workloads (SPIFFE-ID), made of what is known about them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/spiffe.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

#define LOWER_CHARS "abcdefghijklmnopqrstuvwxyz0123456789.-_"
#define PATH_CHARS LOWER_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SCHEME "spiffe://"
#define DOMAIN_MAX ((size_t)255)
#define TEMPLATE_MAX 1024
#define PART_MAX 255
#define TEE_KEY "tee-key"
#define EVIDENCE "evidence"

/* A piece of a template: text that stands for itself, or what is between { and }. */
struct piece {
    const char *text;
    size_t len;
    bool is_fact;
};

coco_status
coco_spiffe_check_domain(const char *text, coco_error **err)
{
    if (!coco_text_is_all(text, LOWER_CHARS, DOMAIN_MAX))
        return coco_fail(err, COCO_ERR_PROTO,
                         "trust domain is not 1 to %zu of a-z, 0-9, '.', '-' and '_'", DOMAIN_MAX);
    return COCO_OK;
}

/* The piece at *text, which then is behind it; false if it is none. */
static bool
next_piece(const char **text, struct piece *ret)
{
    const char *at = *text;

    if (*at != '{') {
        *ret = (struct piece){.text = at, .len = strcspn(at, "{}")};
        *text = at + ret->len;
        return **text != '}';
    }
    const char *end = strchr(at, '}');
    if (!end)
        return false;
    *ret = (struct piece){.text = at + 1, .len = (size_t)(end - at - 1), .is_fact = true};
    *text = end + 1;
    return ret->len > 0;
}

static bool
piece_is(const struct piece *piece, const char *name)
{
    return strlen(name) == piece->len && strncmp(piece->text, name, piece->len) == 0;
}

/* Parts that are neither empty nor lead elsewhere, with a "/" before each (section 2.2). */
static bool
is_path(const char *path)
{
    while (*path == '/') {
        size_t len = strspn(path + 1, PATH_CHARS);
        const char *part = path + 1;

        if (len == 0 || (len == 1 && part[0] == '.')
            || (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        path = part + len;
    }
    return *path == '\0';
}

/* ---- facts ---- */

static coco_status
append_fact(const char *text, const struct piece *piece, struct coco_buf *buf, coco_error **err)
{
    /* What it is instead is not said: whoever wrote the claim would write into our log. */
    if (!text || !coco_text_is_all(text, PATH_CHARS, PART_MAX))
        return coco_fail(err, COCO_ERR_DENIED,
                         "claim %.*s is missing, or is not 1 to %d of A-Z, a-z, 0-9, '.', '-', '_'",
                         (int)piece->len, piece->text, PART_MAX);
    return coco_buf_append_text(buf, text, err);
}

static coco_status
append_claim(const struct coco_spiffe_facts *facts, const struct piece *piece, struct coco_buf *buf,
             coco_error **err)
{
    char pointer[TEMPLATE_MAX + 1];

    memcpy(pointer, piece->text, piece->len); /* a part of a template that was checked */
    pointer[piece->len] = '\0';
    const cJSON *claim = coco_json_at(facts->claims, pointer);
    /* A number has its own text there. */
    bool has_text = cJSON_IsString(claim) || cJSON_IsNumber(claim);
    return append_fact(has_text ? claim->valuestring : NULL, piece, buf, err);
}

static coco_status
append_piece(const struct coco_spiffe_facts *facts, const struct piece *piece, struct coco_buf *buf,
             coco_error **err)
{
    if (!piece->is_fact)
        return coco_buf_append(buf, piece->text, piece->len, err);
    if (piece_is(piece, TEE_KEY))
        return append_fact(facts->tee_key, piece, buf, err);
    if (piece_is(piece, EVIDENCE))
        return append_fact(facts->evidence, piece, buf, err);
    return append_claim(facts, piece, buf, err);
}

/* ---- whole ids ---- */

coco_status
coco_spiffe_check_template(const char *text, coco_error **err)
{
    _cleanup_buf_ struct coco_buf path = {.limit = TEMPLATE_MAX};
    const char *rest = text;
    coco_status status = COCO_OK;

    if (strlen(text) > TEMPLATE_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "path of more than %d bytes", TEMPLATE_MAX);
    while (status == COCO_OK && *rest) {
        struct piece piece;

        if (!next_piece(&rest, &piece))
            return coco_fail(err, COCO_ERR_PROTO, "path has a '{' or a '}' that has no other");
        if (piece.is_fact && piece.text[0] != '/' && !piece_is(&piece, TEE_KEY)
            && !piece_is(&piece, EVIDENCE))
            return coco_fail(err, COCO_ERR_PROTO,
                             "path: {%.*s} is neither {/a/claim} nor {" TEE_KEY "} nor {" EVIDENCE
                             "}",
                             (int)piece.len, piece.text);
        status = piece.is_fact ? coco_buf_append_text(&path, "x", err)
                               : coco_buf_append(&path, piece.text, piece.len, err);
    }
    if (status == COCO_OK && (path.len == 0 || !is_path(coco_buf_text(&path))))
        status = coco_fail(err, COCO_ERR_PROTO,
                           "path is not parts of A-Z, a-z, 0-9, '.', '-', '_', with / before each");
    return status;
}

coco_status
coco_spiffe_id(const char *domain, const char *template, const struct coco_spiffe_facts *facts,
               struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf path = {.limit =
                                              COCO_SPIFFE_ID_MAX - strlen(SCHEME) - DOMAIN_MAX};
    const char *rest = template;
    coco_status status = coco_spiffe_check_template(template, err);

    while (status == COCO_OK && *rest) {
        struct piece piece = {0};

        (void)next_piece(&rest, &piece); /* was checked */
        status = append_piece(facts, &piece, &path, err);
    }
    /* Two pieces that are harmless may be "..", beside each other. */
    if (status == COCO_OK && !is_path(coco_buf_text(&path)))
        status = coco_fail(err, COCO_ERR_DENIED, "claims make a path that leads elsewhere");
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, SCHEME "%s%s", domain, coco_buf_text(&path));
    return status;
}
