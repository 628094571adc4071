/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO's nodes are there, but nothing answers behind them yet. */
#include "fake_internal.h"

#include <errno.h>

int fake_container_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        (void)m, (void)node, (void)file;
        return -ENODEV;
}

int fake_group_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        (void)m, (void)node, (void)file;
        return -ENODEV;
}

int fake_iommufd_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        (void)m, (void)node, (void)file;
        return -ENODEV;
}

int fake_cdev_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        (void)m, (void)node, (void)file;
        return -ENODEV;
}

unsigned int fake_n_mappings(struct fake *m)
{
        (void)m;
        return 0;
}

uint64_t fake_mapped_bytes(struct fake *m)
{
        (void)m;
        return 0;
}
