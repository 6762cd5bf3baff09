/*
 * fuzz/replay.c - run a fuzz target over its corpus, without a fuzzer
 *
 *     replay-json fuzz/json/corpus
 *
 * Each file is given whole and cut off at several places, for a parser that
 * reads past its end does so where something is missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In a block of its own of just len bytes, so that a sanitizer sees every byte too far. */
static void
run(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);

    if (!exact)
        exit(EXIT_FAILURE);
    if (len)
        memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void
run_file(const char *dir, const char *name)
{
    char path[4096];
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rbe");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t len = (size_t)ftell(f);
    uint8_t *data = malloc(len + 1);
    rewind(f);
    if (!data || fread(data, 1, len, f) != len) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    (void)fclose(f);

    run(data, len);
    for (size_t i = 0; i < CUTS; i++)
        run(data, len * i / CUTS);
    free(data);
}

int
main(int argc, char **argv)
{
    unsigned files = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (!dir) {
        (void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(argv[1], entry->d_name);
        files++;
    }
    (void)closedir(dir);
    (void)printf("%u files\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
