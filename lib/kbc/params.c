/*
 * kbc/params.c - which key broker this machine was told to use (aa_kbc_params)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/params.h"

#include "base/fail.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLE "AA_KBC_PARAMS"
#define WORD "agent.aa_kbc_params="
#define CMDLINE "/proc/cmdline"
#define CMDLINE_MAX ((size_t)64 << 10)
#define NOTHING_SAID "offline_fs_kbc::"

/*
 * The value of the last such word; NULL if there is none. Words end at white space,
 * but for that between double quotes, which are no part of the value (next_arg() of
 * Linux).
 */
static const char *
find_word(const char *line, size_t *len)
{
    const char *value = NULL;

    while (*(line += strspn(line, " \t\n")) != '\0') {
        const char *word = line;
        bool quoted = false;

        for (; *line != '\0' && (quoted || !strchr(" \t\n", *line)); line++)
            quoted = quoted != (*line == '"');
        bool whole = *word == '"';
        word += whole;
        if (strncmp(word, WORD, strlen(WORD)) != 0)
            continue;
        value = word + strlen(WORD);
        value += *value == '"';
        *len = (size_t)(line - value);
        if (*len > 0 && value[*len - 1] == '"')
            *len -= 1;
    }
    return value;
}

coco_status
coco_kbc_params_find(const struct coco_kernel *kernel, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = CMDLINE_MAX};
    const char *told = getenv(VARIABLE); /* NOLINT(concurrency-mt-unsafe): nobody here sets it */
    coco_error *why = NULL;
    bool missing = false;
    size_t len = 0;

    if (told && *told)
        return coco_buf_append_text(buf, told, err);
    coco_status status = coco_kernel_read(kernel, CMDLINE, &line, &why);
    if (status != COCO_OK) /* where there is no /proc nobody was told anything */
        status = coco_forgive(why, COCO_ERR_NOTFOUND, &missing, err);
    if (status != COCO_OK)
        return status;
    const char *value = missing ? NULL : find_word(coco_buf_text(&line), &len);
    return value ? coco_buf_append(buf, value, len, err)
                 : coco_buf_append_text(buf, NOTHING_SAID, err);
}
