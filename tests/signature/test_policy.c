/*
 * tests/signature/test_policy.c - lib/signature/policy.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/policy.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"
#define SIGNED "[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]"
#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* A policy of one requirement, which need not be one. */
#define ONE(requirement) "{\"default\":[" requirement "]}"
#define SIGSTORE(members) ONE("{\"type\":\"sigstoreSigned\"," members "}")
#define GPG(members) ONE("{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"," members "}")
#define IDENTITY(members) GPG("\"keyPath\":\"/k\",\"signedIdentity\":{" members "}")
#define FULCIO(members, more) SIGSTORE("\"fulcio\":{" members "}" more)
#define PKI(members, more) SIGSTORE("\"pki\":{" members "}" more)
#define OIDC "\"oidcIssuer\":\"https://i\",\"subjectEmail\":\"a@b\""
#define REKOR ",\"rekorPublicKeyPath\":\"/r\""

#define URI "\"oidcIssuer\":\"https://i\",\"subjectURI\":\"https://u\""
#define ROOT ",\"trustedRootPath\":\"/t\""
#define STAMPS ",\"timestampAuthorityPath\":\"/s\""
#define ATTESTED(members) ONE("{\"type\":\"inTotoAttested\"," members "}")
#define NOTATION(members) ONE("{\"type\":\"notationSigned\"," members "}")
#define WHOM "\"trustedIdentities\":[\"*\"]"

static coco_status
parse(const char *json, struct coco_policy **ret, coco_error **err)
{
    return coco_policy_parse(json, strlen(json), ret, err);
}

static void
parser_accepts(void **state)
{
    static const char *const cases[] = {
        "{\"default\":" ACCEPT "}",
        "{\"default\":" REJECT ",\"transports\":{}}",
        "{\"default\":" REJECT ",\"transports\":{\"docker\":{}}}",
        "{\"default\":" REJECT ",\"transports\":{\"docker\":{\"\":" ACCEPT "}}}",
        "{\"default\":" REJECT ",\"transports\":{\"docker\":{\"*.example.org\":" SIGNED "}}}",
        "{\"default\":" REJECT ",\"transports\":{\"oci\":{\"/a/b\":" ACCEPT ",\"/a/b:t\":" ACCEPT
        ",\"\":" REJECT ",\"/a/..b\":" REJECT ",\"/a/.b\":" REJECT "}}}",
        "{\"default\":" REJECT ",\"transports\":{\"docker-daemon\":{\"\":" ACCEPT "}}}",
        ONE("{\"type\":\"reject\"},{\"type\":\"insecureAcceptAnything\"}"),
        GPG("\"keyPath\":\"/k\""),
        GPG("\"keyPaths\":[\"/k\",\"/l\"]"),
        GPG("\"keyData\":\"Zm9v\""),
        GPG("\"keyData\":\"Zm9v\\nYmFy\\r\\n\""),
        IDENTITY("\"type\":\"matchExact\""),
        IDENTITY("\"type\":\"matchRepoDigestOrExact\""),
        IDENTITY("\"type\":\"matchRepository\""),
        IDENTITY("\"type\":\"exactReference\",\"dockerReference\":\"a.test/b:c\""),
        IDENTITY("\"type\":\"exactRepository\",\"dockerRepository\":\"a.test/b\""),
        IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"a.test\",\"signedPrefix\":\"b.test\""),
        SIGSTORE("\"keyPath\":\"/k\""),
        SIGSTORE("\"keyPaths\":[\"/k\"]"),
        SIGSTORE("\"keyData\":\"Zm9v\""),
        SIGSTORE("\"keyData\":\"-----BEGIN PUBLIC KEY-----\\nZm9v\\n\""),
        SIGSTORE("\"keyDatas\":[\"Zm9v\",\"YmFy\"]"),
        SIGSTORE("\"keyPath\":\"/k\"" REKOR),
        SIGSTORE("\"keyPath\":\"/k\",\"rekorPublicKeyDatas\":[\"Zm9v\"]"),
        SIGSTORE("\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"matchRepository\"}"),
        FULCIO("\"caPath\":\"/c\"," OIDC, REKOR),
        FULCIO("\"caData\":\"Zm9v\"," OIDC, ",\"rekorPublicKeyData\":\"Zm9v\""),
        FULCIO("\"caPath\":\"/c\"," URI, REKOR),
        FULCIO("\"caPath\":\"/c\"," OIDC, STAMPS),
        FULCIO("\"caPath\":\"/c\"," OIDC, REKOR STAMPS),
        FULCIO("\"caPath\":\"/c\",\"ctfePublicKeyDatas\":[\"Zm9v\"]," OIDC, REKOR),
        FULCIO(OIDC, ROOT),
        FULCIO(URI, ",\"trustedRootData\":\"Zm9v\""),
        SIGSTORE("\"keyPath\":\"/k\"" ROOT),
        ATTESTED("\"predicateType\":\"p\",\"keyPath\":\"/k\""),
        ATTESTED("\"predicateType\":\"p\",\"builderId\":\"b\",\"sourceURI\":\"s\",\"fulcio\":{" OIDC
                 "}" ROOT),
        NOTATION("\"caPath\":\"/c\"," WHOM),
        NOTATION("\"caDatas\":[\"Zm9v\"]," WHOM STAMPS),
        PKI("\"caRootsPath\":\"/c\",\"subjectEmail\":\"a@b\"", ""),
        PKI("\"caRootsData\":\"Zm9v\",\"caIntermediatesPath\":\"/i\",\"subjectHostname\":\"h\","
            "\"subjectEmail\":\"a@b\"",
            ""),
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
        coco_error *err = NULL;

        if (parse(cases[i], &policy, &err) != COCO_OK)
            fail_msg("%s: %s", cases[i], coco_error_message(err));
        assert_non_null(policy);
    }
}

