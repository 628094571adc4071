/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* replay DIR: the fuzz target over each file of its corpus, and over each beginning of each. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

static void replay_file(const char *path, unsigned int n)
{
        static uint8_t data[65536];
        FILE *f = fopen(path, "rb");
        size_t size = f ? fread(data, 1, sizeof(data), f) : 0;

        if (!f) {
                printf("not ok %u - %s cannot be read\n", n, path);
                return;
        }
        fclose(f);
        for (size_t i = 0; i <= size; i++)
                LLVMFuzzerTestOneInput(data, i);
        printf("ok %u - %s\n", n, path);
}

int main(int argc, char **argv)
{
        struct dirent *entry;
        unsigned int n = 0;
        char path[4096];
        DIR *dir;

        dir = argc == 2 ? opendir(argv[1]) : NULL;
        if (!dir)
                return 99;
        setvbuf(stdout, NULL, _IOLBF, 0);
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
                replay_file(path, ++n);
        }
        closedir(dir);
        printf("1..%u\n", n);
        return n > 0 ? 0 : 1;
}
