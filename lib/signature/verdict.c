/*
 * signature/verdict.c - what was checked and what it came to, for people and programs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/verdict.h"

#include "base/fail.h"

#define DETAIL_MAX ((size_t)1 << 10)

coco_status
coco_refusal(coco_status status, coco_error *kept, struct coco_buf *reason, coco_error **err)
{
    bool ends = status == COCO_ERR_NOMEM || status == COCO_ERR_CANCELED || status == COCO_ERR_NET
                || coco_error_status(kept) == COCO_ERR_NOMEM;

    if (ends) {
        coco_status given = coco_error_status(kept);
        coco_error_give(err, kept);
        return given == COCO_ERR_NOMEM ? given : status;
    }
    coco_status added = coco_buf_printf(reason, NULL, "%.500s", coco_error_message(kept));
    coco_error_free(kept);
    /* What no longer fits is left out. */
    return added == COCO_ERR_NOMEM ? coco_fail_nomem(err) : COCO_OK;
}

coco_status
coco_verdict_close(cJSON *verdict, bool accepted, const struct coco_buf *reason, coco_error **err)
{
    coco_status status = coco_json_add_bool(verdict, "accepted", accepted, err);

    if (status == COCO_OK && !accepted)
        status = coco_json_add_string(verdict, "reason", coco_buf_text(reason), err);
    return status;
}

/* One check, and what it came to. */
static coco_status
run_check(const struct coco_check *check, void *self, cJSON *list, bool *ok,
          struct coco_buf *reason, coco_error **err)
{
    _cleanup_buf_ struct coco_buf detail = {.limit = DETAIL_MAX};
    coco_error *cause = NULL;
    cJSON *entry = NULL;

    coco_status got = check->run(self, &detail, &cause);
    *ok = got == COCO_OK;
    if (!*ok) {
        coco_buf_reset(&detail);
        coco_status status = coco_refusal(got, cause, &detail, err);
        if (status != COCO_OK)
            return status;
    }
    coco_status status = coco_json_add_object(list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "check", check->name, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(entry, "ok", *ok, err);
    if (status == COCO_OK && detail.len > 0)
        status = coco_json_add_string(entry, "detail", coco_buf_text(&detail), err);
    if (status == COCO_OK && !*ok
        && coco_buf_printf(reason, NULL, "%s: %.500s", check->name, coco_buf_text(&detail))
               == COCO_ERR_NOMEM)
        status = coco_fail_nomem(err);
    return status;
}

coco_status
coco_checks_run(const struct coco_check *checks, void *self, cJSON *verdict, bool *accepted,
                struct coco_buf *reason, coco_error **err)
{
    cJSON *list = NULL;
    bool ok = true;

    coco_status status = coco_json_add_array(verdict, "checks", &list, err);
    for (; status == COCO_OK && ok && checks->name; checks++)
        status = run_check(checks, self, list, &ok, reason, err);
    if (status != COCO_OK)
        return status;
    *accepted = ok;
    return coco_verdict_close(verdict, ok, reason, err);
}
