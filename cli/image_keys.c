/*
 * cli/image_keys.c - who opens layers, and whom they are encrypted to, as ocicrypt's tools write it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_SIZE 32
#define KEY_PATH_SIZE 64
#define SCHEME "kbs:///"
#define PROVIDER "provider:"
#define PROVIDER_NAME_MAX ((size_t)128)
#define PGP "pgp:"
#define PKCS11 "pkcs11:"
#define BEGIN "-----BEGIN "
#define ENCRYPTED "-----BEGIN ENCRYPTED "
#define CERTIFICATE "-----BEGIN CERTIFICATE"
#define PRIVATE "PRIVATE KEY-----"
#define PASSWORD_MAX ((size_t)256)
#define KEYRING_MAX ((size_t)4 << 20)

typedef coco_status add_fn(coco_image_client *client, const uint8_t *data, size_t len,
                           coco_error **err);
typedef coco_status add_provider_fn(coco_image_client *client, const char *name,
                                    const char *parameter, coco_error **err);

static const struct kind {
    const char *prefix;
    add_fn *add;
} kinds[] = {
    {"jwe:", coco_image_client_add_recipient},
    {"pkcs7:", coco_image_client_add_certificate_recipient},
    {PKCS11, coco_image_client_add_pkcs11_recipient},
};

static int
add_file(struct cli *cli, coco_image_client *client, const char *path, size_t max, add_fn *add)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_file(cli, path, max, &bytes);
    if (rc == CLI_DONE)
        rc = cli_check(cli, add(client, bytes.data, bytes.len, &cli->err));
    return rc;
}

/* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread */

/* The first of ocicrypt's files of settings that is there; "internal" stands for none. */
static const char *
find_settings(char path[PATH_MAX])
{
    const char *named = getenv("OCICRYPT_CONFIG");
    const char *const places[][2] = {
        {named, ""},
        {getenv("XDG_CONFIG_HOME"), "/ocicrypt.conf"},
        {getenv("HOME"), "/.config/ocicrypt.conf"},
        {"/etc", "/ocicrypt.conf"},
    };

    if (named && strcmp(named, "internal") == 0)
        return NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!places[i][0] || places[i][0][0] == '\0')
            continue;
        int n = snprintf(path, PATH_MAX, "%s%s", places[i][0], places[i][1]);
        if (n > 0 && n < PATH_MAX && access(path, F_OK) == 0)
            return path;
    }
    return NULL;
}

/* What ocicrypt's tools are told of tokens by the environment: read when there is one. */
static int
set_tokens(struct cli *cli, coco_image_client *client)
{
    char path[PATH_MAX];
    const char *settings = find_settings(path);
    const char *hash = getenv("OCICRYPT_OAEP_HASHALG");
    int rc = CLI_DONE;

    if (settings)
        rc = add_file(cli, client, settings, CLI_PEM_MAX, coco_image_client_set_pkcs11_modules);
    if (rc == CLI_DONE && hash && hash[0] != '\0')
        rc = cli_check(cli, coco_image_client_set_pkcs11_hash(client, hash, &cli->err));
    return rc;
}

/* NOLINTEND(concurrency-mt-unsafe) */

static bool
names_provider(const struct cli *cli, enum cli_opt opt)
{
    const char *text;

    for (unsigned i = 0; (text = cli_get_nth(&cli->args, opt, i)); i++)
        if (strncmp(text, PROVIDER, strlen(PROVIDER)) == 0)
            return true;
    return false;
}

/* As with ocicrypt's tools, one that the environment names for all of them need not be there. */
const char *
cli_key_providers(const struct cli *cli)
{
    return cli_given(&cli->args, OPT_KEY_PROVIDERS) || names_provider(cli, OPT_KEY)
                   || names_provider(cli, OPT_RECIPIENT)
               ? cli_get(&cli->args, OPT_KEY_PROVIDERS)
               : NULL;
}

/* NAME[:PARAMETER]; the parameter may have colons of its own. */
static int
add_provider(struct cli *cli, coco_image_client *client, const char *text, add_provider_fn *add)
{
    char name[PROVIDER_NAME_MAX + 1];
    size_t len = strcspn(text, ":");

    if (len == 0 || len > PROVIDER_NAME_MAX)
        return cli_usage(cli, "a key provider is written provider:NAME[:PARAMETER]");
    memcpy(name, text, len);
    name[len] = '\0';
    return cli_check(cli, add(client, name, text[len] ? text + len + 1 : NULL, &cli->err));
}

