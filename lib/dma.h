/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a mapped buffer. dma_options.c checks what is asked for, dma.c maps, dma_unmap.c unmaps one
 * and many, dma_memory.c makes memory, dma_file.c maps what has a descriptor, dma_again.c maps what is mapped
 * once more, dma_facts.c tells.
 *
 * An entry in the books is busy while a thread is at the kernel with it. Whoever wants it waits on the
 * container's "settled". */

#include <unistd.h>

#include "container.h"
#include "device.h"
#include "iommuctl/dma.h"

#define DMA_NAME_MAX 64

struct iommuctl_dma {
        struct dma_entry entry; /* out of the books where it was unmapped with many others */
        struct iommuctl_container *container;
        struct iommuctl_span span;
        unsigned int access;
        size_t page_size;
        int fd;       /* -1: the memory is not ours */
        bool plain;   /* iommuctl_dma_map()'s: it owns nothing */
        bool adopted; /* the mapping in the kernel is another process's */
        bool let_go;  /* type1 has forgotten its address: takeover.c */
        bool by_file; /* IOMMUCTL_DMA_BY_FILE: the kernel has FD and not the address */

        /* Mapped by a descriptor and not by an address. */
        int file; /* ours; -1 */
        uint64_t offset;
        bool is_dmabuf;
        void *window; /* where the kernel must have an address after all; seen by nobody */
        struct iommuctl_region *registers; /* ours, and so is the window then; keeps its device */

        struct iommuctl_dma *next_spare; /* of the container's, when it is nobody's */
        char name[DMA_NAME_MAX + 1];     /* last: only what is used of it is written */
};

static inline struct iommuctl_dma *dma_of(const struct dma_entry *e)
{
        return container_of(e, struct iommuctl_dma, entry);
}

static inline struct iommuctl_dma *dma_of_extent(const struct iova_extent *extent)
{
        return dma_of(container_of(extent, struct dma_entry, iova));
}

/* What is to be mapped: what becomes of it on failure is its maker's. */
struct dma_memory {
        void *vaddr; /* NULL: by FILE, or in WINDOW */
        size_t size;
        size_t page_size;
        int fd;
        int file;
        uint64_t offset;
        bool is_dmabuf;
        bool by_file;
        void *window;
        struct iommuctl_region *registers;
};
#define DMA_MEMORY(...) \
        ((struct dma_memory){ .page_size = (size_t)getpagesize(), .fd = -1, .file = -1, __VA_ARGS__ })

/* The options as this version knows them, checked; NULL gives the defaults. 0 or a failure with its text. */
int dma_options_read(struct iommuctl_container *c, const struct iommuctl_dma_options *from,
                     struct iommuctl_dma_options *ret_options);
/* The same, for memory that is there: it has its pages already. */
int dma_options_read_for_present(struct iommuctl_container *c, const struct iommuctl_dma_options *from,
                                 struct iommuctl_dma_options *ret_options);
/* Whether NAME can be one: "" or 1 to 64 of A-Z a-z 0-9 . _ - */
bool dma_name_is_valid(const char *name);

/* Whole pages, nowhere beyond the last address; with a text. */
int dma_check_shape(struct iommuctl_container *c, const struct dma_memory *memory,
                    const struct iommuctl_dma_options *options);

/* As iommuctl_dma_map() with options that were read. On success file, window and registers are the dma's.
 * FROM: a buffer of the same iommufd, whose pages these are; or NULL. */
int dma_map_memory(struct iommuctl_container *c, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *options, const struct iommuctl_dma *from,
                   struct iommuctl_dma **ret_dma);
/* The kernel's side of it, for an entry that is busy. */
int dma_kernel_map(struct iommuctl_dma *dma, const struct iommuctl_dma *from);
/* Why that failed: the text, and the errno of the headers. */
int dma_explain(const struct iommuctl_dma *dma, int r);

/* Enters what another process has mapped in this address space, at IOVA, into the books. */
int dma_new_adopted(struct iommuctl_container *c, const struct dma_memory *memory, uint64_t iova,
                    unsigned int access, const char *name, struct iommuctl_dma **ret_dma);

/* Waits until nobody is at the kernel with it; then it is this thread's, and translation does not see it.
 * Returns false where it is not in the books; else *ret_live says whether it was mapped. */
bool dma_acquire(struct iommuctl_dma *dma, bool *ret_live);
/* Others wait for one that is busy no more. */
void dma_tell_waiting(struct iommuctl_container *c);
/* The end of that. */
static inline void dma_settle(struct iommuctl_dma *dma, bool live)
{
        if (dma_map_settle(&dma->container->map, &dma->entry, live))
                dma_tell_waiting(dma->container);
}

/* Takes a busy one out of the books, and lets a group go that stayed only for it. */
void dma_forget(struct iommuctl_dma *dma);
/* Frees what it owns and the object. */
void dma_free(struct iommuctl_dma *dma);

/* A memfd of SIZE bytes, a multiple of PAGE_SIZE, mapped here. */
int dma_memory_new(struct iommuctl_container *c, size_t size, size_t page_size, const char *name,
                   struct dma_memory *ret_memory);
void dma_memory_free(struct kernel *k, const struct dma_memory *memory);
/* Gives the file's pages an address that only the kernel is told. */
int dma_window_open(struct iommuctl_dma *dma);
void dma_window_close(const struct iommuctl_dma *dma);
