/*
 * bench/kbs.c - what a KBS costs its machine, beside the bare cryptography
 *
 *     bench-kbs COCO-KBS [HANDSHAKES [SESSIONS]]
 *
 * COCO-KBS serves guests of the TEE sample, and of SEV-SNP and TDX of makers of ours, under
 * the policies it has by itself, on the loopback without TLS. Clients speak over plain sockets that
 * stay open. What is measured is the time that all threads of the server ran, which other work on
 * the machine changes little; requests a second it changes a lot. Cores are kept from going to
 * sleep: that each request wakes one is the machine's, a third of what a virtual one takes for a
 * handshake of a single client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/guests.h"

#include "base/base64.h"
#include "base/fd.h"
#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "rcar/messages.h"
#include "rcar/tee_key.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define REPLY_MAX (1 << 20) /* the token of TDX has the log of what booted */
#define COOKIE_MAX (64 << 10)
#define CLIENTS_MAX 8
#define CORES_MAX 64
#define SECRET_PATH "/kbs/v0/resource/default/key/1"
#define ALL(a) (sizeof(a) / sizeof((a)[0]))

static pid_t server;
static int port;
static char owner_header[2048];
static EVP_PKEY *tee_key;
static cJSON *tee_pubkey;
static struct makers makers;

static void
check(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "bench-kbs: %s failed\n", what);
    if (server > 0)
        (void)kill(server, SIGKILL);
    exit(1);
}

static double
now_s(clockid_t clock)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* ---- The server ---- */

/* Seconds that its threads have run: the first number of each one's schedstat, in ns. */
static double
server_ran(void)
{
    char path[512];
    double sum = 0;
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)server);
    DIR *dir = opendir(path);
    check(dir != NULL, "reading the server's threads");
    while ((entry = readdir(dir)) != NULL) {
        char line[128] = "";

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.32s/schedstat", (int)server,
                       entry->d_name);
        FILE *file = fopen(path, "re");
        if (file && fgets(line, sizeof(line), file))
            sum += strtod(line, NULL) / 1e9;
        if (file)
            (void)fclose(file);
    }
    (void)closedir(dir);
    return sum;
}

static double
server_mib(void)
{
    char path[64];
    char line[256];
    double kib = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
    FILE *file = fopen(path, "re");
    check(file != NULL, "reading the server's memory");
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtod(line + 6, NULL);
    (void)fclose(file);
    return kib / 1024;
}

/* A key of the owner in the configuration, and a token of hers in owner_header. */
static void
write_config(const char *path, const char *collateral)
{
    _cleanup_pkey_ EVP_PKEY *owner = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    _cleanup_buf_ struct coco_buf token = {.limit = 1024};
    _cleanup_json_ cJSON *claims = NULL;
    char amd_root[COCO_DIGEST_TEXT_SIZE];
    char intel_root[COCO_DIGEST_TEXT_SIZE];

    makers_root(makers.amd.ark.cert, amd_root);
    makers_root(makers.intel.root.cert, intel_root);
    check(coco_key_generate(COCO_KEY_ED25519, &owner, NULL) == COCO_OK
              && coco_key_public_pem(owner, &pem, NULL) == COCO_OK
              && coco_json_new_object(&claims, NULL) == COCO_OK
              && coco_json_add_i64(claims, "exp", (int64_t)time(NULL) + 3600, NULL) == COCO_OK
              && coco_json_add_string(claims, "role", "admin", NULL) == COCO_OK
              && coco_jws_sign(owner, NULL, claims, &token, NULL) == COCO_OK,
          "making the owner's key");
    (void)snprintf(owner_header, sizeof(owner_header), "Authorization: Bearer %s\r\n",
                   coco_buf_text(&token));
    FILE *file = fopen(path, "we");
    check(file != NULL, "writing the configuration");
    (void)fprintf(file,
                  "[http_server]\nsockets = [\"127.0.0.1:0\"]\ninsecure_http = true\n"
                  /* One source asks for all of it: what it may is not what is measured. */
                  "[rate_limit]\nenabled = false\n"
                  "[attestation_service]\nallow_sample = true\n"
                  "trusted_roots = [\"amd/Milan=%s\", \"intel=%s\"]\ncollateral = [\"%s\"]\n"
                  "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                  "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                  "public_key = \"\"\"\n%s\"\"\"\n"
                  "[[admin.authorization.regex_acl.acls]]\nrole = \"admin\"\n"
                  "allowed_endpoints = \"^/kbs/v0/.+$\"\n",
                  amd_root, intel_root, collateral, coco_buf_text(&pem));
    check(fclose(file) == 0, "writing the configuration");
}

