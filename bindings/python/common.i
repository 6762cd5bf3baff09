/*
 * common.i - how C, as the headers of libcoco write it, becomes Python
 *
 * The headers keep a few promises, so a handful of typemaps serves every
 * function of both libraries:
 *
 *   coco_status + coco_error **err     raises an exception of coco.errors, or returns None
 *   T **ret                            a new object that Python owns
 *   coco_bytes **ret                   bytes: a copy; Python cannot wipe it, C wipes its own
 *   const uint8_t *x, size_t x_len     anything with the buffer protocol, held during the call
 *   const char *x                      str without NUL; a path may be os.PathLike
 *   fn, void *user, destroy            a callable; None removes it
 *   const coco_T_options *             a class with keyword arguments
 *
 * The GIL is released around every call (swig -threads).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

%include <stdint.i>

%{
#include <coco/coco.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
%}

/* --- errors ------------------------------------------------------------- */

%{
/* Raises what coco.errors calls status, and frees err. */
static void
raise_error(coco_status status, coco_error *err)
{
    const char *text = coco_error_message(err);
    PyObject *message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
    PyObject *errors = message ? PyImport_ImportModule("coco.errors") : NULL;
    PyObject *type = errors ? PyObject_GetAttrString(errors, coco_status_name(status)) : NULL;
    PyObject *error =
        type ? PyObject_CallFunction(type, "Oi", message, coco_error_errno(err)) : NULL;

    if (error)
        PyErr_SetObject(type, error);
    Py_XDECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(errors);
    Py_XDECREF(message);
    coco_error_free(err);
}
%}

%typemap(in, numinputs=0, noblock=1) coco_error **err {
    coco_error *coco_err = NULL;
    $1 = &coco_err;
}

%typemap(out) coco_status {
    if ($1 != COCO_OK) {
        raise_error($1, coco_err);
        SWIG_fail;
    }
    $result = SWIG_Py_Void();
}

/* --- arguments that are special -------------------------------------------- */

%{
struct argument {
    const char *function, *name;
};

/* What the headers say "or NULL" of. Nothing else may be None, but for options. */
static const struct argument optional[] = {
    {"admin_set_path_policy", "rego"},
    {"admin_set_proxy", "no_proxy"},
    {"admin_set_proxy", "url"},
    {"admin_token", "role"},
    {"attester_new", "tee"},
    {"collateral_new_http", "amd"},
    {"collateral_new_http", "intel"},
    {"collateral_open", "key"},
    {"collateral_set_proxy", "no_proxy"},
    {"collateral_set_proxy", "url"},
    {"ctx_set_traceparent", "traceparent"},
    {"image_client_add_provider_key", "parameter"},
    {"image_client_add_provider_recipient", "parameter"},
    {"image_client_set_kbc", "kbc"},
    {"image_client_set_proxy", "no_proxy"},
    {"image_client_set_proxy", "url"},
    {"image_client_set_store", "store"},
    {"kbc_new", "params"},
    {"kbc_set_proxy", "no_proxy"},
    {"kbc_set_proxy", "url"},
    {"kbs_audit_verify", "key"},
    {"kbs_reseal", "old_key_file"},
    {"kbs_restore", "digest"},
    {"kbs_set_path_policy", "rego"},
    {"kbs_wrap_key", "key"},
    {"software_tee_launch", "init_data"},
    {"token_verifier_set_audience", "audience"},
    {"token_verifier_set_issuer", "issuer"},
    {"unsealer_trust_key", "kid"},
};

/* What the callee owns from then on. */
static const struct argument given[] = {
    {"collateral_new_either", "first"},
    {"collateral_new_either", "second"},
    {"collateral_new_recorder", "inner"},
    {"kbc_add_device", "attester"},
    {"kbc_set_attester", "attester"},
    {"verifier_set_collateral", "collateral"},
};

static bool
is_in(const struct argument *table, size_t n, const char *function, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].function, function) == 0 && strcmp(table[i].name, name) == 0)
            return true;
    return false;
}

static bool
is_absent(PyObject *object, const char *function, const char *name)
{
    return object == Py_None &&
           is_in(optional, sizeof(optional) / sizeof(optional[0]), function, name);
}

static int
conversion(const char *function, const char *name)
{
    return is_in(given, sizeof(given) / sizeof(given[0]), function, name) ? SWIG_POINTER_RELEASE
                                                                          : 0;
}
%}

/* --- text ---------------------------------------------------------------- */

