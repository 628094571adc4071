/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "help.h"

enum {
        OPTION_JSON = 1000,
        OPTION_ROOT,
        OPTION_COLOR,
        OPTION_HELP,
        OPTION_VERSION,
};

#define GLOBAL_SHORT "vqh"
#define MAX_OPTIONS  40

static const struct option global_options[] = {
        { "json", no_argument, NULL, OPTION_JSON },
        { "root", required_argument, NULL, OPTION_ROOT },
        { "color", required_argument, NULL, OPTION_COLOR },
        { "verbose", no_argument, NULL, 'v' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { NULL, 0, NULL, 0 },
};

enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
static enum color_choice color_choice;

/* Returns 1 where ID was a global option, 0 where not, -1 after an error that has been said. */
static int take_global(struct cli *cli, int id, const char *value)
{
        switch (id) {
        case OPTION_JSON:
                cli->json = true;
                return 1;
        case OPTION_ROOT:
                cli->root = value;
                return 1;
        case OPTION_COLOR:
                if (streq(value, "auto"))
                        color_choice = COLOR_AUTO;
                else if (streq(value, "always"))
                        color_choice = COLOR_ALWAYS;
                else if (streq(value, "never"))
                        color_choice = COLOR_NEVER;
                else {
                        cli_usage_error(cli, "--color takes auto, always or never, not '%s'", value);
                        return -1;
                }
                return 1;
        case 'v':
                cli->verbosity++;
                return 1;
        case 'q':
                cli->quiet = true;
                return 1;
        }
        return 0;
}

static bool want_color(void)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (color_choice != COLOR_AUTO)
                return color_choice == COLOR_ALWAYS;
        if (no_color && *no_color)
                return false;
        return isatty(STDOUT_FILENO) && !(term && streq(term, "dumb"));
}

/* Says what getopt_long() just stumbled over; it was told to be silent. */
static void say_bad_option(struct cli *cli, int argc, char **argv, bool missing_value)
{
        const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

        if (missing_value)
                cli_usage_error(cli, "option '%s' needs a value", word);
        else if (optopt && !startswith(word, "--"))
                cli_usage_error(cli, "unknown option '-%c'", optopt);
        else if (optopt)
                cli_usage_error(cli, "option '%s' takes no value", word);
        else
                cli_usage_error(cli, "unknown option '%s'", word);
}

int options_flush(void)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return EXIT_DONE;
        fprintf(stderr, "iommuctl: cannot write to standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
}

static int print_version(void)
{
        printf("iommuctl %s\n", PACKAGE_VERSION);
        return options_flush();
}

int options_global(struct cli *cli, int argc, char **argv, int *ret_first)
{
        int id;

        *ret_first = 0;

        opterr = 0;
        while ((id = getopt_long(argc, argv, "+:" GLOBAL_SHORT, global_options, NULL)) != -1) {
                int r = take_global(cli, id, optarg);

                if (r < 0)
                        return EXIT_USAGE;
                if (r > 0)
                        continue;
                if (id == 'h') {
                        help_overview(stdout);
                        return options_flush();
                }
                if (id == OPTION_VERSION)
                        return print_version();
                /* --json may still stand further on: a usage error is a document too. */
                for (int i = optind; i < argc; i++)
                        cli->json |= streq(argv[i], "--json");
                say_bad_option(cli, argc, argv, id == ':');
                return EXIT_USAGE;
        }
        *ret_first = optind;
        return EXIT_DONE;
}

/* The global options and the verb's, as getopt_long() wants them; LETTERS gets the short ones. */
static void merge_options(const struct command *command, struct option all[MAX_OPTIONS], char *letters)
{
        size_t n = 0;

        letters += sprintf(letters, ":" GLOBAL_SHORT);
        for (size_t i = 0; global_options[i].name; i++)
                all[n++] = global_options[i];
        for (const struct cli_option *o = command->options; o && o->name && n < MAX_OPTIONS - 1; o++) {
                all[n++] = (struct option){ o->name, o->value ? required_argument : no_argument, NULL,
                                            o->id };
                if (o->id < 256)
                        letters += sprintf(letters, "%c%s", o->id, o->value ? ":" : "");
        }
        all[n] = (struct option){ 0 };
}

static int next_option(struct cli *cli, int argc, char **argv)
{
        struct option all[MAX_OPTIONS];
        char letters[2 * MAX_OPTIONS + 8];

        merge_options(cli->command, all, letters);
        return getopt_long(argc, argv, letters, all, NULL);
}

/* Before getopt_long() moves the operands together: how many stand behind the "--". */
static int count_behind(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (streq(argv[i], "--"))
                        return argc - i - 1;
        return -1;
}

int options_scan_verb(struct cli *cli, int argc, char **argv)
{
        bool help = false, version = false;
        int id;

        cli->n_behind = count_behind(argc, argv);
        optind = 0; /* begin again, and let glibc forget where it was */
        while ((id = next_option(cli, argc, argv)) != -1) {
                if (id == '?' || id == ':') {
                        for (int i = 1; i < argc && !streq(argv[i], "--"); i++)
                                cli->json |= streq(argv[i], "--json");
                        say_bad_option(cli, argc, argv, id == ':');
                        return EXIT_USAGE;
                }
                if (take_global(cli, id, optarg) < 0)
                        return EXIT_USAGE;
                help |= id == 'h';
                version |= id == OPTION_VERSION;
        }
        if (help) {
                help_command(cli->command, stdout);
                return options_flush();
        }
        if (version)
                return print_version();
        optind = 0;
        cli->out = sink_new(stdout, cli->json, want_color());
        return cli->out ? EXIT_DONE : EXIT_FAILED;
}

int cli_option(struct cli *cli, int argc, char **argv, const char **ret_value)
{
        int id;

        /* The scan took and checked the global ones already. */
        do
                id = next_option(cli, argc, argv);
        while (id >= OPTION_JSON || id == 'v' || id == 'q' || id == 'h');
        *ret_value = optarg;
        return id;
}
