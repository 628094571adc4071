/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a container asks of the kernel interface below it, as a table of operations: one for type1, one for
 * iommufd. They make the call and give back what it gave, nothing more: books, locks and texts are the
 * container's. All may be called from several threads at once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"
#include "kernel.h"

/* One address space of the kernel's. */
struct address_space {
        struct kernel *k;
        int fd;           /* container or iommufd */
        uint32_t ioas_id; /* iommufd */
};

/* What the kernel says about one. */
struct space_facts {
        struct iommuctl_range *ranges; /* to free() */
        size_t n_ranges;
        uint64_t page_sizes; /* mask; 0: unknown */
        bool has_available;
        uint64_t available; /* mappings that may still be made */
};

struct backend {
        enum iommuctl_backend id;
        /* ACCESS is a combination of enum iommuctl_access. */
        int (*map)(const struct address_space *s, uint64_t vaddr, uint64_t iova, uint64_t size,
                   unsigned int access);
        /* One whole mapping. -ENOENT: it was not there. */
        int (*unmap)(const struct address_space *s, uint64_t iova, uint64_t size);
        /* All mappings from START to LAST, which must cut none; 0 and UINT64_MAX is all there are. 0 and how
         * many bytes came off, 0 where nothing was there. After a failure some of them may be gone. */
        int (*unmap_range)(const struct address_space *s, uint64_t start, uint64_t last, uint64_t *ret_bytes);
        /* A memfd's or a dma-buf's pages, without an address in any process. NULL, or -ENOTTY: it cannot. */
        int (*map_file)(const struct address_space *s, int fd, uint64_t offset, uint64_t iova, uint64_t size,
                        unsigned int access);
        /* What is mapped in FROM, an address space of the same iommufd, once more in S. NULL: it cannot. */
        int (*copy)(const struct address_space *s, const struct address_space *from, uint64_t from_iova,
                    uint64_t iova, uint64_t size, unsigned int access);
        int (*read_facts)(const struct address_space *s, struct space_facts *ret_facts);
};

extern const struct backend backend_type1;
extern const struct backend backend_iommufd;
extern const struct backend backend_noiommu;
