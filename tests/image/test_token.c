/*
 * tests/image/test_token.c - lib/image/token.c, against token servers that lie
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/token.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define USER "alice"
#define PASSWORD "correct-horse-battery"
/* Both, as RFC 7617 has them. */
#define ENCODED "YWxpY2U6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"
#define SCOPE "repository:acme/app:pull"
/* Stands in each answer, so that a message that quotes one is found. */
#define TOKEN "eyJ0.t0psecret-0123456789_x.s1g"

/* A server that gives everybody the same answer, and what it was asked. */
struct plan {
    const char *status, *headers, *body;
    coco_ctx *cancel; /* not NULL: it is canceled, and nobody is answered */
    unsigned n;
    char line[9000];
    char authorization[200];
    char type[100];
    char form[1000];
};

static bool
answer(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;

    plan->n++;
    (void)snprintf(plan->line, sizeof(plan->line), "%s %s", request->method, request->target);
    httpd_header(request, "Authorization", plan->authorization, sizeof(plan->authorization));
    httpd_header(request, "Content-Type", plan->type, sizeof(plan->type));
    (void)snprintf(plan->form, sizeof(plan->form), "%s", request->body);
    if (plan->cancel) {
        coco_ctx_cancel(plan->cancel);
        httpd_hang(request->httpd);
        return false;
    }
    return httpd_reply(request->httpd, plan->status, plan->headers ? plan->headers : "",
                       plan->body);
}

struct fixture {
    struct httpd httpd;
    struct httpd other;
    struct coco_http *http;
    coco_ctx *ctx;
    struct coco_credentials credentials;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    static const struct coco_http_options opts = {
        .allow_plain = true,
        .retry = {.retries = COCO_RETRIES_NONE},
    };
    struct fixture *f = &fixture;

