/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opening and mapping by hand, for first_dma.c: what a program without a library writes. */

#include <stdint.h>

#define RAW_PAGE ((size_t)4096)

struct raw_device {
        int container, group, device;
        uint32_t ioas;
        uint64_t iova;
        void *registers;
        uint64_t registers_size;
};

int raw_open_type1(struct raw_device *d, const char *name);
int raw_open_iommufd(struct raw_device *d, const char *name);
int raw_map_type1(struct raw_device *d, void *page);
int raw_map_iommufd(struct raw_device *d, void *page);
int raw_map_registers(struct raw_device *d);
int raw_set_bus_master(struct raw_device *d);
void raw_close(struct raw_device *d);
