/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

static const char common_help[] =
        "  --count N             end after N frames\n"
        "  --seconds N           end after N seconds, 0.5 too\n"
        "  --mode MODE           adaptive: poll while frames come, sleep when none do (default);\n"
        "                        poll: never sleep; interrupt: sleep whenever there is nothing\n"
        "  --descriptors KIND    extended (default) or legacy\n"
        "  --ring N              descriptors in a ring: a power of two, 64 to 512 (default 128)\n"
        "  --backend BACKEND     iommufd or type1; default: iommufd where it is there\n"
        "  --check               find buffers that are given back twice or written to when free; slower\n"
        "  --json                the final line as JSON\n"
        "  --help                this text\n"
        "\n"
        "Exit status: 0 done, also by a signal, 1 failed, 2 usage, 4 no such device, 5 no permission.\n";

void options_help(const struct program *program)
{
        printf("usage: %s %s\n%s\nOptions:\n%s", program->name, program->arguments, program->text,
               common_help);
}

enum {
        OPT_BACKEND = 256,
        OPT_CHECK,
        OPT_CHECKSUM,
        OPT_COUNT,
        OPT_DESCRIPTORS,
        OPT_HELP,
        OPT_IP,
        OPT_JSON,
        OPT_MODE,
        OPT_PRIME,
        OPT_RATE,
        OPT_RING,
        OPT_SECONDS,
        OPT_SIZE,
        OPT_TO
};

static const struct {
        struct option option;
        unsigned int needs; /* of the program */
} table[] = {
        { { "backend", required_argument, NULL, OPT_BACKEND }, 0 },
        { { "check", no_argument, NULL, OPT_CHECK }, 0 },
        { { "checksum", no_argument, NULL, OPT_CHECKSUM }, OPTION_CHECKSUM },
        { { "count", required_argument, NULL, OPT_COUNT }, 0 },
        { { "descriptors", required_argument, NULL, OPT_DESCRIPTORS }, 0 },
        { { "help", no_argument, NULL, OPT_HELP }, 0 },
        { { "ip", required_argument, NULL, OPT_IP }, OPTION_IP },
        { { "json", no_argument, NULL, OPT_JSON }, 0 },
        { { "mode", required_argument, NULL, OPT_MODE }, 0 },
        { { "prime", required_argument, NULL, OPT_PRIME }, OPTION_PRIME },
        { { "rate", required_argument, NULL, OPT_RATE }, OPTION_RATE },
        { { "ring", required_argument, NULL, OPT_RING }, 0 },
        { { "seconds", required_argument, NULL, OPT_SECONDS }, 0 },
        { { "size", required_argument, NULL, OPT_SIZE }, OPTION_SIZE },
        { { "to", required_argument, NULL, OPT_TO }, OPTION_TO },
};
#define N_TABLE (sizeof(table) / sizeof(table[0]))

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
        char *end;

        if (*text < '0' || *text > '9')
                return false;
        errno = 0;
        *ret = strtoull(text, &end, 10);
        return errno == 0 && !*end && *ret >= min && *ret <= max;
}

static bool parse_unsigned(const char *text, unsigned int min, unsigned int max, unsigned int *ret)
{
        uint64_t value;

        if (!parse_number(text, min, max, &value))
                return false;
        *ret = (unsigned int)value;
        return true;
}

static bool parse_seconds(const char *text, double *ret)
{
        char *end;

        if (strspn(text, "0123456789.") != strlen(text) || !*text)
                return false;
        *ret = strtod(text, &end);
        return !*end && isfinite(*ret) && *ret > 0 && *ret <= 1e9;
}