/* What it logs is a part of its work, and must not make it wait. */
static void *
drop_lines(void *self)
{
    char line[512];
    FILE *said = self;

    while (fgets(line, sizeof(line), said))
        continue;
    (void)fclose(said);
    return NULL;
}

/* From the start to "serving at http://127.0.0.1:<port>", in ms. */
static double
start_server(const char *program, const char *config)
{
    char *argv[] = {strdup(program), strdup("--config"), strdup(config), NULL};
    posix_spawn_file_actions_t actions;
    int out[2];
    char line[512];
    pthread_t reader;
    const double start = now_s(CLOCK_MONOTONIC);

    check(pipe2(out, O_CLOEXEC) == 0, "pipe");
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    check(posix_spawn(&server, program, &actions, NULL, argv, environ) == 0, "starting the server");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(out[1]);
    FILE *said = fdopen(out[0], "re");
    check(said != NULL, "fdopen");
    while (port == 0) {
        check(fgets(line, sizeof(line), said) != NULL, "waiting for the server");
        const char *at = strstr(line, "serving at http://127.0.0.1:");
        if (at)
            port = (int)strtol(at + strlen("serving at http://127.0.0.1:"), NULL, 10);
    }
    const double ready = now_s(CLOCK_MONOTONIC) - start;
    check(pthread_create(&reader, NULL, drop_lines, said) == 0, "pthread_create");
    (void)pthread_detach(reader);
    for (size_t i = 0; i < ALL(argv); i++)
        free(argv[i]);
    return ready * 1e3;
}

/* ---- A client ---- */

struct client {
    int fd;
    char cookie[COOKIE_MAX]; /* "Cookie: kbs-session-id=...\r\n" */
    char reply[REPLY_MAX];
    const char *body;
};

static void
client_open(struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->cookie[0] = '\0';
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(client->fd >= 0 && connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0,
          "connecting");
}

/* The head and as much of a body as it says. */
static int
read_reply(struct client *client)
{
    size_t len = 0;

    for (;;) {
        ssize_t n = read(client->fd, client->reply + len, REPLY_MAX - 1 - len);
        check(n > 0, "reading a reply");
        len += (size_t)n;
        client->reply[len] = '\0';
        char *end = strstr(client->reply, "\r\n\r\n");
        if (!end)
            continue;
        const char *size = strcasestr(client->reply, "\r\ncontent-length:");
        size_t want = size && size < end ? strtoul(size + 17, NULL, 10) : 0;
        client->body = end + 4;
        if (len >= (size_t)(client->body - client->reply) + want)
            return (int)strtol(client->reply + strlen("HTTP/1.1 "), NULL, 10);
    }
}

static void
keep_cookie(struct client *client)
{
    const char *set = strcasestr(client->reply, "\r\nset-cookie: ");

    if (set && set < client->body)
        (void)snprintf(client->cookie, sizeof(client->cookie), "Cookie: %.*s\r\n",
                       (int)strcspn(set + 14, ";\r"), set + 14);
}

static int
ask(struct client *client, const char *method, const char *path, const char *fields,
    const char *body, size_t len)
{
    char head[COOKIE_MAX + 4096];

    int head_len = snprintf(head, sizeof(head),
                            "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %zu\r\n\r\n",
                            method, path, fields, len);
    const struct iovec parts[] = {
        {.iov_base = head, .iov_len = (size_t)head_len},
        {.iov_base = (void *)(uintptr_t)body, .iov_len = len},
    };
    check(writev(client->fd, parts, 2) == (ssize_t)((size_t)head_len + len), "sending a request");
    int status = read_reply(client);
    keep_cookie(client);
    return status;
}

