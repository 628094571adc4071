/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-container: what a container can do beside mapping, against a real kernel, for one backend:
 *
 *         lab-container BACKEND EDU-DEVICE
 *         lab-container iommufd --mock      the mock devices of the kernel's self-test
 *         lab-container noiommu EDU-DEVICE  where there is no IOMMU
 *
 * Speaks TAP, as lab-core does, with which it shares core/support.c. */

#include "../core/core.h"

/* options.c */
void test_options(void);
void test_capabilities(void);
/* dirty.c */
void test_dirty(void);
/* noiommu.c */
void test_noiommu(void);
/* mock.c: the IOMMU of the kernel's self-test, which tracks. */
void test_dirty_mock(void);
/* takeover.c */
void test_takeover(void);
int take_over(void);
