/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over the files it is given: a test each, in TAP. A finding ends the program. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t *read_file(const char *path, size_t *ret_size)
{
        FILE *file = fopen(path, "rb");
        uint8_t *data = malloc(1 << 20);

        if (!file || !data)
                abort();
        *ret_size = fread(data, 1, 1 << 20, file);
        fclose(file);
        return data;
}

int main(int argc, char **argv)
{
        printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++) {
                size_t size;
                uint8_t *data = read_file(argv[i], &size);

                LLVMFuzzerTestOneInput(data, size);
                /* every shorter beginning of it too */
                for (size_t n = 0; n < size; n++)
                        LLVMFuzzerTestOneInput(data, n);
                free(data);
                printf("ok %d - %s\n", i, argv[i]);
                fflush(stdout);
        }
        return 0;
}
