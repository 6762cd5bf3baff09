/*
 * fuzz/httpd_request/target.c - heads of HTTP requests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood lies within the head, and a bad head is one of the known statuses. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memmem(data, size, "\r\n\r\n", 4) : NULL;
    size_t len = end ? (size_t)(end - data) + 4 : 0;
    struct coco_httpd_request request;

    if (len == 0)
        return 0;
    char *head = malloc(len);
    if (!head)
        return 0;
    memcpy(head, data, len);
    int bad = coco_httpd_parse(head, len, &request);
    if (bad == 0) {
        const char *const texts[] = {request.method,  request.path,          request.query,
                                     request.cookie,  request.authorization, request.range,
                                     request.if_range};

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            if (texts[i] && (texts[i] < head || texts[i] + strlen(texts[i]) >= head + len))
                abort();
        for (size_t i = 0; i < request.n_accept; i++)
            if (request.accept[i] < head || request.accept[i] >= head + len)
                abort();
        if (request.path[0] != '/' || (request.chunked && (request.body_len || request.http_1_0)))
            abort();
    } else if (bad != 400 && bad != 417 && bad != 501 && bad != 505) {
        abort();
    }
    free(head);
    return 0;
}
