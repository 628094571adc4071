/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limits.h"

/* Memory that is mapped once and copied into another device's address space is charged once: a process that
 * may lock 6 MiB maps 4 MiB and copies them. What one backend charges twice it says before it maps. */

#define MIB ((size_t)1 << 20)

static struct iommuctl_device *open_other(struct iommuctl_container *c)
{
        struct iommuctl_device *d = NULL;

        GIVES("the other device opens", 0, "", iommuctl_device_open(c, other_name, &d));
        return d;
}

void test_charged_once(void)
{
        const struct iommuctl_budget_item more = { "more", 4 * MIB, NULL }, rest = { "rest", 2 * MIB, NULL };
        const bool shares = backend == IOMMUCTL_BACKEND_IOMMUFD;
        struct iommuctl_container *c = new_container(), *second = NULL;
        struct iommuctl_device *d = open_device(c), *other;
        struct iommuctl_dma *dma = NULL, *copy = NULL, *third = NULL;

        if (shares)
                GIVES("an address space beside the first", 0, "", iommuctl_container_new_beside(c, &second));
        else
                second = new_container();
        other = open_other(second);
        GIVES("4 MiB of 6 are mapped", 0, "", iommuctl_dma_alloc(c, 4 * MIB, NULL, &dma));
        if (shares)
                GIVES("and copied: they are charged once", 0, "",
                      iommuctl_dma_copy(dma, second, NULL, &copy));
        else
                GIVES("and not copied: they would be charged twice", -ENOMEM, "",
                      iommuctl_dma_copy(dma, second, NULL, &copy));
        GIVES("the budget says what is left", -ENOMEM,
              "need 4096 KiB of locked memory and 2048 KiB may be locked (RLIMIT_MEMLOCK is 6144 KiB, 4096 "
              "KiB "
              "are in use",
              iommuctl_budget_check_container(c, &more, 1, NULL));
        GIVES("and lets that much through", 0, "", iommuctl_budget_check_container(c, &rest, 1, NULL));
        GIVES("which the kernel maps", 0, "", iommuctl_dma_alloc(c, 2 * MIB, NULL, &third));
        GIVES("a page more it does not, as the budget says", -ENOMEM, "need 4 KiB of locked memory and 0 KiB",
              iommuctl_budget_check_container(c, &(struct iommuctl_budget_item){ "page", PAGE, NULL }, 1,
                                              NULL));
        iommuctl_dma_unmap(third);
        GIVES("a page more of the kernel", 0, "", iommuctl_dma_alloc(c, 2 * MIB, NULL, &third));
        GIVES("is refused", -ENOMEM, "", iommuctl_dma_alloc(c, PAGE, NULL, &(struct iommuctl_dma *){ 0 }));
        iommuctl_dma_unmap(third);
        iommuctl_dma_unmap(copy);
        iommuctl_dma_unmap(dma);
        CHECK("nothing is charged any more", status_kib("VmPin") == 0 && status_kib("VmLck") == 0);
        iommuctl_device_unref(other);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_container_unref(second);
}