%{
/* The UTF-8 of a str, which lives as long as the str. */
static bool
get_text(PyObject *object, const char *what, const char **ret)
{
    Py_ssize_t len;

    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be str, not %s", what, Py_TYPE(object)->tp_name);
        return false;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &len);
    if (!text)
        return false;
    if (strlen(text) != (size_t)len) {
        PyErr_Format(PyExc_ValueError, "%s: embedded null character", what);
        return false;
    }
    *ret = text;
    return true;
}
%}

%typemap(in) const char * {
    if (!is_absent($input, "$symname", "$1_name") && !get_text($input, "$1_name", (const char **)&$1))
        SWIG_fail;
}
%typemap(freearg) const char * "";

%typemap(in) const char *dir (PyObject *path = NULL) {
    if (!PyUnicode_FSConverter($input, &path))
        SWIG_fail;
    $1 = PyBytes_AS_STRING(path);
}
%typemap(freearg, match="in") const char *dir {
    Py_XDECREF(path$argnum);
}

/* --- bytes --------------------------------------------------------------- */

%{
static bool
get_buffer(PyObject *object, Py_buffer *view, const uint8_t **data, size_t *len)
{
    if (PyObject_GetBuffer(object, view, PyBUF_SIMPLE) < 0)
        return false;
    *data = view->buf ? view->buf : (const uint8_t *)"";
    *len = (size_t)view->len;
    return true;
}

static PyObject *
take_bytes(coco_bytes *bytes)
{
    PyObject *copy = PyBytes_FromStringAndSize((const char *)coco_bytes_data(bytes),
                                               (Py_ssize_t)coco_bytes_size(bytes));

    coco_bytes_free(bytes);
    return copy;
}
%}

%typemap(in) (const uint8_t *data, size_t len) (Py_buffer view = {0}) {
    $2 = 0;
    if (!is_absent($input, "$symname", "$1_name") &&
        !get_buffer($input, &view, (const uint8_t **)&$1, &$2))
        SWIG_fail;
}
%typemap(freearg) (const uint8_t *data, size_t len) {
    PyBuffer_Release(&view$argnum);
}
%apply (const uint8_t *data, size_t len) {
    (const uint8_t *bundle, size_t len),
    (const uint8_t *init_data, size_t init_len),
    (const uint8_t *json, size_t len),
    (const uint8_t *yaml, size_t len),
    (const uint8_t *key, size_t key_len),
    (const uint8_t *cert, size_t len),
    (const uint8_t *chain, size_t len),
    (const uint8_t *digest, size_t digest_len),
    (const uint8_t *digest, size_t len),
    (const uint8_t *field, size_t len),
    (const uint8_t *key, size_t len),
    (const uint8_t *keys, size_t len),
    (const uint8_t *launch, size_t len),
    (const uint8_t *measurement, size_t measurement_len),
    (const uint8_t *passport, size_t len),
    (const uint8_t *password, size_t len),
    (const uint8_t *pem, size_t len),
    (const uint8_t *token, size_t len),
    (const uint8_t *toml, size_t len),
    (const uint8_t *wrapped, size_t len),
    (const uint8_t *yaml, size_t len),
    (const uint8_t *report_data, size_t len),
    (const uint8_t *report_data, size_t report_len)
};

%typemap(in, numinputs=0, noblock=1) coco_bytes **ret {
    coco_bytes *coco_ret = NULL;
    $1 = &coco_ret;
}
%typemap(argout, noblock=1) coco_bytes **ret {
    Py_DECREF($result);
    $result = take_bytes(coco_ret);
    if (!$result)
        SWIG_fail;
}

%typemap(in, numinputs=0, noblock=1) uint64_t *ret {
    uint64_t coco_ret = 0;
    $1 = &coco_ret;
}
%typemap(argout, noblock=1) uint64_t *ret {
    Py_DECREF($result);
    $result = PyLong_FromUnsignedLongLong(coco_ret);
    if (!$result)
        SWIG_fail;
}

/* --- objects -------------------------------------------------------------- */

%{
/*
 * The C object behind a Python one. With SWIG_POINTER_RELEASE in flags the
 * Python object gives it up and is empty from then on.
 */
static bool
get_object(PyObject *object, swig_type_info *type, int flags, const char *what, void **ret)
{
    void *found = NULL;
    int status = object == Py_None ? SWIG_TypeError : SWIG_ConvertPtr(object, &found, type, flags);

    if (SWIG_IsOK(status) && found) {
        *ret = found;
        return true;
    }
    if (SWIG_IsOK(status) || status == SWIG_ERROR_RELEASE_NOT_OWNED)
        PyErr_Format(PyExc_ValueError, "%s was given away before", what);
    else
        PyErr_Format(PyExc_TypeError, "%s must be %s, not %s", what, SWIG_TypePrettyName(type),
                     Py_TYPE(object)->tp_name);
    return false;
}
%}

