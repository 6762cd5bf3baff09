/*
 * cli/try_owner.c - coco try: what the owner of an image does
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "serve_config.h"
#include "try.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKETS 8
#define REGISTRY_TRIES 200
#define REGISTRY_WAIT_MS 25

coco_status
try_launch(struct try *t, const char *text)
{
    _cleanup_free_ char *dir = try_path(t, "tee");

    if (!dir)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return try_fail_errno(t, errno, dir);
    return coco_software_tee_launch(dir, (const uint8_t *)text, strlen(text), NULL, 0, &t->err);
}

/* What evidence of the machine claims once it is verified. */
static coco_status
measure(struct try *t, coco_verifier *verifier, const char *evidence)
{
    static const uint8_t nonce[32];
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    coco_status status = coco_binding_new(&binding, &t->err);
    if (status == COCO_OK)
        status = coco_binding_set_report_data(binding, nonce, sizeof(nonce), &t->err);
    if (status == COCO_OK)
        status = coco_verify(verifier, "software", evidence, binding, &verdict, &t->err);
    if (status != COCO_OK)
        return status;
    if (!coco_verdict_valid(verdict))
        return try_fail(t, COCO_ERR_VERIFY, "its evidence does not hold");
    _cleanup_(cJSON_Deletep) cJSON *claims = cJSON_Parse(coco_verdict_claims(verdict));
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(claims, "launch_digest");
    if (!cJSON_IsString(digest) || strlen(digest->valuestring) >= sizeof(t->launch_digest))
        return try_fail(t, COCO_ERR_PROTO, "its evidence has no launch_digest");
    (void)snprintf(t->launch_digest, sizeof(t->launch_digest), "%s", digest->valuestring);
    return COCO_OK;
}

/* Public root key of the machine's maker. */
static coco_status
maker_root(struct try *t, coco_bytes **ret)
{
    _cleanup_free_ char *dir = try_path(t, "tee");

    if (!dir)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    return coco_software_tee_root(dir, ret, &t->err);
}

/* Boots the machine once where the owner can see it, and notes its measurement. */
coco_status
try_boot(struct try *t)
{
    static const uint8_t nonce[32];
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *root = NULL;
    _cleanup_free_ char *dir = try_path(t, "tee");

    coco_status status = try_launch(t, "coco try: kernel, initrd, command line");
    if (status == COCO_OK)
        status = coco_attester_new_software(dir, &attester, &t->err);
    if (status == COCO_OK)
        status =
            coco_attester_collect(attester, t->cli->ctx, nonce, sizeof(nonce), &evidence, &t->err);
    if (status == COCO_OK)
        status = maker_root(t, &root);
    if (status == COCO_OK)
        status = coco_verifier_new(&verifier, &t->err);
    if (status == COCO_OK)
        status = coco_verifier_trust_key(verifier, "software", coco_bytes_data(root),
                                         coco_bytes_size(root), &t->err);
    if (status == COCO_OK)
        status = measure(t, verifier, (const char *)coco_bytes_data(evidence));
    if (status == COCO_OK)
        (void)snprintf(t->detail, sizeof(t->detail), "launch_digest %.16s…", t->launch_digest);
    return status;
}

coco_status
try_set_policy(struct try *t, const char *tee)
{
    _cleanup_free_ char *rego = NULL;

    if (asprintf(&rego,
                 "package policy\n"
                 "import rego.v1\n"
                 "default allow := false\n"
                 "allow if {\n"
                 "    data[\"resource-path\"] == [\"try\", \"key\", \"image\"]\n"
                 "    some submod in input.submods\n"
                 "    submod[\"ear.status\"] == \"affirming\"\n"
                 "    submod[\"ear.veraison.annotated-evidence\"][\"%s\"].launch_digest == \"%s\"\n"
                 "}\n",
                 tee, t->launch_digest)
        < 0)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    return coco_kbs_set_resource_policy(t->kbs, rego, &t->err);
}

