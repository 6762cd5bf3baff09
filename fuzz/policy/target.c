/*
 * fuzz/policy/target.c - no policy with "reject" alone lets a name pass
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/policy.h"

#include "image/signatures.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct coco_policy_image images[] = {
        {"docker", "host.example.org:5000/ns/app", "v1", NULL},
        {"docker", "docker.io/library/busybox", NULL, NULL},
        {"docker", "a.test/b", "t",
         "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"oci", "/srv/images/app", "v1", NULL},
    };
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;

    coco_status status = coco_policy_parse(data, len, &policy, NULL);
    if (status != COCO_OK) {
        if (policy)
            abort();
        return 0;
    }
    (void)coco_policy_check_names(policy, coco_signatures_read_name, NULL);
    /* An escaped letter would hide the word, but then there is a backslash. */
    bool may_accept = memmem(data, len, "insecureAcceptAnything", 22)
                      || memmem(data, len, "igned", 5) || memmem(data, len, "ttested", 7)
                      || memchr(data, '\\', len);
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        status = coco_policy_check(policy, &images[i], NULL);
        if (status != COCO_ERR_DENIED && !(status == COCO_OK && may_accept))
            abort();
    }
    return 0;
}
