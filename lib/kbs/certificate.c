/*
 * kbs/certificate.c - administrators that TLS knows by their certificates
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/certificate.h"

#include "base/fail.h"
#include "crypto/cert.h"
#include "crypto/ossl.h"

#include <openssl/x509v3.h>
#include <string.h>

COCO_DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);

/* A text of len bytes, in which a NUL would end what others compare. */
static bool
is_text(const char *wanted, const char *text, int len)
{
    return len >= 0 && strlen(wanted) == (size_t)len && strncmp(wanted, text, (size_t)len) == 0;
}

static bool
is_name(const GENERAL_NAME *name, const char *wanted)
{
    static const struct {
        const char *prefix;
        int type;
    } types[] = {{"DNS:", GEN_DNS}, {"URI:", GEN_URI}, {"email:", GEN_EMAIL}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t len = strlen(types[i].prefix);

        if (name->type == types[i].type && strncmp(wanted, types[i].prefix, len) == 0)
            return is_text(wanted + len, (const char *)ASN1_STRING_get0_data(name->d.ia5),
                           ASN1_STRING_length(name->d.ia5));
    }
    return false;
}

static bool
has_name(const GENERAL_NAMES *names, const char *wanted)
{
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
        if (is_name(sk_GENERAL_NAME_value(names, i), wanted))
            return true;
    return false;
}

coco_status
coco_kbs_certificate_role(const struct coco_kbs_config *config, X509 *cert, int64_t now,
                          const char **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    char *subject = NULL;

    coco_status status = coco_cert_check_dates(cert, now, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "admin");
    if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) < 0)
        return coco_fail_nomem(err);
    long len = BIO_get_mem_data(bio, &subject);
    for (size_t i = 0; i < config->admin.n_certificates; i++) {
        const struct coco_kbs_certificate_role *item = &config->admin.certificates[i];

        if (item->subject ? is_text(item->subject, subject, (int)len)
                          : has_name(names, item->san)) {
            *ret = item->role;
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_VERIFY, "admin: certificate of %.*s has no role",
                     (int)(len > 200 ? 200 : len), subject);
}
