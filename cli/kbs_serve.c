/*
 * cli/kbs_serve.c - coco kbs serve
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"
#include "serve_config.h"

#include <coco/kbs.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20)

CLI_DEFINE_CLEANUP(coco_kbs, coco_kbs_free);

/* A configuration may hold the private key of TLS. */
static void
wipep(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static const char dev_policy[] = "package policy\n"
                                 "import rego.v1\n"
                                 "default allow := false\n"
                                 "allow if data.plugin == \"resource\"\n";

/* The section of a configuration that lets the holder of one key do everything. */
static int
admin_section(struct cli *cli, char **ret)
{
    const char *path = cli_get(&cli->args, OPT_ADMIN_KEY);
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (!path) {
        *ret = strdup("");
        return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    }
    int rc = cli_read_file(cli, path, CLI_PEM_MAX, &key);
    if (rc != CLI_DONE)
        return rc;
    _cleanup_free_ char *quoted = cli_config_quote((const char *)key.data);
    if (!quoted
        || asprintf(ret,
                    "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                    "[[admin.authentication.bearer_jwt.identity_providers]]\npublic_key = %s\n"
                    "[[admin.authorization.regex_acl.acls]]\nrole = \"admin\"\n"
                    "allowed_endpoints = \"^/kbs/.*$\"\n",
                    quoted)
               < 0)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return CLI_DONE;
}

/* In development evidence of software is taken: anybody's sample, and this user's software TEE. */
static int
attestation_section(struct cli *cli, char **ret)
{
    const char *dir = cli_env("COCO_SOFTWARE_TEE");
    _cleanup_(coco_bytes_freep) coco_bytes *root = NULL;
    _cleanup_free_ char *quoted = NULL;

    if (!cli_given(&cli->args, OPT_DEV)) {
        *ret = strdup("");
        return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    }
    if (dir) {
        int rc = cli_check(cli, coco_software_tee_root(dir, &root, &cli->err));
        if (rc != CLI_DONE)
            return rc;
        quoted = cli_config_quote((const char *)coco_bytes_data(root));
    }
    if (asprintf(ret, "[attestation_service]\nallow_sample = true\nsoftware_roots = [%s]\n",
                 quoted ? quoted : "")
        < 0)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return CLI_DONE;
}

static int
make_config(struct cli *cli, char **ret)
{
    _cleanup_free_ char *admin = NULL;
    _cleanup_free_ char *attestation = NULL;

    int rc = admin_section(cli, &admin);
    if (rc == CLI_DONE)
        rc = attestation_section(cli, &attestation);
    if (rc == CLI_DONE && asprintf(ret, "%s%s", attestation, admin) < 0)
        rc = cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return rc;
}

static int
read_config(struct cli *cli, const char *path, char **ret)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    if (cli_given(&cli->args, OPT_DEV) || cli_given(&cli->args, OPT_ADMIN_KEY))
        return cli_usage(cli, "--config excludes --dev and --admin-key: say it in the file");
    int rc = cli_read_text(cli, path, CONFIG_MAX, &bytes);
    if (rc == CLI_DONE)
        *ret = (char *)cli_steal(&bytes.data);
    return rc;
}

static int
get_config(struct cli *cli, char **ret)
{
    const char *path = cli_get(&cli->args, OPT_CONFIG);
    const char *listen = cli_get(&cli->args, OPT_LISTEN);
    _cleanup_(wipep) char *config = NULL;

    int rc = path ? read_config(cli, path, &config) : make_config(cli, &config);
    if (rc != CLI_DONE)
        return rc;
    *ret = listen ? cli_config_listen(config, listen) : cli_steal(&config);
    return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

/* Until a signal comes. */
static int
wait_for_signal(struct cli *cli)
{
    struct pollfd fd = {.fd = cli->canceled_fd, .events = POLLIN};

    while (poll(&fd, 1, -1) < 0)
        if (errno != EINTR)
            return cli_fail_errno(cli, errno, "poll");
    return CLI_DONE;
}

static int
say_where(struct cli *cli, const coco_kbs *kbs)
{
    if (cli_given(&cli->args, OPT_DEV))
        (void)fprintf(stderr, "coco: kbs serve : for development only: whoever attests with "
                              "anything gets everything, and nothing is kept\n");
    if (cli->json) {
        cJSON *event = cJSON_CreateObject();

        cJSON_AddStringToObject(event, "event", "serving");
        cJSON_AddStringToObject(event, "url", coco_kbs_url(kbs));
        return cli_event(cli, event);
    }
    return cli_result(cli, "url", coco_kbs_url(kbs));
}

int
cli_kbs_serve(struct cli *cli)
{
    _cleanup_(wipep) char *config = NULL;
    _cleanup_(coco_kbs_freep) coco_kbs *kbs = NULL;

    int rc = get_config(cli, &config);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_new(cli->ctx, config, &kbs, &cli->err));
    wipep(&config);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_DEV))
        rc = cli_check(cli, coco_kbs_set_resource_policy(kbs, dev_policy, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_start(kbs, &cli->err));
    if (rc == CLI_DONE)
        rc = say_where(cli, kbs);
    if (rc == CLI_DONE)
        rc = wait_for_signal(cli);
    if (rc == CLI_DONE) {
        coco_kbs_stop(kbs);
        rc = cli_fail(cli, COCO_ERR_CANCELED, "stopped by a signal");
    }
    return rc;
}
