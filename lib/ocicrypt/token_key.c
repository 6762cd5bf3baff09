/*
 * ocicrypt/token_key.c - a key in a token of PKCS#11, by a key file of ocicrypt
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/token_key.h"

#include "base/fail.h"
#include "base/text.h"
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ENV_MAX 32
#define ENV_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define ENV_NAME_MAX ((size_t)128)
#define PROXY "_proxy"

/* GetDefaultModuleDirectories() of ocicrypt. */
static const char *const default_directories[] = {
    "/usr/lib64/pkcs11/",         "/usr/lib/pkcs11/", "/usr/local/lib/pkcs11/", "/usr/lib/softhsm/",
#if defined(__x86_64__)
    "/usr/lib/x86_64-linux-gnu/",
#elif defined(__aarch64__)
    "/usr/lib/aarch64-linux-gnu/",
#elif defined(__s390x__)
    "/usr/lib/s390x-linux-gnu/",
#elif defined(__powerpc64__)
    "/usr/lib/powerpc64le-linux-gnu/",
#elif defined(__riscv)
    "/usr/lib/riscv64-linux-gnu/",
#endif
};

#define N_DEFAULTS (sizeof(default_directories) / sizeof(default_directories[0]))

/* ---- settings ---- */

void
coco_token_modules_done(struct coco_token_modules *modules)
{
    coco_json_free(modules->settings);
    *modules = (struct coco_token_modules){0};
}

/* A list of absolute paths, or none. */
static coco_status
get_paths(const cJSON *settings, const char *name, const cJSON **ret, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array_opt(settings, name, ret, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, *ret)
        if (!cJSON_IsString(item) || item->valuestring[0] != '/')
            return coco_fail(err, COCO_ERR_PROTO, "%s has something else than absolute paths",
                             name);
    return COCO_OK;
}