/* A broker that believes software TEEs of this one maker. */
static coco_status
new_broker(struct try *t)
{
    _cleanup_(coco_bytes_freep) coco_bytes *root = NULL;
    _cleanup_free_ char *config = NULL;

    coco_status status = maker_root(t, &root);
    if (status != COCO_OK)
        return status;
    _cleanup_free_ char *quoted = cli_config_quote((const char *)coco_bytes_data(root));
    if (!quoted
        || asprintf(&config,
                    "[http_server]\nsockets = [\"127.0.0.1:0\"]\n"
                    "[attestation_service]\nsoftware_roots = [%s]\n",
                    quoted)
               < 0)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    return coco_kbs_new(t->cli->ctx, config, &t->kbs, &t->err);
}

coco_status
try_start_broker(struct try *t)
{
    _cleanup_free_ char *value = NULL;

    coco_status status = new_broker(t);
    if (status != COCO_OK)
        return status;
    if (asprintf(&value, "[\"%s\"]", t->launch_digest) < 0)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    status = coco_kbs_set_reference_value(t->kbs, "launch_digest", value, &t->err);
    if (status == COCO_OK)
        status = try_set_policy(t, "software");
    if (status == COCO_OK)
        status = coco_kbs_start(t->kbs, &t->err);
    if (status == COCO_OK)
        (void)snprintf(t->detail, sizeof(t->detail), "%s", coco_kbs_url(t->kbs));
    return status;
}

/* A socket of 127.0.0.1; port 0 lets the kernel choose at bind(). */
static struct sockaddr_in
loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

/* A port that was free just now: the registry cannot be told to choose one itself. */
static unsigned
free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0
        || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin_port);
}

static bool
answers(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* JSON, which is YAML. */
static coco_status
write_registry_config(struct try *t, const char *path)
{
    _cleanup_free_ char *root = try_path(t, "registry");
    _cleanup_(cJSON_Deletep) cJSON *config = cJSON_CreateObject();
    char address[32];

    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", t->port);
    cJSON_AddNumberToObject(config, "version", 0.1);
    cJSON *log = cJSON_AddObjectToObject(config, "log");
    cJSON_AddStringToObject(log, "level", "error");
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(log, "accesslog"), "disabled", true);
    cJSON *storage = cJSON_AddObjectToObject(config, "storage");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(storage, "filesystem"), "rootdirectory",
                            root ? root : "");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(config, "http"), "addr", address);
    _cleanup_free_ char *text = cJSON_PrintUnformatted(config);
    if (!root || !text)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    FILE *file = fopen(path, "we");
    if (!file)
        return try_fail_errno(t, errno, path);
    bool ok = fputs(text, file) >= 0;
    ok = fclose(file) == 0 && ok;
    return ok ? COCO_OK : try_fail_errno(t, errno, path);
}

/* True once it answers; false if it ended, perhaps for somebody else took the port. */
static bool
wait_for_registry(struct try *t)
{
    int status = 0;

    for (unsigned i = 0; i < REGISTRY_TRIES && !coco_ctx_canceled(t->cli->ctx); i++) {
        if (cli_process_wait(&t->registry, t->cli->canceled_fd, REGISTRY_WAIT_MS, &status))
            return false;
        if (answers(t->port))
            return true;
    }
    return false;
}

static coco_status
start_registry(struct try *t, const char *program, bool *ret)
{
    _cleanup_free_ char *config = try_path(t, "registry.yml");
    _cleanup_free_ char *log = try_path(t, "registry.log");

    t->port = free_port();
    if (!config || !log)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    coco_status status = write_registry_config(t, config);
    if (status != COCO_OK)
        return status;
    _cleanup_close_ int output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct cli_spawn spawn = {
        .argv = (const char *const[]){program, "serve", config, NULL},
        .output = output,
    };
    int error = cli_process_start(&spawn, &t->registry);
    if (error != 0)
        return try_fail_errno(t, error, program);
    *ret = wait_for_registry(t);
    return COCO_OK;
}