static int
add_recipient(struct cli *cli, coco_image_client *client, const char *text)
{
    int rc = strncmp(text, PKCS11, strlen(PKCS11)) == 0 ? set_tokens(cli, client) : CLI_DONE;

    if (rc != CLI_DONE)
        return rc;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return add_file(cli, client, text + strlen(kinds[i].prefix), CLI_PEM_MAX, kinds[i].add);
    if (strncmp(text, PROVIDER, strlen(PROVIDER)) == 0)
        return add_provider(cli, client, text + strlen(PROVIDER),
                            coco_image_client_add_provider_recipient);
    if (strncmp(text, PGP, strlen(PGP)) == 0)
        return cli_check(
            cli, coco_image_client_add_pgp_recipient(client, text + strlen(PGP), &cli->err));
    return cli_fail(
        cli, COCO_ERR_NOTSUP,
        "--recipient is jwe:FILE, pkcs7:FILE, pkcs11:FILE, pgp:WHO or provider:NAME[:PARAMETER], "
        "not %s",
        text);
}

/* COCO_KBS alone does not make the broker a recipient; the options must ask for it. */
int
cli_check_recipients(struct cli *cli, bool by_broker)
{
    if (cli_given(&cli->args, OPT_KBS_PATH) && !cli_get(&cli->args, OPT_KBS))
        return cli_usage(cli, "--kbs-path needs --kbs URL");
    if (!by_broker && !cli_given(&cli->args, OPT_RECIPIENT))
        return cli_usage(cli, "needs --recipient KIND:WHO, or --kbs URL and --kbs-path "
                              "REPO/TYPE/TAG");
    return CLI_DONE;
}

int
cli_add_recipients(struct cli *cli, coco_image_client *client)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_KEYRING, i)); i++)
        rc = add_file(cli, client, text, KEYRING_MAX, coco_image_client_add_pgp_keys);
    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_RECIPIENT, i)); i++)
        rc = add_recipient(cli, client, text);
    return rc;
}

/* Before the key: it is never given out by another. */
static int
put_policy(struct cli *cli, coco_admin *admin, const char *path)
{
    _cleanup_bytes_ struct cli_bytes rego = {0};

    int rc = cli_read_text(cli, cli_get(&cli->args, OPT_KBS_POLICY), CLI_PEM_MAX, &rego);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_set_path_policy(admin, cli->ctx, path,
                                                       (const char *)rego.data, &cli->err));
    return rc;
}

/* The broker has the key before anything is encrypted with it: no image without its key. */
static int
make_key(struct cli *cli, const char *path, uint8_t key[KEY_SIZE])
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;

    if (getrandom(key, KEY_SIZE, 0) != KEY_SIZE)
        return cli_fail_errno(cli, errno, "random bytes");
    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_KBS_POLICY))
        rc = put_policy(cli, admin, path);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_admin_put_resource(admin, cli->ctx, path, key, KEY_SIZE, &cli->err));
    return rc;
}

/* Where upstream's coco_keyprovider has the keys that nobody named: a UUID of RFC 4122, version 4.
 */
static int
name_key(struct cli *cli, char path[KEY_PATH_SIZE])
{
    uint8_t id[16];

    if (getrandom(id, sizeof(id), 0) != sizeof(id))
        return cli_fail_errno(cli, errno, "random bytes");
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    size_t n = (size_t)snprintf(path, KEY_PATH_SIZE, "default/image-kek/");
    for (size_t i = 0; i < sizeof(id); i++) {
        bool group = i == 4 || i == 6 || i == 8 || i == 10;

        n += (size_t)snprintf(path + n, KEY_PATH_SIZE - n, "%s%02x", group ? "-" : "", id[i]);
    }
    return CLI_DONE;
}

