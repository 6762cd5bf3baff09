/*
 * cli/help.c - the tables as text: --help, manual pages, completion
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include <string.h>

#define WIDTH 96

/* Writes text in lines of at most WIDTH, all but the first indented. */
static void
write_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    for (size_t first = column; *text; text += strspn(text, " ")) {
        size_t n = strcspn(text, " ");

        if (column > first && column + 1 + n > WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > first) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", (int)n, text);
        column += n;
        text += n;
        first = indent;
    }
    (void)fputc('\n', out);
}

static void
option_label(const struct cli_option *o, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s%c%s--%s%s%s", o->letter ? "-" : "", o->letter ? o->letter : ' ',
                   o->letter ? ", " : "   ", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
}

static void
option_text(const struct cli_option *o, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s%s%s%s%s%s", o->help, o->choices ? ": " : "",
                   o->choices ? o->choices : "", o->repeated ? "; may be repeated" : "",
                   o->env ? "; or $" : "", o->env ? o->env : "");
}

static void
write_option(FILE *out, enum cli_opt opt)
{
    const struct cli_option *o = cli_option(opt);
    char label[64];
    char text[256];

    option_label(o, label, sizeof(label));
    option_text(o, text, sizeof(text));
    (void)fprintf(out, "  %-32s ", label);
    write_wrapped(out, text, 35, 35);
}

static const char *
gap(const struct cli_command *command)
{
    return *command->operands ? " " : "";
}

void
cli_help(FILE *out, const struct cli_command *command)
{
    (void)fprintf(out, "Usage: coco %s [OPTION]...%s%s\n\n", command->name, gap(command),
                  command->operands);
    write_wrapped(out, command->purpose, 0, 0);
    if (command->details) {
        (void)fputc('\n', out);
        write_wrapped(out, command->details, 0, 0);
    }
    (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i] != OPT_END; i++)
        write_option(out, command->options[i]);
    for (enum cli_opt opt = OPT_FIRST_COMMON; opt < OPT_COUNT; opt++)
        write_option(out, opt);
}

static bool
in_group(const struct cli_command *command, const char *group)
{
    size_t len = group ? strlen(group) : 0;

    return !group || (strncmp(command->name, group, len) == 0 && command->name[len] == ' ');
}

void
cli_help_all(FILE *out, const char *group)
{
    const struct cli_command *command;

    (void)fprintf(out, "Usage: coco %s%sCOMMAND [OPTION]... [OPERAND]...\n\n", group ? group : "",
                  group ? " " : "");
    for (size_t i = 0; (command = cli_command(i)); i++)
        if (in_group(command, group))
            (void)fprintf(out, "  %-19s %s\n", command->name, command->purpose);
    if (!group) {
        (void)fputs("\nExit codes:\n", out);
        for (const struct cli_exit_text *text = cli_exit_texts; text->meaning; text++)
            (void)fprintf(out, "  %-16d %s\n", text->code, text->meaning);
    }
    (void)fputs("\nMore: coco COMMAND --help\n", out);
}

static const char about[] =
    "coco is confidential containers from the command line: for owners it encrypts images and "
    "serves keys, for guests it attests, obtains keys and pulls images.";
static const char streams[] =
    "The result goes to stdout, everything else to stderr. With --json stdout carries one JSON "
    "object a line: events "
    "({\"event\":\"progress\",\"what\",\"phase\",\"done\",\"total\",\"files\"}), where the "
    "result is not data itself, and the result last. An error is one line on stderr, \"coco: "
    "<what> : <why>\", or with --json one object: id (stable, such as \"not-found\"), status, "
    "what, message, exit_code. No secret is ever given on the command line: keys are read from "
    "files, resources from files or stdin.";

/* Text with a backslash before what markdown would take for its own. */
static void
write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>*", *text))
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void
markdown_option(FILE *out, enum cli_opt opt)
{
    const struct cli_option *o = cli_option(opt);
    char text[256];

    option_text(o, text, sizeof(text));
    (void)fprintf(out, "| `--%s%s%s`", o->name, o->value ? " " : "", o->value ? o->value : "");
    if (o->letter)
        (void)fprintf(out, ", `-%c`", o->letter);
    (void)fputs(" | ", out);
    write_cell(out, text);
    (void)fputs(" |\n", out);
}

static void
markdown_command(FILE *out, const struct cli_command *command)
{
    (void)fprintf(out, "\n### `coco %s%s%s`\n\n", command->name, gap(command), command->operands);
    write_wrapped(out, command->purpose, 0, 0);
    if (command->details) {
        (void)fputc('\n', out);
        write_wrapped(out, command->details, 0, 0);
    }
    if (command->options[0] == OPT_END)
        return;
    (void)fputs("\n| option | |\n|---|---|\n", out);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i] != OPT_END; i++)
        markdown_option(out, command->options[i]);
}

static void
markdown_environment(FILE *out)
{
    (void)fputs("\n## Environment\n\nAn option on the command line goes before its variable.\n\n"
                "| variable | stands for |\n|---|---|\n",
                out);
    for (enum cli_opt opt = OPT_END + 1; opt < OPT_COUNT; opt++)
        if (cli_option(opt)->env)
            (void)fprintf(out, "| `%s` | `--%s` |\n", cli_option(opt)->env, cli_option(opt)->name);
    (void)fputs("| `COCO_SOFTWARE_TEE` | directory of the software TEE that this machine plays |\n"
                "| `TMPDIR` | where `coco try` makes its private directory |\n",
                out);
}

