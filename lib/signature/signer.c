/*
 * signature/signer.c - who has signed: keys, certificates, and when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/signer.h"

#include "base/base64.h"
#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

void
coco_signer_done(struct coco_signer *signer)
{
    X509_free(signer->cert);
    coco_cert_chain_done(&signer->chain);
    for (size_t i = 0; i < signer->n_entries; i++)
        coco_log_entry_done(&signer->entries[i]);
    for (size_t i = 0; i < signer->n_stamps; i++)
        coco_buf_done(&signer->stamps[i]);
    EVP_PKEY_free(signer->key);
    *signer = (struct coco_signer){0};
}

coco_status
coco_signer_add_stamp(struct coco_signer *signer, const char *base64, coco_error **err)
{
    struct coco_buf *stamp = &signer->stamps[signer->n_stamps];

    if (signer->n_stamps == COCO_SIGNER_ENTRIES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d time stamps", COCO_SIGNER_ENTRIES_MAX);
    stamp->limit = COCO_TIMESTAMP_SIZE_MAX;
    signer->n_stamps++;
    return coco_base64_decode(COCO_BASE64, base64, strlen(base64), stamp, err);
}

coco_status
coco_signer_take_key(struct coco_signer *signer, const struct coco_signer_keys *keys, size_t which,
                     struct coco_buf *detail, coco_error **err)
{
    if (EVP_PKEY_up_ref(keys->list[which]) != 1)
        return coco_fail_nomem(err);
    signer->key = keys->list[which];
    return keys->n > 1 ? coco_buf_printf(detail, err, "by key %zu of %zu", which + 1, keys->n)
                       : COCO_OK;
}

coco_status
coco_signer_check_signature(struct coco_signer *signer, const struct coco_trust *trust,
                            const struct coco_buf *data, const struct coco_buf *sig,
                            struct coco_buf *detail, coco_error **err)
{
    const struct coco_signer_keys *keys = &trust->keys;
    size_t which = 0;

    if (trust->by_certificate) {
        if (!signer->cert)
            return coco_fail(err, COCO_ERR_VERIFY, "there is no certificate with it");
        coco_status status = coco_cert_key(signer->cert, &signer->key, err);
        return status == COCO_OK ? coco_signer_key_verify(
                   signer->key, coco_buf_text(data), data->len, coco_buf_text(sig), sig->len, err)
                                 : status;
    }
    coco_status status = coco_signer_keys_verify(keys, coco_buf_text(data), data->len,
                                                 coco_buf_text(sig), sig->len, &which, err);
    return status == COCO_OK ? coco_signer_take_key(signer, keys, which, detail, err) : status;
}

/* ---- when ---- */

coco_status
coco_signer_check_log(struct coco_signer *signer, const struct coco_trust *trust,
                      struct coco_log_subject *subject, struct coco_buf *detail, coco_error **err)
{
    subject->key = signer->key;
    if (signer->n_entries == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no entry of a log with it");
    for (size_t i = 0; i < signer->n_entries; i++) {
        const struct coco_log_entry *entry = &signer->entries[i];
        bool signed_time = false;

        coco_status status =
            coco_log_entry_check(entry, trust->logs, trust->n_logs, &signed_time, err);
        if (status == COCO_OK)
            status = coco_log_entry_is_of(entry, subject, err);
        if (status == COCO_OK)
            status = coco_buf_printf(detail, err, "%sentry %" PRIu64 "%s", i > 0 ? ", " : "",
                                     entry->index, entry->has_proof ? ", in the tree" : "");
        if (status != COCO_OK)
            return status;
        if (signed_time)
            signer->times[signer->n_times++] = (int64_t)entry->time;
    }
    return COCO_OK;
}

coco_status
coco_signer_check_stamps(struct coco_signer *signer, const struct coco_trust *trust,
                         const void *sig, size_t sig_len, struct coco_buf *detail, coco_error **err)
{
    if (signer->n_stamps == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no time stamp with it");
    for (size_t i = 0; i < signer->n_stamps; i++) {
        struct coco_timestamp said = {0};

        coco_status status =
            coco_trust_stamped(trust, &signer->stamps[i], sig, sig_len, &said, err);
        if (status == COCO_OK)
            status = coco_buf_printf(detail, err, "%sat %" PRId64, i > 0 ? ", " : "", said.time);
        if (status != COCO_OK)
            return status;
        signer->times[signer->n_times++] = said.time;
    }
    return COCO_OK;
}
