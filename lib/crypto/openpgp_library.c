/*
 * crypto/openpgp_library.c - RNP, loaded when it is asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "base/fail.h"

#include <dlfcn.h>
#include <stddef.h>

/* The name is part of its ABI. */
#define LIBRARY "librnp.so.0"

static const struct {
    const char *name;
    size_t at;
} functions[] = {
#define ROW(name) {"rnp_" #name, offsetof(struct coco_rnp, name)},
    COCO_RNP_FUNCTIONS(ROW)
#undef ROW
};

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
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && status == COCO_OK; i++) {
        void *symbol = dlsym(library, functions[i].name);

        /* POSIX, dlsym(): a pointer to data stands for one to a function. */
        if (symbol)
            *(void **)((char *)ret + functions[i].at) = symbol;
        else
            status = coco_fail(err, COCO_ERR_NOTSUP, "%s has no %s", LIBRARY, functions[i].name);
    }
    (void)dlclose(library);
    return status;
}
