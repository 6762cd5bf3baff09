/*
 * daemons/late.c - libraries that are loaded when they are needed
 *
 * libcurl and libpq bring thirty others along, which take a third of the memory
 * of a KBS that asks nobody and keeps its values in SQLite, and most of the
 * time until it is ready; tpm2-tss is for those whose key a TPM keeps. Here are the functions of
 * theirs that the program calls: the first call of each finds it in its library. A library that is
 * not there ends the program, as it would at the start of one that was linked to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define CURL_DISABLE_TYPECHECK

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_LIBPQ
#include <libpq-fe.h>
#endif

#ifdef HAVE_TPM
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
#endif

/* The names are part of their ABI. */
#define CURL_LIBRARY "libcurl.so.4"
#define POSTGRES_LIBRARY "libpq.so.5"
#define ESYS_LIBRARY "libtss2-esys.so.0"
#define MU_LIBRARY "libtss2-mu.so.0"
#define RC_LIBRARY "libtss2-rc.so.0"
#define TCTILDR_LIBRARY "libtss2-tctildr.so.0"

typedef void any_function(void);

/* C has no cast from what dlsym() gives to a function; dlsym(3) has this. */
union symbol {
    void *object;
    any_function *function;
};

static any_function *
find(const char *library, const char *name)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    const union symbol symbol = {.object = handle ? dlsym(handle, name) : NULL};

    if (!symbol.object) {
        (void)fprintf(stderr, "coco-kbs: %s\n", dlerror());
        exit(1);
    }
    return symbol.function;
}

/* The function `name`, found once: two threads that look for it at once find
 * the same. */
#define LATE(library, name)                                                                        \
    static _Atomic(any_function *) found_##name;                                                   \
    any_function *function = atomic_load(&found_##name);                                           \
                                                                                                   \
    if (!function) {                                                                               \
        function = find(library, #name);                                                           \
        atomic_store(&found_##name, function);                                                     \
    }

#define CALL(name) ((__typeof__(&(name)))function)

/* NOLINTBEGIN(bugprone-macro-parentheses): parameters and arguments come within theirs */
#define FUNCTION(library, type, name, parameters, arguments)                                       \
    type name parameters                                                                           \
    {                                                                                              \
        LATE(library, name)                                                                        \
        return CALL(name) arguments;                                                               \
    }

#define PROCEDURE(library, name, parameters, arguments)                                            \
    void name parameters                                                                           \
    {                                                                                              \
        LATE(library, name)                                                                        \
        CALL(name) arguments;                                                                      \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* ---- libcurl ---- */

/*
 * Options are long, curl_off_t or pointers, and one at a time: where these have
 * the same size they are passed the same way.
 */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *), "LP64");

#define CURL_VARIADIC(type, name, handle_type, option_type)                                        \
    type(name)(handle_type handle, option_type option, ...)                                        \
    {                                                                                              \
        LATE(CURL_LIBRARY, name)                                                                   \
        va_list arguments;                                                                         \
                                                                                                   \
        va_start(arguments, option);                                                               \
        void *value = va_arg(arguments, void *);                                                   \
        va_end(arguments);                                                                         \
        return CALL(name)(handle, option, value);                                                  \
    }

/* What it does not change it says since then. */
#if LIBCURL_VERSION_NUM >= 0x080000
#define GET_URL const CURLU
#else
#define GET_URL CURLU
#endif

CURL_VARIADIC(CURLcode, curl_easy_setopt, CURL *, CURLoption)
CURL_VARIADIC(CURLcode, curl_easy_getinfo, CURL *, CURLINFO)
CURL_VARIADIC(CURLMcode, curl_multi_setopt, CURLM *, CURLMoption)

FUNCTION(CURL_LIBRARY, CURL *, curl_easy_init, (void), ())
PROCEDURE(CURL_LIBRARY, curl_easy_cleanup, (CURL * handle), (handle))
PROCEDURE(CURL_LIBRARY, curl_easy_reset, (CURL * handle), (handle))
FUNCTION(CURL_LIBRARY, CURLcode, curl_easy_pause, (CURL * handle, int what), (handle, what))
FUNCTION(CURL_LIBRARY, const char *, curl_easy_strerror, (CURLcode code), (code))
PROCEDURE(CURL_LIBRARY, curl_free, (void *p), (p))
FUNCTION(CURL_LIBRARY, CURLM *, curl_multi_init, (void), ())
FUNCTION(CURL_LIBRARY, CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
FUNCTION(CURL_LIBRARY, CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *handle),
         (multi, handle))
FUNCTION(CURL_LIBRARY, CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *handle),
         (multi, handle))
FUNCTION(CURL_LIBRARY, CURLMcode, curl_multi_perform, (CURLM * multi, int *running),
         (multi, running))
FUNCTION(CURL_LIBRARY, CURLMcode, curl_multi_poll,
         (CURLM * multi, struct curl_waitfd *fds, unsigned n, int timeout_ms, int *ready),
         (multi, fds, n, timeout_ms, ready))
FUNCTION(CURL_LIBRARY, CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), (multi, left))
FUNCTION(CURL_LIBRARY, const char *, curl_multi_strerror, (CURLMcode code), (code))
FUNCTION(CURL_LIBRARY, struct curl_slist *, curl_slist_append,
         (struct curl_slist * list, const char *text), (list, text))