static void
parser_refuses(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        /* The document */
        {"", "not JSON"},
        {"[]", "not an object"},
        {"null", "not an object"},
        {"{\"default\":" ACCEPT "} x", "text after the end"},
        {"{}", "'default' is missing"},
        {"{\"transports\":{}}", "'default' is missing"},
        {"{\"Default\":" ACCEPT "}", "unknown member 'Default', did you mean 'default'?"},
        {"{\"default\":" ACCEPT ",\"default\":" REJECT "}", "there twice"},
        {"{\"default\":" ACCEPT ",\"comment\":\"x\"}", "unknown member 'comment'"},
        {"{\"default\":" ACCEPT ",\"transport\":{}}", "did you mean 'transports'?"},
        {"{\"default\":[]}", "default: not a list of requirements, or an empty one"},
        {"{\"default\":null}", "not a list"},
        {"{\"default\":{\"type\":\"reject\"}}", "not a list"},
        {"{\"default\":\"reject\"}", "not a list"},
        {"{\"default\":" ACCEPT ",\"transports\":null}", "'transports' is missing"},
        {"{\"default\":" ACCEPT ",\"transports\":[]}", "not an object"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":null}}", "'docker' is not an object"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":" REJECT "}}", "'docker' is not"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"a.test\":[]}}}",
         "transport 'docker', scope 'a.test': not a list"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"a\":" ACCEPT ",\"a\":" REJECT "}}}",
         "there twice"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"\":[{\"type\":\"allow\"}]}}}",
         "no type 'allow'"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"x\":{\"y\":[7]}}}", "scope 'y'"},
        /* Scopes of oci */
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"a/b\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"/\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"/a/\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"/a/../b\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"/a/..\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"/./a\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci\":{\"//a\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"dir\":{\"a\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"dir\":{\"/\":" REJECT "}}}", "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"oci-archive\":{\"a\":" REJECT "}}}",
         "absolute"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker-archive\":{\"/a\":" REJECT "}}}",
         "no scope but \"\""},
        /* Requirements */
        {ONE(""), "empty"},
        {ONE("null"), "requirement 0: not an object"},
        {ONE("\"reject\""), "not an object"},
        {ONE("{}"), "'type' is missing"},
        {ONE("{\"type\":null}"), "'type' is missing"},
        {ONE("{\"type\":7}"), "'type' is not a string"},
        {ONE("{\"type\":\"\"}"), "no type ''"},
        {ONE("{\"type\":\"Reject\"}"), "no type 'Reject'"},
        {ONE("{\"type\":\"insecureacceptanything\"}"), "no type"},
        {ONE("{\"type\":\"reject\",\"x\":1}"), "unknown member 'x'"},
        {ONE("{\"type\":\"insecureAcceptAnything\",\"keyPath\":\"/k\"}"), "unknown member"},
        {ONE("{\"type\":\"insecureAcceptAnything\"},{\"type\":\"sigstore\"}"), "requirement 1"},
        /* signedBy */
        {ONE("{\"type\":\"signedBy\"}"), "'keyType' is missing"},
        {ONE("{\"type\":\"signedBy\",\"keyPath\":\"/k\"}"), "'keyType' is missing"},
        {ONE("{\"type\":\"signedBy\",\"keyType\":\"X509\",\"keyPath\":\"/k\"}"), "keyType 'X509'"},
        {ONE("{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"}"), "'keyPath' or one of its kind"},
        {GPG("\"keyPath\":\"\""), "'keyPath' is malformed"},
        {GPG("\"keyPath\":null"), "'keyPath' is malformed"},
        {GPG("\"keyPath\":{}"), "'keyPath' is malformed"},
        {GPG("\"keyPath\":[\"/k\"]"), "'keyPath' is malformed"},
        {GPG("\"keyPaths\":\"/k\""), "'keyPaths' is malformed"},
        {GPG("\"keyPaths\":[]"), "'keyPaths' is malformed"},
        {GPG("\"keyPaths\":[\"/k\",7]"), "'keyPaths' is malformed"},
        {GPG("\"keyPaths\":{\"a\":\"/k\"}"), "'keyPaths' is malformed"},
        {GPG("\"keyData\":\"not base64\""), "'keyData' is malformed"},
        {GPG("\"keyData\":\"Zm9\""), "'keyData' is malformed"},
        {GPG("\"keyData\":\"\\n\""), "'keyData' is malformed"},
        {GPG("\"keyData\":\"Zm9v YmFy\""), "'keyData' is malformed"},
        {GPG("\"keyDatas\":[\"Zm9v\"]"), "unknown member 'keyDatas'"},
        {GPG("\"keyPath\":\"/k\",\"keyData\":\"Zm9v\""), "exclude each other"},
        {GPG("\"keyPath\":\"/k\",\"keyPaths\":[\"/k\"]"), "exclude each other"},
        {GPG("\"keyPath\":\"/k\",\"rekorPublicKeyPath\":\"/k\""), "unknown member"},
        /* signedIdentity */
        {GPG("\"keyPath\":\"/k\",\"signedIdentity\":null"), "'signedIdentity' is malformed"},
        {GPG("\"keyPath\":\"/k\",\"signedIdentity\":\"matchExact\""), "is malformed"},
        {IDENTITY(""), "'type' is missing"},
        {IDENTITY("\"type\":\"matchAny\""), "no type 'matchAny'"},
        {IDENTITY("\"type\":\"matchExact\",\"x\":1"), "unknown member 'x'"},
        {IDENTITY("\"type\":\"matchExact\",\"dockerReference\":\"a\""), "unknown member"},
        {IDENTITY("\"type\":\"exactReference\""), "'dockerReference' or one"},
        {IDENTITY("\"type\":\"exactReference\",\"dockerReference\":\"\""), "is malformed"},
        {IDENTITY("\"type\":\"exactRepository\",\"dockerReference\":\"a\""), "unknown member"},
        {IDENTITY("\"type\":\"exactRepository\""), "'dockerRepository' or one"},
        {IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"a\""), "'prefix' or one"},
        {IDENTITY("\"type\":\"remapIdentity\",\"signedPrefix\":\"a\""), "'prefix' or one"},
        /* sigstoreSigned */
        {ONE("{\"type\":\"sigstoreSigned\"}"), "'keyPath' or one of its kind"},
        {SIGSTORE("\"keyPath\":\"/k\",\"keyData\":\"Zm9v\""), "exclude each other"},
        {SIGSTORE("\"keyDatas\":[]"), "is malformed"},
        {SIGSTORE("\"keyDatas\":[\"?\"]"), "is malformed"},
        {SIGSTORE("\"keyPath\":\"/k\",\"keyType\":\"GPGKeys\""), "unknown member 'keyType'"},
        {SIGSTORE("\"keyPath\":\"/k\"" REKOR ",\"rekorPublicKeyData\":\"Zm9v\""), "exclude"},
        {SIGSTORE("\"keyPath\":\"/k\",\"fulcio\":{\"caPath\":\"/c\"," OIDC "}" REKOR), "exclude"},
        {SIGSTORE("\"keyPath\":\"/k\",\"rekorPublicKeyPath\":\"\""), "is malformed"},
        {SIGSTORE("\"fulcio\":\"x\"" REKOR), "'fulcio' is malformed"},
        {FULCIO("\"caPath\":\"/c\"," OIDC, ""), "'rekorPublicKeyPath' or one"},
        {FULCIO(OIDC, REKOR), "'caPath' or one"},
        {FULCIO("\"caPath\":\"/c\",\"caData\":\"Zm9v\"," OIDC, REKOR), "exclude each other"},
        {FULCIO("\"caPath\":\"/c\",\"oidcIssuer\":\"i\"", REKOR), "'subjectEmail' or one"},
        {FULCIO("\"caPath\":\"/c\",\"subjectEmail\":\"i\"", REKOR), "'oidcIssuer' or one"},
        {FULCIO("\"caPath\":\"/c\"," OIDC ",\"x\":1", REKOR), "fulcio: unknown member 'x'"},
        {FULCIO("\"caPath\":7," OIDC, REKOR), "'caPath' is malformed"},
        {FULCIO("\"caPath\":\"/c\"," OIDC ",\"subjectURI\":\"u\"", REKOR), "exclude each other"},
        {FULCIO("\"caPath\":\"/c\"," OIDC, ROOT), "exclude each other"},
        {FULCIO("\"ctfePublicKeyPath\":\"/c\"," OIDC, ROOT), "exclude each other"},
        {FULCIO(OIDC, ROOT REKOR), "exclude each other"},
        {FULCIO(OIDC, ROOT STAMPS), "exclude each other"},
        {FULCIO(OIDC, ROOT ",\"trustedRootData\":\"Zm9v\""), "exclude each other"},
        {SIGSTORE("\"keyPath\":\"/k\",\"trustedRoot\":\"/t\""), "unknown member 'trustedRoot'"},
        {PKI("\"caRootsPath\":\"/c\",\"subjectEmail\":\"a\"", ROOT), "exclude each other"},
        {ATTESTED("\"keyPath\":\"/k\""), "'predicateType' or one"},
        {ATTESTED("\"predicateType\":\"p\""), "'keyPath' or one"},
        {ATTESTED("\"predicateType\":\"p\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":"
                  "\"matchExact\"}"),
         "unknown member 'signedIdentity'"},
        {ATTESTED("\"predicateType\":\"\",\"keyPath\":\"/k\""), "'predicateType' is malformed"},
        {NOTATION("\"caPath\":\"/c\""), "'trustedIdentities' or one"},
        {NOTATION(WHOM), "'caPath' or one"},
        {NOTATION("\"caPath\":\"/c\",\"caData\":\"Zm9v\"," WHOM), "exclude each other"},
        {NOTATION("\"signingAuthorityPath\":\"/c\",\"signingAuthorityDatas\":[\"Zm9v\"]," WHOM),
         "exclude each other"},
        {NOTATION("\"caPath\":\"/c\",\"signatureVerification\":[]," WHOM), "malformed"},
        {NOTATION("\"caPath\":\"/c\",\"signatureVerification\":{}," WHOM), "level"},
        {NOTATION("\"caPath\":\"/c\",\"signatureVerification\":{\"level\":\"none\"}," WHOM),
         "no level 'none'"},
        {NOTATION("\"caPath\":\"/c\",\"trustedIdentities\":[]"), "malformed"},
        {NOTATION("\"caPath\":\"/c\",\"trustedIdentities\":\"*\""), "malformed"},
        {NOTATION("\"caPath\":\"/c\",\"trustedIdentities\":[1]"), "malformed"},
        {NOTATION("\"caPath\":\"/c\",\"keyPath\":\"/k\"," WHOM), "unknown member 'keyPath'"},
        {PKI("\"caRootsPath\":\"/c\",\"subjectEmail\":\"a\"", REKOR), "exclude each other"},
        {PKI("\"subjectEmail\":\"a\"", ""), "'caRootsPath' or one"},
        {PKI("\"caRootsPath\":\"/c\"", ""), "'subjectEmail' or one"},
        {PKI("\"caRootsPath\":\"/c\",\"caRootsData\":\"Zm9v\",\"subjectEmail\":\"a\"", ""),
         "exclude"},
        {PKI("\"caRootsPath\":\"/c\",\"caIntermediatesPath\":\"/c\",\"caIntermediatesData\":"
             "\"Zm9v\",\"subjectEmail\":\"a\"",
             ""),
         "exclude"},
        {PKI("\"caRootsPath\":\"/c\",\"subjectEmail\":\"a\",\"y\":1", ""), "unknown member 'y'"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_policy *policy = NULL;
        coco_error *err = NULL;

        if (parse(cases[i].json, &policy, &err) == COCO_OK)
            fail_msg("accepted: %s", cases[i].json);
        assert_null(policy);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, cases[i].why);
    }
}

