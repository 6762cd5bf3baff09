/*
 * cli/initdata_show.c - coco initdata show
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata.h"

#include <stdlib.h>
#include <string.h>

/* Foreign text, line by line, without what a terminal would obey. */
static void
print_content(const char *content)
{
    bool begins = true;

    for (const char *p = content; *p;) {
        if (begins)
            (void)printf("    ");
        begins = *p == '\n';
        if (*p == '\n' || *p == '\t')
            (void)putchar(*p++);
        else
            p += cli_put(p);
    }
    if (!begins)
        (void)putchar('\n');
}

static void
write_text(const coco_initdata *initdata)
{
    const char *name;
    const char *tee;

    (void)printf("algorithm: %s\n\nevidence holds\n", coco_initdata_algorithm(initdata));
    for (size_t i = 0; (tee = coco_initdata_tee(i)); i++) {
        char hex[2 * CLI_FIELD_MAX + 1];

        cli_initdata_field(initdata, tee, hex);
        (void)printf("  %-12s %s\n    %s\n", tee, coco_initdata_place(tee), hex);
    }
    for (size_t i = 0; (name = coco_initdata_name(initdata, i)); i++) {
        (void)printf("\n");
        cli_print(name);
        (void)printf("\n");
        print_content(coco_initdata_content(initdata, i));
    }
}

int
cli_initdata_show(struct cli *cli)
{
    _cleanup_(coco_initdata_freep) coco_initdata *initdata = NULL;

    int rc =
        cli_initdata_read(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-", &initdata);
    if (rc == CLI_DONE && cli->json)
        rc = cli_initdata_json(cli, initdata, true);
    else if (rc == CLI_DONE)
        write_text(initdata);
    return rc;
}
