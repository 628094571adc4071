/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <stdlib.h>

/* Small buffers that were unmapped, each kept with its IOVA for the next one of its size: what a driver that
 * maps each packet does over and over takes no memory from the system and no search for an address. All with
 * the container's lock. */

bool dma_spare_drop(struct iommuctl_container *c)
{
        const bool any = c->n_spare > 0;

        for (size_t i = 0; i < ARRAY_SIZE(c->spare) && c->n_spare > 0; i++)
                while (c->spare[i]) {
                        struct iommuctl_dma *dma = c->spare[i];

                        c->spare[i] = dma->next_spare;
                        c->n_spare--;
                        iova_space_release(&c->map.space, &dma->entry.iova);
                        free(dma);
                }
        return any;
}