/* A guest asks nobody whether a certificate was revoked, so that nobody may rely on it. */
static void
what_is_never_checked_cannot_be_demanded(void **state)
{
    static const char *const refused[] = {
        "{\"level\":\"strict\"}",
        "{\"level\":\"strict\",\"override\":{\"expiry\":\"log\"}}",
        "{\"level\":\"audit\",\"override\":{\"revocation\":\"enforce\"}}",
        "{\"level\":\"skip\"}",
    };
    static const char *const fine[] = {
        "{\"level\":\"strict\",\"override\":{\"revocation\":\"skip\"}}",
        "{\"level\":\"permissive\"}",
        "{\"level\":\"audit\",\"verifyTimestamp\":\"afterCertExpiry\"}",
    };
    char json[512];

    (void)state;
    for (size_t i = 0; i < N(refused) + N(fine); i++) {
        bool is_fine = i >= N(refused);
        _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
        coco_error *err = NULL;

        (void)snprintf(json, sizeof(json),
                       NOTATION("\"signingAuthorityPath\":\"/c\",\"caPath\":\"/c\"," WHOM
                                ",\"signatureVerification\":%s"),
                       is_fine ? fine[i - N(refused)] : refused[i]);
        if (is_fine)
            assert_ok(parse(json, &policy, &err), err);
        else
            assert_fails(parse(json, &policy, &err), err, COCO_ERR_NOTSUP, "notationSigned: ");
    }
}

