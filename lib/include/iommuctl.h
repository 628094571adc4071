/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_H
#define IOMMUCTL_H

/* All of libiommuctl. */

#include <iommuctl/address.h>
#include <iommuctl/adopt.h>
#include <iommuctl/blocker.h>
#include <iommuctl/budget.h>
#include <iommuctl/capability.h>
#include <iommuctl/change.h>
#include <iommuctl/container.h>
#include <iommuctl/ctx.h>
#include <iommuctl/device.h>
#include <iommuctl/dirty.h>
#include <iommuctl/dma.h>
#include <iommuctl/dma_log.h>
#include <iommuctl/dma_set.h>
#include <iommuctl/fault_queue.h>
#include <iommuctl/gfx.h>
#include <iommuctl/group.h>
#include <iommuctl/hw_info.h>
#include <iommuctl/hwpt.h>
#include <iommuctl/irq.h>
#include <iommuctl/machine.h>
#include <iommuctl/migration.h>
#include <iommuctl/pci.h>
#include <iommuctl/pool.h>
#include <iommuctl/populate.h>
#include <iommuctl/power.h>
#include <iommuctl/region.h>
#include <iommuctl/region_guard.h>
#include <iommuctl/reset.h>
#include <iommuctl/takeover.h>
#include <iommuctl/topology.h>
#include <iommuctl/unplug.h>
#include <iommuctl/veventq.h>
#include <iommuctl/viommu.h>

#endif
