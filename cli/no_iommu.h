/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cli.h"

/* Says, as text on standard output, that there are no IOMMU groups, why, and what to do about it. EXIT_DONE,
 * or the status of an error that has been said. */
int no_iommu_explain(struct cli *cli, const struct iommuctl_topology *topology);