static void
write_attestation(const struct guest *guest, const char *nonce, struct coco_buf *body)
{
    const struct coco_rcar_binding binding = {
        .version = COCO_RCAR_NEWEST,
        .alg = COCO_SHA384,
        .nonce = nonce,
        .tee_pubkey = tee_pubkey,
    };
    struct coco_digest digest;

    check(coco_rcar_report_data(&binding, &digest, NULL) == COCO_OK, "binding evidence");
    _cleanup_json_ cJSON *evidence = guest->evidence(&makers, &digest);
    const struct coco_rcar_attestation attestation = {
        .nonce = nonce,
        .tee_pubkey = tee_pubkey,
        .evidence = evidence,
    };
    check(coco_rcar_attestation_build(COCO_RCAR_NEWEST, &attestation, body, NULL) == COCO_OK,
          "making an attestation");
}

static void
attest(struct client *client, const struct guest *guest)
{
    _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_RCAR_BODY_MAX};

    check(ask(client, "POST", "/kbs/v0/auth", "", guest->request, strlen(guest->request)) == 200,
          "/auth");
    check(coco_rcar_challenge_parse(client->body, strlen(client->body), &challenge, NULL)
              == COCO_OK,
          "reading the challenge");
    write_attestation(guest, challenge.nonce, &body);
    check(ask(client, "POST", "/kbs/v0/attest", client->cookie, coco_buf_text(&body), body.len)
              == 200,
          "/attest");
}

static void
shake_hands(struct client *client)
{
    attest(client, &guest_sample);
}

static void
shake_hands_of_snp(struct client *client)
{
    attest(client, &guest_snp);
}

static void
shake_hands_of_tdx(struct client *client)
{
    attest(client, &guest_tdx);
}

static void
get_secret(struct client *client)
{
    check(ask(client, "GET", SECRET_PATH, client->cookie, "", 0) == 200, "the resource");
}

static void
fill_server(void)
{
    static const char *const references[][2] = {
        {"launch_digest", "[\"abcde\"]"},
        {"svn", "[\"1\"]"},
        {"major_version", "1"},
        {"minimum_minor_version", "1"},
    };
    struct client *client = calloc(1, sizeof(*client));
    char secret[32] = {'x'};

    check(client != NULL, "calloc");
    client_open(client);
    for (size_t i = 0; i < ALL(references); i++) {
        _cleanup_buf_ struct coco_buf payload = {.limit = 1024};
        _cleanup_buf_ struct coco_buf body = {.limit = 4096};
        char json[256];

        int len = snprintf(json, sizeof(json), "{\"%s\":%s}", references[i][0], references[i][1]);
        check(
            coco_base64_encode(COCO_BASE64, json, (size_t)len, &payload, NULL) == COCO_OK
                && coco_buf_printf(&body, NULL,
                                   "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"%s\"}",
                                   coco_buf_text(&payload))
                       == COCO_OK,
            "making a reference value");
        check(ask(client, "POST", "/kbs/v0/reference-value", owner_header, coco_buf_text(&body),
                  body.len)
                  == 200,
              "setting a reference value");
    }
    check(ask(client, "POST", SECRET_PATH, owner_header, secret, sizeof(secret)) == 200,
          "storing a secret");
    (void)close(client->fd);
    free(client);
}

/* ---- Rounds ---- */

struct load {
    void (*one)(struct client *client);
    long each;
    struct client *client;
    pthread_t thread;
};

static void *
work(void *self)
{
    const struct load *load = self;

    for (long i = 0; i < load->each; i++)
        load->one(load->client);
    return NULL;
}

