/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line of a device that is handed over: what is understood, written again, is understood the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "handover_text.h"

static void check_again(const struct handover_facts *f)
{
        struct handover_facts g;
        const char *at;
        char *text;

        if (handover_format(f, &text) < 0)
                return;
        if (handover_parse(text, &g, &at) < 0 || g.backend != f->backend || g.n_buffers != f->n_buffers ||
            strcmp(g.device, f->device) != 0)
                abort();
        for (size_t i = 0; i < g.n_buffers; i++)
                if (memcmp(&g.buffers[i], &f->buffers[i], sizeof(g.buffers[i])) != 0)
                        abort();
        free(g.buffers);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);
        struct handover_facts f;
        const char *at = NULL;
        int r;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        r = handover_parse(text, &f, &at);
        if (r == 0) {
                check_again(&f);
                free(f.buffers);
        } else if (at < text || at > text + size) {
                abort();
        }
        free(text);
        return 0;
}
