/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs can be told; the same words mean the same in each. */

#include <iommuctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Options that only some programs have. */
enum {
        OPTION_IP = 1 << 0,
        OPTION_SIZE = 1 << 1,
        OPTION_PRIME = 1 << 2,
        OPTION_CHECKSUM = 1 << 3,
        OPTION_TO = 1 << 4,
        OPTION_RATE = 1 << 5,
};

enum mode {
        MODE_ADAPTIVE,  /* poll while frames come, sleep when none do */
        MODE_POLL,      /* never sleep */
        MODE_INTERRUPT, /* sleep whenever there is nothing */
};

struct options {
        const char *addresses[2];
        unsigned int n_addresses;
        enum iommuctl_backend backend;
        enum mode mode;
        bool legacy, json, help, check, checksum;
        unsigned int ring;
        uint64_t count; /* 0: no end */
        double seconds; /* 0: no end */
        uint64_t rate;  /* packets/s, 0: as fast as it goes */
        unsigned int size, prime;
        uint32_t ip; /* in this machine's order */
        uint8_t to[6];
};

struct app;

struct program {
        const char *name;
        const char *arguments; /* of the usage line */
        const char *text;      /* what it does, and its own options */
        unsigned int options;
        unsigned int n_addresses;
        bool sends_only;
        int (*work)(struct app *app); /* from the start to the end: 0, or a negative errno */
};

/* Returns 0; or -EINVAL, and @error says in one line what is wrong. */
int options_parse(const struct program *program, int argc, char **argv, struct options *ret, char *error,
                  size_t size);
void options_help(const struct program *program);
