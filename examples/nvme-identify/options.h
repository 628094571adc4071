/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <iommuctl.h>
#include <stdbool.h>
#include <stdint.h>

enum job { IDENTIFY, READ, WRITE, WRITE_TEST };

struct options {
        const char *address; /* NULL: the device was handed over */
        enum iommuctl_backend backend;
        enum job job;
        uint64_t lba;
        uint32_t nsid; /* 0: the first there is */
        bool poll;
};

/* 0; the exit status where the command line is wrong; or -1 where help was all that was asked for. */
int options_parse(int argc, char **argv, struct options *options);

#endif
