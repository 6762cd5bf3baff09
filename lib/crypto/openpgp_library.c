/*
 * crypto/openpgp_library.c - RNP, loaded when it is asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "base/fail.h"

#include <dlfcn.h>

/* The name is part of its ABI. */
#define LIBRARY "librnp.so.0"

static coco_status
find(void *library, const char *name, void *ret, coco_error **err)
{
    void *symbol = dlsym(library, name);

    if (!symbol)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s has no %s", LIBRARY, name);
    /* POSIX, dlsym(): a pointer to data stands for one to a function. */
    *(void **)ret = symbol;
    return COCO_OK;
}

/*
 * It is never unloaded: its C++ has things to do at the end of the process, and the next ring would
 * load it again.
 */
coco_status
coco_rnp_load(struct coco_rnp *ret, coco_error **err)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    coco_status status = COCO_OK;

    if (!library)
        return coco_fail(err, COCO_ERR_NOTSUP, "OpenPGP needs %s, which cannot be loaded", LIBRARY);
#define FIND(name)                                                                                 \
    if (status == COCO_OK)                                                                         \
        status = find(library, "rnp_" #name, (void *)&ret->name, err);
    COCO_RNP_FUNCTIONS(FIND)
#undef FIND
    (void)dlclose(library);
    return status;
}
