/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
        "usage: nvme-identify [OPTION…] [ADDRESS]\n"
        "\n"
        "Tells who an NVMe controller is and what its namespaces are. It must be bound to vfio-pci (iommuctl "
        "bind).\n"
        "Without ADDRESS the device and a buffer 'memory' of 20K are those that 'iommuctl dma map' handed "
        "over.\n"
        "\n"
        "  --read=LBA         write that block to standard output, and nothing else\n"
        "  --write=LBA        overwrite that block with one from standard input, and read it back\n"
        "  --write-test=LBA   overwrite that block with a pattern, read it back, and put back what was "
        "there\n"
        "  --namespace=N      of these three; the first one where it is not given\n"
        "  --backend=NAME     auto, iommufd or type1\n"
        "  --poll             no interrupts\n"
        "  --help\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 usage, 4 no such device, 5 no permission, 6 timed out; a signal "
        "ends it by\n"
        "that signal when the controller is shut down.\n";

static int usage_error(const char *text, const char *value)
{
        fprintf(stderr, "nvme-identify: %s%s\nTry 'nvme-identify --help'.\n", text, value);
        return 2;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        *ret = strtoull(text, &end, 0);
        return errno == 0 && *end == '\0' && *ret <= max;
}

static bool parse_backend(const char *text, enum iommuctl_backend *ret)
{
        for (*ret = IOMMUCTL_BACKEND_AUTO; *ret <= IOMMUCTL_BACKEND_TYPE1; (*ret)++)
                if (strcmp(text, iommuctl_backend_name(*ret)) == 0)
                        return true;
        return false;
}

int options_parse(int argc, char **argv, struct options *options)
{
        static const struct option known[] = {
                { "read", required_argument, NULL, READ },
                { "write", required_argument, NULL, WRITE },
                { "write-test", required_argument, NULL, WRITE_TEST },
                { "namespace", required_argument, NULL, 'n' },
                { "backend", required_argument, NULL, 'b' },
                { "poll", no_argument, NULL, 'p' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        uint64_t number;
        int option;

        while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
                if (option == 'h')
                        return fputs(usage_text, stdout), -1;
                if (option == '?')
                        return usage_error("", "see the options it has");
                if (option == 'p') {
                        options->poll = true;
                } else if (option == 'b') {
                        if (!parse_backend(optarg, &options->backend))
                                return usage_error("--backend takes auto, iommufd or type1, not ", optarg);
                } else if (option == 'n') {
                        if (!parse_number(optarg, UINT32_MAX - 1, &number) || number == 0)
                                return usage_error("--namespace takes a number from 1 on, not ", optarg);
                        options->nsid = (uint32_t)number;
                } else {
                        if (options->job != IDENTIFY)
                                return usage_error("one of --read, --write and --write-test at a time", "");
                        if (!parse_number(optarg, UINT64_MAX, &options->lba))
                                return usage_error("this is not the number of a block: ", optarg);
                        options->job = (enum job)option;
                }
        }
        if (argc - optind > 1)
                return usage_error("one device at a time, and this is another: ", argv[optind + 1]);
        options->address = argv[optind];
        return 0;
}
