/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device's uevent, of any bytes. */
#include "fuzz.h"
#include "uevent.h"

/* What points into the text is a string in it. */
static void check(const char *value, const char *text, size_t size)
{
        MUST(!value || (value >= text && value + strlen(value) <= text + size && *value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size);
        struct uevent u;
        uint64_t number;

        if (hex_parse(text, 6, &number))
                MUST(number <= 0xffffff);
        uevent_parse(text, size, &u);
        check(u.driver, text, size);
        check(u.modalias, text, size);
        check(u.pci_slot_name, text, size);
        MUST(!u.has_class || u.class <= 0xffffff);
        free(text);
        return 0;
}
