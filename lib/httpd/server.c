/*
 * httpd/server.c - sockets, TLS and the loop of a server of HTTP
 *
 * One thread runs one loop with all connections: what a request needs is short.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/server.h"

#include "base/address.h"
#include "base/context.h"
#include "base/fail.h"
#include "httpd/connection.h"
#include "httpd/tls.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define URL_MAX 256

struct coco_httpd_server {
    struct coco_httpd_loop loop;
    struct evconnlistener *listeners[COCO_HTTPD_SOCKETS_MAX];
    size_t n_listeners;
    struct event *stop;                  /* on wake */
    struct event *last;                  /* ends what does not end */
    struct event *more;                  /* takes new connections again */
    struct event *news;                  /* on the caller's eventfd */
    char *paths[COCO_HTTPD_SOCKETS_MAX]; /* of sockets in the file system, or NULL */
    bool full;                           /* and that was said */
    int wake;
    pthread_t thread;
    bool running;
    struct coco_buf url;
};

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
          void *arg)
{
    struct coco_httpd_server *server = arg;

    (void)listener;
    (void)len;
    bool full = server->loop.n >= server->loop.opts.max_connections;
    /* Once, or peers could fill the log. */
    if (full && !server->full)
        coco_ctx_log(server->loop.opts.ctx, COCO_LOG_WARN,
                     "there are %zu connections: for more, those that wait longest are closed",
                     server->loop.n);
    server->full = full;
    coco_httpd_connection_open(&server->loop, fd, address);
}

/*
 * No descriptor, or no memory: the connection that waits would wake the loop
 * again and again, so nobody waits for it for a while.
 */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
    const struct timeval pause = {.tv_usec = COCO_HTTPD_PAUSE_MS * 1000L};
    struct coco_httpd_server *server = arg;
    coco_error *err = NULL;

    (void)listener;
    (void)coco_fail_errno(&err, errno, "cannot take connections");
    if (!server->full)
        coco_ctx_log(server->loop.opts.ctx, COCO_LOG_WARN, "%s", coco_error_message(err));
    coco_error_free(err);
    server->full = true;
    for (size_t i = 0; i < server->n_listeners; i++)
        (void)evconnlistener_disable(server->listeners[i]);
    (void)event_add(server->more, &pause);
}

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
    struct coco_httpd_server *server = arg;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < server->n_listeners; i++)
        (void)evconnlistener_enable(server->listeners[i]);
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval patience = {.tv_sec = COCO_HTTPD_STOP_SECONDS};
    struct coco_httpd_server *server = arg;

    (void)fd;
    (void)what;
    (void)event_del(server->more);
    /* Closed, not disabled: who would only be reset at the end asks elsewhere at once. */
    for (size_t i = 0; i < server->n_listeners; i++) {
        evconnlistener_free(server->listeners[i]);
        server->listeners[i] = NULL;
    }
    (void)event_add(server->last, &patience);
    coco_httpd_connections_stop(&server->loop);
}

static void
on_last(evutil_socket_t fd, short what, void *arg)
{
    struct coco_httpd_server *server = arg;

    (void)fd;
    (void)what;
    (void)event_base_loopbreak(server->loop.base);
}

static void
on_news(evutil_socket_t fd, short what, void *arg)
{
    struct coco_httpd_server *server = arg;
    eventfd_t count;

    (void)what;
    (void)eventfd_read(fd, &count);
    coco_httpd_connections_wake(&server->loop);
}

static void *
run(void *arg)
{
    struct coco_httpd_server *server = arg;

    (void)event_base_dispatch(server->loop.base);
    coco_httpd_connections_close(&server->loop);
    return NULL;
}

static coco_status
check_address(const struct coco_httpd_server *server, const char *text,
              const struct coco_address *address, coco_error **err)
{
    if (server->loop.tls || server->loop.opts.insecure_http || coco_address_is_local(address))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_INVALID,
                     "%s would serve plain HTTP to others: give private_key and certificate, or "
                     "set insecure_http = true",
                     text);
}

static coco_status
remember_url(struct coco_httpd_server *server, evutil_socket_t fd, coco_error **err)
{
    struct coco_address address = {.len = sizeof(address.data)};

    if (getsockname(fd, (struct sockaddr *)&address.data, &address.len) != 0)
        return coco_fail_errno(err, errno, "socket");
    bool tcp = address.data.ss_family == AF_INET || address.data.ss_family == AF_INET6;
    const char *scheme = server->loop.tls ? "https://" : "http://";
    coco_status status = coco_buf_append_text(&server->url, tcp ? scheme : "", err);
    if (status == COCO_OK)
        status = coco_address_format(&address, &server->url, err);
    return status;
}

/* A socket in the file system outlives its server: one that nobody listens at is removed. */
static coco_status
remove_stale(const char *path, const struct coco_address *address, coco_error **err)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    if (fd < 0)
        return coco_fail_errno(err, errno, "socket");
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return COCO_OK; /* listening says what is wrong with that */
    if (connect(fd, (const struct sockaddr *)&address->data, address->len) != 0
        && errno == ECONNREFUSED)
        (void)unlink(path);
    return COCO_OK;
}

