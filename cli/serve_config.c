/*
 * cli/serve_config.c - the text of a kbs-config.toml, with another address
 *
 * Only finds the one key in the text; to read the file is the library's business.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "serve_config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t"
#define SECTION "[http_server]"
#define KEY "sockets"

static const char *
next_line(const char *at)
{
    at += strcspn(at, "\n");
    return *at ? at + 1 : at;
}

static const char *
skip_blank(const char *at)
{
    return at + strspn(at, BLANK);
}

/* Behind the quoted string at at. */
static const char *
skip_string(const char *at)
{
    char quote = *at++;

    while (*at && *at != '\n' && *at != quote)
        at += quote == '"' && at[0] == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Behind the array at at; comments and strings may hold brackets. */
static const char *
skip_array(const char *at)
{
    while (*at && *at != ']') {
        if (*at == '#')
            at = next_line(at);
        else if (*at == '"' || *at == '\'')
            at = skip_string(at);
        else
            at++;
    }
    return *at ? at + 1 : at;
}

/* Where the value of the key at the start of line begins; NULL if it is another line. */
static const char *
value_of(const char *line)
{
    line = skip_blank(line);
    if (strncmp(line, KEY, strlen(KEY)) != 0)
        return NULL;
    line = skip_blank(line + strlen(KEY));
    return *line == '=' ? skip_blank(line + 1) : NULL;
}

char *
cli_config_quote(const char *text)
{
    char *quoted = malloc(6 * strlen(text) + 3);
    char *to = quoted;

    if (!quoted)
        return NULL;
    *to++ = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            to += snprintf(to, 7, "\\u%04x", c);
        else
            *to++ = *text;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

/* The text before begin, the key with quoted, and the text from end on. */
static char *
replace(const char *config, const char *begin, const char *end, const char *quoted)
{
    char *text = NULL;

    if (asprintf(&text, "%.*s" KEY " = [%s]\n%s", (int)(begin - config), config, quoted, end) < 0)
        return NULL;
    return text;
}

static char *
with_address(const char *config, const char *quoted)
{
    const char *line = config;
    char *text = NULL;

    while (*line && strncmp(skip_blank(line), SECTION, strlen(SECTION)) != 0)
        line = next_line(line);
    if (!*line) {
        if (asprintf(&text, "%s\n" SECTION "\n" KEY " = [%s]\n", config, quoted) < 0)
            return NULL;
        return text;
    }
    const char *first = next_line(line);
    for (line = first; *line && *skip_blank(line) != '['; line = next_line(line)) {
        const char *value = value_of(line);

        if (value)
            return replace(config, line, next_line(*value == '[' ? skip_array(value) : value),
                           quoted);
    }
    return replace(config, first, first, quoted);
}

char *
cli_config_listen(const char *config, const char *listen)
{
    char *quoted = cli_config_quote(listen);
    char *text = quoted ? with_address(config, quoted) : NULL;

    free(quoted);
    return text;
}