/*
 * Every scope but the one a case expects accepts nothing; which one was chosen
 * shows in the refusal.
 */
static const char scopes[] = "{\"default\":" REJECT ",\"transports\":{"
                             "\"docker\":{"
                             "\"host.example.org:5000/ns/app:v1\":" REJECT ","
                             "\"host.example.org:5000/ns/app@" DIGEST "\":" REJECT ","
                             "\"host.example.org:5000/ns/app\":" REJECT ","
                             "\"host.example.org:5000/ns\":" REJECT ","
                             "\"host.example.org:5000\":" REJECT ","
                             "\"host.example.org\":" REJECT ","
                             "\"*.example.org\":" REJECT ","
                             "\"*.org\":" REJECT ","
                             "\"docker.io/library/busybox:latest\":" REJECT ","
                             "\"*.io\":" REJECT ","
                             "\"localhost\":" REJECT ","
                             "\"\":" REJECT "},"
                             "\"oci\":{"
                             "\"/srv/images/app:v1\":" REJECT ","
                             "\"/srv/images/app\":" REJECT ","
                             "\"/srv\":" REJECT "},"
                             "\"dir\":{"
                             "\"/srv/dir/app\":" REJECT ","
                             "\"/srv/dir\":" REJECT "},"
                             "\"oci-archive\":{"
                             "\"/srv/archives\":" REJECT "},"
                             "\"docker-archive\":{"
                             "\"\":" REJECT "}}}";