static coco_status
keep_path(struct coco_httpd_server *server, const char *path, coco_error **err)
{
    mode_t mode = server->loop.opts.unix_mode;
    char **copy = &server->paths[server->n_listeners - 1];

    if (!path)
        return COCO_OK;
    *copy = strdup(path);
    if (!*copy) {
        (void)unlink(path);
        return coco_fail_nomem(err);
    }
    if (mode && chmod(path, mode) != 0)
        return coco_fail_errno(err, errno, "cannot set the mode of %s", path);
    return COCO_OK;
}

static coco_status
listen_at(struct coco_httpd_server *server, const char *text, coco_error **err)
{
    const unsigned flags =
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | LEV_OPT_DISABLED;
    struct coco_address address;

    coco_status status = coco_address_parse(text, &address, err);
    const char *path = status == COCO_OK ? coco_address_path(&address) : NULL;
    if (status == COCO_OK)
        status = check_address(server, text, &address, err);
    if (status == COCO_OK && path)
        status = remove_stale(path, &address, err);
    if (status != COCO_OK)
        return status;
    struct evconnlistener *listener =
        evconnlistener_new_bind(server->loop.base, on_accept, server, flags, -1,
                                (const struct sockaddr *)&address.data, (int)address.len);
    if (!listener)
        return coco_fail_errno(err, errno, "cannot listen at %s", text);
    evconnlistener_set_error_cb(listener, on_accept_error);
    server->listeners[server->n_listeners++] = listener;
    status = keep_path(server, path, err);
    if (status == COCO_OK && server->n_listeners == 1)
        status = remember_url(server, evconnlistener_get_fd(listener), err);
    return status;
}

static coco_status
set_up_loop(struct coco_httpd_server *server, coco_error **err)
{
    /* Nobody but its own thread touches the loop: what wakes it is a descriptor. */
    struct event_config *config = event_config_new();

    if (!config)
        return coco_fail_nomem(err);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    server->loop.base = event_base_new_with_config(config);
    event_config_free(config);
    if (!server->loop.base)
        return coco_fail(err, COCO_ERR_IO, "no event loop");
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->wake < 0)
        return coco_fail_errno(err, errno, "eventfd");
    server->stop = event_new(server->loop.base, server->wake, EV_READ, on_stop, server);
    server->last = evtimer_new(server->loop.base, on_last, server);
    server->more = evtimer_new(server->loop.base, on_more, server);
    if (!server->stop || !server->last || !server->more || event_add(server->stop, NULL) != 0)
        return coco_fail_nomem(err);
    if (!server->loop.opts.wake)
        return COCO_OK;
    server->news = event_new(server->loop.base, *server->loop.opts.wake, EV_READ | EV_PERSIST,
                             on_news, server);
    if (!server->news || event_add(server->news, NULL) != 0)
        return coco_fail_nomem(err);
    return COCO_OK;
}

static coco_status
set_up(struct coco_httpd_server *server, const struct coco_httpd_options *opts, coco_error **err)
{
    if (opts->n_sockets > COCO_HTTPD_SOCKETS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d sockets", COCO_HTTPD_SOCKETS_MAX);
    coco_status status = coco_httpd_tls_new(&opts->tls, &server->loop.tls, err);
    if (status == COCO_OK)
        status = set_up_loop(server, err);
    for (size_t i = 0; i < opts->n_sockets && status == COCO_OK; i++)
        status = listen_at(server, opts->sockets[i], err);
    for (size_t i = 0; i < server->n_listeners && status == COCO_OK; i++)
        if (evconnlistener_enable(server->listeners[i]) != 0)
            status = coco_fail(err, COCO_ERR_IO, "cannot listen at %s", opts->sockets[i]);
    return status;
}

coco_status
coco_httpd_server_start(const struct coco_httpd_options *opts,
                        const struct coco_httpd_handler *handler, struct coco_httpd_server **ret,
                        coco_error **err)
{
    struct coco_httpd_server *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->loop.opts = *opts;
    made->loop.opts.sockets = NULL;
    made->loop.opts.tls = (struct coco_httpd_tls){0};
    made->loop.handler = *handler;
    made->wake = -1;
    made->url.limit = URL_MAX;
    _cleanup_(coco_httpd_server_stopp) struct coco_httpd_server *server = made;

    coco_status status = set_up(server, opts, err);
    if (status != COCO_OK)
        return status;
    int code = pthread_create(&server->thread, NULL, run, server);
    if (code != 0)
        return coco_fail_errno(err, code, "thread");
    server->running = true;
    *ret = coco_steal(&server);
    return COCO_OK;
}

void
coco_httpd_server_stop(struct coco_httpd_server *server)
{
    if (!server)
        return;
    if (server->running) {
        (void)eventfd_write(server->wake, 1);
        (void)pthread_join(server->thread, NULL);
    }
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (server->listeners[i])
            evconnlistener_free(server->listeners[i]);
        if (server->paths[i])
            (void)unlink(server->paths[i]);
        free(server->paths[i]);
    }
    if (server->stop)
        event_free(server->stop);
    if (server->last)
        event_free(server->last);
    if (server->more)
        event_free(server->more);
    if (server->news)
        event_free(server->news);
    if (server->loop.base)
        event_base_free(server->loop.base);
    if (server->wake >= 0)
        (void)close(server->wake);
    SSL_CTX_free(server->loop.tls);
    coco_buf_done(&server->url);
    free(server);
}

const char *
coco_httpd_server_url(const struct coco_httpd_server *server)
{
    return coco_buf_text(&server->url);
}
