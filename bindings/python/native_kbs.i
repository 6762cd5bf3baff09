/*
 * native_kbs.i - libcoco-kbs for Python; a module of its own, for guests have no server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
%module(package="coco", docstring="libcoco-kbs as C has it; `coco.kbs` is made of it.") native_kbs

%include "common.i"

%{
#include <coco/kbs_plugin.h>
%}

%coco_argument(coco_ctx)
%coco_object(coco_kbs)

/* The KBS logs to the context until it is freed. */
%pythonappend coco_kbs_new %{
    val._ctx = ctx
%}

/* A plug-in is what coco.kbs makes of one: its own words, in three methods. */
%{
static void
call_configure(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallMethod(user, "configure", "s", config);
    char message[MESSAGE_SIZE];

    (void)ctx;
    if (!result) {
        coco_status status = take_exception(message);

        coco_kbs_reply_fail(reply, status, message);
    }
    Py_XDECREF(result);
    PyGILState_Release(gil);
}

/* What raises says nothing, and lets nobody in. */
static coco_kbs_access
call_access(void *user, const coco_kbs_request *request)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallMethod(user, "access", "sss", request->method, request->path,
                                           request->query);
    long access = result ? PyLong_AsLong(result) : COCO_KBS_ACCESS_NONE;

    if (PyErr_Occurred()) {
        access = COCO_KBS_ACCESS_NONE;
        PyErr_WriteUnraisable(user);
    }
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return (coco_kbs_access)access;
}

static bool
give_reply(PyObject *result, coco_kbs_reply *reply)
{
    Py_buffer view;
    const char *type = NULL;
    const char *note = NULL;

    if (!result || !PyArg_ParseTuple(result, "y*zz", &view, &type, &note))
        return false;
    if (type)
        coco_kbs_reply_give_public(reply, type, view.buf, (size_t)view.len);
    else
        coco_kbs_reply_give(reply, view.buf, (size_t)view.len);
    if (note)
        coco_kbs_reply_note(reply, note);
    PyBuffer_Release(&view);
    return true;
}

static void
call_handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallMethod(
        user, "handle", "sssNzz", request->method, request->path, request->query,
        PyBytes_FromStringAndSize((const char *)request->body, (Py_ssize_t)request->len),
        request->claims, request->role);
    char message[MESSAGE_SIZE];

    (void)ctx;
    if (!give_reply(result, reply)) {
        coco_status status = take_exception(message);

        coco_kbs_reply_fail(reply, status, message);
    }
    Py_XDECREF(result);
    PyGILState_Release(gil);
}

static const coco_kbs_plugin plugin_functions = {
    .size = sizeof(coco_kbs_plugin),
    .handle = call_handle,
    .access = call_access,
    .configure = call_configure,
    .destroy = drop_callable,
};
%}
%typemap(in) (const coco_kbs_plugin *plugin, void *user)
    (coco_kbs_plugin functions, PyObject *held = NULL) {
    held = PyObject_GetAttrString($input, "name");
    functions = plugin_functions;
    functions.name = held ? PyUnicode_AsUTF8(held) : NULL;
    if (!functions.name)
        SWIG_fail;
    Py_INCREF($input);
    $1 = &functions;
    $2 = $input;
}
%typemap(freearg) (const coco_kbs_plugin *plugin, void *user) {
    Py_XDECREF(held$argnum);
}
%ignore coco_kbs_plugin;
%ignore coco_kbs_request;
%ignore coco_kbs_reply;
%ignore coco_kbs_reply_fail;
%ignore coco_kbs_reply_give;
%ignore coco_kbs_reply_give_public;
%ignore coco_kbs_reply_note;

%include <coco/types.h>
%include <coco/kbs.h>
%include <coco/kbs_plugin.h>