coco_status
coco_token_modules_parse(const char *text, size_t len, struct coco_token_modules *ret,
                         coco_error **err)
{
    struct coco_token_modules modules = {0};
    const cJSON *pkcs11 = NULL;

    coco_status status = coco_yaml_parse(text, len, &modules.settings, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(modules.settings, "pkcs11", &pkcs11, err);
    if (status == COCO_OK && pkcs11)
        status = get_paths(pkcs11, "module-directories", &modules.directories, err);
    if (status == COCO_OK && pkcs11)
        status = get_paths(pkcs11, "allowed-module-paths", &modules.allowed, err);
    if (status != COCO_OK) {
        coco_token_modules_done(&modules);
        return coco_wrap(err, status, "settings of ocicrypt");
    }
    *ret = modules;
    return COCO_OK;
}

/* The i-th of a list of paths, or of the defaults where there are no settings; NULL behind the
 * last. */
static const char *
path_at(const struct coco_token_modules *modules, const cJSON *list, size_t i)
{
    if (!modules->settings)
        return i < N_DEFAULTS ? default_directories[i] : NULL;
    const cJSON *item = cJSON_GetArrayItem(list, (int)i);
    return item ? item->valuestring : NULL;
}

/* A folder allows what is in it, and not what is below. */
static bool
allows(const char *allowed, const char *path)
{
    size_t len = strlen(allowed);

    if (len > 0 && allowed[len - 1] == '/')
        return strncmp(path, allowed, len) == 0 && !strchr(path + len, '/')
               && strcmp(path + len, "..") != 0;
    return strcmp(path, allowed) == 0;
}

static coco_status
check_module(const struct coco_token_modules *modules, const char *path, coco_error **err)
{
    const char *allowed = NULL;

    for (size_t i = 0; (allowed = path_at(modules, modules->allowed, i)); i++)
        if (allows(allowed, path))
            return COCO_OK;
    return coco_fail(err, COCO_ERR_DENIED, "module %s is none that may be loaded", path);
}

/* Finds the module by its name, with or without "lib" in front. */
static coco_status
find_module(const struct coco_token_modules *modules, struct coco_pkcs11_key_uri *uri,
            coco_error **err)
{
    const char *directory = NULL;

    for (size_t i = 0; (directory = path_at(modules, modules->directories, i)); i++)
        for (unsigned lib = 0; lib < 2; lib++) {
            int n = snprintf(uri->token.module_path, sizeof(uri->token.module_path), "%s/%s%s.so",
                             directory, lib ? "lib" : "", uri->module_name);

            if (n > 0 && (size_t)n < sizeof(uri->token.module_path)
                && access(uri->token.module_path, R_OK) == 0)
                return COCO_OK;
        }
    return coco_fail(err, COCO_ERR_NOTFOUND, "module %s is in no directory of modules",
                     uri->module_name);
}

/* Two slashes in a row would be another path for who compares them. */
static void
squeeze(char *path)
{
    char *to = path;

    for (const char *from = path; *from; from++)
        if (from[0] != '/' || from[1] != '/')
            *to++ = *from;
    *to = '\0';
}

/* ---- key files ---- */

void
coco_token_key_done(struct coco_token_key *key)
{
    coco_pkcs11_key_uri_done(&key->uri);
}

/*
 * What others than a module read, for it is set in this process and for those that it runs, such as
 * key providers: the loader and the C library (those that ld.so(8) drops where rights are gained),
 * OpenSSL, proxies of HTTP, shells and interpreters, and we.
 */
static bool
is_others(const char *name)
{
    static const char *const families[] = {
        "LD_",  "GLIBC_", "MALLOC_", "OPENSSL_", "SSL_", "CURL_", "COCO_",  "OCICRYPT_",
        "BASH", "PYTHON", "PERL",    "RUBY",     "NODE", "JAVA",  "_JAVA_", "JDK_",
    };
    static const char *const names[] = {
        "GCONV_PATH",  "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN",
        "LOCPATH",     "NLSPATH",     "NIS_PATH",    "RESOLV_HOST_CONF",
        "RES_OPTIONS", "TMPDIR",      "TZDIR",       "PATH",
        "ENV",         "IFS",         "SHELLOPTS",   "PS4",
        "HOME",
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return len >= strlen(PROXY) && strcasecmp(name + len - strlen(PROXY), PROXY) == 0;
}

static coco_status
set_variable(const cJSON *item, coco_error **err)
{
    if (!coco_text_is_all(item->string, ENV_NAME, ENV_NAME_MAX) || is_others(item->string)
        || !cJSON_IsString(item))
        return coco_fail(err, COCO_ERR_INVALID, "module.env has what no module needs");
    /* Whoever adds a key file is told that no other thread may look at it (coco/image_access.h). */
    const char *there = getenv(item->string); /* NOLINT(concurrency-mt-unsafe) */
    if (there && strcmp(there, item->valuestring) != 0)
        return coco_fail(err, COCO_ERR_INVALID, "%s is set, and to something else", item->string);
    if (!there
        && setenv(item->string, item->valuestring, 0) != 0) /* NOLINT(concurrency-mt-unsafe) */
        return coco_fail_nomem(err);
    return COCO_OK;
}

static coco_status
set_environment(const cJSON *file, coco_error **err)
{
    const cJSON *module = NULL;
    const cJSON *env = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_object_opt(file, "module", &module, err);
    if (status == COCO_OK && module)
        status = coco_json_get_object_opt(module, "env", &env, err);
    if (status == COCO_OK && cJSON_GetArraySize(env) > ENV_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "module.env has more than %d variables", ENV_MAX);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, env) {
        status = set_variable(item, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
read_uri(const cJSON *file, struct coco_pkcs11_key_uri *ret, coco_error **err)
{
    const cJSON *pkcs11 = NULL;
    const char *text = NULL;

    coco_status status = coco_json_get_object(file, "pkcs11", &pkcs11, err);
    if (status == COCO_OK)
        status = coco_json_get_string(pkcs11, "uri", &text, err);
    if (status == COCO_OK)
        status = coco_pkcs11_key_uri_parse(text, ret, err);
    return status;
}

/* Which module it is, and that it may be loaded. */
static coco_status
settle_module(const struct coco_token_modules *modules, struct coco_pkcs11_key_uri *uri,
              coco_error **err)
{
    coco_status status = COCO_OK;

    if (uri->token.module_path[0] == '\0')
        status = find_module(modules, uri, err);
    squeeze(uri->token.module_path);
    return status == COCO_OK ? check_module(modules, uri->token.module_path, err) : status;
}

coco_status
coco_token_key_parse(const char *text, size_t len, const struct coco_token_modules *modules,
                     struct coco_token_key *ret, coco_error **err)
{
    _cleanup_(coco_token_key_done) struct coco_token_key key = {0};
    _cleanup_json_ cJSON *file = NULL;

    coco_status status = coco_yaml_parse(text, len, &file, err);
    if (status == COCO_OK)
        status = read_uri(file, &key.uri, err);
    if (status == COCO_OK)
        status = settle_module(modules, &key.uri, err);
    if (status == COCO_OK)
        status = set_environment(file, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key file");
    *ret = key;
    return COCO_OK;
}

coco_status
coco_token_key_parse_uri(const char *uri, const struct coco_token_modules *modules,
                         struct coco_token_key *ret, coco_error **err)
{
    _cleanup_(coco_token_key_done) struct coco_token_key key = {0};

    coco_status status = coco_pkcs11_key_uri_parse(uri, &key.uri, err);
    if (status == COCO_OK)
        status = settle_module(modules, &key.uri, err);
    if (status == COCO_OK)
        *ret = key;
    return status;
}