PROCEDURE(CURL_LIBRARY, curl_slist_free_all, (struct curl_slist * list), (list))
FUNCTION(CURL_LIBRARY, CURLU *, curl_url, (void), ())
PROCEDURE(CURL_LIBRARY, curl_url_cleanup, (CURLU * url), (url))
FUNCTION(CURL_LIBRARY, CURLUcode, curl_url_get,
         (GET_URL * url, CURLUPart part, char **text, unsigned flags), (url, part, text, flags))
FUNCTION(CURL_LIBRARY, CURLUcode, curl_url_set,
         (CURLU * url, CURLUPart part, const char *text, unsigned flags), (url, part, text, flags))
FUNCTION(CURL_LIBRARY, const char *, curl_url_strerror, (CURLUcode code), (code))
FUNCTION(CURL_LIBRARY, curl_version_info_data *, curl_version_info, (CURLversion version),
         (version))

/* ---- libpq ---- */

#ifdef HAVE_LIBPQ

PROCEDURE(POSTGRES_LIBRARY, PQclear, (PGresult * r), (r))
FUNCTION(POSTGRES_LIBRARY, PGconn *, PQconnectdbParams,
         (const char *const *names, const char *const *values, int expand), (names, values, expand))
FUNCTION(POSTGRES_LIBRARY, char *, PQerrorMessage, (const PGconn *conn), (conn))
FUNCTION(POSTGRES_LIBRARY, PGresult *, PQexec, (PGconn * conn, const char *sql), (conn, sql))
FUNCTION(POSTGRES_LIBRARY, PGresult *, PQexecPrepared,
         (PGconn * conn, const char *name, int n, const char *const *values, const int *lens,
          const int *formats, int format),
         (conn, name, n, values, lens, formats, format))
PROCEDURE(POSTGRES_LIBRARY, PQfinish, (PGconn * conn), (conn))
FUNCTION(POSTGRES_LIBRARY, Oid, PQftype, (const PGresult *r, int column), (r, column))
FUNCTION(POSTGRES_LIBRARY, int, PQgetisnull, (const PGresult *r, int row, int column),
         (r, row, column))
FUNCTION(POSTGRES_LIBRARY, int, PQgetlength, (const PGresult *r, int row, int column),
         (r, row, column))
FUNCTION(POSTGRES_LIBRARY, char *, PQgetvalue, (const PGresult *r, int row, int column),
         (r, row, column))
FUNCTION(POSTGRES_LIBRARY, int, PQisthreadsafe, (void), ())
FUNCTION(POSTGRES_LIBRARY, int, PQnfields, (const PGresult *r), (r))
FUNCTION(POSTGRES_LIBRARY, int, PQntuples, (const PGresult *r), (r))
FUNCTION(POSTGRES_LIBRARY, PGresult *, PQprepare,
         (PGconn * conn, const char *name, const char *sql, int n, const Oid *types),
         (conn, name, sql, n, types))
PROCEDURE(POSTGRES_LIBRARY, PQreset, (PGconn * conn), (conn))
FUNCTION(POSTGRES_LIBRARY, char *, PQresultErrorField, (const PGresult *r, int field), (r, field))
FUNCTION(POSTGRES_LIBRARY, ExecStatusType, PQresultStatus, (const PGresult *r), (r))
FUNCTION(POSTGRES_LIBRARY, PQnoticeProcessor, PQsetNoticeProcessor,
         (PGconn * conn, PQnoticeProcessor processor, void *arg), (conn, processor, arg))
FUNCTION(POSTGRES_LIBRARY, ConnStatusType, PQstatus, (const PGconn *conn), (conn))

#endif

#ifdef HAVE_TPM

/* ---- tpm2-tss ---- */

/* NOLINTBEGIN(readability-function-size): as many parameters as the library's have */
#define SESSIONS ESYS_TR session1, ESYS_TR session2, ESYS_TR session3

FUNCTION(TCTILDR_LIBRARY, TSS2_RC, Tss2_TctiLdr_Initialize,
         (const char *name, TSS2_TCTI_CONTEXT **tcti), (name, tcti))