    f->err = NULL;
    assert_ok(coco_http_new(&opts, &f->http, &f->err), f->err);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_secret_copy(USER, strlen(USER), &f->credentials.user, &f->err), f->err);
    assert_ok(coco_secret_copy(PASSWORD, strlen(PASSWORD), &f->credentials.password, &f->err),
              f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_credentials_done(&f->credentials);
    coco_http_free(f->http);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

/* Asks the server that follows the plan; where is what its URL ends with. */
static coco_status
ask(struct fixture *f, struct plan *plan, const char *where, const char *service,
    struct coco_buf *buf)
{
    static char text[8192]; /* of the service: more than a URL may have */
    char realm[9000];
    struct coco_challenge challenge = {.scheme = COCO_CHALLENGE_BEARER, .realm = realm};

    plan->n = 0;
    httpd_start(&f->httpd, answer, plan, NULL);
    (void)snprintf(realm, sizeof(realm), "%s%s", f->httpd.url, where);
    if (service) {
        (void)snprintf(text, sizeof(text), "%s", service);
        challenge.service = text;
    }
    coco_status status =
        coco_token_bearer(f->http, f->ctx, &challenge, SCOPE, &f->credentials, buf, &f->err);
    httpd_stop(&f->httpd);
    return status;
}

static void
answers_without_a_token_are_refused(void **state)
{
    static const struct {
        const char *status, *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"200 OK", "", COCO_ERR_PROTO, "token: "},
        {"200 OK", TOKEN, COCO_ERR_PROTO, "token: "},
        {"200 OK", "\"" TOKEN "\"", COCO_ERR_PROTO, "token: "},
        {"200 OK", "[\"" TOKEN "\"]", COCO_ERR_PROTO, "token: "},
        {"200 OK", "{}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"TOKEN\":\"" TOKEN "\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"refresh_token\":\"" TOKEN "\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":null}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":null,\"access_token\":null}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"\",\"access_token\":\"\"}", COCO_ERR_PROTO, "no token"},
        /* Types */
        {"200 OK", "{\"token\":1}", COCO_ERR_PROTO, "'token' is not a string"},
        {"200 OK", "{\"token\":true}", COCO_ERR_PROTO, "'token' is not a string"},
        {"200 OK", "{\"token\":[\"" TOKEN "\"]}", COCO_ERR_PROTO, "'token' is not a string"},
        {"200 OK", "{\"token\":{\"t\":\"" TOKEN "\"}}", COCO_ERR_PROTO, "'token' is not a string"},
        {"200 OK", "{\"access_token\":1}", COCO_ERR_PROTO, "'access_token' is not a string"},
        {"200 OK", "{\"token\":\"" TOKEN "\",\"access_token\":1}", COCO_ERR_PROTO,
         "'access_token' is not a string"},
        /* What would be more than one word of a header (T13). */
        {"200 OK", "{\"token\":\"" TOKEN "\\r\\nX-Evil: 1\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\\n\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\\r\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\" " TOKEN "\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN " \"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\\t\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\\u007f\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\\u001b[2J\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"" TOKEN "\xc3\xbc\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"a b\",\"access_token\":\"" TOKEN "\"}", COCO_ERR_PROTO,
         "no token"},
        {"200 OK", "{\"token\":\"\",\"access_token\":\"a\\nb\"}", COCO_ERR_PROTO, "no token"},
        /* What another reader could read otherwise (T9). */
        {"200 OK", "{\"token\":\"" TOKEN "\\u0000\"}", COCO_ERR_PROTO, "token: "},
        {"200 OK", "{\"token\":\"" TOKEN "\",\"token\":\"b\"}", COCO_ERR_PROTO, "token: "},
        {"200 OK", "{\"token\":\"" TOKEN "\",\"Token\":\"b\"}", COCO_ERR_PROTO, "token: "},
        {"200 OK", "{\"token\":\"" TOKEN "\"}{}", COCO_ERR_PROTO, "token: "},
        {"200 OK", "{\"token\":\"" TOKEN, COCO_ERR_PROTO, "token: "},
        {"200 OK", "{\"token\":\"\xff" TOKEN "\"}", COCO_ERR_PROTO, "token: "},
        {"200 OK", "\xef\xbb\xbf{\"token\":\"" TOKEN "\"}", COCO_ERR_PROTO, "token: "},
        /* Statuses, whatever else is said */
        {"401 No", "{\"token\":\"" TOKEN "\"}", COCO_ERR_DENIED, "refuses the credentials"},
        {"403 No", "{\"token\":\"" TOKEN "\"}", COCO_ERR_DENIED, "refuses the credentials"},
        {"404 No", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 404"},
        {"429 No", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 429"},
        {"500 No", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 500"},
        {"201 Created", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 201"},
        {"206 Partial", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 206"},
        {"302 Found", "{\"token\":\"" TOKEN "\"}", COCO_ERR_NET, "answers 302"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = {.status = cases[i].status, .body = cases[i].body};
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

        coco_status status = ask(f, &plan, "/t", "s", &buf);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), "t0psecret"));
        assert_null(strstr(coco_error_message(f->err), PASSWORD));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(plan.n, 1);
        assert_int_equal(buf.len, 0);
    }
}

static void
a_token_is_taken_under_either_name(void **state)
{
    static const char *const bodies[] = {
        "{\"token\":\"" TOKEN "\"}",
        "{\"access_token\":\"" TOKEN "\"}",
        "{\"token\":\"\",\"access_token\":\"" TOKEN "\"}",
        "{\"token\":null,\"access_token\":\"" TOKEN "\"}",
        "{\"access_token\":\"other\",\"token\":\"" TOKEN "\"}",
        " {\"expires_in\":\"soon\",\"issued_at\":1,\"token\":\"" TOKEN "\",\"x\":[[]]}\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct plan plan = {.status = "200 OK", .body = bodies[i]};
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

        assert_ok(ask(f, &plan, "/t", NULL, &buf), f->err);
        assert_string_equal(coco_buf_text(&buf), "Bearer " TOKEN);
    }
}

/* A body with a token of len characters, to be freed. */
static char *
body_of_length(size_t len)
{
    char *body = malloc(len + sizeof("{\"token\":\"\"}"));

    assert_non_null(body);
    size_t n = (size_t)sprintf(body, "{\"token\":\"");
    memset(body + n, 'x', len);
    memcpy(body + n + len, "\"}", 3);
    return body;
}

static void
the_size_of_a_token_is_bounded(void **state)
{
    static const struct {
        size_t len;
        const char *why; /* NULL: it is taken */
    } cases[] = {
        {COCO_TOKEN_MAX, NULL},
        {COCO_TOKEN_MAX + 1, "a token of more than 32768 bytes"},
        {(size_t)100 << 10, "a token of more than 32768 bytes"},
        /* The whole answer, before any of it is read */
        {((size_t)1 << 20) - 12, "a token of more than 32768 bytes"},
        {((size_t)1 << 20) - 11, "a body of more than 1048576 bytes"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *body = body_of_length(cases[i].len);
        struct plan plan = {.status = "200 OK", .body = body};
        _cleanup_buf_ struct coco_buf buf = {.limit = (size_t)2 << 20};

        coco_status status = ask(f, &plan, "/t", NULL, &buf);
        if (!cases[i].why) {
            assert_ok(status, f->err);
            assert_int_equal(buf.len, strlen("Bearer ") + cases[i].len);
            continue;
        }
        assert_fails(status, f->err, COCO_ERR_LIMIT, cases[i].why);
        assert_int_equal(buf.len, 0);
    }
}

static void
a_buffer_without_room_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    _cleanup_buf_ struct coco_buf buf = {.limit = 4 + strlen("Basic ")};

    assert_ok(coco_buf_append_text(&buf, "keep", &f->err), f->err);
    assert_fails(ask(f, &plan, "/t", NULL, &buf), f->err, COCO_ERR_LIMIT, "more than 10 bytes");
    assert_string_equal(coco_buf_text(&buf), "keep");
    assert_fails(coco_token_basic(&f->credentials, &buf, &f->err), f->err, COCO_ERR_LIMIT,
                 "more than 10 bytes");
    assert_string_equal(coco_buf_text(&buf), "keep");

    buf.limit = 4 + strlen("Bearer " TOKEN);
    assert_ok(ask(f, &plan, "/t", NULL, &buf), f->err);
    assert_string_equal(coco_buf_text(&buf), "keepBearer " TOKEN);
}

/* What a registry puts into a challenge must not add to the question, or cut it (T13). */
static void
the_question_is_what_was_meant(void **state)
{
    static const struct {
        const char *where, *service, *want;
    } cases[] = {
        {"/t", NULL, "GET /t?scope="},
        {"", NULL, "GET /?scope="},
        {"/t", "s", "GET /t?service=s&scope="},
        {"/t", "", "GET /t?service=&scope="},
        {"/t?", "s", "GET /t?&service=s&scope="},
        {"/t?a=b", "s", "GET /t?a=b&service=s&scope="},
        {"/t#f", "s", "GET /t?service=s&scope="},
        {"/t?a=b#f?g", "s", "GET /t?a=b&service=s&scope="},
        {"/t", "Azaz09-._~", "GET /t?service=Azaz09-._~&scope="},
        {"/t", "a b+c", "GET /t?service=a%20b%2Bc&scope="},
        {"/t", "s&scope=repository:other:push", "%26scope%3Drepository%3Aother%3Apush&scope="},
        {"/t", "#x", "GET /t?service=%23x&scope="},
        {"/t", "%41", "GET /t?service=%2541&scope="},
        {"/t", "\r\nX-Evil: 1", "GET /t?service=%0D%0AX-Evil%3A%201&scope="},
        {"/t", "\xc3\xbc\xff", "GET /t?service=%C3%BC%FF&scope="},
        {"/t", "../..//\\", "GET /t?service=..%2F..%2F%2F%5C&scope="},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

        assert_ok(ask(f, &plan, cases[i].where, cases[i].service, &buf), f->err);
        assert_int_equal(plan.n, 1);
        assert_contains(plan.line, cases[i].want);
        assert_contains(plan.line, "scope=repository%3Aacme%2Fapp%3Apull");
        /* And nothing behind it. */
        assert_string_equal(strstr(plan.line, "%3Apull"), "%3Apull");
    }
}

static void
a_url_past_its_limit_is_not_asked(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
    char service[8000];
    char where[8192];

    /* Three bytes for one */
    memset(service, '/', sizeof(service));
    service[2800] = '\0';
    assert_fails(ask(f, &plan, "/t", service, &buf), f->err, COCO_ERR_LIMIT, "token: ");
    assert_int_equal(plan.n, 0);
    memset(where, '/', sizeof(where));
    where[sizeof(where) - 1] = '\0';
    assert_fails(ask(f, &plan, where, NULL, &buf), f->err, COCO_ERR_LIMIT, "token: ");
    assert_int_equal(plan.n, 0);
    assert_int_equal(buf.len, 0);

    service[2500] = '\0';
    assert_ok(ask(f, &plan, "/t", service, &buf), f->err);
}

static void
realms_that_are_no_http_urls_are_not_asked(void **state)
{
    static const char *const realms[] = {
        "",
        "/token",
        "token",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "http://",
        "http://alice:secret@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/\r\nX-Evil: 1",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\n.evil.test/",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(realms); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
        _cleanup_free_ char *realm = strdup(realms[i]);
        const struct coco_challenge challenge = {.realm = realm};

        coco_status status =
            coco_token_bearer(f->http, f->ctx, &challenge, SCOPE, &f->credentials, &buf, &f->err);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, COCO_ERR_INVALID, "token: ");
        assert_int_equal(buf.len, 0);
    }
}

static void
a_client_of_https_only_does_not_ask_without(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

    coco_http_allow_plain(f->http, false);
    assert_fails(ask(f, &plan, "/t", NULL, &buf), f->err, COCO_ERR_INVALID, "plain HTTP");
    assert_int_equal(plan.n, 0);
}

static void
credentials_are_sent_if_there_are_any(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

    assert_ok(ask(f, &plan, "/t", "s", &buf), f->err);
    assert_string_equal(plan.authorization, "Basic " ENCODED);
    /* In the header, and nowhere else */
    assert_null(strstr(plan.line, USER));

    coco_credentials_done(&f->credentials);
    assert_ok(ask(f, &plan, "/t", "s", &buf), f->err);
    assert_string_equal(plan.authorization, "");
}

/* The fixture's credentials become an identity token. */
static void
use_identity_token(struct fixture *f, const char *token)
{
    coco_credentials_done(&f->credentials);
    assert_ok(coco_secret_copy(token, strlen(token), &f->credentials.identity_token, &f->err),
              f->err);
}

/* distribution, docs/spec/auth/oauth.md */
static void
an_identity_token_is_traded(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK",
                        .body = "{\"access_token\":\"" TOKEN "\",\"refresh_token\":\"other\"}"};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

    use_identity_token(f, "a.b/c+d&scope=x");
    assert_ok(ask(f, &plan, "/t?a=b#f", "s&t", &buf), f->err);
    assert_string_equal(coco_buf_text(&buf), "Bearer " TOKEN);
    assert_int_equal(plan.n, 1);
    /* In the body, and nowhere else */
    assert_string_equal(plan.line, "POST /t?a=b");
    assert_string_equal(plan.authorization, "");
    assert_string_equal(plan.type, "application/x-www-form-urlencoded");
    assert_string_equal(plan.form, "grant_type=refresh_token&client_id=libcoco"
                                   "&refresh_token=a.b%2Fc%2Bd%26scope%3Dx"
                                   "&scope=repository%3Aacme%2Fapp%3Apull&service=s%26t");
    coco_buf_reset(&buf);
    assert_ok(ask(f, &plan, "/t", NULL, &buf), f->err);
    assert_null(strstr(plan.form, "service"));
}

