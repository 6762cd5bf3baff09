/*
 * cli/registries.c - what registries are told, from the files that podman and skopeo have it in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KBS_SCHEME "kbs://"
/* Where programs are, when the environment does not say. */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static coco_status
add_auth(void *client, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_image_client_add_auth(client, data, len, err);
}

static coco_status
set_registries(void *client, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_image_client_set_registries(client, data, len, err);
}

/* Adds the file if there is one; path, which is freed, is NULL when memory is out. */
static int
add_auth_file(struct cli *cli, coco_image_client *client, char *path)
{
    _cleanup_free_ char *own = path;

    if (!own)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (access(own, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return CLI_DONE;
    return cli_set_file(cli, own, add_auth, client);
}

/* "dir/name", or "fallback/name" when there is no dir; to be freed. */
static char *
place(const char *dir, const char *fallback, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", dir ? dir : fallback, name) < 0 ? NULL : path;
}

/* Where podman, skopeo and docker keep credentials, in that order (containers-auth.json(5)). */
static int
add_default_auth(struct cli *cli, coco_image_client *client)
{
    const char *home = cli_env("HOME");
    char run[64];

    (void)snprintf(run, sizeof(run), "/run/containers/%u", (unsigned)getuid());
    const char *runtime = cli_env("XDG_RUNTIME_DIR");
    int rc = add_auth_file(cli, client,
                           place(runtime, run, runtime ? "containers/auth.json" : "auth.json"));
    const char *config = cli_env("XDG_CONFIG_HOME");
    if (rc == CLI_DONE && (config || home))
        rc = add_auth_file(
            cli, client,
            place(config, home, config ? "containers/auth.json" : ".config/containers/auth.json"));
    const char *docker = cli_env("DOCKER_CONFIG");
    if (rc == CLI_DONE && (docker || home))
        rc = add_auth_file(cli, client,
                           place(docker, home, docker ? "config.json" : ".docker/config.json"));
    return rc;
}

/* Those that there are, and that may be entered, in the order of containers-certs.d(5). */
static int
add_default_certs(struct cli *cli, coco_image_client *client)
{
    const char *home = cli_env("HOME");
    _cleanup_free_ char *own = home ? place(home, NULL, ".config/containers/certs.d") : NULL;
    const char *const trees[] = {own, "/etc/containers/certs.d", "/etc/docker/certs.d"};
    int rc = CLI_DONE;

    if (home && !own)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    for (size_t i = 0; rc == CLI_DONE && i < sizeof(trees) / sizeof(trees[0]); i++)
        if (trees[i] && access(trees[i], X_OK) == 0)
            rc = cli_check(cli, coco_image_client_add_certs_tree(client, trees[i], &cli->err));
    return rc;
}

/* A file, or a resource of the broker that the client asks. */
static int
add_named_auth(struct cli *cli, const coco_kbc *kbc, coco_image_client *client, const char *named)
{
    if (strncmp(named, KBS_SCHEME, strlen(KBS_SCHEME)) != 0)
        return cli_set_file(cli, named, add_auth, client);
    if (!kbc)
        return cli_usage(cli, "--authfile %s needs --kbs URL, and a guest to ask there", named);
    return cli_check(cli, coco_image_client_set_auth_resource(client, named, &cli->err));
}

/* The absolute directories of $PATH: a helper from where one happens to be would be anybody's. */
static int
allow_helpers(struct cli *cli, coco_image_client *client)
{
    const char *from = cli_env("PATH");
    _cleanup_free_ char *path = NULL;
    size_t len = 0;

    from = from ? from : DEFAULT_PATH;
    path = calloc(1, strlen(from) + 1);
    if (!path)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    while (*from) {
        size_t n = strcspn(from, ":");

        if (from[0] == '/') {
            if (len > 0)
                path[len++] = ':';
            memcpy(path + len, from, n);
            len += n;
        }
        from += n + (from[n] == ':');
    }
    return len > 0 ? cli_check(cli, coco_image_client_set_helpers(client, path, &cli->err))
                   : CLI_DONE;
}

static int
set_proxy(struct cli *cli, coco_image_client *client)
{
    const char *url = cli_get(&cli->args, OPT_PROXY);
    const char *except = cli_get(&cli->args, OPT_NO_PROXY);

    if (!url && !except)
        return CLI_DONE;
    return cli_check(cli, coco_image_client_set_proxy(client, url, except, &cli->err));
}

static int
set_cache(struct cli *cli, coco_image_client *client)
{
    const char *address = cli_get(&cli->args, OPT_CACHE);

    return address ? cli_check(cli, coco_image_client_set_cache(client, address, &cli->err))
                   : CLI_DONE;
}

int
cli_set_registries(struct cli *cli, const coco_kbc *kbc, coco_image_client *client)
{
    const char *named = cli_get(&cli->args, OPT_AUTHFILE);
    const char *certs = cli_get(&cli->args, OPT_CERT_DIR);

    int rc = allow_helpers(cli, client);
    if (rc == CLI_DONE)
        rc = certs ? cli_check(cli, coco_image_client_set_certs_dir(client, certs, &cli->err))
                   : add_default_certs(cli, client);
    if (rc == CLI_DONE)
        rc = set_proxy(cli, client);
    if (rc == CLI_DONE)
        rc = set_cache(cli, client);
    if (rc == CLI_DONE)
        rc = named ? add_named_auth(cli, kbc, client, named) : add_default_auth(cli, client);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_REGISTRIES_CONF), set_registries, client);
    return rc;
}