static const struct {
    const char *transport, *name, *tag, *digest, *scope;
} lookups[] = {
    {"docker", "host.example.org:5000/ns/app", "v1", NULL, "host.example.org:5000/ns/app:v1"},
    {"docker", "host.example.org:5000/ns/app", NULL, DIGEST,
     "host.example.org:5000/ns/app@" DIGEST},
    {"docker", "host.example.org:5000/ns/app", "v2", NULL, "host.example.org:5000/ns/app"},
    {"docker", "host.example.org:5000/ns/app", "v10", NULL, "host.example.org:5000/ns/app"},
    {"docker", "host.example.org:5000/ns/application", "v1", NULL, "host.example.org:5000/ns"},
    {"docker", "host.example.org:5000/ns/app/sub", "v1", NULL, "host.example.org:5000/ns/app"},
    {"docker", "host.example.org:5000/ns2/app", "v1", NULL, "host.example.org:5000"},
    {"docker", "host.example.org/ns/app", "v1", NULL, "host.example.org"},
    {"docker", "host.example.org:5001/ns/app", "v1", NULL, "*.example.org"},
    {"docker", "other.example.org/ns/app", "v1", NULL, "*.example.org"},
    {"docker", "a.b.example.org:443/x", "v1", NULL, "*.example.org"},
    {"docker", "example.org/ns/app", "v1", NULL, "*.org"},
    {"docker", "xexample.org/ns/app", "v1", NULL, "*.org"},
    {"docker", "host.example.org.evil.test/ns/app", "v1", NULL, ""},
    {"docker", "docker.io/library/busybox", NULL, NULL, "docker.io/library/busybox:latest"},
    {"docker", "docker.io/library/busybox", "1", NULL, "*.io"},
    {"docker", "localhost:5000/x", "1", NULL, ""},
    {"docker", "localhost/x", "1", NULL, "localhost"},
    {"docker", "host/*.example.org", "1", NULL, ""},
    {"docker", ".example.org/x", "1", NULL, "*.org"},
    {"oci", "/srv/images/app", "v1", NULL, "/srv/images/app"},
    {"oci", "/srv/images/app:v1", NULL, NULL, "/srv/images/app:v1"},
    {"oci", "/srv/images/app", NULL, NULL, "/srv/images/app"},
    {"oci", "/srv/images/app", "v2", NULL, "/srv/images/app"},
    {"oci", "/srv/images/app", NULL, DIGEST, "/srv/images/app"},
    {"oci", "/srv/images/app/sub", "v1", NULL, "/srv/images/app"},
    {"oci", "/srv/images/application", "v1", NULL, "/srv"},
    {"oci", "/srv2/images/app", "v1", NULL, NULL},
    {"dir", "/srv/dir/app", NULL, NULL, "/srv/dir/app"},
    {"dir", "/srv/dir/app", NULL, DIGEST, "/srv/dir/app"},
    {"dir", "/srv/dir/app/sub", NULL, NULL, "/srv/dir/app"},
    {"dir", "/srv/dir/app2", NULL, NULL, "/srv/dir"},
    {"dir", "/srv/images/app", NULL, NULL, NULL},
    {"docker-archive", "/srv/archives/app.tar", "docker.io/library/app:v1", NULL, ""},
    {"oci-archive", "/srv/images/app", "v1", NULL, NULL},
    {"oci-archive", "/srv/archives/app.tar", "v1", NULL, "/srv/archives"},
};