/* The place of @text among @words, which end with NULL. */
static bool parse_word(const char *text, const char *const *words, int *ret)
{
        for (int i = 0; words[i]; i++) {
                if (!strcmp(text, words[i])) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

static bool parse_ip(const char *text, uint32_t *ret)
{
        struct in_addr address;

        if (inet_pton(AF_INET, text, &address) != 1)
                return false;
        *ret = ntohl(address.s_addr);
        return *ret >> 24 != 0 && *ret >> 24 < 224; /* one that a host can have */
}

static bool parse_mac(const char *text, uint8_t ret[6])
{
        int end = 0;

        /* no signs and no spaces, which sscanf() would let through */
        return strspn(text, "0123456789abcdefABCDEF:") == strlen(text) &&
               sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &ret[0], &ret[1], &ret[2], &ret[3],
                      &ret[4], &ret[5], &end) == 6 &&
               !text[end];
}

static bool parse_value(struct options *o, int option, const char *text)
{
        static const char *const modes[] = { "adaptive", "poll", "interrupt", NULL };
        static const char *const kinds[] = { "extended", "legacy", NULL };
        static const char *const backends[] = { "auto", "iommufd", "type1", NULL };
        int word = 0;
        bool good = true;

        switch (option) {
        case OPT_BACKEND:
                good = parse_word(text, backends, &word);
                o->backend = (enum iommuctl_backend)word;
                return good;
        case OPT_CHECK:
                return o->check = true;
        case OPT_CHECKSUM:
                return o->checksum = true;
        case OPT_COUNT:
                return parse_number(text, 1, UINT64_MAX - 1, &o->count);
        case OPT_DESCRIPTORS:
                good = parse_word(text, kinds, &word);
                o->legacy = word;
                return good;
        case OPT_HELP:
                return o->help = true;
        case OPT_IP:
                return parse_ip(text, &o->ip);
        case OPT_JSON:
                return o->json = true;
        case OPT_MODE:
                good = parse_word(text, modes, &word);
                o->mode = (enum mode)word;
                return good;
        case OPT_PRIME:
                return parse_unsigned(text, 1, 4096, &o->prime);
        case OPT_RATE:
                return parse_number(text, 1, 1000000000, &o->rate);
        case OPT_RING:
                return parse_unsigned(text, 64, 512, &o->ring) && !(o->ring & (o->ring - 1));
        case OPT_SECONDS:
                return parse_seconds(text, &o->seconds);
        case OPT_SIZE:
                return parse_unsigned(text, FRAME_MIN, FRAME_MAX, &o->size);
        default:
                return parse_mac(text, o->to);
        }
}

/* What only all of it together can tell. */
static int check(const struct program *program, const struct options *o, char *error, size_t size)
{
        if (program->options & OPTION_IP && !o->ip)
                return snprintf(error, size, "--ip is missing: the address to answer for"), -EINVAL;
        if (o->checksum && o->legacy)
                return snprintf(error, size, "--checksum needs --descriptors extended"), -EINVAL;
        if (program->n_addresses == 2 && o->n_addresses != 2)
                return snprintf(error, size, "two cards are needed, %u given", o->n_addresses), -EINVAL;
        if (o->n_addresses == 2 && !strcmp(o->addresses[0], o->addresses[1]))
                return snprintf(error, size, "two different cards are needed"), -EINVAL;
        return 0;
}

int options_parse(const struct program *program, int argc, char **argv, struct options *ret, char *error,
                  size_t size)
{
        struct options o = { .ring = 128, .size = 64, .to = { 255, 255, 255, 255, 255, 255 } };
        struct option list[N_TABLE + 1] = { 0 };
        int option, n = 0, index;

        for (size_t i = 0; i < N_TABLE; i++) {
                if ((table[i].needs & program->options) == table[i].needs)
                        list[n++] = table[i].option;
        }
        optind = 0; /* GNU: begin anew */
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":", list, &index)) != -1) {
                if (option == '?' && optopt > 0 && optopt < OPT_BACKEND) /* a letter, maybe one of several */
                        return snprintf(error, size, "unknown option '-%c'", optopt), -EINVAL;
                if (option == '?' || option == ':')
                        return snprintf(error, size,
                                        option == '?' ? "unknown option '%s'" : "'%s' needs a value",
                                        argv[optind - 1]),
                               -EINVAL;
                if (!parse_value(&o, option, optarg))
                        return snprintf(error, size, "--%s: '%s' is not possible", list[index].name, optarg),
                               -EINVAL;
        }
        for (; optind < argc; optind++) {
                if (o.n_addresses == program->n_addresses)
                        return snprintf(error, size, "'%s' is one argument too many", argv[optind]), -EINVAL;
                o.addresses[o.n_addresses++] = argv[optind];
        }
        if (!o.help) {
                int r = check(program, &o, error, size);

                if (r < 0)
                        return r;
        }
        *ret = o;
        return 0;
}
