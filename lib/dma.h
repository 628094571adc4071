/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a mapped buffer. dma_options.c checks what is asked for, dma.c maps and unmaps, dma_memory.c
 * makes memory. */

#include "container.h"
#include "iommuctl/dma.h"

#define DMA_NAME_MAX 64

struct iommuctl_dma {
        struct iommuctl_container *container;
        struct dma_entry *entry;
        struct iommuctl_span span;
        unsigned int access;
        size_t page_size;
        int fd;       /* -1: the memory is the caller's */
        bool adopted; /* the mapping in the kernel is another process's */
        char name[DMA_NAME_MAX + 1];
};

/* Memory that is to be mapped: what becomes of it on failure is its maker's. */
struct dma_memory {
        void *vaddr;
        size_t size;
        size_t page_size;
        int fd;
};

/* The options as this version knows them, checked; NULL gives the defaults. 0 or a failure with its text. */
int dma_options_read(struct iommuctl_container *c, const struct iommuctl_dma_options *from,
                     struct iommuctl_dma_options *ret_options);
/* Whether NAME can be one: "" or 1 to 64 of A-Z a-z 0-9 . _ - */
bool dma_name_is_valid(const char *name);

/* Whole pages, nowhere beyond the last address; with a text. */
int dma_check_shape(struct iommuctl_container *c, const struct dma_memory *memory,
                    const struct iommuctl_dma_options *options);

/* As iommuctl_dma_map() with options that were read. */
int dma_map_memory(struct iommuctl_container *c, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/* Enters what another process has mapped in this address space, at IOVA, into the books. */
int dma_new_adopted(struct iommuctl_container *c, const struct dma_memory *memory, uint64_t iova,
                    unsigned int access, const char *name, struct iommuctl_dma **ret_dma);

/* A memfd of SIZE bytes, a multiple of PAGE_SIZE, mapped here. */
int dma_memory_new(struct iommuctl_container *c, size_t size, size_t page_size, const char *name,
                   struct dma_memory *ret_memory);
void dma_memory_free(struct kernel *k, const struct dma_memory *memory);