static void
most_specific_scope_counts(void **state)
{
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(scopes, &policy, &err), err);
    for (size_t i = 0; i < N(lookups); i++) {
        const struct coco_policy_image image = {
            lookups[i].transport,
            lookups[i].name,
            lookups[i].tag,
            lookups[i].digest,
        };
        char want[512];

        if (lookups[i].scope)
            (void)snprintf(want, sizeof(want), "policy: transport '%s', scope '%s': reject",
                           lookups[i].transport, lookups[i].scope);
        else
            (void)snprintf(want, sizeof(want), "policy: default: reject");
        assert_fails(coco_policy_check(policy, &image, &err), err, COCO_ERR_DENIED, want);
    }
}

static void
requirements_must_all_hold(void **state)
{
    static const struct {
        const char *json, *why; /* why NULL: accepted */
    } cases[] = {
        {"{\"default\":" ACCEPT "}", NULL},
        {ONE("{\"type\":\"insecureAcceptAnything\"},{\"type\":\"insecureAcceptAnything\"}"), NULL},
        {"{\"default\":" REJECT "}", "default: reject"},
        {ONE("{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}"), "default: reject"},
        {ONE("{\"type\":\"reject\"},{\"type\":\"insecureAcceptAnything\"}"), "default: reject"},
        /* Signatures are judged when it is known what of. */
        {"{\"default\":" SIGNED "}", NULL},
        {SIGSTORE("\"keyPath\":\"/k\""), NULL},
        {ONE("{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\"},{\"type\":\"reject\"}"),
         "default: reject"},
        /* A scope that accepts is not undone by the default, nor the other way round. */
        {"{\"default\":" REJECT ",\"transports\":{\"docker\":{\"a.test\":" ACCEPT "}}}", NULL},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"a.test\":" REJECT "}}}",
         "'a.test'"},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"\":" REJECT "}}}", "scope ''"},
        {"{\"default\":" REJECT ",\"transports\":{\"atomic\":{\"a.test\":" ACCEPT "}}}", "default"},
    };
    static const struct coco_policy_image image = {"docker", "a.test/app", "v1", NULL};

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
        coco_error *err = NULL;

        assert_ok(parse(cases[i].json, &policy, &err), err);
        if (cases[i].why)
            assert_fails(coco_policy_check(policy, &image, &err), err, COCO_ERR_DENIED,
                         cases[i].why);
        else
            assert_ok(coco_policy_check(policy, &image, &err), err);
    }
}