static void
an_identity_token_goes_to_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct plan thief = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    struct plan plan = {.status = "307 Elsewhere", .body = ""};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
    char location[128];

    use_identity_token(f, "t0ken");
    httpd_start(&f->other, answer, &thief, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/x\r\n", f->other.url);
    plan.headers = location;
    coco_status status = ask(f, &plan, "/t", "s", &buf);
    httpd_stop(&f->other);
    assert_fails(status, f->err, COCO_ERR_NET, "the token server answers 307");
    assert_int_equal(thief.n, 0);

    plan = (struct plan){.status = "401 No", .body = "{}"};
    assert_fails(ask(f, &plan, "/t", "s", &buf), f->err, COCO_ERR_DENIED, "refuses");
    plan = (struct plan){.status = "404 No", .body = "{}"};
    assert_fails(ask(f, &plan, "/t", "s", &buf), f->err, COCO_ERR_NET, "answers 404");
    assert_int_equal(buf.len, 0);
}

/* A redirect leads away from whom the caller has looked at. */
static void
a_server_elsewhere_does_not_see_the_credentials(void **state)
{
    struct fixture *f = *state;
    struct plan thief = {.status = "200 OK", .body = "{\"token\":\"" TOKEN "\"}"};
    struct plan plan = {.status = "302 Found", .body = ""};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
    char location[128];

    httpd_start(&f->other, answer, &thief, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/x\r\n", f->other.url);
    plan.headers = location;
    coco_status status = ask(f, &plan, "/t", "s", &buf);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_string_equal(plan.authorization, "Basic " ENCODED);
    assert_string_equal(thief.line, "GET /x");
    assert_string_equal(thief.authorization, "");

    /* And one in a circle ends. */
    plan.headers = "Location: /again\r\n";
    coco_buf_reset(&buf);
    assert_fails(ask(f, &plan, "/t", "s", &buf), f->err, COCO_ERR_LIMIT, "redirects");
    assert_int_equal(plan.n, COCO_HTTP_REDIRECTS_MAX + 1);
}

static void
a_server_that_is_not_there_or_stalls_is_told(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.cancel = f->ctx};
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
    char realm[] = "http://127.0.0.1:1/t";
    const struct coco_challenge challenge = {.realm = realm};

    assert_fails(
        coco_token_bearer(f->http, f->ctx, &challenge, SCOPE, &f->credentials, &buf, &f->err),
        f->err, COCO_ERR_NET, "token: GET http://127.0.0.1:1/t");
    assert_fails(ask(f, &plan, "/t", NULL, &buf), f->err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(plan.n, 1);
    assert_int_equal(buf.len, 0);
}

/* coco_token_basic() of user and password, where NULL is none. */
static coco_status
basic(const char *user, size_t user_len, const char *password, struct coco_buf *buf,
      coco_error **err)
{
    _cleanup_credentials_ struct coco_credentials credentials = {0};

    assert_int_equal(coco_secret_copy(user, user_len, &credentials.user, NULL), COCO_OK);
    assert_int_equal(coco_secret_copy(password, strlen(password), &credentials.password, NULL),
                     COCO_OK);
    return coco_token_basic(&credentials, buf, err);
}

static void
basic_is_as_the_rfc_has_it(void **state)
{
    static const struct {
        const char *user, *password, *want;
    } cases[] = {
        {"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617 section 2 */
        {"test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow=="},                /* section 2.1 */
        {"", "", "Basic Og=="},
        {"a", "", "Basic YTo="},
        {"", "b", "Basic OmI="},
        /* What would break a header is none of it any more. */
        {"a", "\r\nX: 1", "Basic YToNClg6IDE="},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 100};

        assert_ok(basic(cases[i].user, strlen(cases[i].user), cases[i].password, &buf, &f->err),
                  f->err);
        assert_string_equal(coco_buf_text(&buf), cases[i].want);
    }
}

static void
the_size_of_credentials_is_bounded(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *user = malloc(COCO_TOKEN_MAX);
    /* What a registry keeps for them */
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

    assert_non_null(user);
    memset(user, 'u', COCO_TOKEN_MAX);
    assert_fails(basic(user, COCO_TOKEN_MAX - 1, "p", &buf, &f->err), f->err, COCO_ERR_LIMIT,
                 "32768 bytes");
    assert_fails(basic(user, COCO_TOKEN_MAX, "", &buf, &f->err), f->err, COCO_ERR_LIMIT,
                 "32768 bytes");
    assert_int_equal(buf.len, 0);
    assert_ok(basic(user, COCO_TOKEN_MAX - 2, "p", &buf, &f->err), f->err);
}

static void
token_and_credentials_are_wiped_wherever_they_were(void **state)
{
    static const char *const canaries[] = {PASSWORD, ENCODED, TOKEN};
    static const struct {
        const char *status, *body;
    } answers[] = {
        {"200 OK", "{\"token\":\"" TOKEN "\"}"},
        {"200 OK", "{\"access_token\":\"" TOKEN "\",\"token\":\"" TOKEN "\"}"},
        /* Also when it comes to nothing */
        {"200 OK", "{\"token\":\"" TOKEN "\\r\\n\"}"},
        {"200 OK", "{\"token\":\"" TOKEN "\",\"x\":}"},
        {"200 OK", "{\"token\":\"" TOKEN "\",\"access_token\":1}"},
        {"500 No", "{\"token\":\"" TOKEN "\"}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(answers); i++)
        for (size_t c = 0; c < COUNT(canaries); c++) {
            struct plan plan = {.status = answers[i].status, .body = answers[i].body};
            struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
            struct coco_buf basic_buf = {.limit = 2 * COCO_TOKEN_MAX};

            canary_begin(canaries[c], strlen(canaries[c]));
            coco_status status = ask(f, &plan, "/t", "s", &buf);
            coco_error_free(f->err);
            f->err = NULL;
            coco_status other = coco_token_basic(&f->credentials, &basic_buf, &f->err);
            coco_buf_done(&buf);
            coco_buf_done(&basic_buf);
            unsigned leaks = canary_end();
            assert_int_equal(leaks, 0);
            assert_int_equal(status == COCO_OK, i < 2);
            assert_ok(other, f->err);
        }
}

static void
an_identity_token_is_wiped_wherever_it_was(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .body = "{\"token\":\"x\"}"};

    canary_begin(PASSWORD, strlen(PASSWORD));
    for (int i = 0; i < 2; i++) {
        struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};

        use_identity_token(f, PASSWORD);
        coco_status status = ask(f, &plan, "/t", "s", &buf);
        coco_buf_done(&buf);
        coco_credentials_done(&f->credentials);
        assert_int_equal(status == COCO_OK, i == 0);
        coco_error_free(f->err);
        f->err = NULL;
        plan.status = "500 No";
    }
    assert_int_equal(canary_end(), 0);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    /* Long enough for a buffer to grow more than once */
    _cleanup_free_ char *body = body_of_length(1000);
    struct plan plan = {.status = "200 OK", .body = body};
    char realm[128];
    char service[] = "a service";
    const struct coco_challenge challenge = {.realm = realm, .service = service};

    httpd_start(&f->httpd, answer, &plan, NULL);
    (void)snprintf(realm, sizeof(realm), "%s/t", f->httpd.url);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf basic_buf = {.limit = 2 * COCO_TOKEN_MAX};
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
        coco_error *err = NULL;

        coco_status first = coco_token_basic(&f->credentials, &basic_buf, &err);
        coco_status status = first;
        if (status == COCO_OK)
            status =
                coco_token_bearer(f->http, f->ctx, &challenge, SCOPE, &f->credentials, &buf, &err);
        fault_expect(status, err);
        /* Half an Authorization would be sent as it is. */
        assert_string_equal(coco_buf_text(&basic_buf), first ? "" : "Basic " ENCODED);
        assert_int_equal(buf.len, status ? 0 : strlen("Bearer ") + 1000);
    }
    use_identity_token(f, "t0ken");
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_TOKEN_MAX};
        coco_error *err = NULL;

        coco_status status =
            coco_token_bearer(f->http, f->ctx, &challenge, SCOPE, &f->credentials, &buf, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_without_a_token_are_refused),
        TEST(a_token_is_taken_under_either_name),
        TEST(the_size_of_a_token_is_bounded),
        TEST(a_buffer_without_room_stays_as_it_was),
        TEST(the_question_is_what_was_meant),
        TEST(a_url_past_its_limit_is_not_asked),
        TEST(realms_that_are_no_http_urls_are_not_asked),
        TEST(a_client_of_https_only_does_not_ask_without),
        TEST(credentials_are_sent_if_there_are_any),
        TEST(an_identity_token_is_traded),
        TEST(an_identity_token_goes_to_nobody_else),
        TEST(a_server_elsewhere_does_not_see_the_credentials),
        TEST(a_server_that_is_not_there_or_stalls_is_told),
        TEST(basic_is_as_the_rfc_has_it),
        TEST(the_size_of_credentials_is_bounded),
        TEST(token_and_credentials_are_wiped_wherever_they_were),
        TEST(an_identity_token_is_wiped_wherever_it_was),
        TEST(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/token", tests, NULL, NULL);
}
