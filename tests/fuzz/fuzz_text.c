/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings on their way to a terminal and into JSON. */
#include "fuzz.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size), *valid;

        valid = text_to_utf8(text);
        MUST(valid && text_is_utf8(valid));
        MUST(!text_is_utf8(text) || strcmp(text, valid) == 0);
        free(valid);
        text_clean(text, size, false);
        MUST(text[size] == '\0' && strlen(text) == size && text_is_utf8(text));
        for (size_t i = 0; i < size; i++) {
                MUST((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
                MUST(i == 0 || (unsigned char)text[i - 1] != 0xc2 || (unsigned char)text[i] >= 0xa0);
        }
        free(text);
        return 0;
}