coco_status
try_start_registry(struct try *t)
{
    _cleanup_free_ char *program = cli_find_program("docker-registry");
    coco_status status = COCO_OK;
    bool serves = false;

    if (!program)
        return try_fail(t, COCO_ERR_NOTSUP, "needs a registry: apt-get install docker-registry");
    for (unsigned i = 0; i < SOCKETS && status == COCO_OK && !serves; i++) {
        cli_process_kill(&t->registry);
        if (coco_ctx_canceled(t->cli->ctx))
            return try_fail(t, COCO_ERR_CANCELED, "canceled");
        status = start_registry(t, program, &serves);
    }
    if (status == COCO_OK && !serves)
        return try_fail(t, COCO_ERR_NET, "docker-registry does not answer");
    (void)snprintf(t->detail, sizeof(t->detail), "127.0.0.1:%u, docker-registry", t->port);
    return status;
}

coco_status
try_make_image(struct try *t)
{
    _cleanup_free_ char *program = cli_find_program("busybox");

    if (!program)
        return try_fail(t, COCO_ERR_NOTSUP, "needs busybox: apt-get install busybox-static");
    coco_status status = try_write_layout(t, program);
    if (status == COCO_OK)
        (void)snprintf(t->detail, sizeof(t->detail), "one layer with %s", program);
    return status;
}

/* Notes the digest of the first layer of the image at reference. */
static coco_status
note_layer(struct try *t, coco_image_client *client, const coco_image_ref *ref)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    coco_status status = coco_image_inspect(client, t->cli->ctx, ref, NULL, &bytes, &t->err);
    if (status != COCO_OK)
        return status;
    _cleanup_(cJSON_Deletep) cJSON *image = cJSON_Parse((const char *)coco_bytes_data(bytes));
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(image, "layers");
    const cJSON *layer = cJSON_GetArrayItem(layers, 0);
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(layer, "digest");
    if (!cJSON_IsString(digest) || strncmp(digest->valuestring, "sha256:", 7) != 0)
        return try_fail(t, COCO_ERR_PROTO, "the encrypted image has no layer");
    (void)snprintf(t->layer, sizeof(t->layer), "%s", digest->valuestring + 7);
    return COCO_OK;
}

static coco_status
encrypt_image(struct try *t, coco_image_client *client, const coco_image_ref *from,
              const coco_image_ref *to)
{
    _cleanup_(coco_image_freep) coco_image *image = NULL;

    coco_status status = coco_image_encrypt(client, t->cli->ctx, from, to, NULL, &image, &t->err);
    if (status != COCO_OK)
        return status;
    t->bytes = coco_image_bytes_written(image);
    (void)snprintf(t->reference, sizeof(t->reference), "127.0.0.1:%u/try/app@%s", t->port,
                   coco_image_digest(image));
    (void)snprintf(t->detail, sizeof(t->detail), "for %s", TRY_URI);
    return note_layer(t, client, to);
}

coco_status
try_encrypt(struct try *t)
{
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_free_ char *source = NULL;
    char target[64];

    if (getrandom(t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key))
        return try_fail_errno(t, errno, "random bytes");
    if (asprintf(&source, "oci:%s/layout:app", t->dir) < 0)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    (void)snprintf(target, sizeof(target), "docker://127.0.0.1:%u/try/app:1", t->port);
    coco_status status = coco_image_client_new(&client, &t->err);
    if (status != COCO_OK)
        return status;
    coco_image_client_set_plain_http(client, true);
    status = coco_image_client_add_kbs_recipient(client, TRY_URI, t->key, sizeof(t->key), &t->err);
    if (status == COCO_OK)
        status = coco_image_ref_parse(source, &from, &t->err);
    if (status == COCO_OK)
        status = coco_image_ref_parse(target, &to, &t->err);
    return status == COCO_OK ? encrypt_image(t, client, from, to) : status;
}

coco_status
try_give_key(struct try *t)
{
    t->bytes = sizeof(t->key);
    (void)snprintf(t->detail, sizeof(t->detail), "to whoever booted what was measured");
    return coco_kbs_put_resource(t->kbs, TRY_RESOURCE, t->key, sizeof(t->key), &t->err);
}
