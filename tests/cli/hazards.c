/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the word of each hazard that the library knows. */

#include <stdio.h>

#include "iommuctl.h"

int main(void)
{
        for (unsigned int bit = 0; bit < 31; bit++) {
                const char *name = iommuctl_hazard_name((enum iommuctl_hazard)(1u << bit));

                if (name)
                        puts(name);
        }
        return 0;
}