void
cli_manual_markdown(FILE *out)
{
    const struct cli_command *command;

    (void)fputs("# coco\n\n<!-- made by `coco manual markdown`; change the tables in cli/ -->\n\n",
                out);
    write_wrapped(out, about, 0, 0);
    (void)fputs("\n## Commands\n", out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        markdown_command(out, command);
    (void)fputs("\n## Options of every command\n\n| option | |\n|---|---|\n", out);
    for (enum cli_opt opt = OPT_FIRST_COMMON; opt < OPT_COUNT; opt++)
        markdown_option(out, opt);
    (void)fputs("\n## Streams\n\n", out);
    write_cell(out, streams);
    (void)fputs("\n\n## Exit codes\n\n| code | |\n|---|---|\n", out);
    for (const struct cli_exit_text *text = cli_exit_texts; text->meaning; text++)
        (void)fprintf(out, "| %d | %s |\n", text->code, text->meaning);
    markdown_environment(out);
}

/* Text for troff: a hyphen is a minus, a leading period is no request. */
static void
write_roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text == '\\' ? 'e' : *text, out);
    }
    (void)fputc('\n', out);
}

static void
roff_option(FILE *out, enum cli_opt opt)
{
    const struct cli_option *o = cli_option(opt);
    char text[256];
    char label[64];

    (void)snprintf(label, sizeof(label), ".B --%s%s%s", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
    (void)fputs(".TP\n.B ", out);
    write_roff(out, label + strlen(".B "));
    option_text(o, text, sizeof(text));
    write_roff(out, text);
}

static void
roff_command(FILE *out, const struct cli_command *command)
{
    (void)fputs(".SS ", out);
    (void)fprintf(out, "\"coco %s%s%s\"\n", command->name, gap(command), command->operands);
    write_roff(out, command->purpose);
    if (command->details) {
        (void)fputs(".PP\n", out);
        write_roff(out, command->details);
    }
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i] != OPT_END; i++)
        roff_option(out, command->options[i]);
}

void
cli_manual_roff(FILE *out)
{
    const struct cli_command *command;

    (void)fputs(".TH COCO 1\n.SH NAME\ncoco \\- confidential containers from the command line\n"
                ".SH SYNOPSIS\n.B coco\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...\n"
                ".SH DESCRIPTION\n",
                out);
    write_roff(out, about);
    (void)fputs(".PP\n", out);
    write_roff(out, streams);
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        roff_command(out, command);
    (void)fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    for (enum cli_opt opt = OPT_FIRST_COMMON; opt < OPT_COUNT; opt++)
        roff_option(out, opt);
    (void)fputs(".SH EXIT STATUS\n", out);
    for (const struct cli_exit_text *text = cli_exit_texts; text->meaning; text++)
        (void)fprintf(out, ".TP\n.B %d\n%s\n", text->code, text->meaning);
    (void)fputs(".SH ENVIRONMENT\n", out);
    for (enum cli_opt opt = OPT_END + 1; opt < OPT_COUNT; opt++)
        if (cli_option(opt)->env)
            (void)fprintf(out, ".TP\n.B %s\ndefault of \\-\\-%s\n", cli_option(opt)->env,
                          cli_option(opt)->name);
    (void)fputs(".TP\n.B COCO_SOFTWARE_TEE\n"
                "directory of the software TEE that this machine plays\n",
                out);
}

static void
bash_command(FILE *out, const struct cli_command *command)
{
    (void)fprintf(out, "    '%s') words='", command->name);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i] != OPT_END; i++)
        (void)fprintf(out, "--%s ", cli_option(command->options[i])->name);
    for (enum cli_opt opt = OPT_FIRST_COMMON; opt < OPT_COUNT; opt++)
        (void)fprintf(out, "--%s ", cli_option(opt)->name);
    (void)fputs("' ;;\n", out);
}

void
cli_manual_bash(FILE *out)
{
    const struct cli_command *command;

    (void)fputs("# completion of coco for bash; made by: coco manual bash\n"
                "_coco() {\n"
                "    local cur=$2 prev=$3 words='' line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" name\n"
                "    COMPREPLY=()\n"
                "    case $prev in\n",
                out);
    for (enum cli_opt opt = OPT_END + 1; opt < OPT_COUNT; opt++)
        if (cli_option(opt)->choices)
            (void)fprintf(out, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
                          cli_option(opt)->name, cli_option(opt)->choices);
    (void)fputs("    esac\n"
                "    name=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
                "    ((COMP_CWORD > 2)) || name=${COMP_WORDS[1]}\n"
                "    case $name in\n",
                out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        if (strchr(command->name, ' '))
            bash_command(out, command);
    (void)fputs("    *) name=${COMP_WORDS[1]}; case $name in\n", out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        if (!strchr(command->name, ' '))
            bash_command(out, command);
    (void)fputs("    esac ;;\n    esac\n"
                "    if [[ $cur != -* && -n $words ]]; then\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "        return\n"
                "    fi\n"
                "    if [[ -z $words ]]; then\n"
                "        while read -r name; do\n"
                "            [[ -z $line || $name == \"$line \"* ]] || continue\n"
                "            name=${name#\"${line:+$line }\"}\n"
                "            words+=\"${name%% *} \"\n"
                "        done <<'EOF'\n",
                out);
    for (size_t i = 0; (command = cli_command(i)); i++)
        (void)fprintf(out, "%s\n", command->name);
    (void)fputs("EOF\n"
                "    fi\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "}\n"
                "complete -F _coco coco\n",
                out);
}
