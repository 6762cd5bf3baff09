/*
 * tests/httpd.h - an HTTP server that says what a test wants it to
 *
 * One thread with plain sockets (or TLS over them), so that it can say what no
 * decent server would. It allocates nothing through malloc(), for faults.h
 * counts that.
 *
 *     httpd_start(&httpd, answer, user, NULL);
 *     ... httpd.url is "http://127.0.0.1:<port>" ...
 *     httpd_stop(&httpd);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_HTTPD_H
#define COCO_TESTS_HTTPD_H

#include "tests/support.h"

#include <openssl/ssl.h>
#include <pthread.h>

struct httpd;

/* One request as it came, whole. */
struct httpd_request {
    struct httpd *httpd;
    unsigned number;     /* 0 for the first of the server */
    unsigned connection; /* 0 for the first of the server */
    const char *method;
    const char *target; /* "/path?query" */
    const char *head;   /* all of it, as text */
    const char *body;   /* without chunks; NUL-terminated */
    size_t body_len;
};

/*
 * Answers with httpd_say() and its kin, on the server's thread: it must not use
 * assertions. Returns whether the connection stays open.
 */
typedef bool httpd_answer(void *user, const struct httpd_request *request);

#define HTTPD_BODY_MAX (1 << 20)
#define HTTPD_CONNECTIONS_MAX 8

struct httpd {
    char url[64];
    int port;
    unsigned requests;    /* read it after httpd_stop() */
    unsigned connections; /* the same */

    /*
     * Set before the start, or NULL: sees a request before its body is read, which
     * it is not if this answers and returns false; then the connection is closed.
     */
    httpd_answer *look;

    httpd_answer *answer;
    void *user;
    SSL_CTX *tls;
    int listener;
    int stop[2]; /* a pipe that is closed to stop the thread */
    pthread_t thread;
    struct {
        int fd;
        SSL *ssl;
        unsigned number;
    } open[HTTPD_CONNECTIONS_MAX];
    size_t n_open;
    size_t current;
    char head[16 << 10];
    char body[HTTPD_BODY_MAX];
};

/* Starts on 127.0.0.1 and a free port. With tls NULL it speaks plain HTTP. */
void httpd_start(struct httpd *httpd, httpd_answer *answer, void *user, SSL_CTX *tls);
void httpd_stop(struct httpd *httpd);

/* Sends bytes to the client; false once it has gone, or the server is to stop. */
bool httpd_send(struct httpd *httpd, const void *data, size_t len);
bool httpd_say(struct httpd *httpd, const char *text);
/* A whole answer: status such as "200 OK", more header lines ("A: b\r\n") or "", and a body. */
bool httpd_reply(struct httpd *httpd, const char *status, const char *headers, const char *body);
/* Waits until the client has gone or the server is to stop: a server that stalls. */
void httpd_hang(struct httpd *httpd);
/* The same, but sends these bytes, one every so many ms. */
void httpd_drip(struct httpd *httpd, const void *data, size_t len, int ms);

/* Value of a header of the request, copied; "" if there is none. */
void httpd_header(const struct httpd_request *request, const char *name, char *buf, size_t size);

#endif
