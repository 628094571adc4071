/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-core: the library's core against a real kernel and a real (emulated) device, for one backend:
 *
 *         lab-core BACKEND EDU-DEVICE [OTHER-DEVICE]
 *
 * EDU-DEVICE is QEMU's teaching device, bound to vfio-pci; OTHER-DEVICE a device that is not bound to it.
 * Speaks TAP. What the kernel really has mapped is asked by trying to map there by hand, through the raw
 * descriptor. */

#include <errno.h>
#include <inttypes.h>
#include <iommuctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/macro.h"

#define PAGE ((size_t)4096)

extern struct iommuctl_ctx *ctx;
extern enum iommuctl_backend backend;
extern const char *device_name, *other_name;
extern unsigned int n_tests, n_failed;

void result(bool ok, const char *format, ...) _printf_(2, 3);
void note(const char *what, long r);

#define CHECK(what, expr)                \
        ({                               \
                bool ok_ = (expr);       \
                result(ok_, "%s", what); \
                if (!ok_)                \
                        note(#expr, 0);  \
                ok_;                     \
        })

/* The call gives just this result, and where it fails, a text that has HAS in it. */
#define GIVES(what, wanted, has, expr)                                                                       \
        ({                                                                                                   \
                long r_ = (expr);                                                                            \
                char text_[1024] = "";                                                                       \
                if (r_ < 0)                                                                                  \
                        iommuctl_ctx_error(ctx, text_, sizeof(text_));                                       \
                bool ok_ = r_ == (wanted) && (r_ >= 0 || strstr(text_, (has)));                              \
                result(ok_, "%s", what);                                                                     \
                printf("#   %s%s\n", r_ < 0 ? strerror((int)-r_) : "done", text_[0] ? "" : "");              \
                if (text_[0])                                                                                \
                        printf("#   %s\n", text_);                                                           \
                if (!ok_)                                                                                    \
                        printf("# %s gave %ld, wanted %ld with \"%s\"\n", #expr, r_, (long)(wanted), (has)); \
                ok_;                                                                                         \
        })

/* How many descriptors above the standard ones are open. */
int count_fds(bool *ret_all_cloexec);
/* These end the program when they fail. */
struct iommuctl_container *new_container(void);
struct iommuctl_device *open_device(struct iommuctl_container *c);
void *pages(size_t n);
/* By hand: is a page at IOVA taken in the kernel? */
bool kernel_has(struct iommuctl_container *c, uint64_t iova);

/* QEMU's docs/specs/edu. */
enum {
        EDU_ID = 0x00,
        EDU_FACTORIAL = 0x08,
        EDU_RAISE = 0x60,
        EDU_ACK = 0x64,
        EDU_SOURCE = 0x80,
        EDU_TARGET = 0x88,
        EDU_COUNT = 0x90,
        EDU_COMMAND = 0x98,
        EDU_BUFFER = 0x40000,
        EDU_COPY = 2048 /* QEMU 7.2 ends itself at 4096, the whole buffer */
};

/* Has the edu device copy between IOVA and its own buffer, and interrupt at the end. */
void edu_copy(char *bar, uint64_t from, uint64_t to, uint64_t size, bool to_memory);

/* mapping.c */
void test_before_a_device(void);
void test_container_facts(void);
void test_mappings_outlive_the_device(void);
void test_the_backend_is_chosen(void);
/* overlaps.c */
void test_overlaps(void);
void test_live_iovas_are_never_given_out_twice(void);
void test_threads(void);
/* refusals.c */
void test_refusals(void);
/* work.c */
void test_a_device_at_work(void);
/* pool.c */
void test_pool(void);
/* handover.c */
void test_handover(void);
int adopt(void);
