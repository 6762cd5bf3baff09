/*
 * native.i - libcoco for Python, from the same headers C programs include
 *
 * SPDX-License-Identifier: Apache-2.0
 */
%module(package="coco", docstring="libcoco as C has it; the package `coco` is made of it.") native

%include "common.i"

/* Errors are exceptions here, and bytes are bytes. */
%ignore coco_error_errno;
%ignore coco_error_free;
%ignore coco_error_message;
%ignore coco_error_status;
%ignore coco_bytes_data;
%ignore coco_bytes_free;
%ignore coco_bytes_size;

%coco_object(coco_admin)
%coco_object(coco_attester)
%coco_object(coco_binding)
%coco_object(coco_collateral)
%coco_object(coco_ctx)
%coco_object(coco_image)
%coco_object(coco_image_client)
%coco_object(coco_image_ref)
%coco_object(coco_initdata)
%coco_object(coco_kbc)
%coco_object(coco_launch)
%coco_object(coco_measurement)
%coco_object(coco_references)
%coco_object(coco_sealer)
%coco_object(coco_sev_owner)
%coco_object(coco_store)
%coco_object(coco_token_verifier)
%coco_object(coco_unsealer)
%coco_object(coco_verdict)
%coco_object(coco_verifier)

%coco_options(image_options)
%coco_options(measure_options)
%coco_options(sev_firmware)

/* --- what one function has and no other ------------------------------------ */

%{
static void
call_progress(void *user, const coco_progress *progress)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    /* It may be the name of a directory, which has any bytes. */
    end_callback(user,
                 PyObject_CallFunction(user, "NiKKK", PyUnicode_DecodeFSDefault(progress->what),
                                       (int)progress->phase, (unsigned long long)progress->done,
                                       (unsigned long long)progress->total,
                                       (unsigned long long)progress->files),
                 gil);
}

static void
call_log(void *user, coco_log_level level, const char *message)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    end_callback(user, PyObject_CallFunction(user, "is", (int)level, message), gil);
}
%}
%coco_callback(coco_progress_fn, call_progress)
%coco_callback(coco_log_fn, call_log)

/* Behind the bytes that it is of, a pair of both; None is no lease. */
%typemap(in, numinputs=0, noblock=1) uint32_t *lease {
    uint32_t coco_lease = 0;
    $1 = &coco_lease;
}
%typemap(argout, noblock=1) uint32_t *lease {
    $result = coco_lease == COCO_KBC_NO_LEASE ? Py_BuildValue("NO", $result, Py_None)
                                              : Py_BuildValue("NI", $result, coco_lease);
    if (!$result)
        SWIG_fail;
}

/* What is given for user is called with the bytes, or None for NULL; False ends the watch. */
%{
static bool
call_watch(void *user, const uint8_t *data, size_t len)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *secret = data ? PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)len)
                            : Py_NewRef(Py_None);
    PyObject *result = PyObject_CallFunction(user, "N", secret);
    bool more = result && result != Py_False;

    end_callback(user, result, gil);
    return more;
}
%}
%typemap(in) (coco_kbc_watch_fn *fn, void *user) {
    if (!PyCallable_Check($input)) {
        PyErr_Format(PyExc_TypeError, "fn must be callable, not %s", Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    $1 = call_watch;
    $2 = $input;
}

/* A plugin is any object with a name, get(path), perhaps attest(), and perhaps both of (un)wrap_key(). */
%{
static void
fail_answer(coco_kbc_answer *answer)
{
    char message[MESSAGE_SIZE];
    coco_status status = take_exception(message);

    coco_kbc_answer_fail(answer, status, message);
}

/* An exception is the answer, too. */
static void
end_answer(coco_kbc_answer *answer, PyObject *result, PyGILState_STATE gil)
{
    Py_buffer view;

    if (result && PyObject_GetBuffer(result, &view, PyBUF_SIMPLE) == 0) {
        coco_kbc_answer_give(answer, view.buf, (size_t)view.len);
        PyBuffer_Release(&view);
    } else {
        fail_answer(answer);
    }
    Py_XDECREF(result);
    PyGILState_Release(gil);
}

static void
call_get_resource(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    (void)ctx;
    end_answer(answer, PyObject_CallMethod(user, "get", "s", path), gil);
}

static void
call_attest(void *user, coco_ctx *ctx, coco_kbc_answer *answer)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    (void)ctx;
    end_answer(answer, PyObject_CallMethod(user, "attest", NULL), gil);
}

static void
call_key_method(void *user, const char *method, const char *id, const uint8_t *data, size_t len,
                coco_kbc_answer *answer)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    end_answer(answer,
               PyObject_CallMethod(user, method, "sN", id,
                                   PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)len)),
               gil);
}

static void
call_wrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
              coco_kbc_answer *answer)
{
    (void)ctx;
    call_key_method(user, "wrap_key", id, key, len, answer);
}

static void
call_unwrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *wrapped, size_t len,
                coco_kbc_answer *answer)
{
    (void)ctx;
    call_key_method(user, "unwrap_key", id, wrapped, len, answer);
}

static const coco_kbc_plugin plugin_functions = {
    .size = sizeof(coco_kbc_plugin),
    .get_resource = call_get_resource,
    .attest = call_attest,
    .destroy = drop_callable,
    .wrap_key = call_wrap_key,
    .unwrap_key = call_unwrap_key,
};
%}
%typemap(in) (const coco_kbc_plugin *plugin, void *user)
    (coco_kbc_plugin functions, PyObject *held = NULL) {
    held = PyObject_GetAttrString($input, "name");
    functions = plugin_functions;
    functions.name = held ? PyUnicode_AsUTF8(held) : NULL;
    if (!functions.name)
        SWIG_fail;
    if (!PyObject_HasAttrString($input, "attest"))
        functions.attest = NULL;
    if (!PyObject_HasAttrString($input, "wrap_key"))
        functions.wrap_key = NULL;
    if (!PyObject_HasAttrString($input, "unwrap_key"))
        functions.unwrap_key = NULL;
    Py_INCREF($input);
    $1 = &functions;
    $2 = $input;
}
%typemap(freearg) (const coco_kbc_plugin *plugin, void *user) {
    Py_XDECREF(held$argnum);
}
%ignore coco_kbc_plugin;
%ignore coco_kbc_answer;
%ignore coco_kbc_answer_fail;
%ignore coco_kbc_answer_give;

/* The client borrows the KBC: neither may outlive what it needs. */
%pythonappend coco_image_client_set_kbc %{
    client._kbc = kbc
%}

%pythonappend coco_image_client_set_store %{
    client._store = store
%}

%pythonappend coco_sealer_set_provider %{
    sealer._kbc = kbc
%}

%pythonappend coco_unsealer_set_provider %{
    unsealer.__dict__.setdefault("_kbcs", {})[name] = kbc
%}

/* What a callback is shown of it are its members. */
%ignore coco_progress;

%include <coco/types.h>
%include <coco/error.h>
%include <coco/version.h>
%include <coco/bytes.h>
%include <coco/context.h>
%include <coco/attester.h>
%include <coco/collateral.h>
%include <coco/verifier.h>
%include <coco/kbc.h>
%include <coco/admin.h>
%include <coco/store.h>
%include <coco/image_access.h>
%include <coco/image.h>
%include <coco/image_owner.h>
%include <coco/initdata.h>
%include <coco/measure.h>
%include <coco/references.h>
%include <coco/sealed.h>
%include <coco/sev.h>
%include <coco/token.h>
