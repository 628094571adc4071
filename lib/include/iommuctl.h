/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_H
#define IOMMUCTL_H

/* All of libiommuctl. */

#include <iommuctl/address.h>
#include <iommuctl/change.h>
#include <iommuctl/ctx.h>
#include <iommuctl/machine.h>
#include <iommuctl/topology.h>

#endif
