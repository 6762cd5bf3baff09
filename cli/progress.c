/*
 * cli/progress.c - how far a command is: bars on a terminal, events of JSON
 *
 * On a terminal each blob has a line, which stays once it is complete; what else is done
 * is shown in the last line while it goes on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

#define BAR_WIDTH 20
#define SHOW_EVERY_MS 80
/* "sha256:0123456789ab": with the longest numbers a line has 80 columns. */
#define NAME_WIDTH 19

static bool
is_over(const coco_progress *progress)
{
    return progress->total > 0 && progress->done >= progress->total;
}

static void
write_event(const coco_progress *progress)
{
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    _cleanup_free_ char *text = NULL;

    if (object && cJSON_AddStringToObject(object, "event", "progress")
        && cJSON_AddStringToObject(object, "what", progress->what)
        && cJSON_AddStringToObject(object, "phase", coco_phase_name(progress->phase))
        && cJSON_AddNumberToObject(object, "done", (double)progress->done)
        && cJSON_AddNumberToObject(object, "total", (double)progress->total)
        && cJSON_AddNumberToObject(object, "files", (double)progress->files))
        text = cJSON_PrintUnformatted(object);
    if (text) {
        (void)fprintf(stdout, "%s\n", text);
        (void)fflush(stdout);
    }
}

/* The line of what was shown last stays if that is complete. */
static void
end_line(struct cli_progress *shown)
{
    if (shown->open)
        (void)fputs(shown->whole ? "\n" : "\r\033[K", stderr);
    shown->open = shown->whole = false;
    shown->files = 0;
}

static void
draw_bar(struct cli_progress *shown)
{
    char done[32];
    char total[32];
    unsigned filled =
        shown->total > 0 ? (unsigned)((double)shown->done / (double)shown->total * BAR_WIDTH) : 0;

    filled = filled > BAR_WIDTH ? BAR_WIDTH : filled;
    (void)fprintf(stderr, "\r\033[K%-*.*s [%.*s%.*s] %s of %s", NAME_WIDTH, NAME_WIDTH, shown->what,
                  (int)filled, "####################", (int)(BAR_WIDTH - filled),
                  "                    ", cli_size_text(shown->done, done, sizeof(done)),
                  shown->total > 0 ? cli_size_text(shown->total, total, sizeof(total)) : "?");
    if (shown->files > 0)
        (void)fprintf(stderr, ", %" PRIu64 " files", shown->files);
}

static void
draw_phase(const coco_progress *progress)
{
    char done[32];

    (void)fprintf(stderr, "\r\033[K%.*s: %s", NAME_WIDTH, progress->what,
                  coco_phase_name(progress->phase));
    if (progress->done > 0)
        (void)fprintf(stderr, ", %s", cli_size_text(progress->done, done, sizeof(done)));
    if (progress->files > 0)
        (void)fprintf(stderr, ", %" PRIu64 " files", progress->files);
}

static void
draw(struct cli_progress *shown, const coco_progress *progress)
{
    bool bar = progress->phase == COCO_PHASE_FETCH || progress->phase == COCO_PHASE_UNPACK;

    /* An uncompressed layer is its own diff_id, and the first of an image its own ChainID. */
    if (strncmp(shown->what, progress->what, sizeof(shown->what) - 1) != 0
        || (shown->whole && !bar)) {
        end_line(shown);
        (void)snprintf(shown->what, sizeof(shown->what), "%s", progress->what);
        shown->done = shown->total = 0;
    }
    if (progress->phase == COCO_PHASE_UNPACK)
        shown->files = progress->files;
    if (progress->phase == COCO_PHASE_FETCH) {
        shown->done = progress->done;
        shown->total = progress->total;
        shown->whole = is_over(progress);
    }
    if (bar)
        draw_bar(shown);
    else
        draw_phase(progress);
    shown->open = true;
}

/* Not every report is worth a line: the first of each phase of each thing, its last, some between.
 */
static bool
is_worth_it(struct cli_progress *shown, const coco_progress *progress)
{
    size_t i = (size_t)progress->phase % (sizeof(shown->phases) / sizeof(shown->phases[0]));
    uint64_t now = cli_now_ms();
    bool first = strncmp(shown->phases[i].what, progress->what, sizeof(shown->what) - 1) != 0;

    if (!first && !is_over(progress) && now - shown->phases[i].shown_ms < SHOW_EVERY_MS)
        return false;
    (void)snprintf(shown->phases[i].what, sizeof(shown->what), "%s", progress->what);
    shown->phases[i].shown_ms = now;
    return true;
}

void
cli_progress_show(void *user, const coco_progress *progress)
{
    struct cli *cli = user;

    (void)pthread_mutex_lock(&cli->lock);
    if (is_worth_it(&cli->progress, progress)) {
        if (cli->json)
            write_event(progress);
        else
            draw(&cli->progress, progress);
    }
    (void)pthread_mutex_unlock(&cli->lock);
}

void
cli_progress_end(struct cli *cli)
{
    (void)pthread_mutex_lock(&cli->lock);
    end_line(&cli->progress);
    (void)pthread_mutex_unlock(&cli->lock);
}

void
cli_progress_clear(struct cli *cli)
{
    end_line(&cli->progress);
}