/* Also for an object that belongs to the other module. */
%define %coco_argument(T)
%typemap(in) T * (void *found = NULL), const T * (void *found = NULL) {
    if (!is_absent($input, "$symname", "$1_name") &&
        !get_object($input, $descriptor(T *), conversion("$symname", "$1_name"), "$1_name", &found))
        SWIG_fail;
    $1 = found;
}
/* Of the destructor: whoever calls it by hand leaves an empty object to the collector. */
%typemap(in) struct T *self (void *found = NULL) {
    if (!SWIG_IsOK(SWIG_ConvertPtr($input, &found, $descriptor(T *), SWIG_POINTER_CLEAR)))
        %argument_fail(SWIG_TypeError, "$type", $symname, $argnum);
    $1 = found;
}
%enddef

%define %coco_object(T)
%coco_argument(T)
%typemap(in, numinputs=0, noblock=1) T **ret {
    T *coco_ret = NULL;
    $1 = &coco_ret;
}
%typemap(argout, noblock=1) T **ret {
    Py_DECREF($result);
    $result = SWIG_NewPointerObj(coco_ret, $descriptor(T *), SWIG_POINTER_OWN);
}
%nodefaultctor T;
%ignore T##_free;
struct T {};
%extend T {
    ~T() { T##_free($self); }
}
%enddef

/* --- callbacks ------------------------------------------------------------ */

%{
static void
drop_callable(void *user)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    Py_DECREF((PyObject *)user);
    PyGILState_Release(gil);
}

/* An exception cannot travel through C: it is shown, and the call goes on. */
static void
end_callback(PyObject *callable, PyObject *result, PyGILState_STATE gil)
{
    if (!result)
        PyErr_WriteUnraisable(callable);
    Py_XDECREF(result);
    PyGILState_Release(gil);
}
%}

%{
#define MESSAGE_SIZE 512

static coco_status
status_of_exception(PyObject *value)
{
    PyObject *attribute = PyObject_GetAttrString(value, "status");
    int overflow = 0;
    long status = COCO_OK;

    if (attribute && PyLong_Check(attribute))
        status = PyLong_AsLongAndOverflow(attribute, &overflow);
    /* That of others is something else: urllib's HTTPError has 404. */
    if (overflow || status >= COCO_OK || status < COCO_ERR_CANCELED)
        status = COCO_ERR_IO;
    Py_XDECREF(attribute);
    PyErr_Clear();
    if (PyErr_GivenExceptionMatches(value, PyExc_LookupError))
        return COCO_ERR_NOTFOUND;
    if (PyErr_GivenExceptionMatches(value, PyExc_PermissionError))
        return COCO_ERR_DENIED;
    return (coco_status)status;
}

/* Ends the exception that was raised; what it says, cut, and what C calls it. */
static coco_status
take_exception(char message[MESSAGE_SIZE])
{
    PyObject *type = NULL;
    PyObject *value = NULL;
    PyObject *trace = NULL;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *said = text ? PyUnicode_AsUTF8(text) : NULL;
    coco_status status = value ? status_of_exception(value) : COCO_ERR_IO;
    (void)snprintf(message, MESSAGE_SIZE, "%s", said ? said : "the plugin raises");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return status;
}
%}

%define %coco_callback(FN, CALL)
%typemap(in) (FN *fn, void *user, coco_destroy_fn *destroy) {
    if ($input != Py_None && !PyCallable_Check($input)) {
        PyErr_Format(PyExc_TypeError, "fn must be callable or None, not %s",
                     Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    if ($input != Py_None) {
        Py_INCREF($input);
        $1 = CALL;
        $2 = $input;
        $3 = drop_callable;
    }
}
%enddef

/* --- options -------------------------------------------------------------- */

%define %coco_options(NAME)
%pythonnondynamic coco_##NAME;
%ignore coco_##NAME::size;
%feature("shadow") coco_##NAME::coco_##NAME() %{
    def __init__(self, **values):
        _native.NAME##_swiginit(self, _native.new_##NAME())
        for name, value in values.items():
            if not isinstance(getattr(type(self), name, None), property):
                raise TypeError(f"{name!r} is no option of {type(self).__name__}")
            setattr(self, name, value)
%}
%extend coco_##NAME {
    coco_##NAME() {
        coco_##NAME *opts = calloc(1, sizeof(*opts));
        if (opts)
            opts->size = sizeof(*opts);
        return opts;
    }
    ~coco_##NAME() { free($self); }
}
%enddef

/* --- names ---------------------------------------------------------------- */

%rename("%(strip:[coco_])s") "";