/* Milliseconds of the server for each, printed with the rate. */
static double
measure(const char *what, void (*one)(struct client *client), size_t clients, long rounds)
{
    struct load loads[CLIENTS_MAX];

    for (size_t i = 0; i < clients; i++) {
        loads[i] = (struct load){.one = one, .each = rounds / (long)clients};
        loads[i].client = calloc(1, sizeof(struct client));
        check(loads[i].client != NULL, "calloc");
        client_open(loads[i].client);
        shake_hands(loads[i].client); /* whoever gets a secret has attested */
    }
    const double ran = server_ran();
    const double start = now_s(CLOCK_MONOTONIC);
    for (size_t i = 0; i < clients; i++)
        check(pthread_create(&loads[i].thread, NULL, work, &loads[i]) == 0, "pthread_create");
    for (size_t i = 0; i < clients; i++)
        (void)pthread_join(loads[i].thread, NULL);
    const double took = now_s(CLOCK_MONOTONIC) - start;
    const double each = (server_ran() - ran) / (double)(loads[0].each * (long)clients);
    for (size_t i = 0; i < clients; i++) {
        (void)close(loads[i].client->fd);
        free(loads[i].client);
    }
    (void)printf("%-22s %zu clients %8.0f/s %8.3f ms of the server each\n", what, clients,
                 (double)(loads[0].each * (long)clients) / took, each * 1e3);
    return each * 1e3;
}

/* What cannot be left out of a handshake: the guest's key read, the token signed. */
static double
bare_handshake(long rounds)
{
    _cleanup_pkey_ EVP_PKEY *signer = NULL;
    char text[1600] = {'x'};

    check(coco_key_generate(COCO_KEY_P256, &signer, NULL) == COCO_OK, "making a key");
    const double start = now_s(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < rounds; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf signature = {.limit = 256};

        check(coco_rcar_tee_key_parse(COCO_RCAR_NEWEST, tee_pubkey, &key, NULL) == COCO_OK
                  && coco_key_sign(signer, text, sizeof(text), &signature, NULL) == COCO_OK,
              "signing");
    }
    return (now_s(CLOCK_THREAD_CPUTIME_ID) - start) / (double)rounds * 1e3;
}

/* And, of a chip that is known, the signature of its report. */
static double
bare_report(long rounds)
{
    struct coco_snp_report report = amd_report(0x19, 0x01);
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    uint8_t signature[96];

    amd_sign(&report, makers.amd.vcek.key);
    coco_snp_report_format(&report, bytes);
    for (size_t i = 0; i < 48; i++) {
        signature[i] = report.r[47 - i];
        signature[48 + i] = report.s[47 - i];
    }
    const double start = now_s(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < rounds; i++)
        check(coco_ecdsa_verify(makers.amd.vcek.key, bytes, COCO_SNP_SIGNED_SIZE, signature,
                                sizeof(signature), NULL)
                  == COCO_OK,
              "verifying a report");
    return (now_s(CLOCK_THREAD_CPUTIME_ID) - start) / (double)rounds * 1e3;
}

/* Or that of its quote. */
static double
bare_quote(long rounds)
{
    const uint8_t quote[632] = {0}; /* as many as are signed */
    uint8_t signature[COCO_QUOTE_SIGNATURE_SIZE];

    intel_sign(makers.intel.key, quote, sizeof(quote), signature);
    const double start = now_s(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < rounds; i++)
        check(coco_ecdsa_verify(makers.intel.key, quote, sizeof(quote), signature,
                                sizeof(signature), NULL)
                  == COCO_OK,
              "verifying a quote");
    return (now_s(CLOCK_THREAD_CPUTIME_ID) - start) / (double)rounds * 1e3;
}

/* And of a resource: the JWE for the guest's key. */
static double
bare_resource(long rounds)
{
    const struct coco_jwe_recipient recipient = {tee_key, COCO_JWE_ECDH_ES_A256KW};
    char secret[32] = {'x'};

    const double start = now_s(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < rounds; i++) {
        _cleanup_buf_ struct coco_buf jwe = {.limit = 4096};

        check(coco_jwe_encrypt(&recipient, 1, secret, sizeof(secret), &jwe, NULL) == COCO_OK,
              "encrypting");
    }
    return (now_s(CLOCK_THREAD_CPUTIME_ID) - start) / (double)rounds * 1e3;
}

/* limit 0: none was asked for. */
static void
judge(const char *what, double got, double bare, double limit)
{
    (void)printf("%-22s %.3f ms, bare %.3f ms: %.2f times", what, got, bare, got / bare);
    if (limit > 0)
        (void)printf("; at most %.2f ms asked", limit);
    (void)printf("\n");
}