/* Nobody else tells where a key is that nobody named. */
static int
tell_key(struct cli *cli, const char *uri)
{
    if (!cli->json) {
        (void)fprintf(stderr, "coco: its key is %s\n", uri);
        return CLI_DONE;
    }
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddStringToObject(object, "event", "key")
        || !cJSON_AddStringToObject(object, "uri", uri))
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return cli_event(cli, cli_steal(&object));
}

int
cli_add_broker(struct cli *cli, coco_image_client *client)
{
    const char *path = cli_get(&cli->args, OPT_KBS_PATH);
    char named[KEY_PATH_SIZE];
    _cleanup_free_ char *uri = NULL;
    uint8_t key[KEY_SIZE];
    bool unnamed = !path;
    int rc = unnamed ? name_key(cli, named) : CLI_DONE;

    if (rc != CLI_DONE)
        return rc;
    if (unnamed)
        path = named;
    if (strncmp(path, SCHEME, strlen(SCHEME)) == 0)
        path += strlen(SCHEME);
    if (asprintf(&uri, SCHEME "%s", path) < 0)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    rc = make_key(cli, path, key);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_image_client_add_kbs_recipient(client, uri, key, KEY_SIZE, &cli->err));
    explicit_bzero(key, sizeof(key));
    return rc == CLI_DONE && unnamed ? tell_key(cli, uri) : rc;
}

/* Whether it is secret keys of OpenPGP: armored, or packets (RFC 4880 section 4.2), which no DER
 * is. */
static bool
is_pgp(const uint8_t *data, size_t len)
{
    static const char armor[] = "-----BEGIN PGP ";

    return len > 0 && ((data[0] & 0x80) != 0 || memmem(data, len, armor, strlen(armor)));
}

/* As skopeo has it: a certificate is given as one more key, for layers encrypted by PKCS #7. */
static coco_status
add_one(coco_image_client *client, const uint8_t *data, size_t len, coco_error **err)
{
    if (memmem(data, len, CERTIFICATE, strlen(CERTIFICATE)))
        return coco_image_client_add_certificate(client, data, len, err);
    if (is_pgp(data, len))
        return coco_image_client_add_pgp_keys(client, data, len, err);
    return coco_image_client_add_key(client, data, len, err);
}

/* A key and its certificate are often in one file, in either order. */
static coco_status
add_key_or_certificate(coco_image_client *client, const uint8_t *data, size_t len, coco_error **err)
{
    const uint8_t *end = data + len;
    const uint8_t *second = memmem(data, len, BEGIN, strlen(BEGIN));

    if (second)
        second = memmem(second + 1, (size_t)(end - second) - 1, BEGIN, strlen(BEGIN));
    if (!second || !memmem(data, len, CERTIFICATE, strlen(CERTIFICATE))
        || !memmem(data, len, PRIVATE, strlen(PRIVATE)))
        return add_one(client, data, len, err);
    size_t first = (size_t)(second - data);
    coco_status status = add_one(client, data, first, err);
    if (status == COCO_OK)
        status = add_one(client, second, (size_t)(end - second), err);
    return status;
}

/* ocicrypt's tools take what is in a file for the password, with the end of the line, too. */
static int
add_password(struct cli *cli, coco_image_client *client, const uint8_t *text, size_t len)
{
    size_t line = len;

    while (line > 0 && (text[line - 1] == '\n' || text[line - 1] == '\r'))
        line--;
    int rc = cli_check(cli, coco_image_client_add_password(client, text, line, &cli->err));
    if (rc == CLI_DONE && line < len)
        rc = cli_check(cli, coco_image_client_add_password(client, text, len, &cli->err));
    return rc;
}

static int
read_password(struct cli *cli, coco_image_client *client, const char *path)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_file(cli, path, PASSWORD_MAX, &bytes);
    return rc == CLI_DONE ? add_password(cli, client, bytes.data, bytes.len) : rc;
}

/* What stands behind a key's file. Others' text would be a password in bare, or a name: no guess.
 */
static const struct source {
    const char *prefix;
    const char *path; /* of what it names a part of */
} sources[] = {
    {"pass=", NULL},
    {"file=", ""},
    {"fd=", "/proc/self/fd/"},
};

