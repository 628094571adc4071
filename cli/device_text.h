/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the tables of devices have in common. */

#include "cli.h"
#include "names.h"

/* "*" for a device in the hands of a VFIO driver, so that it is seen without colour, too. */
void device_mark_cell(struct sink *out, const struct iommuctl_device_info *device);
/* "VGA compatible controller"; of a device that is not PCI the bus. */
void device_class_cell(struct sink *out, struct names *names, const struct iommuctl_device_info *device);
/* "NVIDIA Corporation AD102 [GeForce RTX 4090]", "10de:2684". */
void device_name_cell(struct sink *out, struct names *names, const struct iommuctl_device_info *device);
void device_ids_cell(struct sink *out, const struct iommuctl_device_info *device);
/* "nouveau", "-" for none, "unreadable". */
void device_driver_cell(struct sink *out, const struct iommuctl_device_info *device);

/* On a terminal, says what the marks mean, where there were any. */
void device_mark_legend(struct cli *cli, bool marks);
