/*
 * tests/kbs/configs.h - configurations to read, and those to refuse
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KBS_CONFIGS_H
#define COCO_TESTS_KBS_CONFIGS_H

#include "kbs/config.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

/* For a KBS that is started: the usual port may be taken. */
#define CONFIG_ANY_PORT "[http_server]\nsockets = [\"127.0.0.1:0\"]\n"
#define CONFIG_KEY                                                                                 \
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"   \
    "-----END PUBLIC KEY-----\n"
#define CONFIG_ADMIN                                                                               \
    "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"                               \
    "[[admin.authentication.bearer_jwt.identity_providers]]\nissuer = \"me\"\naudience = "         \
    "\"kbs\"\n"                                                                                    \
    "public_key = '''\n" CONFIG_KEY "'''\n"
#define CONFIG_ACL                                                                                 \
    "[[admin.authorization.regex_acl.acls]]\nrole = \"admin\"\n"                                   \
    "allowed_endpoints = \"^/kbs/v0/.+$\"\n"

static inline coco_status
parse_config(const char *text, struct coco_kbs_config *config, coco_error **err)
{
    return coco_kbs_config_parse(text, strlen(text), config, err);
}

/* A text that is refused, and what the error says. */
struct refused_config {
    coco_status status;
    const char *text, *why;
};

static inline void
assert_configs_refused(const struct refused_config *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_fails(parse_config(cases[i].text, &c, &err), err, cases[i].status, cases[i].why);
        assert_null(c.http.sockets.items);
    }
}
#define ASSERT_CONFIGS_REFUSED(cases)                                                              \
    assert_configs_refused(cases, sizeof(cases) / sizeof((cases)[0]))

/* Reads text while each allocation fails in turn. */
static inline void
assert_config_survives_faults(const char *text)
{
    for_each_fault()
    {
        _cleanup_config_ struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        coco_status status = parse_config(text, &c, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

#endif
