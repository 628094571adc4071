/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of a group's reserved_regions. */
#include "fuzz.h"
#include "topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct iommuctl_reserved_region region = { 0 };
        char *text = fuzz_text(data, size);

        if (topology_parse_region(text, &region)) {
                MUST(region.start <= region.end);
                MUST(region.type >= text && region.type + strlen(region.type) <= text + size);
        }
        free(text);
        return 0;
}
