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
%coco_object(coco_store)
%coco_object(coco_verdict)
%coco_object(coco_verifier)

%coco_options(image_options)
%coco_options(measure_options)

/* --- what one function has and no other ------------------------------------ */

%{
static void
call_progress(void *user, const coco_progress *progress)
{
    PyGILState_STATE gil = PyGILState_Ensure();

    end_callback(user,
                 PyObject_CallFunction(user, "siKKK", progress->what, (int)progress->phase,
                                       (unsigned long long)progress->done,
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

/* The client borrows the KBC: neither may outlive what it needs. */
%pythonappend coco_image_client_set_kbc %{
    client._kbc = kbc
%}

%pythonappend coco_image_client_set_store %{
    client._store = store
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
%include <coco/image.h>
%include <coco/initdata.h>
%include <coco/measure.h>
%include <coco/references.h>
