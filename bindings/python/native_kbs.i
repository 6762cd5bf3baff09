/*
 * native_kbs.i - libcoco-kbs for Python; a module of its own, for guests have no server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
%module(package="coco", docstring="libcoco-kbs as C has it; `coco.kbs` is made of it.") native_kbs

%include "common.i"

%{
#include <coco/kbs.h>
%}

%coco_argument(coco_ctx)
%coco_object(coco_kbs)

/* The KBS logs to the context until it is freed. */
%pythonappend coco_kbs_new %{
    val._ctx = ctx
%}

%include <coco/types.h>
%include <coco/kbs.h>