static void
image_with_tag_and_digest_must_pass_under_both(void **state)
{
    static const char json[] = "{\"default\":" REJECT ",\"transports\":{\"docker\":{"
                               "\"a.test\":" ACCEPT ",\"a.test/app:bad\":" REJECT ","
                               "\"b.test/app:good\":" ACCEPT "}}}";
    static const struct {
        struct coco_policy_image image;
        bool fine;
    } cases[] = {
        {{"docker", "a.test/app", "v1", DIGEST}, true},
        {{"docker", "a.test/app", "bad", DIGEST}, false},
        {{"docker", "b.test/app", "good", NULL}, true},
        {{"docker", "b.test/app", "good", DIGEST}, false},
    };
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(json, &policy, &err), err);
    for (size_t i = 0; i < N(cases); i++) {
        if (cases[i].fine)
            assert_ok(coco_policy_check(policy, &cases[i].image, &err), err);
        else
            assert_fails(coco_policy_check(policy, &cases[i].image, &err), err, COCO_ERR_DENIED,
                         "reject");
    }
}

static void
without_a_policy_only_a_digest_is_accepted(void **state)
{
    static const struct coco_policy_image tagged = {"docker", "a.test/app", "v1", NULL};
    static const struct coco_policy_image pinned = {"docker", "a.test/app", NULL, DIGEST};
    static const struct coco_policy_image both = {"docker", "a.test/app", "v1", DIGEST};
    static const struct coco_policy_image path = {"oci", "/srv/app", "v1", NULL};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_policy_check(NULL, &pinned, &err), err);
    assert_ok(coco_policy_check(NULL, &both, &err), err);
    assert_fails(coco_policy_check(NULL, &tagged, &err), err, COCO_ERR_DENIED, "by its digest");
    assert_fails(coco_policy_check(NULL, &path, &err), err, COCO_ERR_DENIED, "by its digest");
}

static void
paths_of_many_forms_are_refused(void **state)
{
    static const char *const cases[] = {
        "",           "/",         "app",       "./app",     "../app",  "/srv/../app",
        "/srv/./app", "/srv//app", "/srv/app/", "//srv/app", "/srv/..", "/.",
    };
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("{\"default\":" ACCEPT "}", &policy, &err), err);
    for (size_t i = 0; i < N(cases); i++) {
        const struct coco_policy_image image = {"oci", cases[i], "v1", NULL};

        assert_fails(coco_policy_check(policy, &image, &err), err, COCO_ERR_INVALID, "clean path");
    }
}

static void
names_are_bounded(void **state)
{
    char name[10000];
    const struct coco_policy_image image = {"docker", name, "v1", NULL};
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(name, '/', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_ok(parse("{\"default\":" ACCEPT "}", &policy, &err), err);
    assert_fails(coco_policy_check(policy, &image, &err), err, COCO_ERR_LIMIT, "more than");
}

static void
policy_survives_any_failed_allocation(void **state)
{
    static const char json[] = "{\"default\":" REJECT ",\"transports\":{\"docker\":{\"*.test\":[{"
                               "\"type\":\"insecureAcceptAnything\"}]}}}";
    static const struct coco_policy_image image = {"docker", "a.test/app", "v1", DIGEST};

    (void)state;
    for_each_fault()
    {
        struct coco_policy *policy = NULL;
        coco_error *err = NULL;
        coco_status status = parse(json, &policy, &err);

        if (status == COCO_OK)
            status = coco_policy_check(policy, &image, &err);
        fault_expect(status, err);
        coco_policy_free(policy);
    }
    coco_policy_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parser_accepts),
        cmocka_unit_test(parser_refuses),
        cmocka_unit_test(what_is_never_checked_cannot_be_demanded),
        cmocka_unit_test(most_specific_scope_counts),
        cmocka_unit_test(requirements_must_all_hold),
        cmocka_unit_test(image_with_tag_and_digest_must_pass_under_both),
        cmocka_unit_test(without_a_policy_only_a_digest_is_accepted),
        cmocka_unit_test(paths_of_many_forms_are_refused),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(policy_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/policy", tests, NULL, NULL);
}
