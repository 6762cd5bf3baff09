/*
 * image/helper.c - programs that keep credentials
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/helper.h"

#include "base/fail.h"
#include "base/json.h"
#include "base/program.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "docker-credential-"
#define NAME_MAX_LEN ((size_t)64)
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
#define OUTPUT_MAX ((size_t)64 << 10)
#define ERRORS_MAX ((size_t)4 << 10)
/* Some ask a cloud's metadata service first. */
#define TIMEOUT_S 60

/* What a helper says, with code 1, when it has nothing for the server. */
#define NOT_FOUND "credentials not found in native keychain"

/*
 * By these helpers find their store: files, gpg's and its agent, the desktop's
 * secret service. Nothing else of the caller's environment is theirs, and LC_ALL
 * makes them speak the language in which NOT_FOUND is written.
 */
static const char *const passed_on[] = {
    "HOME",
    "USER",
    "LOGNAME",
    "GNUPGHOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "PASSWORD_STORE_DIR",
};
#define N_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

struct environment {
    const char *list[N_PASSED_ON + 3]; /* PATH, LC_ALL, and NULL at the end */
    char *own[N_PASSED_ON + 2];
    size_t n;
};

static void
environment_done(struct environment *environment)
{
    for (size_t i = 0; i < environment->n; i++)
        free(environment->own[i]);
}

static coco_status
add_variable(struct environment *environment, const char *name, const char *value, coco_error **err)
{
    char *text = NULL;

    if (asprintf(&text, "%s=%s", name, value) < 0)
        return coco_fail_nomem(err);
    environment->own[environment->n] = text;
    environment->list[environment->n++] = text;
    return COCO_OK;
}

static coco_status
make_environment(const char *path, struct environment *ret, coco_error **err)
{
    coco_status status = add_variable(ret, "PATH", path, err);
    if (status == COCO_OK)
        status = add_variable(ret, "LC_ALL", "C", err);
    for (size_t i = 0; status == COCO_OK && i < N_PASSED_ON; i++) {
        const char *value = secure_getenv(passed_on[i]);

        if (value)
            status = add_variable(ret, passed_on[i], value, err);
    }
    return status;
}

coco_status
coco_helper_check_path(const char *path, coco_error **err)
{
    for (const char *p = path;; p++) {
        if (*p != '/')
            return coco_fail(err, COCO_ERR_INVALID, "'%.200s' is no list of absolute directories",
                             path);
        p += strcspn(p, ":");
        if (*p == '\0')
            return COCO_OK;
    }
}

coco_status
coco_helper_check_name(const char *name, coco_error **err)
{
    if (!coco_text_is_all(name, NAME_CHARS, NAME_MAX_LEN) || name[0] == '.' || name[0] == '-')
        return coco_fail(err, COCO_ERR_PROTO, "'%.100s' is no name of a credential helper", name);
    return COCO_OK;
}

/* The helper's file in the first directory that has one which may be run. */
static coco_status
find_file(const char *path, const char *name, char **ret, coco_error **err)
{
    for (const char *p = path; *p; p += *p == ':') {
        size_t len = strcspn(p, ":");
        _cleanup_free_ char *file = NULL;
        struct stat st;

        if (asprintf(&file, "%.*s/" PREFIX "%s", (int)len, p, name) < 0) {
            file = NULL;
            return coco_fail_nomem(err);
        }
        p += len;
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0) {
            *ret = coco_steal(&file);
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_NOTFOUND, "no " PREFIX "%s in %.300s", name, path);
}

/* How the helper ended; *ret says whether it had something to say for the server. */
static coco_status
judge(int code, const struct coco_buf *output, const struct coco_buf *errors, bool *ret,
      coco_error **err)
{
    const char *said = coco_buf_text(output);

    *ret = code == 0 || !strstr(said, NOT_FOUND);
    if (code == 0 || code == COCO_PROGRAM_UNKNOWN || !*ret)
        return COCO_OK;
    /* A helper puts its complaint on stdout; but what has a brace may be an answer. */
    if (errors->len > 0 || strchr(said, '{'))
        said = coco_buf_text(errors);
    return coco_fail(err, COCO_ERR_IO, "it ends with %d: %.300s", code, said);
}

static coco_status
run(const char *file, const char *path, coco_ctx *ctx, const char *server, struct coco_buf *output,
    bool *ret, coco_error **err)
{
    _cleanup_(environment_done) struct environment environment = {0};
    _cleanup_buf_ struct coco_buf errors = {.limit = ERRORS_MAX};
    const char *const argv[] = {file, "get", NULL};
    const struct coco_program program = {
        .path = file,
        .argv = argv,
        .env = environment.list,
        .input = server,
        .input_len = strlen(server),
        .timeout = TIMEOUT_S,
    };
    int code = 0;

    coco_status status = make_environment(path, &environment, err);
    if (status == COCO_OK)
        status = coco_program_run(&program, ctx, output, &errors, &code, err);
    if (status == COCO_OK)
        status = judge(code, output, &errors, ret, err);
    return status;
}

static coco_status
read_answer(const struct coco_buf *output, struct coco_credentials *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *user = NULL;
    const char *secret = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(output), output->len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "Username", &user, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "Secret", &secret, err);
    if (status != COCO_OK)
        return status;
    return *user || *secret ? coco_credentials_make(user, secret, ret, err) : COCO_OK;
}

coco_status
coco_helper_get(const char *path, coco_ctx *ctx, const char *name, const char *server,
                struct coco_credentials *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf output = {.limit = OUTPUT_MAX};
    _cleanup_free_ char *file = NULL;
    bool found = false;

    coco_status status = coco_helper_check_name(name, err);
    if (status == COCO_OK)
        status = find_file(path, name, &file, err);
    if (status == COCO_OK)
        status = run(file, path, ctx, server, &output, &found, err);
    if (status == COCO_OK && found)
        status = read_answer(&output, ret, err);
    return status == COCO_OK
               ? COCO_OK
               : coco_wrap(err, status, "credential helper '%.64s' for %.200s", name, server);
}
