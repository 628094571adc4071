/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Help, made from the table of verbs. */

#include "help.h"

#include <stdlib.h>

static const struct cli_option global_help[] = {
        { "json", 256, NULL, "one JSON document (schema_version 1) instead of text" },
        { "root", 256, "DIR", "read a captured tree instead of this machine" },
        { "color", 256, "WHEN", "auto (the default), always or never" },
        { "verbose", 'v', NULL, "say more on standard error; twice for still more" },
        { "quiet", 'q', NULL, "say only what failed" },
        { "help", 'h', NULL, "this text; behind a verb, the verb's" },
        { "version", 256, NULL, "the version" },
        { 0 },
};

static void print_options(const struct cli_option *options, FILE *out)
{
        for (const struct cli_option *o = options; o && o->name; o++) {
                char left[64];

                snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->id < 256 ? '-' : ' ',
                         o->id < 256 ? o->id : ' ', o->id < 256 ? ", " : "  ", o->name, o->value ? "=" : "",
                         o->value ?: "");
                fprintf(out, "  %-28s %s\n", left, o->help);
        }
}

void help_overview(FILE *out)
{
        fprintf(out, "usage: iommuctl [OPTION…] COMMAND [ARGUMENT…]\n\n"
                     "See what an IOMMU keeps apart, hand devices to user space, and take them "
                     "back.\n\nCommands:\n");
        for (int i = 0; commands[i]; i++)
                fprintf(out, "  %-28s %s\n", commands[i]->name, commands[i]->summary);
        fprintf(out, "\nOptions, before or after the command:\n");
        print_options(global_help, out);
        fprintf(out, "\nSELECTOR: [DOMAIN:]BB:DD.F, group:N, VVVV:DDDD (vendor:device), net:NAME, "
                     "block:NAME, drm:NAME\n"
                     "'iommuctl COMMAND --help' tells of one command, 'man iommuctl' of all.\n");
}

void help_command(const struct command *command, FILE *out)
{
        fprintf(out, "usage: iommuctl %s%s%s\n\n%s.\n", command->name, *command->arguments ? " " : "",
                command->arguments, command->summary);
        if (command->description)
                fprintf(out, "\n%s\n", command->description);
        if (command->options && command->options->name) {
                fprintf(out, "\nOptions:\n");
                print_options(command->options, out);
        }
        fprintf(out, "\nGlobal options:\n");
        print_options(global_help, out);
}

/* Levenshtein's distance, for words of a few letters. */
static unsigned int distance(const char *a, const char *b)
{
        unsigned int row[32];
        size_t n = strlen(b);

        if (n >= ARRAY_SIZE(row))
                return UINT32_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = (unsigned int)j;
        for (size_t i = 0; a[i]; i++) {
                unsigned int diagonal = row[0];

                row[0] = (unsigned int)i + 1;
                for (size_t j = 0; j < n; j++) {
                        unsigned int replaced = diagonal + (a[i] != b[j]);
                        unsigned int shifted = MIN(row[j], row[j + 1]) + 1;

                        diagonal = row[j + 1];
                        row[j + 1] = MIN(shifted, replaced);
                }
        }
        return row[n];
}

int help_unknown_command(struct cli *cli, int argc, char **argv)
{
        const struct command *nearest = NULL;
        unsigned int best = 3; /* further off than two letters is no typing error */
        char words[64];

        for (int i = 0; commands[i]; i++) {
                snprintf(words, sizeof(words), "%s%s%s", argv[0],
                         strchr(commands[i]->name, ' ') && argc > 1 ? " " : "",
                         strchr(commands[i]->name, ' ') && argc > 1 ? argv[1] : "");
                /* The first word of a two-word verb alone: name the first such verb. */
                if (distance(words, commands[i]->name) < best ||
                    (strchr(commands[i]->name, ' ') && startswith(commands[i]->name, argv[0]) &&
                     commands[i]->name[strlen(argv[0])] == ' ' && !nearest)) {
                        unsigned int d = distance(words, commands[i]->name);

                        best = MIN(best, d);
                        nearest = commands[i];
                }
        }
        for (int i = 0; i < argc; i++)
                cli->json |= streq(argv[i], "--json");
        if (nearest)
                return cli_usage_error(cli, "'%s' is not a command; did you mean '%s'?", argv[0],
                                       nearest->name);
        return cli_usage_error(cli, "'%s' is not a command", argv[0]);
}
