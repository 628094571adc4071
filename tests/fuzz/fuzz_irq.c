/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of /proc/interrupts, and the number and the address that names are made of. */
#include "fuzz.h"
#include "machine.h"
#include "topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct iommuctl_machine machine = { 0 };
        char *text = fuzz_text(data, size);
        struct iommuctl_address address;
        uint32_t id;

        if (topology_group_number(text, &id))
                MUST(id < NO_GROUP && strlen(text) <= 10);
        if (iommuctl_address_parse(text, &address) == 0)
                MUST(address.device < 32 && address.function < 8);
        MUST(machine_take_interrupt(&machine, text) >= 0);
        free(text);
        return 0;
}
