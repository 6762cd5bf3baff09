/*
 * kbs/config_http.c - where and how a KBS serves
 *
 * [http_server]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "httpd/limits.h"
#include "kbs/config_field.h"

#include <string.h>

coco_status
coco_kbs_read_http(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"sockets", COCO_FIELD_TEXTS, &config->http.sockets, 0, 0, NULL},
        {"insecure_http", COCO_FIELD_BOOL, &config->http.insecure_http, 0, 0, NULL},
        {"private_key", COCO_FIELD_PEM, &config->http.private_key, 0, 0, NULL},
        {"certificate", COCO_FIELD_PEM, &config->http.certificate, 0, 0, NULL},
        {"payload_request_size", COCO_FIELD_NUMBER, &config->http.payload_request_size, 1, 64,
         NULL},
        {"payload_total_size", COCO_FIELD_NUMBER, &config->http.payload_total_size, 1, 65536, NULL},
        {"max_connections", COCO_FIELD_NUMBER, &config->http.max_connections, 1, 65536, NULL},
        {"head_timeout", COCO_FIELD_NUMBER, &config->http.head_timeout, 1, COCO_HTTPD_SECONDS_MAX,
         NULL},
        {"body_timeout", COCO_FIELD_NUMBER, &config->http.body_timeout, 1, COCO_HTTPD_SECONDS_MAX,
         NULL},
        {"write_timeout", COCO_FIELD_NUMBER, &config->http.write_timeout, 1, COCO_HTTPD_SECONDS_MAX,
         NULL},
        {"idle_timeout", COCO_FIELD_NUMBER, &config->http.idle_timeout, 1, COCO_HTTPD_SECONDS_MAX,
         NULL},
        {"tls_profile", COCO_FIELD_TEXT, &config->http.tls_profile, 0, 0, NULL},
        {"worker_count", COCO_FIELD_REFUSED, NULL, 0, 0, "one loop serves all connections"},
        {"tls_min_version", COCO_FIELD_REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_max_version", COCO_FIELD_REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_ciphers", COCO_FIELD_REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_groups", COCO_FIELD_REFUSED, NULL, 0, 0, "use tls_profile"},
    };

    coco_status status = COCO_KBS_READ(coco_kbs_section(root, "http_server"), fields, err);
    if (status != COCO_OK)
        return coco_kbs_in_section("http_server", status, err);
    if (!config->http.private_key != !config->http.certificate)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: private_key and certificate go together");
    if (strcmp(config->http.tls_profile, "intermediate") != 0
        && strcmp(config->http.tls_profile, "modern") != 0)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: tls_profile is \"intermediate\" or \"modern\"");
    if (config->http.payload_total_size < config->http.payload_request_size)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: payload_total_size is less than payload_request_size");
    if (config->http.sockets.n == 0)
        return coco_fail(err, COCO_ERR_PROTO, "[http_server]: sockets is empty");
    return COCO_OK;
}

void
coco_kbs_http_done(struct coco_kbs_config *config)
{
    coco_kbs_texts_done(&config->http.sockets);
    if (config->http.private_key)
        OPENSSL_cleanse(config->http.private_key, strlen(config->http.private_key));
    free(config->http.private_key);
    free(config->http.certificate);
    free(config->http.tls_profile);
}
