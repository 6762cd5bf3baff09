/*
 * fuzz/kbs_cookie/target.c - Cookie headers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coco_kbs_sessions *
the_sessions(void)
{
    static struct coco_kbs_sessions *sessions;
    uint8_t bytes[COCO_KBS_SEAL_KEY_SIZE] = {1};
    struct coco_secret key = {.data = bytes, .len = sizeof(bytes)};

    if (!sessions && coco_kbs_sessions_new(&key, &sessions, NULL) != COCO_OK)
        abort();
    return sessions;
}

/* Whoever does not have the key makes no session. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_json_ cJSON *state = NULL;
    char *header = malloc(size + 1);

    if (!header)
        return 0;
    memcpy(header, data, size);
    header[size] = '\0';
    if (coco_kbs_session_open(the_sessions(), header, 0, &state, NULL) == COCO_OK)
        abort();
    free(header);
    return 0;
}
