/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What --buffer says: NAME:SIZE[,hugepage=2M|1G][,iova=0x…][,access=r|w|rw]. Only its grammar is here;
 * whether sizes and addresses can be had is the library's to say (budget.h). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As long as the library takes (struct iommuctl_dma_options). */
#define BUFFER_NAME_MAX 64

struct buffer_spec {
        char name[BUFFER_NAME_MAX + 1]; /* letters, digits, ".", "_", "-": never the ":" of LISTEN_FDNAMES */
        uint64_t size;
        uint64_t page_size; /* 0: the machine's own */
        uint64_t iova;
        bool fixed;       /* an IOVA was asked for */
        bool read, write; /* what the device may do */
};

/* Reads TEXT. Returns 0 and sets *RET_SPEC, or -EINVAL with one line in WHY that names the buffer and the
 * word that is wrong. */
int buffer_spec_parse(const char *text, struct buffer_spec *ret_spec, char *why, size_t why_size);

/* Reads a size: decimal or 0x…, with K, M, G or T behind it for powers of 1024. -EINVAL where TEXT is
 * anything else, -ERANGE where the size is 2^64 bytes or more. */
int parse_size(const char *text, uint64_t *ret_size);