static int
take_password(struct cli *cli, coco_image_client *client, const struct source *source,
              const char *text)
{
    char path[PATH_MAX];

    if (!source->path)
        return add_password(cli, client, (const uint8_t *)text, strlen(text));
    if (snprintf(path, sizeof(path), "%s%s", source->path, text) >= (int)sizeof(path))
        return cli_usage(cli, "a key's %s is too long", source->prefix);
    return read_password(cli, client, path);
}

/* A key's file says itself what it is; that of a key in a token has the key's URI. */
static int
add_opener(struct cli *cli, coco_image_client *client, const char *path)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};
    add_fn *add = add_key_or_certificate;

    int rc = cli_read_file(cli, path, KEYRING_MAX, &bytes);
    if (rc == CLI_DONE && memmem(bytes.data, bytes.len, PKCS11, strlen(PKCS11))) {
        add = coco_image_client_add_pkcs11_key;
        rc = set_tokens(cli, client);
    }
    return rc == CLI_DONE ? cli_check(cli, add(client, bytes.data, bytes.len, &cli->err)) : rc;
}

/* FILE, and what the password of the key in it is, which is made known first. *path is lent. */
static int
take_path(struct cli *cli, coco_image_client *client, const char *text, char file[PATH_MAX],
          const char **path)
{
    const char *colon = strrchr(text, ':');

    *path = text;
    for (size_t i = 0; colon && i < sizeof(sources) / sizeof(sources[0]); i++) {
        size_t len = strlen(sources[i].prefix);

        if (strncmp(colon + 1, sources[i].prefix, len) != 0)
            continue;
        if ((size_t)(colon - text) >= PATH_MAX)
            return cli_usage(cli, "the name of a key's file is too long");
        memcpy(file, text, (size_t)(colon - text));
        file[colon - text] = '\0';
        *path = file;
        return take_password(cli, client, &sources[i], colon + 1 + len);
    }
    return CLI_DONE;
}

static int
add_key(struct cli *cli, coco_image_client *client, const char *text)
{
    char file[PATH_MAX];
    const char *path = NULL;

    int rc = take_path(cli, client, text, file, &path);
    return rc == CLI_DONE ? add_opener(cli, client, path) : rc;
}

/* A URI of a key in a token is what says so itself; it holds no PIN. */
static int
copy_uri(struct cli *cli, const char *uri, struct cli_bytes *ret)
{
    ret->data = (uint8_t *)strdup(uri);
    ret->len = strlen(uri);
    return ret->data ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

/* As cosign has it: what is not a line of a file is taken as it is, and may be empty. */
static int
add_cosign_password(struct cli *cli, coco_image_client *client)
{
    const char *text = getenv("COSIGN_PASSWORD"); /* NOLINT(concurrency-mt-unsafe): as above */

    return text ? cli_check(cli, coco_image_client_add_password(client, (const uint8_t *)text,
                                                                strlen(text), &cli->err))
                : CLI_DONE;
}

bool
cli_is_pgp(const struct cli_bytes *key)
{
    return is_pgp(key->data, key->len);
}

int
cli_read_sign_key(struct cli *cli, coco_image_client *client, struct cli_bytes *ret)
{
    const char *text = cli_get(&cli->args, OPT_SIGN_KEY);
    char file[PATH_MAX];
    const char *path = NULL;
    int rc;

    if (strncmp(text, PKCS11, strlen(PKCS11)) == 0) {
        rc = copy_uri(cli, text, ret);
    } else {
        rc = take_path(cli, client, text, file, &path);
        if (rc == CLI_DONE)
            rc = cli_read_file(cli, path, KEYRING_MAX, ret);
    }
    if (rc == CLI_DONE && memmem(ret->data, ret->len, PKCS11, strlen(PKCS11)))
        rc = set_tokens(cli, client);
    if (rc == CLI_DONE && memmem(ret->data, ret->len, ENCRYPTED, strlen(ENCRYPTED)))
        rc = add_cosign_password(cli, client);
    return rc;
}

int
cli_add_keys(struct cli *cli, coco_image_client *client)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_KEY, i)); i++) {
        if (strncmp(text, PROVIDER, strlen(PROVIDER)) == 0)
            rc = add_provider(cli, client, text + strlen(PROVIDER),
                              coco_image_client_add_provider_key);
        else
            rc = add_key(cli, client, text);
    }
    return rc;
}
