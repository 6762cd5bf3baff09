/*
 * coco/kbs_plugin.h - what a key broker service can do besides (libcoco-kbs)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PLUGIN_H
#define COCO_KBS_PLUGIN_H

#include <coco/kbs.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Plug-ins of a KBS: what answers at `/kbs/v0/<plugin>/<path>`, which a guest calls
 * `kbs+<plugin>:///<path>` (coco_kbc_ask_plugin(), coco_kbc_get_resource()).
 *
 * The KBS has some of its own, `pkcs11` and `ca`, which `[[plugins]]` in its configuration
 * turns on; doc/coco-kbs.md explains them. coco_kbs_add_plugin() adds others, made of a
 * few functions.
 *
 * A plug-in is asked only when it has been settled who asks: an attested guest whom the
 * resource policy lets do this, or an owner whose role may use the path; unless the plug-in
 * says that everybody may. What it answers to a guest is encrypted to the key that the
 * guest's evidence is bound to.
 *
 * Threads: the functions of a plug-in are called from threads of the server, perhaps several
 * at once. While one of them runs others may have to wait for their answers: a plug-in does
 * not wait itself, for the network or for locks that are held for long.
 */

/** Who may ask a plug-in for something. */
typedef enum coco_kbs_access {
    COCO_KBS_ACCESS_NONE = 0,   /**< Nobody: there is no such thing. */
    COCO_KBS_ACCESS_GUEST = 1,  /**< Guests that have attested, if the resource policy says so. */
    COCO_KBS_ACCESS_OWNER = 2,  /**< Owners whose role may use the path. */
    COCO_KBS_ACCESS_PUBLIC = 3, /**< Everybody: what asks is a stranger. */
} coco_kbs_access;

/** What a plug-in is asked. All of it is lent for the call. New members come at the end. */
typedef struct coco_kbs_request {
    const char *method; /**< "GET", "POST", "PUT" or "DELETE". */
    /**
     * What follows `/kbs/v0/<plugin>/`: 1 to 16 parts with `/` between, each of 1 to 255
     * letters and digits of ASCII, underscores, hyphens and, but for the first byte, dots.
     */
    const char *path;
    /** What follows the `?`, decoded: a JSON object of texts, none of them twice. */
    const char *query;
    const uint8_t *body; /**< The body; NULL while the KBS asks who may ask. */
    size_t len;          /**< Number of its bytes, at most `payload_request_size`. */
    /**
     * The claims that were verified about the guest that asks, a JSON object (an EAR, as in
     * the tokens of this KBS); NULL if no guest asks.
     */
    const char *claims;
    const char *role; /**< The role of the owner who asks; NULL if no owner asks. */
} coco_kbs_request;

/** Where a plug-in puts what it has, or why it has nothing. Valid while the plug-in is asked. */
typedef struct coco_kbs_reply coco_kbs_reply;

/**
 * Replies with @p len bytes of @p data, which are copied, and wiped when they were sent: to
 * a guest encrypted to its key. The last reply counts.
 */
COCO_API void coco_kbs_reply_give(coco_kbs_reply *reply, const uint8_t *data, size_t len);

/**
 * Replies with what everybody may read: it is not encrypted.
 *
 * @param reply  whose
 * @param type   its media type, such as "text/plain"
 * @param data   copied
 * @param len    number of its bytes
 */
COCO_API void coco_kbs_reply_give_public(coco_kbs_reply *reply, const char *type,
                                         const uint8_t *data, size_t len);

/**
 * Replies that there is nothing. Whoever asks is told @p message if it was her doing:
 * ::COCO_ERR_INVALID, ::COCO_ERR_PROTO, ::COCO_ERR_VERIFY and ::COCO_ERR_NOTSUP are 400 of HTTP,
 * ::COCO_ERR_DENIED 403, ::COCO_ERR_NOTFOUND 404 and ::COCO_ERR_LIMIT 413; of all else, 500,
 * only the log is told.
 *
 * @param reply    whose
 * @param status   why: anything but ::COCO_OK
 * @param message  the same in words, without secrets; one line
 */
COCO_API void coco_kbs_reply_fail(coco_kbs_reply *reply, coco_status status, const char *message);

/**
 * Has @p note, one line of at most 255 bytes and without secrets, stand beside this request in
 * the audit log, such as the serial number of what was issued.
 */
COCO_API void coco_kbs_reply_note(coco_kbs_reply *reply, const char *note);

/** A plug-in that somebody else wrote. Zero what is not set. */
typedef struct coco_kbs_plugin {
    size_t size;      /**< sizeof(coco_kbs_plugin). */
    const char *name; /**< 1 to 32 of a to z, 0 to 9 and `-`. */
    /** Replies to @p request. */
    void (*handle)(void *user, coco_ctx *ctx, const coco_kbs_request *request,
                   coco_kbs_reply *reply);
    /**
     * Says who may ask what @p request does. NULL: guests may GET, and owners do all else.
     * Nothing of @p request is proven yet: it has no body, no claims and no role.
     */
    coco_kbs_access (*access)(void *user, const coco_kbs_request *request);
    /**
     * Takes @p config, a JSON object: what the entry of `[[plugins]]` with this name says but for
     * the name, `{}` if there is none; called once, before all else. What fails here fails
     * coco_kbs_add_plugin(). NULL: there is nothing to configure.
     */
    void (*configure)(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply);
    /** Frees @p user; NULL if there is nothing to free. */
    coco_destroy_fn *destroy;
} coco_kbs_plugin;

/**
 * Adds @p plugin to @p kbs, which must not be serving. Without one that is called so, an entry
 * of `[[plugins]]` keeps coco_kbs_start() from starting.
 *
 * @param kbs     which
 * @param plugin  copied, but for what its functions need
 * @param user    given to its functions; the KBS owns it from here on, also if the call fails,
 *                unless there is something wrong with the size of @p plugin
 * @param err     ::COCO_ERR_INVALID for a name of another form, one that is taken or of the KBS's
 *                own paths, without handle, or if @p kbs is serving; ::COCO_ERR_PROTO for a
 *                configuration that it does not take; what configure says
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_add_plugin(coco_kbs *kbs,
                                                         const coco_kbs_plugin *plugin, void *user,
                                                         coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
