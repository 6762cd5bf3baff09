/*
 * kbs/config.h - the configuration of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CONFIG_H
#define COCO_KBS_CONFIG_H

#include "base/json.h"
#include "crypto/key.h"
#include "kbs/store.h"
#include "rcar/version.h"

#include <regex.h>

/* Of any list in a configuration. */
#define COCO_KBS_LIST_MAX 64

/* A list of texts. */
struct coco_kbs_texts {
    char **items;
    size_t n;
};

/* Who may sign admin tokens: [[admin.authentication.bearer_jwt.identity_providers]]. */
struct coco_kbs_provider {
    EVP_PKEY *key;     /* or NULL, as each of those that follow */
    char *jwk_set_uri; /* a path, file:// or https:// */
    char *ca;          /* PEM; NULL: the system's */
    char *issuer;   /* that the token must have; without key and set it says where its keys are */
    char *audience; /* that the token must have */
};

/* Whose certificate has which role: [[admin.authentication.client_certificate.roles]]. */
struct coco_kbs_certificate_role {
    char *role;
    char *subject; /* as RFC 2253 writes it, or NULL */
    char *san;     /* "DNS:name", "URI:uri" or "email:address", or NULL */
};

/* What a role may do: [[admin.authorization.regex_acl.acls]]. */
struct coco_kbs_acl {
    char *role;
    regex_t endpoints; /* on the path, without the query */
    bool compiled;
};

/* Where Intel's collateral comes from: [attestation_service.verifier_config.dcap_verifier]. */
struct coco_kbs_dcap {
    bool given;
    char *collateral_service; /* NULL: Intel's own */
    bool early;
};

/* One of [[attestation_service.verifier_config.snp_verifier.vcek_sources]]. */
struct coco_kbs_vcek_source {
    bool is_store;
    char *where; /* directory of a store, or address; NULL: the usual one */
};

/* How guests of Secure Execution are asked: [attestation_service.verifier_config.se_verifier]. */
struct coco_kbs_se_config {
    char *private_key;               /* PEM; NULL: they are not */
    struct coco_kbs_texts host_keys; /* documents, PEM */
    char *image_header;              /* path */
};

/* One of [[tenants]]. */
struct coco_kbs_tenant_config {
    char *name;
    char *config_file;
    struct coco_kbs_quota quota;
};

/* doc/coco-kbs.md explains every key. */
struct coco_kbs_config {
    struct {
        struct coco_kbs_texts sockets;
        bool insecure_http;
        char *private_key; /* PEM, both or none */
        char *certificate;
        char *tls_profile;
        uint64_t payload_request_size; /* MiB */
        uint64_t payload_total_size;   /* MiB */
        uint64_t max_connections;
        uint64_t head_timeout; /* s, as the three that follow */
        uint64_t body_timeout;
        uint64_t write_timeout;
        uint64_t idle_timeout;
    } http;
    struct {
        uint64_t timeout; /* minutes from /auth on */
        enum coco_rcar_version oldest_protocol;
        bool allow_sample;
        struct coco_kbs_texts software_roots; /* PEM, as the three that follow */
        struct coco_kbs_texts tpm_keys;
        struct coco_kbs_texts cca_keys;
        struct coco_kbs_texts reference_keys; /* by which reference values must be signed */
        struct coco_kbs_texts trusted_roots;  /* "maker=sha256:hex" */
        struct coco_kbs_texts allow;          /* names of checks */
        struct coco_kbs_texts collateral;     /* sources, as coco_collateral_open() has them */
        char *collateral_key;                 /* PEM, or NULL, as the two that follow */
        char *collateral_ca;
        char *collateral_cache; /* directory */
        struct coco_kbs_dcap dcap;
        struct coco_kbs_vcek_source *vcek_sources;
        size_t n_vcek_sources;
        struct coco_kbs_se_config se;
        uint64_t duration_min;
        char *issuer_name;
        char *developer_name;
        char *build_name;
        char *profile_name;
        bool verbose_token;
        struct coco_kbs_texts audiences; /* that tokens may be asked for */
    } attestation;
    struct {
        struct coco_kbs_provider *providers;
        size_t n_providers;
        char *client_ca; /* PEM; NULL: certificates are not asked for */
        struct coco_kbs_certificate_role *certificates;
        size_t n_certificates;
        struct coco_kbs_acl *acls;
        size_t n_acls;
    } admin; /* no provider, no certificate: nobody is let in */
    struct {
        char *path; /* of SQLite; NULL and without PostgreSQL: in memory */
        uint64_t versions;
        char *key_file; /* that values are sealed with, or NULL */
        char *pkcs11;   /* names the token with the key that wraps it, or NULL */
        char *pkcs11_key;
        char *tpm;          /* the TPM that wraps it instead, or NULL */
        char *tpm_pcrs;     /* to whose content it is bound, or NULL */
        bool unsealed;      /* in PostgreSQL without one */
        bool shared_nonces; /* where it is in PostgreSQL */
        bool on_postgres;
        struct {
            char *host;
            uint64_t port;
            char *db;
            char *username;
            char *password;
            char *ca_file;
        } postgres;
    } storage;
    struct {
        struct coco_kbs_tenant_config *items;
        size_t n;
    } tenants;
    struct {
        bool enabled;
        uint64_t per_second; /* of one source */
        uint64_t burst;
    } rate;
    struct {
        uint64_t seconds; /* that a resource may be used for; 0: for ever */
        uint64_t max_seconds;
    } lease;
    cJSON *plugins; /* an object: what [[plugins]] says of each but the KBS's own, by name */
    uint64_t explain_entries;
    char *audit_path; /* NULL: nothing is recorded */
    bool audit_sync;
    bool metrics;
    bool admin_page;
};

/* COCO_ERR_PROTO, with the key, for anything that is not understood. */
coco_status coco_kbs_config_parse(const char *text, size_t len, struct coco_kbs_config *ret,
                                  coco_error **err);

/* The same for the configuration of a tenant, which has less in it. */
coco_status coco_kbs_config_parse_tenant(const char *text, size_t len, struct coco_kbs_config *ret,
                                         coco_error **err);
void coco_kbs_config_done(struct coco_kbs_config *config);
#define _cleanup_config_ _cleanup_(coco_kbs_config_done)

#endif
