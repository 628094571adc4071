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
                int columns = 28; /* a character is one, of however many bytes */
                char left[64];

                snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->id < 256 ? '-' : ' ',
                         o->id < 256 ? o->id : ' ', o->id < 256 ? ", " : "  ", o->name, o->value ? "=" : "",
                         o->value ?: "");
                for (const char *p = left; *p; p++)
                        columns -= ((unsigned char)*p & 0xc0) != 0x80;
                fprintf(out, "  %s%*s %s\n", left, MAX(columns, 0), "", o->help);
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

/* The verbs of two words that begin with WORD, "dma ranges, dma map"; empty where there are none. */
static void list_family(const char *word, char *list, size_t size)
{
        size_t length = strlen(word);

        *list = '\0';
        for (int i = 0; commands[i]; i++)
                if (startswith(commands[i]->name, word) && commands[i]->name[length] == ' ')
                        snprintf(list + strlen(list), size - strlen(list), "%s%s", *list ? ", " : "",
                                 commands[i]->name);
}

static const struct command *find_nearest(const char *word)
{
        const struct command *nearest = NULL;
        unsigned int best = 3; /* further off than two letters is no typing error */

        for (int i = 0; commands[i]; i++) {
                unsigned int d = distance(word, commands[i]->name);

                if (d < best) {
                        best = d;
                        nearest = commands[i];
                }
        }
        return nearest;
}

int help_unknown_command(struct cli *cli, int argc, char **argv)
{
        const struct command *nearest = find_nearest(argv[0]);
        char family[256];

        for (int i = 0; i < argc; i++)
                cli->json |= streq(argv[i], "--json");
        list_family(argv[0], family, sizeof(family));
        if (*family && argc > 1 && *argv[1] != '-')
                return cli_usage_error(cli, "'%s %s' is not a command; there are %s", argv[0], argv[1],
                                       family);
        if (*family)
                return cli_usage_error(cli, "'%s' is followed by one more word: %s", argv[0], family);
        if (nearest)
                return cli_usage_error(cli, "'%s' is not a command; did you mean '%s'?", argv[0],
                                       nearest->name);
        return cli_usage_error(cli, "'%s' is not a command", argv[0]);
}