PROCEDURE(TCTILDR_LIBRARY, Tss2_TctiLdr_Finalize, (TSS2_TCTI_CONTEXT * *tcti), (tcti))
FUNCTION(RC_LIBRARY, const char *, Tss2_RC_Decode, (TSS2_RC rc), (rc))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_Initialize,
         (ESYS_CONTEXT * *esys, TSS2_TCTI_CONTEXT *tcti, TSS2_ABI_VERSION *abi), (esys, tcti, abi))
PROCEDURE(ESYS_LIBRARY, Esys_Finalize, (ESYS_CONTEXT * *esys), (esys))
PROCEDURE(ESYS_LIBRARY, Esys_Free, (void *p), (p))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_FlushContext, (ESYS_CONTEXT * esys, ESYS_TR object),
         (esys, object))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_CreatePrimary,
         (ESYS_CONTEXT * esys, ESYS_TR hierarchy, SESSIONS, const TPM2B_SENSITIVE_CREATE *sensitive,
          const TPM2B_PUBLIC *wanted, const TPM2B_DATA *outside, const TPML_PCR_SELECTION *pcrs,
          ESYS_TR *object, TPM2B_PUBLIC **public, TPM2B_CREATION_DATA **data, TPM2B_DIGEST **hash,
          TPMT_TK_CREATION **ticket),
         (esys, hierarchy, session1, session2, session3, sensitive, wanted, outside, pcrs, object,
          public, data, hash, ticket))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_Create,
         (ESYS_CONTEXT * esys, ESYS_TR parent, SESSIONS, const TPM2B_SENSITIVE_CREATE *sensitive,
          const TPM2B_PUBLIC *wanted, const TPM2B_DATA *outside, const TPML_PCR_SELECTION *pcrs,
          TPM2B_PRIVATE **private, TPM2B_PUBLIC **public, TPM2B_CREATION_DATA **data,
          TPM2B_DIGEST **hash, TPMT_TK_CREATION **ticket),
         (esys, parent, session1, session2, session3, sensitive, wanted, outside, pcrs, private,
          public, data, hash, ticket))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_Load,
         (ESYS_CONTEXT * esys, ESYS_TR parent, SESSIONS, const TPM2B_PRIVATE *private,
          const TPM2B_PUBLIC *public, ESYS_TR *object),
         (esys, parent, session1, session2, session3, private, public, object))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_Unseal,
         (ESYS_CONTEXT * esys, ESYS_TR item, SESSIONS, TPM2B_SENSITIVE_DATA **data),
         (esys, item, session1, session2, session3, data))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_StartAuthSession,
         (ESYS_CONTEXT * esys, ESYS_TR key, ESYS_TR bind, SESSIONS, const TPM2B_NONCE *nonce,
          TPM2_SE kind, const TPMT_SYM_DEF *symmetric, TPMI_ALG_HASH hash, ESYS_TR *session),
         (esys, key, bind, session1, session2, session3, nonce, kind, symmetric, hash, session))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_TRSess_SetAttributes,
         (ESYS_CONTEXT * esys, ESYS_TR session, TPMA_SESSION flags, TPMA_SESSION mask),
         (esys, session, flags, mask))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_PolicyPCR,
         (ESYS_CONTEXT * esys, ESYS_TR session, SESSIONS, const TPM2B_DIGEST *digest,
          const TPML_PCR_SELECTION *pcrs),
         (esys, session, session1, session2, session3, digest, pcrs))
FUNCTION(ESYS_LIBRARY, TSS2_RC, Esys_PolicyGetDigest,
         (ESYS_CONTEXT * esys, ESYS_TR session, SESSIONS, TPM2B_DIGEST **digest),
         (esys, session, session1, session2, session3, digest))

/* NOLINTEND(readability-function-size) */

/* Each kind of value there and back. */
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_UINT32_Marshal,
         (UINT32 from, uint8_t to[], size_t size, size_t *at), (from, to, size, at))
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_UINT32_Unmarshal,
         (uint8_t const from[], size_t size, size_t *at, UINT32 *to), (from, size, at, to))
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_TPM2B_PUBLIC_Marshal,
         (TPM2B_PUBLIC const *from, uint8_t to[], size_t size, size_t *at), (from, to, size, at))
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_TPM2B_PUBLIC_Unmarshal,
         (uint8_t const from[], size_t size, size_t *at, TPM2B_PUBLIC *to), (from, size, at, to))
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_TPM2B_PRIVATE_Marshal,
         (TPM2B_PRIVATE const *from, uint8_t to[], size_t size, size_t *at), (from, to, size, at))
FUNCTION(MU_LIBRARY, TSS2_RC, Tss2_MU_TPM2B_PRIVATE_Unmarshal,
         (uint8_t const from[], size_t size, size_t *at, TPM2B_PRIVATE *to), (from, size, at, to))

#endif