/* ---- Cores that stay awake ---- */

struct wake {
    atomic_bool ended;
    long n;
    pthread_t threads[CORES_MAX];
};

/* Runs where nothing else wants to. */
static void *
stay_awake(void *self)
{
    const struct wake *wake = self;
    const struct sched_param least = {0};

    check(pthread_setschedparam(pthread_self(), SCHED_IDLE, &least) == 0, "SCHED_IDLE");
    while (!atomic_load_explicit(&wake->ended, memory_order_relaxed))
        continue;
    return NULL;
}

static void
wake_begin(struct wake *wake)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);

    wake->n = cores < CORES_MAX ? cores : CORES_MAX;
    for (long i = 0; i < wake->n; i++)
        check(pthread_create(&wake->threads[i], NULL, stay_awake, wake) == 0, "pthread_create");
}

static void
wake_end(struct wake *wake)
{
    atomic_store(&wake->ended, true);
    for (long i = 0; i < wake->n; i++)
        (void)pthread_join(wake->threads[i], NULL);
}

static void
run(const char *program, long rounds, long sessions)
{
    char dir[] = "/tmp/bench-kbs.XXXXXX";
    char config[sizeof(dir) + 16];
    char collateral[sizeof(dir) + 16];

    check(mkdtemp(dir) != NULL, "mkdtemp");
    (void)snprintf(config, sizeof(config), "%s/config.toml", dir);
    (void)snprintf(collateral, sizeof(collateral), "%s/collateral", dir);
    makers_publish(&makers, collateral);
    write_config(config, collateral);
    const double ready = start_server(program, config);
    const double idle = server_mib();
    (void)printf("ready after %.1f ms (asked: 20), idle %.1f MiB (asked: 10)\n", ready, idle);
    fill_server();

    const double handshake = measure("handshake", shake_hands, 1, rounds);
    (void)measure("handshake", shake_hands, CLIENTS_MAX, rounds);
    const double of_snp = measure("handshake of SNP", shake_hands_of_snp, 1, rounds / 4);
    (void)measure("handshake of SNP", shake_hands_of_snp, CLIENTS_MAX, rounds / 4);
    const double of_tdx = measure("handshake of TDX", shake_hands_of_tdx, 1, rounds / 4);
    (void)measure("handshake of TDX", shake_hands_of_tdx, CLIENTS_MAX, rounds / 4);
    const double resource = measure("resource", get_secret, 1, 2 * rounds);
    (void)measure("resource", get_secret, CLIENTS_MAX, 2 * rounds);
    const double bare = bare_handshake(rounds);
    judge("handshake", handshake, bare, 0.4);
    judge("handshake of SNP", of_snp, bare + bare_report(rounds / 4), 0);
    judge("handshake of TDX", of_tdx, bare + bare_quote(rounds / 4), 0);
    judge("resource", resource, bare_resource(rounds), 0.15);
    if (sessions > 0)
        (void)measure("handshake", shake_hands, CLIENTS_MAX, sessions);
    (void)printf("after all that %.1f MiB (asked after 100,000 sessions: 24)\n", server_mib());
}

int
main(int argc, char **argv)
{
    static struct wake wake;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench-kbs COCO-KBS [HANDSHAKES [SESSIONS]]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    check(coco_key_generate(COCO_KEY_P256, &tee_key, NULL) == COCO_OK
              && coco_rcar_tee_key_build(COCO_RCAR_NEWEST, tee_key, &tee_pubkey, NULL) == COCO_OK,
          "making the guest's key");
    makers_begin(&makers);
    wake_begin(&wake);
    run(argv[1], argc > 2 ? strtol(argv[2], NULL, 10) : 2000,
        argc > 3 ? strtol(argv[3], NULL, 10) : 0);
    wake_end(&wake);
    makers_end(&makers);
    (void)kill(server, SIGTERM);
    (void)waitpid(server, NULL, 0);
    coco_json_free(tee_pubkey);
    EVP_PKEY_free(tee_key);
    return 0;
}
